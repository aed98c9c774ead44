//! Targets of windows: names of classes, or fields of files.

use std::collections::BTreeSet;

use crate::dataset::check;
use crate::dataset::parts::Wanted;
use crate::error::{Error, Problem};
use crate::task::{self, Column, Places};
use crate::text::SHOWN;

/// Targets of windows to train with and of others, while they are collected.
pub struct Targets {
    /// The names of classes, of windows to train with and of others.
    names: [Vec<String>; 2],
    /// The fields of windows to train with and of others.
    fields: [Vec<Vec<Vec<u8>>>; 2],
    /// Where the fields stand: the number of the recording, and the row of it.
    rows: [Vec<[usize; 2]>; 2],
    places: Places,
}

/// Targets, and the labels that the files have.
type Found = (task::Targets, Option<Vec<String>>);

impl Targets {
    /// None yet. Fields are in these columns.
    pub fn new(places: Places) -> Targets {
        Targets { names: Default::default(), fields: Default::default(), rows: Default::default(), places }
    }

    /// Appends the target of a window: a class.
    pub fn push_class(&mut self, name: &str, is_test: bool) {
        self.names[usize::from(is_test)].push(name.to_string());
    }

    /// Appends the target of a window: a field for each column, and where they stand: the number of the
    /// recording, and the row of it.
    pub fn push_fields(&mut self, fields: &[Vec<u8>], row: [usize; 2], is_test: bool) {
        self.fields[usize::from(is_test)].push(fields.to_vec());
        self.rows[usize::from(is_test)].push(row);
    }

    /// The targets of all windows, those to train with before others. `place` says where a row is, behind the
    /// path of the dataset.
    pub fn finish(self, wanted: &Wanted<'_>, place: impl Fn([usize; 2]) -> String) -> Result<Found, Error> {
        let names = self.names.concat();
        if names.is_empty() { self.columns(wanted, place) } else { Ok(classes(wanted, &names)?) }
    }

    fn columns(self, wanted: &Wanted<'_>, place: impl Fn([usize; 2]) -> String) -> Result<Found, Error> {
        let path = wanted.config.path.display();
        let mut column: Box<dyn Column> = wanted.rules().column(self.places);
        for (index, fields) in self.fields.iter().flatten().enumerate() {
            let fields: Vec<&[u8]> = fields.iter().map(Vec::as_slice).collect();
            column.push(index, &fields);
        }
        let given = wanted.config.labels.as_deref().unwrap_or_default();
        match column.targets(wanted.outputs, given) {
            Ok((targets, labels)) => {
                let problem = labels.as_ref().and_then(|labels| check::labels(wanted, labels));
                problem.map_or(Ok((targets, labels)), |problem| Err(problem.into()))
            }
            Err((shown, count)) => {
                let rows = self.rows.concat();
                let mut problems: Vec<Problem> = Vec::new();
                for (index, reason) in shown {
                    let message = format!("{path}{}: {reason}", place(rows[index]));
                    // Windows that overlap may end in one row.
                    if problems.iter().all(|problem| problem.message != message) {
                        problems.push(Problem::new(message));
                    }
                }
                if count > SHOWN {
                    problems.push(Problem::new(format!("{path}: and {} more", count - SHOWN)));
                }
                Err(Error { problems })
            }
        }
    }
}

/// Classes by their names, in the order of the alphabet; or what the task says that the names stand for.
fn classes(wanted: &Wanted<'_>, names: &[String]) -> Result<Found, Problem> {
    let numbers: Option<Vec<u64>> = names.iter().map(|name| wanted.rules().number_of(name)).collect();
    if let Some(numbers) = numbers {
        let mut targets = task::Targets::default();
        for number in numbers {
            let pushed = wanted.rules().push_number(number, wanted.outputs, &mut targets);
            pushed.map_err(|reason| Problem::new(format!("{}: {reason}", wanted.config.path.display())))?;
        }
        return Ok((targets, None));
    }
    let all: Vec<&String> = names.iter().collect::<BTreeSet<_>>().into_iter().collect();
    check::classes(wanted, &all)?;
    if let Some(problem) = check::labels(wanted, &all) {
        return Err(problem);
    }
    let mut targets = task::Targets::default();
    for name in names {
        let place = all.binary_search(&name).unwrap_or_default();
        wanted.rules().push_name(place, &mut targets);
    }
    Ok((targets, Some(all.into_iter().cloned().collect())))
}
