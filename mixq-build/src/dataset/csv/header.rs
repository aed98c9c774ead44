//! The first row: names of columns, or an image; and in which column the label is.

use std::ops::RangeInclusive;

use ::csv::ByteRecord;

use super::columns;
use crate::dataset::parts::Wanted;
use crate::text::whole;

/// What the column of labels is called, in lower case; the clearest names first.
const NAMES: [&[&str]; 3] = [
    &["label", "labels"],
    &["class", "classes", "target", "targets", "category", "class_id", "label_id", "class_label"],
    &["y"],
];

/// What is known of the columns.
pub(super) struct Header {
    /// Whether the first row is one.
    pub is_there: bool,
    /// The columns of targets, counted from 0, in the order of the outputs.
    pub targets: Vec<usize>,
    /// What the header calls them, where there is one for each output.
    pub names: Option<Vec<String>>,
    /// Whether a name says so.
    pub is_named: bool,
    /// What the user should know about it.
    pub note: Option<String>,
}

/// What is wrong, and what would help.
pub(in crate::dataset) type Reason = (String, String);

impl Header {
    /// The first row is an image of this number of pixels, and its label.
    pub fn none(elements: usize) -> Header {
        Header { is_there: false, targets: vec![elements], names: None, is_named: false, note: None }
    }

    /// What the first row is.
    pub fn of(
        first: &ByteRecord,
        second: Option<&ByteRecord>,
        wanted: &Wanted<'_>,
    ) -> Result<Header, Reason> {
        if let Some(named) = &wanted.config.targets {
            return columns::named(first, named, wanted);
        }
        if wanted.config.may_lack_targets && first.len() == wanted.shape.elements() {
            return Ok(columns::none(first));
        }
        if wanted.rules().columns(wanted.outputs) != (1..=1) || wanted.rules().takes_vectors() {
            return Ok(columns::last(first, wanted));
        }
        let elements = wanted.shape.elements();
        let none = Header::none(elements);
        let row = Row::of(first);
        let last = row.names.len() - 1;
        let (words, others) = (row.words(), row.names.len() - row.words().len());
        let is_word_below = |column: usize| {
            second.and_then(|second| second.get(column)).is_some_and(|field| !is_number(field))
        };
        let named = wanted.config.labels.as_deref().unwrap_or_default();
        let is_class = |column: usize| named.iter().any(|name| name.as_bytes() == &first[column]);
        let is_there = match words[..] {
            [] => {
                let Some(counted) = row.counted(None) else { return Ok(none) };
                if last < 3 {
                    let said = "it may be a header, which counts the columns, or an image".to_string();
                    return Err((
                        said,
                        "put a header above it that calls the last column `label`".to_string(),
                    ));
                }
                let note = format!(
                    "row 1 was taken for a header, not for an image, since it counts the columns from \
                     {} to {}",
                    counted.start(),
                    counted.end()
                );
                return Ok(Header { is_there: true, note: Some(note), ..none });
            }
            // The name of a class, or that of the last column, behind names of pixels or pixels?
            [word] if word == last || row.counted(Some(word)).is_some() => {
                let (is_label, is_word_below) = (row.rank(word).is_some(), is_word_below(word));
                if row.names[word].is_empty() || is_class(word) && !is_label {
                    false
                } else if row.counted(Some(word)).is_none() {
                    // A slip in the label of an image must not pass for a header.
                    !row.is_image(word) || is_label && !is_word_below
                } else if is_label || !is_word_below {
                    true
                } else {
                    let said = format!(
                        "it may be a header, which counts the pixels and calls the label `{0}`, or an \
                         image of class `{0}`",
                        row.names[word]
                    );
                    let help = "call the column `label`, or put a header above the image";
                    return Err((said, help.to_string()));
                }
            }
            _ => words.len() > others,
        };
        if !is_there {
            return Ok(none);
        }
        let (label, is_named) = row.label()?;
        // A header of another length: the errors of its rows say how many columns there should be.
        let label = if last == elements { label } else { elements };
        Ok(Header { is_there, targets: vec![label], names: None, is_named, note: None })
    }
}

