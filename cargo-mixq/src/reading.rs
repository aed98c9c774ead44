//! How a dataset is read, for people.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use mixq_build::engine::observer::Observer;

/// What takes less than this needs no bar.
const PATIENCE: Duration = Duration::from_secs(2);

/// A bar on stderr, for a dataset that takes its time.
pub struct Reading {
    start: Instant,
    bar: Option<ProgressBar>,
}

impl Reading {
    /// Before the dataset is read.
    pub fn new() -> Reading {
        Reading { start: Instant::now(), bar: None }
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Observer for Reading {
    fn read(&mut self, done: u64, total: u64) {
        if done >= total {
            self.clear();
            return;
        }
        if self.bar.is_none() && self.start.elapsed() < PATIENCE {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("reading the dataset {bar:30} {percent} %, {eta} left");
            ProgressBar::new(total).with_style(style.expect("a valid template"))
        });
        bar.set_length(total);
        bar.set_position(done);
    }

    fn warn(&mut self, message: &str) {
        let line = || eprintln!("warning: {message}");
        match &self.bar {
            Some(bar) => bar.suspend(line),
            None => line(),
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.clear();
    }
}
