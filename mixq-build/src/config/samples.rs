//! Keys of a dataset whose values are samples of sensors: how they become codes, and how recordings become
//! windows.

use mixq_format::Bits;
use serde::Serialize;

use crate::error::Problem;
use crate::toml::{Entry, Table};

/// How samples become the codes that the network reads: `input` of a dataset's table.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct InputConfig {
    /// The value of code 0, for each channel or once for all; `None`: as suits the training data.
    pub min: Option<Vec<f64>>,
    /// The value of the largest code, likewise.
    pub max: Option<Vec<f64>>,
    /// What a step of the device's 16-bit samples is worth, likewise; each over 0.
    pub unit: Option<Vec<f64>>,
    /// Whether all channels have one scale.
    pub per_tensor: bool,
    /// Bits of a code; `None`: 8, or fewer where the RAM budget asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bits: Option<Bits>,
}

/// How recordings become windows. Serialised without what is as usual.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RecordingConfig {
    /// Rows of a window; `None`: a recording is one window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<usize>,
    /// Rows from the start of a window to that of the next; `None`: as many as a window has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<usize>,
    /// Names of the columns that are the channels; `None`: all but those of targets and groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// What the files of a folder are called, as `{group}_{class}.csv`; `None`: they are in a folder for each
    /// class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<String>,
    /// Which windows are never on both sides of a split.
    #[serde(skip_serializing_if = "Group::is_default")]
    pub group: Group,
    /// What becomes of recordings that are shorter than a window.
    #[serde(skip_serializing_if = "Short::is_default")]
    pub short: Short,
}

/// Which windows belong together.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Those of a recording; of files, those whose names have the same `{group}`.
    #[default]
    Recording,
    /// Those that have the same text in a column of this name.
    Column(String),
    /// Each is on its own.
    Window,
}

/// What becomes of recordings that are shorter than a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Short {
    /// They are an error.
    #[default]
    Refuse,
    /// Their last row is repeated.
    Pad,
    /// They are left out.
    Skip,
}

impl RecordingConfig {
    /// The keys that are set.
    pub fn keys(&self) -> Vec<&'static str> {
        let RecordingConfig { window, step, columns, files, group, short } = self;
        let (column, alone) = match group {
            Group::Recording => (false, false),
            Group::Column(_) => (true, false),
            Group::Window => (false, true),
        };
        let keys = [
            ("window", window.is_some()),
            ("step", step.is_some()),
            ("columns", columns.is_some()),
            ("files", files.is_some()),
            ("group", column),
            ("group = false", alone),
            ("short", !short.is_default()),
        ];
        keys.into_iter().filter(|(_, is_set)| *is_set).map(|(key, _)| key).collect()
    }
}

impl Group {
    fn is_default(&self) -> bool {
        *self == Group::default()
    }
}

impl Short {
    fn is_default(&self) -> bool {
        *self == Short::default()
    }
}

/// Reads `input`: `"samples"`, or a table.
pub(super) fn read_input(entry: &Entry<'_>, problems: &mut Vec<Problem>) -> Option<InputConfig> {
    if !entry.is_table() {
        return entry.choice(&[("samples", ())], problems).map(|()| InputConfig::default());
    }
    read_codes(entry, &[], problems)
}

/// Reads a table that says how samples become codes; `others` are keys of it that say something else.
pub(super) fn read_codes(
    entry: &Entry<'_>,
    others: &[&str],
    problems: &mut Vec<Problem>,
) -> Option<InputConfig> {
    let table = entry.table(problems)?;
    table.allow(&[&["min", "max", "unit", "scale", "bits"], others].concat(), problems);
    let mut numbers = |key: &str, accepts: fn(f64) -> bool, what: &str| {
        table.get(key).and_then(|entry| read_numbers(&entry, accepts, what, problems))
    };
    let anything = "a number, or an array with one for each channel";
    let input = InputConfig {
        min: numbers("min", |_| true, anything),
        max: numbers("max", |_| true, anything),
        unit: numbers("unit", |unit| unit > 0.0, "a number over 0, or an array with one for each channel"),
        per_tensor: false,
        bits: table.get("bits").and_then(|entry| read_bits(&entry, problems)),
    };
    let choices = [("per-channel", false), ("per-tensor", true)];
    let scale = table.get("scale").and_then(|entry| entry.choice(&choices, problems));
    let lengths = [&input.min, &input.max, &input.unit].map(|numbers| numbers.as_ref().map_or(1, Vec::len));
    if scale == Some(true) && lengths.iter().any(|length| *length > 1) {
        problems.push(entry.problem("has numbers for each channel, but `scale` is \"per-tensor\""));
    }
    if let (Some(min), Some(max)) = (&input.min, &input.max) {
        let (min, max) = (min.iter().cycle(), max.iter().cycle());
        let mut pairs = min.zip(max).take(lengths[0].max(lengths[1]));
        if let Some((min, max)) = pairs.find(|(min, max)| min >= max) {
            problems.push(entry.problem(format_args!("has min {min}, which is not below max {max}")));
        }
    }
    Some(InputConfig { per_tensor: scale.unwrap_or_default(), ..input })
}

