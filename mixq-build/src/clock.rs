//! Clock frequencies, as people write and read them.

/// What a text must be.
pub const ACCEPTED: &str = "it must be a frequency, such as \"168 MHz\"";

/// Units by their names, in Hz.
const UNITS: [(&str, f64); 4] = [("ghz", 1e9), ("mhz", 1e6), ("khz", 1e3), ("hz", 1.0)];

/// A frequency in Hz: a number with a unit, "168 MHz", "1.5 GHz".
///
/// # Errors
/// What is wrong with the text, in words.
pub fn parse(text: &str) -> Result<u64, String> {
    let lower = text.trim().to_ascii_lowercase();
    let unit = UNITS.iter().find_map(|(unit, hertz)| Some((lower.strip_suffix(unit)?, hertz)));
    let Some((number, hertz)) = unit else { return Err(format!("`{text}` has no unit")) };
    let hertz = number.trim().parse::<f64>().map(|number| number * hertz);
    match hertz {
        Ok(hertz) if (1.0..1e11).contains(&hertz) => Ok(hertz.round() as u64),
        Ok(_) => Err(format!("`{text}` is not the clock of a microcontroller")),
        Err(_) => Err(format!("`{text}` does not begin with a number")),
    }
}

/// "168 MHz", "32.768 kHz".
pub fn hertz(clock: u64) -> String {
    let (unit, size) = match clock {
        1_000_000.. => ("MHz", 1e6),
        1000.. => ("kHz", 1e3),
        _ => ("Hz", 1.0),
    };
    format!("{} {unit}", clock as f64 / size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_in_every_unit() {
        for (text, clock) in [
            ("168 MHz", 168_000_000),
            ("1.5GHz", 1_500_000_000),
            (" 32.768 khz ", 32_768),
            ("48000000 Hz", 48_000_000),
        ] {
            assert_eq!(parse(text), Ok(clock), "{text}");
        }
        for wrong in ["168", "MHz", "fast MHz", "-1 MHz", "0 Hz", "NaN MHz", "inf MHz", "1e300 GHz", ""] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn frequencies_are_read_as_they_are_shown() {
        for (clock, shown) in [(168_000_000, "168 MHz"), (32_768, "32.768 kHz"), (7, "7 Hz")] {
            assert_eq!(hertz(clock), shown);
            assert_eq!(parse(shown), Ok(clock));
        }
    }
}
