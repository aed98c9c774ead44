//! Sizes in bytes, as people write them.

use mixq_build::engine::size;
use proptest::prelude::*;

/// What each unit is worth, in bytes.
const UNITS: [(&str, u64); 10] = [
    ("", 1),
    ("B", 1),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("K", 1024),
    ("k", 1024),
    ("M", 1_048_576),
    ("KiB", 1024),
    ("MiB", 1_048_576),
];

/// Digits with a separator before every group of three.
fn grouped(count: u64, separator: &str) -> String {
    let digits = count.to_string();
    let (head, tail) = digits.split_at((digits.len() - 1) % 3 + 1);
    tail.as_bytes()
        .chunks(3)
        .fold(head.to_string(), |text, group| text + separator + std::str::from_utf8(group).unwrap())
}

proptest! {
    #[test]
    fn sizes_are_the_number_times_the_unit(
        count: u64, shift in 0_u32..64, unit in 0..UNITS.len(), separator in "[_,]?", space in " {0,2}",
    ) {
        let (unit, factor) = UNITS[unit];
        let count = count >> shift;
        let text = format!("{space}{}{space}{unit}{space}", grouped(count, &separator));
        let exact = u128::from(count) * u128::from(factor);
        match u64::try_from(exact) {
            Ok(bytes) => prop_assert_eq!(size::parse(&text), Ok(bytes)),
            Err(_) => prop_assert_eq!(
                size::parse(&text), Err(format!("`{text}` is more than 2^64 - 1 bytes"))),
        }
    }

    #[test]
    fn no_text_makes_it_panic(text: String) {
        let _ = size::parse(&text);
    }

    #[test]
    fn commas_stand_before_groups_of_three(text in "[0-9]{1,5}(,[0-9]{1,4}){1,2}") {
        let mut groups = text.split(',');
        let first = groups.next().unwrap().len();
        let well_formed = first <= 3 && groups.all(|group| group.len() == 3);
        let expected = text.replace(',', "").parse::<u64>().map_err(|_| ());
        match size::parse(&text) {
            Ok(bytes) => prop_assert!(well_formed && Ok(bytes) == expected),
            Err(_) => prop_assert!(!well_formed),
        }
    }
}