/// Bits of a code: 8, 4 or 2.
fn read_bits(entry: &Entry<'_>, problems: &mut Vec<Problem>) -> Option<Bits> {
    let bits = match entry.as_integer() {
        Some(8) => Some(Bits::B8),
        Some(4) => Some(Bits::B4),
        Some(2) => Some(Bits::B2),
        Some(_) | None => None,
    };
    if bits.is_none() {
        problems.push(entry.wrong_value("8, 4 or 2"));
    }
    bits
}

/// A finite number, or some.
pub(super) fn read_numbers(
    entry: &Entry<'_>,
    accepts: fn(f64) -> bool,
    what: &str,
    problems: &mut Vec<Problem>,
) -> Option<Vec<f64>> {
    let numbers = entry.as_number().map(|number| vec![number]).or_else(|| entry.as_numbers());
    let is_right = |number: &f64| number.is_finite() && accepts(*number);
    let numbers = numbers.filter(|numbers| !numbers.is_empty() && numbers.iter().all(is_right));
    if numbers.is_none() {
        problems.push(entry.wrong_value(what));
    }
    numbers
}

/// Reads the keys of recordings.
pub(super) fn read_recordings(table: &Table<'_>, problems: &mut Vec<Problem>) -> RecordingConfig {
    let mut rows = |key: &str| table.get(key).and_then(|entry| entry.integer(1, problems));
    let (window, step) = (rows("window"), rows("step"));
    if let (Some(entry), None) = (table.get("step"), table.get("window")) {
        problems.push(entry.problem("needs a `window`").help("window = 119 gives a window 119 rows"));
    }
    let files = table.get("files").and_then(|entry| Some((entry.string(problems)?, entry)));
    if let Some((files, entry)) = &files
        && let Err(reason) = check_pattern(files)
    {
        let help = "as in \"{group}_{class}.csv\"; `*` stands for anything that does not count";
        problems.push(entry.problem(reason).help(help));
    }
    let choices = [("refuse", Short::Refuse), ("pad", Short::Pad), ("skip", Short::Skip)];
    RecordingConfig {
        window,
        step,
        columns: table.get("columns").and_then(|entry| super::dataset::read_targets(&entry, problems)),
        files: files.map(|(files, _)| files.to_string()),
        group: table.get("group").and_then(|entry| read_group(&entry, problems)).unwrap_or_default(),
        short: table.get("short").and_then(|entry| entry.choice(&choices, problems)).unwrap_or_default(),
    }
}

/// A column's name, or `false`.
fn read_group(entry: &Entry<'_>, problems: &mut Vec<Problem>) -> Option<Group> {
    if entry.as_str().is_some() {
        return entry.string(problems).map(|name| Group::Column(name.to_string()));
    }
    let group = entry.boolean(&mut Vec::new()).filter(|group| !group);
    if group.is_none() {
        problems.push(entry.wrong_value("the name of a column, or false for windows on their own"));
    }
    group.map(|_| Group::Window)
}

/// What is wrong with a pattern of names of files.
fn check_pattern(files: &str) -> Result<(), String> {
    for name in ["{class}", "{group}"] {
        if files.matches(name).count() > 1 {
            return Err(format!("has {name} more than once"));
        }
    }
    let rest = files.replace("{class}", "*").replace("{group}", "*");
    if rest.contains(['{', '}']) {
        return Err("has braces that are neither {class} nor {group}".to_string());
    }
    if rest.contains("**") {
        return Err("has two parts without a sign between them".to_string());
    }
    Ok(())
}
