//! SHA-256 of what is read or written.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use hmac_sha256::Hash as Sha256;

use crate::error::Problem;
use crate::hex::hexadecimal;

/// SHA-256 of something.
pub(in crate::dataset) type Hash = [u8; 32];

/// Takes what is written to it into a digest.
#[derive(Default)]
pub(super) struct Sink(Sha256);

impl Sink {
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub fn hash(self) -> Hash {
        self.0.finalize()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The digest of all that can be read.
pub(super) fn of_all(mut source: impl Read) -> io::Result<Hash> {
    let mut sink = Sink::default();
    io::copy(&mut source, &mut sink)?;
    Ok(sink.hash())
}

/// SHA-256 of a file's contents, in hexadecimal.
///
/// # Errors
/// The file cannot be read.
pub fn sha256(path: &Path) -> Result<String, Problem> {
    let hash = File::open(path).and_then(of_all);
    Ok(hexadecimal(&hash.map_err(|error| Problem::io("read", path, &error))?))
}
