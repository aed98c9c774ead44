//! Lines that end: a row is held in memory as a whole.

use std::io::{self, Read};

use crate::dataset::limit::{TooLarge, size};

/// The longest line, in bytes: four million pixels of three digits.
const LONGEST: u64 = 16 << 20;

/// Passes on what it reads until a line is too long.
pub(super) struct Lines<R> {
    source: R,
    /// Lines that ended so far.
    ended: u64,
    /// Bytes of the line that was begun.
    begun: u64,
}

impl<R> Lines<R> {
    /// From the first line.
    pub fn new(source: R) -> Lines<R> {
        Lines { source, ended: 0, begun: 0 }
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        let found = &buffer[..count];
        match found.iter().rposition(|byte| *byte == b'\n') {
            Some(last) => {
                self.ended += found.iter().filter(|byte| **byte == b'\n').count() as u64;
                self.begun = (count - last - 1) as u64;
            }
            None => self.begun += count as u64,
        }
        if self.begun > LONGEST {
            let line = self.ended + 1;
            let message =
                format!("has a line {line} of more than {}, which is not a row of pixels", size(LONGEST));
            return Err(TooLarge::new(message).into());
        }
        Ok(count)
    }
}
