//! The column of labels of a CSV file: numbers of classes, or their names.

use std::collections::{BTreeMap, BTreeSet};

use super::labels;
use crate::task::{Column, Columns, Targets, Wrong};
use crate::text::{SHOWN, enumerate, show, whole};

/// Labels as they stand in the file.
pub(super) struct Labels {
    /// The column, counted from 1.
    column: usize,
    /// Every text that occurs, and its number.
    texts: BTreeMap<Vec<u8>, usize>,
    /// Row and text of each image.
    images: Vec<(usize, usize)>,
}

/// What a text says.
enum Class {
    Is(u16),
    Not(String),
}

impl Labels {
    /// None yet; they are in this column, counted from 1.
    pub fn new(column: usize) -> Labels {
        Labels { column, texts: BTreeMap::new(), images: Vec::new() }
    }

    /// `column 3: label `x` ...`
    fn says(&self, text: &[u8], reason: &str) -> String {
        format!("column {}: label `{}` {reason}", self.column, show(text))
    }

    /// The class at a place among names.
    fn class(&self, place: Option<usize>, text: &[u8]) -> Class {
        match place.and_then(|place| u16::try_from(place).ok()) {
            Some(label) => Class::Is(label),
            None => Class::Not(self.says(text, "is the name of one class of more than 65536")),
        }
    }

    /// The class of every image, if all are right.
    fn of(&self, class: impl Fn(&[u8]) -> Class) -> Result<Targets, Wrong> {
        let mut classes: Vec<(usize, Class)> =
            self.texts.iter().map(|(text, number)| (*number, class(text))).collect();
        classes.sort_by_key(|(number, _)| *number);
        let mut labels = Vec::with_capacity(self.images.len());
        let (mut shown, mut count) = (Vec::new(), 0);
        for (row, text) in &self.images {
            match &classes[*text].1 {
                Class::Is(label) => labels.push(*label),
                Class::Not(reason) => {
                    count += 1;
                    if shown.len() < SHOWN {
                        shown.push((*row, reason.clone()));
                    }
                }
            }
        }
        if count == 0 { Ok(labels.into()) } else { Err((shown, count)) }
    }
}

impl Column for Labels {
    fn push(&mut self, row: usize, fields: &[&[u8]]) {
        let &[field] = fields else { unreachable!("a classification has one column of targets") };
        let next = self.texts.len();
        let text = match self.texts.get(field) {
            Some(text) => *text,
            None => *self.texts.entry(field.to_vec()).or_insert(next),
        };
        self.images.push((row, text));
    }

    /// Names of classes are those of `labels` in Cargo.toml if all occur there; else labels are numbers;
    /// else, if none is one, they are names in the order of the alphabet.
    fn targets(&self, outputs: usize, named: &[String]) -> Result<Columns, Wrong> {
        let texts: BTreeSet<String> =
            self.texts.keys().map(|text| String::from_utf8_lossy(text).into_owned()).collect();
        let place = |text: &[u8]| named.iter().position(|name| *name == String::from_utf8_lossy(text));
        if texts.iter().all(|text| named.contains(text)) {
            return self.of(|text| self.class(place(text), text)).map(none);
        }
        let is_number = |text: &String| text.parse::<f64>().is_ok();
        if !texts.iter().any(|text| is_number(text) || text.is_empty()) {
            if !named.is_empty() {
                let names: Vec<String> = named.iter().map(|name| format!("`{name}`")).collect();
                let reason = format!("is not one of `labels` in the dataset's table: {}", enumerate(&names));
                let class = |text: &[u8]| match place(text) {
                    Some(place) => self.class(Some(place), text),
                    None => Class::Not(self.says(text, &reason)),
                };
                return self.of(class).map(none);
            }
            let names: Vec<String> = texts.into_iter().collect();
            // Too many are refused with the number of the network's classes.
            let place = |text: &[u8]| names.binary_search(&String::from_utf8_lossy(text).into_owned()).ok();
            let labels = self.of(|text| self.class(place(text), text))?;
            return Ok((labels, Some(names)));
        }
        let number = |text: &[u8]| match whole(text) {
            Some(label) => match labels::class(label, outputs) {
                Ok(label) => Class::Is(label),
                Err(reason) => Class::Not(reason),
            },
            None => Class::Not(self.says(text, "is not a whole number")),
        };
        self.of(number).map(none)
    }

    /// Without a name of the column it may be the first one that has the labels: if that looks so, what would
    /// tell.
    fn doubt(&self, pixels: &[u8], elements: usize, outputs: usize) -> Option<String> {
        let classes = outputs;
        let mut seen = vec![false; classes];
        for image in pixels.chunks(elements.max(1)) {
            *seen.get_mut(usize::from(image[0]))? = true;
        }
        // A corner of images may have few values as well; but where pixels are small numbers, all columns
        // look like labels.
        let highest = usize::from(*pixels.iter().max()?);
        (seen.into_iter().all(|seen| seen) && highest >= 4 * classes).then(|| {
            format!(
                "column 1 has each of 0 to {}, as a label has, and nothing else, while pixels go up to \
                 {highest}; column {} was taken for the label: a header says which one it is, with `label` \
                 above it",
                classes - 1,
                self.column
            )
        })
    }
}

/// Targets of a file that names no classes.
fn none(targets: Targets) -> Columns {
    (targets, None)
}
