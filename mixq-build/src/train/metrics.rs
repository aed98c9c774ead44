//! The epochs of a training as JSON lines, for plots and comparisons.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use crate::error::Problem;
use crate::observer::{Epoch, Observer};

/// An observer that appends a line for each epoch to a file, and passes everything on to another observer.
pub struct Metrics<'a> {
    file: File,
    next: &'a mut dyn Observer,
}

impl<'a> Metrics<'a> {
    /// Appends to this file; a training that goes on after an interruption adds to its own lines.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn new(path: &Path, next: &'a mut dyn Observer) -> Result<Metrics<'a>, Problem> {
        let failed = |error: std::io::Error| Problem::io("write", path, &error);
        path.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(failed)?;
        let mut file = OpenOptions::new().create(true).read(true).append(true).open(path).map_err(failed)?;
        cut_last_line(&mut file).map_err(failed)?;
        Ok(Metrics { file, next })
    }
}

/// Removes an incomplete last line, which a killed process or a full disk may leave.
fn cut_last_line(file: &mut File) -> io::Result<()> {
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    let lines = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    if lines < text.len() { file.set_len(lines as u64) } else { Ok(()) }
}

impl Observer for Metrics<'_> {
    fn batch(&mut self, epoch: &Epoch) {
        self.next.batch(epoch);
    }

    fn epoch(&mut self, epoch: &Epoch) {
        let line = serde_json::json!({
            "phase": epoch.phase,
            "epoch": epoch.epoch,
            "epochs": epoch.epochs,
            "loss": epoch.loss,
            "validation_accuracy": epoch.accuracy,
            "learning_rate": epoch.learning_rate,
            "images_per_second": epoch.images_per_second,
            "threads": epoch.threads,
            "cpu": epoch.cpu,
        });
        // One write, so that lines of several processes do not mix. If it fails, the training goes on: only a
        // warning is lost if metrics are missing, not hours of work.
        if let Err(error) = self.file.write_all(format!("{line}\n").as_bytes()) {
            self.next.warn(&format!("cannot write metrics: {error}"));
        }
        self.next.epoch(epoch);
    }

    fn warn(&mut self, message: &str) {
        self.next.warn(message);
    }

    fn read(&mut self, done: u64, total: u64) {
        self.next.read(done, total);
    }

    fn interrupted(&self) -> bool {
        self.next.interrupted()
    }
}
