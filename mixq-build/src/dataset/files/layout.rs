//! A folder for each class, as torchvision wants it: what a file is by its place.

use std::collections::BTreeSet;

use crate::dataset::walk::Name;

/// What the folder of the images to train with is called, if there is one.
const TRAIN: &str = "train";
/// What a folder beside it may be called if it is the test part, in the order of preference.
const TEST: [&str; 4] = ["test", "val", "valid", "validation"];

/// How a dataset's folders are arranged.
pub struct Layout {
    /// Folders around all others, which say nothing.
    prefix: Name,
    /// Whether the classes are in a folder for each part.
    parted: bool,
    /// The folder of the test part.
    test: Option<&'static str>,
}

/// What something is by its place.
#[derive(Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// Of this class, to train with.
    Train(&'a str),
    /// Of this class, to measure with.
    Test(&'a str),
    /// In a folder beside the parts.
    Beside(&'a str),
    /// In no folder of a class.
    Outside,
}

impl Layout {
    /// Of a dataset with these images and folders.
    pub fn of<'a>(images: impl Iterator<Item = &'a Name> + Clone, folders: &[Name]) -> Layout {
        let shortest = images.clone().map(Vec::len).min().unwrap_or(0);
        let first = images.clone().next().cloned().unwrap_or_default();
        let common = |name: &Name| first.iter().zip(name).take_while(|(a, b)| a == b).count();
        // An image is in the folder of a class, whatever else all have in common.
        let most = images.clone().map(common).min().unwrap_or(0).min(shortest.saturating_sub(2));
        let parts_at = |depth: usize| -> BTreeSet<&str> {
            images.clone().filter(|name| name.len() > depth + 2).map(|name| name[depth].as_str()).collect()
        };
        // All images may be below a folder `train`: one around the parts, or the only part.
        let around = first[..most].iter().rposition(|folder| folder == TRAIN);
        let depth = around.filter(|_| !parts_at(most).contains(TRAIN)).unwrap_or(most);
        let prefix = first[..depth].to_vec();
        let parts = parts_at(depth);
        let parted = parts.contains(TRAIN);
        let is_there = |part: &str| {
            let is_it = |folder: &Name| {
                folder.len() == depth + 1 && folder.starts_with(&prefix) && folder[depth] == part
            };
            parts.contains(part) || folders.iter().any(is_it)
        };
        let test = TEST.into_iter().find(|test| parted && is_there(test));
        Layout { prefix, parted, test }
    }

    /// Whether there is a folder of the test part.
    pub fn has_test(&self) -> bool {
        self.test.is_some()
    }

    /// What a file is.
    pub fn file<'a>(&self, name: &'a [String]) -> Place<'a> {
        match name.split_last() {
            Some((_, folder)) => self.place(folder),
            None => Place::Outside,
        }
    }

    /// What a folder is, if it is the very folder of a class.
    pub fn folder<'a>(&self, name: &'a [String]) -> Place<'a> {
        let depth = self.prefix.len() + 1 + usize::from(self.parted);
        if name.len() == depth { self.place(name) } else { Place::Outside }
    }

    /// What is in a folder.
    fn place<'a>(&self, folder: &'a [String]) -> Place<'a> {
        let Some(inside) = folder.strip_prefix(&self.prefix[..]) else { return Place::Outside };
        match (self.parted, inside) {
            (false, [class, ..]) => Place::Train(class),
            (true, [part, class, ..]) if part == TRAIN => Place::Train(class),
            (true, [part, class, ..]) if self.test == Some(part) => Place::Test(class),
            (true, [part, ..]) if part != TRAIN && self.test != Some(part) => Place::Beside(part),
            _ => Place::Outside,
        }
    }
}
