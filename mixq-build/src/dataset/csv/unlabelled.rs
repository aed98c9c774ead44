//! Rows of pixels without targets.

use crate::dataset::parts::Wanted;
use crate::task::{Column, Columns, Targets, Wrong};

/// Counts the rows, each of which gets the target of an image that has none.
pub(super) struct Rows {
    targets: Targets,
    target: Targets,
}

impl Rows {
    pub(super) fn new(wanted: &Wanted<'_>) -> Rows {
        let mut target = Targets::default();
        // A task that takes no such target lacks none.
        let _ = wanted.push_none(&mut target);
        Rows { targets: Targets::default(), target }
    }
}

impl Column for Rows {
    fn push(&mut self, _row: usize, _fields: &[&[u8]]) {
        self.targets.append(&self.target);
    }

    fn targets(&self, _outputs: usize, _labels: &[String]) -> Result<Columns, Wrong> {
        Ok((self.targets.clone(), None))
    }

    fn doubt(&self, _pixels: &[u8], _elements: usize, _outputs: usize) -> Option<String> {
        None
    }
}