/// The column of labels, counted from 0, of a first row that is a header.
pub(in crate::dataset) fn label(first: &ByteRecord) -> Result<usize, Reason> {
    Ok(Row::of(first).label()?.0)
}

/// The fields of the first row, in lower case.
struct Row {
    names: Vec<String>,
}

impl Row {
    fn of(record: &ByteRecord) -> Row {
        Row { names: record.iter().map(|field| String::from_utf8_lossy(field).to_lowercase()).collect() }
    }

    /// Columns that hold no number.
    fn words(&self) -> Vec<usize> {
        (0..self.names.len()).filter(|column| !is_number(self.names[*column].as_bytes())).collect()
    }

    /// Whether all but one column could be the pixels of an image.
    fn is_image(&self, but: usize) -> bool {
        self.but(but).all(|name| whole(name.as_bytes()).is_some())
    }

    /// From where to where all columns, or all but one, count 0, 1, 2, or from 1.
    fn counted(&self, but: Option<usize>) -> Option<RangeInclusive<u64>> {
        let numbers: Option<Vec<u64>> =
            self.but(but.unwrap_or(usize::MAX)).map(|name| name.parse().ok()).collect();
        let numbers = numbers.filter(|numbers| numbers.len() > 2 || but.is_some())?;
        let first = *numbers.first().filter(|first| **first <= 1)?;
        let last = first + numbers.len() as u64 - 1;
        numbers.into_iter().eq(first..=last).then_some(first..=last)
    }

    fn but(&self, column: usize) -> impl Iterator<Item = &String> {
        self.names.iter().enumerate().filter(move |(at, _)| *at != column).map(|(_, name)| name)
    }

    /// How clearly a column is called a label; 0 is the clearest.
    fn rank(&self, column: usize) -> Option<usize> {
        let name = self.names[column].as_str();
        let rank = NAMES.iter().position(|names| names.contains(&name))?;
        // `y` beside `x` is a place or an axis.
        let is_axis = name == "y" && self.names.iter().any(|name| name == "x") && self.names.len() > 2;
        (!is_axis).then_some(rank)
    }

    /// The column of labels of a header, and whether its name says so.
    fn label(&self) -> Result<(usize, bool), Reason> {
        let last = self.names.len() - 1;
        let ranked: Vec<(usize, usize)> =
            (0..=last).filter_map(|column| Some((self.rank(column)?, column))).collect();
        let clearest: Vec<usize> = match ranked.iter().map(|(rank, _)| *rank).min() {
            Some(best) => {
                ranked.iter().filter(|(rank, _)| *rank == best).map(|(_, column)| *column).collect()
            }
            None => Vec::new(),
        };
        match clearest[..] {
            [label] => Ok((label, true)),
            [] => match self.odd() {
                Some(odd) if odd != last => Err(self.either(odd, last)),
                _ => Ok((last, false)),
            },
            [one, other, ..] => Err(self.either(one, other)),
        }
    }

    /// The only column whose name is not like those of all others, but for numbers.
    fn odd(&self) -> Option<usize> {
        let form = |name: &String| -> String { name.chars().filter(|sign| !sign.is_numeric()).collect() };
        let forms: Vec<String> = self.names.iter().map(form).collect();
        let is_odd = |column: &usize| {
            let mut others = forms.iter().enumerate().filter(|(at, _)| at != column).map(|(_, form)| form);
            let other = others.next();
            forms.len() > 2 && other != Some(&forms[*column]) && others.all(|form| Some(form) == other)
        };
        (0..forms.len()).find(is_odd)
    }

    fn either(&self, one: usize, other: usize) -> Reason {
        let name = |column: usize| format!("`{}` (column {})", self.names[column], column + 1);
        let said = format!("the label may be in {} or in {}", name(one), name(other));
        (said, "call the right one `label` and the other one otherwise".to_string())
    }
}

pub(in crate::dataset) fn is_number(field: &[u8]) -> bool {
    std::str::from_utf8(field).is_ok_and(|field| field.parse::<f64>().is_ok())
}
