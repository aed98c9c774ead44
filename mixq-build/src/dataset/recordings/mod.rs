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
    /// Its file or line, as messages say it, `walk.csv`; nothing if the dataset is one file.
    pub place: String,
    /// Its first row in that file, counted from 1; 0 if rows have no numbers.
    pub first_row: usize,
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
    /// Where it begins: `walk.csv at row 12`.
    fn start(&self) -> String {
        match (self.place.as_str(), self.first_row) {
            (place, 0) => place.to_string(),
            ("", row) => format!("at row {row}"),
            (place, row) => format!("{place} at row {row}"),
        }
    }

    /// Where one of its rows is, counted from 0, behind the path of the dataset: `: walk.csv row 14`.
    fn behind_path(&self, row: usize) -> String {
        let place = if self.place.is_empty() { String::new() } else { format!(": {}", self.place) };
        match self.first_row {
            0 => place,
            first => format!("{place} row {}", first + row),
        }
    }

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
