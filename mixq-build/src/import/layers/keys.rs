//! Values that only networks have, out of TOML tables.

use std::ops::RangeInclusive;

use crate::error::Problem;
use crate::toml::{Entry, Table};

use crate::graph::op::AXES;
use crate::graph::{LARGEST, Padding};

/// Sizes that a layer may have.
pub(super) const SIZES: RangeInclusive<usize> = 1..=LARGEST;

const PAIR: &str = "a whole number of 1 to 65,535, or [height, width]";

fn pair(entry: &Entry<'_>) -> Option<[usize; 2]> {
    entry.as_size(&SIZES).map(|side| [side; 2]).or_else(|| entry.as_sizes(&SIZES))
}

/// A table of a network with the problems found so far. Each method reads one key. The answer is `None` if
/// the key is not there, or if its value is wrong, which is then reported.
pub(super) struct Keys<'a, 'p> {
    pub(super) table: &'a Table<'a>,
    pub(super) problems: &'p mut Vec<Problem>,
}

impl<'a> Keys<'a, '_> {
    /// A text, which may be empty.
    pub(super) fn text(&mut self, key: &str) -> Option<&'a str> {
        let entry = self.table.get(key)?;
        let text = entry.as_str();
        if text.is_none() {
            self.problems.push(entry.wrong_type("a string"));
        }
        text
    }

    /// A list of texts; empty if there is none.
    pub(super) fn texts(&mut self, key: &str) -> Vec<String> {
        let list = self.value(key, "a list of names, for example [\"conv1\", \"conv2\"]", |entry| {
            let names = entry.as_array()?.iter().map(|value| value.as_str().map(String::from));
            names.collect::<Option<Vec<String>>>().filter(|list| !list.is_empty())
        });
        list.unwrap_or_default()
    }

    /// True or false.
    pub(super) fn flag(&mut self, key: &str) -> Option<bool> {
        self.table.get(key)?.boolean(self.problems)
    }

    /// A number of 1 to 65,535.
    pub(super) fn number(&mut self, key: &str) -> Option<usize> {
        self.value(key, "a whole number of 1 to 65,535", |entry| entry.as_size(&SIZES))
    }

    /// A number of 0 to 65,535.
    pub(super) fn number_from_zero(&mut self, key: &str) -> Option<usize> {
        self.value(key, "a whole number of 0 to 65,535", |entry| entry.as_size(&(0..=LARGEST)))
    }

    /// Height and width of 1 to 65,535, or one number for both.
    pub(super) fn pair(&mut self, key: &str) -> Option<[usize; 2]> {
        self.value(key, PAIR, pair)
    }

    /// Pixels of the output for each pixel of the input.
    pub(super) fn factor(&mut self, key: &str) -> Option<[usize; 2]> {
        let wanted = format!("{PAIR}; op = \"resize\" with size = [height, width] makes any other size");
        self.value(key, &wanted, pair)
    }

    /// Height, width and channels of 1 to 65,535.
    pub(super) fn shape(&mut self, key: &str) -> Option<[usize; 3]> {
        self.value(key, "[height, width, channels], each 1 to 65,535", |entry| entry.as_sizes(&SIZES))
    }

    /// The axes of an image, each by its name.
    pub(super) fn order(&mut self, key: &str) -> Option<[usize; 3]> {
        self.value(key, "a list of \"height\", \"width\" and \"channels\", each once", |entry| {
            let axis = |name: &str| AXES.iter().position(|axis| *axis == name);
            let axes = entry.as_array()?.iter().map(|value| value.as_str().and_then(axis));
            axes.collect::<Option<Vec<usize>>>()?.try_into().ok()
        })
    }

    /// A padding.
    pub(super) fn padding(&mut self, key: &str) -> Option<Padding> {
        let wanted = "\"same\", \"valid\", \"symmetric\", a number of pixels of 0 to 65,535, or [top, \
                      bottom, left, right]";
        let pixels = 0..=LARGEST;
        self.value(key, wanted, |entry| match entry.as_str() {
            Some("same") => Some(Padding::Same),
            Some("valid") => Some(Padding::Valid),
            Some("symmetric") => Some(Padding::Symmetric),
            Some(_) => None,
            None => {
                let all = entry.as_size(&pixels).map(|all| [all; 4]);
                all.or_else(|| entry.as_sizes(&pixels)).map(Padding::Explicit)
            }
        })
    }

    /// One of several, by its name.
    pub(super) fn choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let names: Vec<String> = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        self.value(key, &names.join(" or "), |entry| {
            choices.iter().find(|(name, _)| Some(*name) == entry.as_str()).map(|(_, choice)| *choice)
        })
    }

    /// What `read` makes of a value; `wanted` says in words what it takes.
    fn value<T>(&mut self, key: &str, wanted: &str, read: impl FnOnce(&Entry<'a>) -> Option<T>) -> Option<T> {
        let entry = self.table.get(key)?;
        let value = read(&entry);
        if value.is_none() {
            self.problems.push(entry.wrong_value(wanted));
        }
        value
    }
}
