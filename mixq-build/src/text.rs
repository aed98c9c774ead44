//! Values as files and messages have them.

/// How many of many things a message names.
pub(crate) const SHOWN: usize = 5;

/// The first few names, and how many more there are.
pub(crate) fn enumerate(names: &[impl AsRef<str>]) -> String {
    let more = match names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    names.iter().take(SHOWN).map(AsRef::as_ref).collect::<Vec<_>>().join(", ") + &more
}

/// A whole number, 0 or more, also as `12.0` and `1.2e1`.
pub(crate) fn whole(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?;
    text.parse().ok().or_else(|| {
        /// Up to here every whole number is one of 64-bit floats.
        const EXACT: f64 = (1_u64 << f64::MANTISSA_DIGITS) as f64;
        let value: f64 = text.parse().ok()?;
        (value.fract() == 0.0 && (0.0..EXACT).contains(&value)).then_some(value as u64)
    })
}

/// A field of a file, cut to a length that fits a message.
pub(crate) fn show(field: &[u8]) -> String {
    const LONGEST: usize = 20;
    let text = String::from_utf8_lossy(field);
    let shown: String = text.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if text.chars().count() > LONGEST { shown + "..." } else { shown }
}
