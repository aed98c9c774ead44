//! Which classes the values in masks stand for.

use super::parts::Wanted;
use crate::task::dense::IGNORED;

/// Which values masks have, by value.
pub(super) type Seen = [bool; 256];

/// Whether masks are black and white: 0 and 255 are the only values, and two classes.
pub(super) fn is_black_and_white(wanted: &Wanted<'_>, seen: &Seen) -> bool {
    let values = seen.iter().enumerate().filter(|(_, seen)| **seen).map(|(value, _)| value);
    let is_told = wanted.config.mask_values.is_some() || wanted.config.mask_colours.is_some();
    !is_told && wanted.outputs == 2 && values.eq([0, 255])
}

/// By value: the class, or that pixels do not count. Values that stand for no class stay as they are, if
/// `mask-values` does not say more.
pub(super) fn classes(wanted: &Wanted<'_>, seen: &Seen) -> [u8; 256] {
    let mut classes = std::array::from_fn(|value| value as u8);
    if let Some(values) = &wanted.config.mask_values {
        classes = [IGNORED; 256];
        for (class, value) in values.iter().enumerate() {
            classes[usize::from(*value)] = class as u8;
        }
    } else if is_black_and_white(wanted, seen) {
        classes[255] = 1;
    }
    classes
}

/// What helps where values stand for no class.
pub(super) fn help(wanted: &Wanted<'_>, seen: &Seen) -> String {
    let found: Vec<usize> = (0..usize::from(IGNORED)).filter(|value| seen[*value]).collect();
    let shown = if found.len() == wanted.outputs { found } else { (1..=wanted.outputs).collect() };
    let shown: Vec<String> = shown.iter().map(usize::to_string).collect();
    let shown = if shown.len() > 8 { format!("{}, ...", shown[..8].join(", ")) } else { shown.join(", ") };
    format!(
        "classes are 0 to {}, and {IGNORED} does not count; mask-values = [{shown}] in the dataset's table \
         names other values for them, in the order of the outputs",
        wanted.outputs - 1
    )
}
