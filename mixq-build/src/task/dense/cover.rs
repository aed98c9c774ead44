//! How many pixels of masks each class covers.

use super::IGNORED;
use crate::task::{Part, Targets};

/// By class: its pixels in all masks.
pub(super) fn counts(masks: &Targets, classes: usize) -> Vec<u64> {
    let mut counts = vec![0; classes];
    for class in masks.bytes().iter().filter(|class| **class != IGNORED) {
        if let Some(count) = counts.get_mut(usize::from(*class)) {
            *count += 1;
        }
    }
    counts
}

/// The classes that have pixels in a part, and those that have none, as messages name them.
pub(super) fn names(part: &Part<'_>) -> [Vec<String>; 2] {
    let counts = counts(part.targets, part.labels.len());
    let mut names = [Vec::new(), Vec::new()];
    for (label, count) in part.labels.iter().zip(counts) {
        names[usize::from(count == 0)].push(format!("`{label}`"));
    }
    names
}
