//! Recordings become windows.

use std::collections::BTreeMap;

use super::form::Form;
use super::targets::Targets;
use super::{Recording, Target};
use crate::config::{Group, Short};
use crate::dataset::limit::{self, MOST};
use crate::dataset::parts::{Groups, Parts, Values, Wanted};
use crate::dataset::split::Growing;
use crate::dataset::{Split, check};
use crate::error::{Error, Problem};
use crate::observer::Observer;
use crate::task::Places;
use crate::text::{SHOWN, enumerate};

/// Cuts windows from recordings, whose targets are in the columns `places` of files, where they are in
/// columns.
pub fn parts(
    wanted: &Wanted<'_>,
    recordings: Vec<Recording>,
    places: Places,
    observer: &mut dyn Observer,
) -> Result<Parts, Error> {
    let path = wanted.config.path.display();
    let Some(first) = recordings.first() else {
        return Err(Problem::new(format!("{path} has no recordings: it is empty")).into());
    };
    let other = recordings.iter().find(|recording| recording.columns != first.columns);
    if let Some(other) = other {
        let message = format!(
            "{path}: {} has {} columns of samples, {} has {}",
            first.start(),
            first.columns,
            other.start(),
            other.columns
        );
        return Err(Problem::new(message).help("all recordings have the same channels").into());
    }
    let form = Form::of(wanted, first.columns, &path.to_string(), None)?;
    let mut cut = Cut::new(wanted, form, Targets::new(places));
    recordings.iter().enumerate().for_each(|(number, recording)| cut.push(number, recording));
    let mut problems = cut.problems();
    cut.warn(observer);
    let has_test = recordings.iter().any(|recording| recording.is_test);
    if has_test {
        problems.extend(check::own_test_part(wanted.config));
    }
    if problems.is_empty() && cut.images.is_empty() && cut.test.is_empty() {
        problems.push(Problem::new(format!("{path} has no windows: all recordings are too short")));
    }
    if !problems.is_empty() {
        return Err(Error { problems });
    }
    let Cut { images, test, groups, names, targets, .. } = cut;
    let (targets, labels) = targets.finish(wanted, |[number, row]| recordings[number].behind_path(row))?;
    let (train, tested) = targets.split_at(images.len() / bytes(wanted));
    let split = |pixels: Vec<u8>, targets| Split::from(Growing { pixels, targets });
    let test = has_test.then(|| split(test, tested));
    let groups = Groups { of: groups, names };
    Ok(Parts {
        train: split(images, train),
        test,
        labels,
        values: vec![Values::Samples],
        unlabelled: [false; 2],
        groups,
    })
}

/// Bytes of a window.
fn bytes(wanted: &Wanted<'_>) -> usize {
    wanted.shape.elements() * size_of::<f32>()
}

/// The windows so far.
struct Cut<'a> {
    wanted: &'a Wanted<'a>,
    form: Form,
    /// Values of windows to train with.
    images: Vec<u8>,
    /// Values of windows of the test part.
    test: Vec<u8>,
    /// The group of each window to train with.
    groups: Vec<u32>,
    /// Numbers of groups by their names.
    numbers: BTreeMap<String, u32>,
    /// Their names, by number.
    names: Vec<String>,
    /// Targets of windows to train with, and of others.
    targets: Targets,
    /// Recordings that are too short, with the number of their rows.
    short: Vec<String>,
    /// Recordings that are longer than one window, without `window`.
    long: Vec<String>,
    is_too_large: bool,
}

impl<'a> Cut<'a> {
    fn new(wanted: &'a Wanted<'a>, form: Form, targets: Targets) -> Cut<'a> {
        Cut {
            wanted,
            form,
            images: Vec::new(),
            test: Vec::new(),
            groups: Vec::new(),
            numbers: BTreeMap::new(),
            names: Vec::new(),
            targets,
            short: Vec::new(),
            long: Vec::new(),
            is_too_large: false,
        }
    }

    fn push(&mut self, number: usize, recording: &Recording) {
        let (rows, window) = (recording.rows(), self.form.rows);
        let said = || format!("{} ({rows} rows)", recording.start());
        if rows < window {
            self.short.push(said());
        } else if rows > window && self.form.step.is_none() {
            self.long.push(said());
            return;
        }
        let starts = match self.wanted.config.recordings.short {
            Short::Pad if rows > 0 && rows < window => 0..1,
            Short::Refuse | Short::Pad | Short::Skip => 0..(rows + 1).saturating_sub(window),
        };
        for start in starts.step_by(self.form.step.unwrap_or(window)) {
            if self.images.len() + self.test.len() >= MOST {
                self.is_too_large = true;
                return;
            }
            self.window(number, recording, start);
        }
    }

    /// Appends the window of a recording, by its number, that begins at a row.
    fn window(&mut self, number: usize, recording: &Recording, start: usize) {
        let Recording { values, columns, .. } = recording;
        let last = recording.rows() - 1;
        let into = if recording.is_test { &mut self.test } else { &mut self.images };
        for row in start..start + self.form.rows {
            let row = &values[row.min(last) * columns..][..*columns];
            into.extend(row.iter().flat_map(|value| value.to_le_bytes()));
        }
        let end = (start + self.form.rows - 1).min(last);
        match &recording.target {
            Target::Class(name) => self.targets.push_class(name, recording.is_test),
            Target::Fields(fields) => self.targets.push_fields(fields, [number, 0], recording.is_test),
            Target::Rows(rows) => self.targets.push_fields(&rows[end], [number, end], recording.is_test),
        }
        let has_groups = self.wanted.config.recordings.group != Group::Window;
        if let Some(group) = recording.group.as_ref().filter(|_| has_groups && !recording.is_test) {
            let next = self.names.len() as u32;
            let number = *self.numbers.entry(group.clone()).or_insert(next);
            if number == next {
                self.names.push(group.clone());
            }
            self.groups.push(number);
        }
    }

    fn problems(&self) -> Vec<Problem> {
        let (path, window) = (self.wanted.config.path.display(), self.form.rows);
        let mut problems = Vec::new();
        if !self.short.is_empty() && self.wanted.config.recordings.short == Short::Refuse {
            let found = enumerate(&self.short);
            let message = format!("{path}: a window of {window} rows is longer than the recording {found}");
            let help = "short = \"pad\" in the dataset's table repeats the last row, \"skip\" leaves it out; \
                        or give the network a shorter input";
            problems.push(Problem::new(message).help(help));
        }
        if !self.long.is_empty() {
            let found = enumerate(&self.long);
            let message =
                format!("{path}: the network's input has {window} rows, but longer is the recording {found}");
            let help = format!("window = {window} in the dataset's table cuts it into windows");
            problems.push(Problem::new(message).help(help));
        }
        if self.is_too_large {
            let most = limit::size(MOST as u64);
            let message = format!("{path}: its windows have more than {most} of values");
            problems.push(Problem::new(message).help("make `step` larger"));
        }
        problems
    }

    /// Says what was done with short recordings.
    fn warn(&self, observer: &mut dyn Observer) {
        let done = match self.wanted.config.recordings.short {
            Short::Pad => "are filled up with their last row",
            Short::Skip => "are left out",
            Short::Refuse => return,
        };
        if !self.short.is_empty() {
            let (path, count, window) = (self.wanted.config.path.display(), self.short.len(), self.form.rows);
            let some = if count > SHOWN { "some of them: " } else { "" };
            observer.warn(&format!(
                "{path}: {count} recordings are shorter than a window of {window} rows and {done}; {some}{}",
                enumerate(&self.short)
            ));
        }
    }
}
