//! CSV whose rows are points in time, or images of samples: columns by name, targets and groups beside them.
//!
//! A recording ends where the group changes, where the class changes, and at a blank line. Messages count
//! rows from 1, the header too, blank lines not.

use std::io::Read;

use ::csv::{ByteRecord, ReaderBuilder, Trim};

use super::form::Form;
use super::roles::Roles;
use super::{Recording, Target, number, parts};
use crate::config::Group;
use crate::dataset::csv;
use crate::dataset::parts::{Parts, Wanted};
use crate::error::{Error, Problem};
use crate::observer::Observer;
use crate::text::SHOWN;

/// Reads a CSV file.
pub fn read(wanted: &Wanted<'_>, observer: &mut dyn Observer) -> Result<Parts, Error> {
    let path = &wanted.config.path;
    let mut text = Vec::new();
    let read = csv::input(path)?.read_to_end(&mut text);
    read.map_err(|error| csv::unreadable(path, &error.into()))?;
    let place = path.display().to_string();
    let Table { recordings, roles } = table(wanted, &place, &text, true)?;
    parts(wanted, recordings, roles.places(), observer)
}

/// What a file holds.
pub struct Table {
    /// Its recordings; their groups are those of a column or their own.
    pub recordings: Vec<Recording>,
    /// What its columns are.
    pub roles: Roles,
}

/// The recordings of a text. Without `has_targets` its columns say no targets unless they are named.
pub fn table(wanted: &Wanted<'_>, place: &str, text: &[u8], has_targets: bool) -> Result<Table, Error> {
    let mut reader = Reader { wanted, place, roles: None, has_targets, rows: 0, wrong: Vec::new(), count: 0 };
    let mut recordings = Vec::new();
    for block in blocks(text) {
        recordings.extend(reader.block(block)?);
    }
    let Reader { roles, rows, mut wrong, count, .. } = reader;
    if count > SHOWN {
        wrong.push(Problem::new(format!("{place}: and {} more wrong rows", count - SHOWN)));
    }
    match roles {
        _ if !wrong.is_empty() => Err(Error { problems: wrong }),
        Some(roles) if !recordings.is_empty() => Ok(Table { recordings, roles }),
        Some(_) | None => {
            let found = if rows == 0 { "it is empty" } else { "it has a header alone" };
            Err(Problem::new(format!("{place} has no rows of samples: {found}")).into())
        }
    }
}

/// The parts of a text between blank lines.
fn blocks(text: &[u8]) -> Vec<&[u8]> {
    let mut blocks = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let end = at + line.len();
        if line.trim_ascii().is_empty() {
            blocks.push(&text[start..at]);
            start = end;
        }
        at = end;
    }
    blocks.push(&text[start..]);
    blocks.retain(|block| !block.is_empty());
    blocks
}

struct Reader<'a> {
    wanted: &'a Wanted<'a>,
    place: &'a str,
    /// Known from the first row on.
    roles: Option<Roles>,
    has_targets: bool,
    /// Rows that are read.
    rows: usize,
    wrong: Vec<Problem>,
    /// The number of all wrong rows.
    count: usize,
}

impl Reader<'_> {
    /// The recordings of a block.
    fn block(&mut self, text: &[u8]) -> Result<Vec<Recording>, Error> {
        let mut builder = ReaderBuilder::new();
        let mut rows = builder.has_headers(false).flexible(true).trim(Trim::All).from_reader(text);
        let mut recordings: Vec<Recording> = Vec::new();
        // The group and the class of the recording.
        let mut last: Option<Vec<Vec<u8>>> = None;
        let mut row = ByteRecord::new();
        while rows
            .read_byte_record(&mut row)
            .map_err(|error| Problem::new(format!("{} is not CSV: {error}", self.place)))?
        {
            self.rows += 1;
            let roles = match &self.roles {
                Some(roles) => roles,
                None => {
                    let roles = Roles::of(self.wanted, &row, self.has_targets).map_err(|(said, help)| {
                        Problem::new(format!("{} row 1: {said}", self.place)).help(help)
                    })?;
                    form(self.wanted, &roles, self.place)?;
                    let roles = self.roles.insert(roles);
                    if roles.names.is_some() {
                        continue;
                    }
                    roles
                }
            };
            let values = match values(roles, &row) {
                Ok(values) => values,
                Err(reason) => {
                    self.count += 1;
                    if self.wrong.len() < SHOWN {
                        let message = format!("{} row {}: {reason}", self.place, self.rows);
                        self.wrong.push(Problem::new(message));
                    }
                    continue;
                }
            };
            let fields = |columns: &[usize]| -> Vec<Vec<u8>> {
                columns.iter().map(|column| row[*column].to_vec()).collect()
            };
            let targets = fields(&roles.targets);
            let group = roles.group.map(|column| row[column].to_vec());
            let takes_vectors = self.wanted.rules().takes_vectors();
            let mut kind = if takes_vectors { Vec::new() } else { targets.clone() };
            kind.extend(group.clone());
            let is_image = form(self.wanted, roles, self.place).is_ok_and(|form| form.rows == 1);
            if last.as_ref() != Some(&kind) || is_image {
                let own = || (!is_image).then(|| format!("row {}", self.rows));
                let group = match &self.wanted.config.recordings.group {
                    Group::Recording => own(),
                    Group::Column(_) => group.map(|group| String::from_utf8_lossy(&group).into_owned()),
                    Group::Window => None,
                };
                recordings.push(Recording {
                    first_row: self.rows,
                    columns: roles.channels.len(),
                    target: if takes_vectors {
                        Target::Rows(Vec::new())
                    } else {
                        Target::Fields(targets.clone())
                    },
                    group,
                    ..Recording::default()
                });
                last = Some(kind);
            }
            if let Some(recording) = recordings.last_mut() {
                recording.values.extend(values);
                if let Target::Rows(rows) = &mut recording.target {
                    rows.push(targets);
                }
            }
        }
        Ok(recordings)
    }
}

/// How rows with these columns lie in an image.
fn form(wanted: &Wanted<'_>, roles: &Roles, place: &str) -> Result<Form, Problem> {
    let name = |names: &Vec<String>| roles.channels.iter().map(|column| names[*column].clone()).collect();
    let names: Option<Vec<String>> = roles.names.as_ref().map(name);
    Form::of(wanted, roles.channels.len(), place, names.as_deref())
}

/// The samples of a row, or what is wrong with the first that is.
fn values(roles: &Roles, row: &ByteRecord) -> Result<Vec<f32>, String> {
    if row.len() != roles.columns {
        return Err(format!("it has {} columns, the first row has {}", row.len(), roles.columns));
    }
    let value = |column: &usize| {
        number(&row[*column]).map_err(|reason| format!("{}: {reason}", roles.column(*column)))
    };
    roles.channels.iter().map(value).collect()
}
