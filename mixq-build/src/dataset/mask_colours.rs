//! Masks in colour: which classes the colours stand for.

use std::collections::BTreeMap;

use super::parts::Wanted;
use crate::error::Problem;
use crate::task::dense::IGNORED;

/// Red, green and blue of 8 bits.
pub(super) type Colour = [u8; 3];

/// How many colours a message lists.
const SHOWN: usize = 16;

/// How many colours are told apart. Where there are more, edges were smoothed, or a file was compressed with
/// loss.
const MOST: usize = 256;

/// The colours that were found in masks, with the number of masks that have each.
#[derive(Clone, Default)]
pub(super) struct Colours {
    masks: BTreeMap<Colour, usize>,
    /// Whether there are more than are listed.
    more: bool,
}

impl Colours {
    /// Adds a colour of a mask.
    pub fn insert(&mut self, colour: Colour) {
        if self.masks.len() < MOST || self.masks.contains_key(&colour) {
            self.masks.insert(colour, 1);
        } else {
            self.more = true;
        }
    }

    /// Adds those of another mask.
    pub fn extend(&mut self, other: &Colours) {
        self.more |= other.more;
        for (colour, masks) in &other.masks {
            if self.masks.len() < MOST || self.masks.contains_key(colour) {
                *self.masks.entry(*colour).or_default() += masks;
            } else {
                self.more = true;
            }
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.masks.is_empty()
    }

    /// The colours, those of most masks first, of `total` masks.
    pub fn list(&self, total: usize) -> String {
        let mut all: Vec<(&Colour, &usize)> = self.masks.iter().collect();
        all.sort_by_key(|(colour, masks)| (std::cmp::Reverse(**masks), **colour));
        let shown: Vec<String> = (all.iter().take(SHOWN))
            .map(|(colour, masks)| format!("{colour:?} (in {masks} of {total} masks)"))
            .collect();
        let more = match (all.len().saturating_sub(SHOWN), self.more) {
            (0, _) => String::new(),
            (more, false) => format!(" and {more} more"),
            (more, true) => format!(" and more than {more} more"),
        };
        shown.join(", ") + &more
    }

    /// What is said of masks in colour, where the dataset's table does not say what colours stand for.
    pub fn problem(&self, wanted: &Wanted<'_>, masks: &[String], total: usize) -> Problem {
        let (path, outputs) = (wanted.config.path.display(), wanted.outputs);
        let message = format!(
            "{path}: {} of {total} masks are in colour, such as {}; their colours are {}",
            masks.len(),
            masks.first().map_or("", String::as_str),
            self.list(total)
        );
        let fits = self.masks.len() == outputs && !self.more;
        let shown: Vec<String> =
            self.masks.keys().take(outputs).map(|colour| format!("{colour:?}")).collect();
        let shown = if fits { shown.join(", ") } else { "[0, 0, 0], [255, 0, 0], ...".to_string() };
        let many = match self.more {
            true => "; so many colours come from smoothed edges or from JPEG: save masks without either",
            false => "",
        };
        Problem::new(message).help(format!(
            "mask-colours = [{shown}] in the dataset's table names the colour of each of the {outputs} \
             classes, in the order of the outputs{many}"
        ))
    }
}

/// The class that a colour stands for; [`IGNORED`] where it stands for none.
pub(super) fn class(listed: &[Colour], colour: Colour) -> u8 {
    listed.iter().position(|other| *other == colour).map_or(IGNORED, |class| class as u8)
}
