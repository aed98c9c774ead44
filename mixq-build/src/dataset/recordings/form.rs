//! How the rows of recordings lie in an image.

use crate::dataset::parts::Wanted;
use crate::error::Problem;
use crate::text::enumerate;

/// The rows and columns of a window, which has the elements of an image in the same order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Rows of a window.
    pub rows: usize,
    /// Rows from the start of a window to that of the next; `None`: a recording is one window.
    pub step: Option<usize>,
}

impl Form {
    /// For recordings with this number of columns. Columns are channels and rows are points in time, which
    /// are the pixels; or columns are the pixels of a row, of one channel; or a row is an image.
    /// `place` is the file, and `names` are what its header calls these columns.
    pub fn of(
        wanted: &Wanted<'_>,
        columns: usize,
        place: &str,
        names: Option<&[String]>,
    ) -> Result<Form, Problem> {
        let (shape, recordings) = (wanted.shape, &wanted.config.recordings);
        let rows = [
            (shape.channels, shape.height * shape.width),
            (shape.width * shape.channels, shape.height),
            (shape.elements(), 1),
        ];
        let Some((_, rows)) = rows.into_iter().find(|(wanted, _)| *wanted == columns) else {
            let names = names.map_or(String::new(), |names| format!(" ({})", enumerate(names)));
            let message = format!(
                "{place} has {columns} columns of samples{names}, but the network's input {shape} has {} \
                 channels",
                shape.channels
            );
            let help = "columns are channels and rows are pixels; `columns` in the dataset's table names \
                        those that are read";
            return Err(Problem::new(message).help(help));
        };
        if let Some(window) = recordings.window.filter(|window| *window != rows) {
            let message = format!(
                "{place}: `window` is {window} rows of {columns} columns, but the network's input {shape} \
                 has {rows} rows of them"
            );
            let help = format!("set `window` to {rows}, or give the network another input");
            return Err(Problem::new(message).help(help));
        }
        let step = recordings.window.map(|window| recordings.step.unwrap_or(window));
        Ok(Form { rows, step: if rows == 1 { Some(step.unwrap_or(1)) } else { step } })
    }
}
