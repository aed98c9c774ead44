//! Sizes in bytes, as people write and read them.

/// What [`parse`] accepts, in words.
pub const ACCEPTED: &str = "a size is a whole number with B, KiB, MiB (1024), kB, KB, MB (1000), \
                            or K, M as linkers write them (1024)";

/// Bytes of a size such as `48 KiB`, `64K`, `1,024` or `65_536 B`.
///
/// A number alone counts bytes. Underscores may stand between digits, commas before groups of three.
///
/// # Errors
/// What is wrong with the text: the number, the unit, or more bytes than 64 bits can count.
pub fn parse(text: &str) -> Result<u64, String> {
    let trimmed = text.trim();
    let in_number = |c: char| c.is_ascii_digit() || matches!(c, '_' | ',' | '.');
    let (number, unit) = trimmed.split_at(trimmed.find(|c| !in_number(c)).unwrap_or(trimmed.len()));
    if number.is_empty() {
        return Err(format!("`{text}` does not begin with a whole number"));
    }
    if !well_grouped(number) {
        return Err(format!("`{number}` is not a whole number"));
    }
    let factor = match unit.trim() {
        "" | "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "K" | "k" | "KiB" => 1 << 10,
        "M" | "m" | "MiB" => 1 << 20,
        unit => return Err(format!("`{unit}` is not a unit of size")),
    };
    let too_large = || format!("`{text}` is more than 2^64 - 1 bytes");
    // The digits are known to be digits: only the range can fail.
    let count: u64 = number.replace(['_', ','], "").parse().map_err(|_| too_large())?;
    count.checked_mul(factor).ok_or_else(too_large)
}

/// Digits, with underscores between digits or commas before groups of three: `1,5` is refused, since
/// some write one and a half so.
fn well_grouped(number: &str) -> bool {
    let mut groups = number.split(',');
    let first = groups.next().unwrap_or("");
    let digits = |group: &str| {
        group.split('_').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
    };
    let three = |group: &str| group.len() == 3 && digits(group);
    digits(first) && groups.all(three) && (!number.contains(',') || first.len() <= 3)
}

/// A number of bytes as people read it: "49,152 B".
pub fn bytes(count: u64) -> String {
    format!("{} B", thousands(count))
}

/// A number with its digits in groups of three: "1,234,567".
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
