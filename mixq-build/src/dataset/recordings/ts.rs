//! `.ts` files of the UEA and UCR archives: a line is a case, its dimensions stand between colons, its class
//! is the last. `NAME_TRAIN.ts` has its test part in `NAME_TEST.ts` beside it.

use std::fs;
use std::path::Path;

use super::{Recording, Target, number, parts};
use crate::dataset::parts::{Parts, Wanted};
use crate::dataset::{check, formats, walk};
use crate::error::{Error, Problem};
use crate::observer::Observer;
use crate::task::Places;
use crate::text::SHOWN;

/// Reads a file, and that of its test part.
pub fn read(wanted: &Wanted<'_>, observer: &mut dyn Observer) -> Result<Parts, Error> {
    check::keys(wanted, "a .ts file", &["window", "step", "group = false", "short"])?;
    let files = formats::files_of(&wanted.config.path).into_iter().enumerate();
    let mut recordings = Vec::new();
    let mut problems = Vec::new();
    for (part, path) in files {
        let text = text(&path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match Reader::default().read(wanted, &text) {
            Ok(cases) => recordings.extend(cases.into_iter().map(|(line, case)| Recording {
                place: format!("{name} line {line}"),
                group: Some(format!("{name} line {line}")),
                is_test: part == 1,
                ..case
            })),
            Err(wrong) => problems.extend(wrong.into_iter().map(|(line, reason)| {
                let at = if line == 0 { String::new() } else { format!(" line {line}") };
                Problem::new(format!("{}{at}: {reason}", path.display()))
            })),
        }
    }
    if !problems.is_empty() {
        return Err(Error { problems });
    }
    let columns = if wanted.rules().takes_vectors() { vec![1] } else { Vec::new() };
    parts(wanted, recordings, Places { columns, names: None }, observer)
}

fn text(path: &Path) -> Result<String, Problem> {
    walk::open(path)?;
    let bytes = fs::read(path).map_err(|error| Problem::io("read", path, &error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What the lines before the cases say.
#[derive(Default)]
struct Reader {
    has_class: bool,
    has_target: bool,
    has_times: bool,
}

/// Lines and what is wrong there; line 0 is the whole.
type Wrong = Vec<(usize, String)>;

impl Reader {
    /// The cases and their lines.
    fn read(mut self, wanted: &Wanted<'_>, text: &str) -> Result<Vec<(usize, Recording)>, Wrong> {
        let (mut is_data, mut cases, mut wrong) = (false, Vec::new(), Wrong::new());
        for (index, line) in text.lines().enumerate() {
            let (number, line) = (index + 1, line.trim());
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if is_data {
                match self.case(wanted, line) {
                    Ok(case) => cases.push((number, case)),
                    Err(reason) => wrong.push((number, reason)),
                }
            } else if let Some(header) = line.strip_prefix('@') {
                is_data = header.eq_ignore_ascii_case("data");
                self.header(header);
            } else {
                return Err(vec![(number, "samples stand before `@data`".to_string())]);
            }
        }
        let count = wrong.len();
        if count > SHOWN {
            wrong.truncate(SHOWN);
            wrong.push((0, format!("and {} more wrong lines", count - SHOWN)));
        }
        if wrong.is_empty() && cases.is_empty() {
            wrong.push((0, "it has no cases after `@data`".to_string()));
        }
        if wrong.is_empty() { Ok(cases) } else { Err(wrong) }
    }

    fn header(&mut self, header: &str) {
        let mut words = header.split_whitespace();
        let key = words.next().unwrap_or_default().to_ascii_lowercase();
        let is_true = words.next().is_some_and(|word| word.eq_ignore_ascii_case("true"));
        match key.as_str() {
            "classlabel" => self.has_class = is_true,
            "targetlabel" => self.has_target = is_true,
            "timestamps" => self.has_times = is_true,
            // The cases themselves tell all else.
            _ => {}
        }
    }

    fn case(&self, wanted: &Wanted<'_>, line: &str) -> Result<Recording, String> {
        if self.has_times {
            return Err("its values have time stamps, which mixq does not read".to_string());
        }
        let mut dimensions: Vec<&str> = line.split(':').collect();
        let label = if self.has_class || self.has_target { dimensions.pop() } else { None };
        let mut series = Vec::new();
        for (dimension, text) in dimensions.iter().enumerate() {
            let value = |(index, field): (usize, &str)| match field.trim() {
                "?" => Err(format!("dimension {dimension}, value {index}, counted from 0: it is missing")),
                field => number(field.as_bytes()).map_err(|reason| {
                    format!("dimension {dimension}, value {index}, counted from 0: {reason}")
                }),
            };
            series.push(text.split(',').enumerate().map(value).collect::<Result<Vec<f32>, String>>()?);
        }
        let Some(rows) = series.first().map(Vec::len) else {
            return Err("it has no dimensions".to_string());
        };
        if let Some(other) = series.iter().position(|other| other.len() != rows) {
            let found = series[other].len();
            return Err(format!("dimension 0 has {rows} values, dimension {other} has {found}"));
        }
        let label = label.map(|label| label.trim().to_string());
        let target = match (label, wanted.rules().takes_vectors()) {
            (Some(label), true) => Target::Fields(vec![label.into_bytes()]),
            (Some(label), false) => Target::Class(label),
            (None, _) if *wanted.rules().columns(wanted.outputs).start() > 0 => {
                return Err("it has no class: the header says neither `@classLabel true` nor \
                            `@targetLabel true`"
                    .to_string());
            }
            (None, _) => Target::default(),
        };
        let values = (0..rows).flat_map(|row| series.iter().map(move |values| values[row])).collect();
        Ok(Recording { values, columns: series.len(), target, ..Recording::default() })
    }
}
