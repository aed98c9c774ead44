//! What the columns of a CSV file of samples are.

use ::csv::ByteRecord;

use crate::config::Group;
use crate::dataset::csv::columns::target_keys;
use crate::dataset::csv::header::{Reason, is_number, label};
use crate::dataset::parts::Wanted;
use crate::task::Places;
use crate::text::enumerate;

/// What columns are, counted from 0.
pub struct Roles {
    /// The number of columns.
    pub columns: usize,
    /// What the header calls them, if there is one.
    pub names: Option<Vec<String>>,
    /// The columns of samples.
    pub channels: Vec<usize>,
    /// The columns of targets, in the order of the outputs.
    pub targets: Vec<usize>,
    /// The column of groups.
    pub group: Option<usize>,
    takes_vectors: bool,
}

impl Roles {
    /// By the first row, which is a header if most of its fields are not numbers.
    pub fn of(wanted: &Wanted<'_>, first: &ByteRecord, has_targets: bool) -> Result<Roles, Reason> {
        let words = first.iter().filter(|field| !is_number(field)).count();
        let text = |field: &[u8]| String::from_utf8_lossy(field).into_owned();
        let names: Option<Vec<String>> = (words > first.len() / 2).then(|| first.iter().map(text).collect());
        let recordings = &wanted.config.recordings;
        let group = match &recordings.group {
            Group::Column(name) => named(&names, std::slice::from_ref(name), "`group`")?.pop(),
            Group::Recording | Group::Window => None,
        };
        let allowed = wanted.rules().columns(wanted.outputs);
        let targets = match &wanted.config.targets {
            Some(targets) => named(&names, targets, target_keys(wanted))?,
            None if !has_targets => Vec::new(),
            None if names.is_some() && allowed == (1..=1) && !wanted.rules().takes_vectors() => {
                vec![label(first)?]
            }
            None => (0..first.len())
                .filter(|column| Some(*column) != group)
                .rev()
                .take(*allowed.start())
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect(),
        };
        if (has_targets || !targets.is_empty()) && !allowed.contains(&targets.len()) {
            let said = format!(
                "{} columns are targets, but a {} network of {} outputs has {}",
                targets.len(),
                wanted.config.task.name(),
                wanted.outputs,
                allowed.end()
            );
            return Err((said, "name a column for each target, in the order of the outputs".to_string()));
        }
        let others = |column: &usize| Some(*column) != group && !targets.contains(column);
        let channels = match &recordings.columns {
            Some(columns) => named(&names, columns, "`columns`")?,
            None => (0..first.len()).filter(others).collect(),
        };
        if let (Some(twice), Some(names)) = (channels.iter().find(|column| !others(column)), &names) {
            let said = format!("`{}` is a column of samples and one of targets or groups", names[*twice]);
            return Err((said, "leave it out of one of the keys".to_string()));
        }
        let takes_vectors = wanted.rules().takes_vectors();
        Ok(Roles { columns: first.len(), names, channels, targets, group, takes_vectors })
    }

    /// Where the targets are.
    pub fn places(&self) -> Places {
        let name = |column: &usize| self.names.as_ref().map(|names| names[*column].clone());
        Places {
            columns: self.targets.iter().map(|column| column + 1).collect(),
            names: self.targets.iter().map(name).collect::<Option<Vec<_>>>().filter(|_| self.takes_vectors),
        }
    }

    /// `column 3`, or `column 3 (aX)`.
    pub fn column(&self, column: usize) -> String {
        match &self.names {
            Some(names) => format!("column {} ({})", column + 1, names[column]),
            None => format!("column {}", column + 1),
        }
    }
}

/// The columns with these names, which a key of the dataset's table has, in quotes.
fn named(names: &Option<Vec<String>>, wanted: &[String], key: &str) -> Result<Vec<usize>, Reason> {
    let quoted =
        |names: &[String]| enumerate(&names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>());
    let Some(names) = names else {
        let said = format!("it has numbers only, but {key} names {}", quoted(wanted));
        return Err((said, "put a header above it that names the columns".to_string()));
    };
    let place = |name: &String| names.iter().position(|found| found == name);
    let missing: Vec<String> = wanted.iter().filter(|name| place(name).is_none()).cloned().collect();
    if !missing.is_empty() {
        let said = format!("no column has the name {}, as {key} says", quoted(&missing));
        return Err((said, format!("the columns are {}", quoted(names))));
    }
    Ok(wanted.iter().filter_map(place).collect())
}
