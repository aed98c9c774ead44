//! Recordings of sensors: rows of samples, which windows are cut from.
//!
//! A recording has a row for each point in time and a column for each channel. Readers of files make
//! recordings; here they become images and targets.

mod form;
mod roles;
mod targets;
mod windows;

#[cfg(feature = "datasets")]
pub(super) mod files;
#[cfg(feature = "datasets")]
mod pattern;
pub(super) mod rows;
#[cfg(feature = "datasets")]
pub(super) mod ts;
#[cfg(feature = "datasets")]
mod wav;

pub(super) use windows::parts;

/// Rows of samples.
#[derive(Debug, Default)]
pub(super) struct Recording {
    /// Where it is, as messages say it: `walk.csv row 12`.
    pub place: String,
    /// Row after row.
    pub values: Vec<f32>,
    /// Values in a row.
    pub columns: usize,
    /// What windows of it are.
    pub target: Target,
    /// Its group, if it has one that others may have, too.
    pub group: Option<String>,
    /// Whether it is of the dataset's own test part.
    pub is_test: bool,
}

/// What the windows of a recording are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Of the class of this name.
    Class(String),
    /// What these fields say, one for each column of targets.
    Fields(Vec<Vec<u8>>),
    /// What the fields of a window's last row say; these are the fields of all rows.
    Rows(Vec<Vec<Vec<u8>>>),
}

impl Default for Target {
    fn default() -> Target {
        Target::Fields(Vec::new())
    }
}

impl Recording {
    /// The number of rows.
    fn rows(&self) -> usize {
        self.values.len().checked_div(self.columns).unwrap_or(0)
    }
}

/// A number of a file, or what is wrong with it.
fn number(field: &[u8]) -> Result<f32, String> {
    let shown = || crate::text::show(field);
    let text = std::str::from_utf8(field).ok().filter(|text| !text.is_empty());
    match text.and_then(|text| text.parse::<f32>().ok()) {
        None if field.is_empty() => Err("is empty".to_string()),
        None => Err(format!("`{}` is not a number", shown())),
        Some(number) if number.is_finite() => Ok(number),
        Some(_) => Err(format!("`{}` is not a finite number", shown())),
    }
}
