//! A reader that tells how far it is.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// How far a file is read; copies see the same.
#[derive(Clone, Default)]
pub struct Progress {
    /// Bytes read so far.
    pub bytes: Rc<Cell<u64>>,
    /// Whether the end was reached.
    pub ended: Rc<Cell<bool>>,
}

/// Counts what is read.
pub struct Counted<R> {
    /// What is read from.
    pub source: R,
    /// What others see of it.
    pub progress: Progress,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.progress.bytes.update(|bytes| bytes + count as u64);
        if count == 0 && !buffer.is_empty() {
            self.progress.ended.set(true);
        }
        Ok(count)
    }
}
