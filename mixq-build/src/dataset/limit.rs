//! How large what is in a file may become when it is unpacked: a small file must not fill the memory.

use std::error::Error;
use std::fmt;
use std::io::{self, Read};

#[cfg(feature = "datasets")]
use super::parts::Wanted;
#[cfg(feature = "datasets")]
use crate::error::Problem;

/// A mebibyte.
const MIB: u64 = 1 << 20;
/// The file of one image may have so many bytes.
#[cfg(feature = "datasets")]
pub(super) const IMAGE: u64 = 64 * MIB;
/// A compressed file may always become so large, whatever its own size.
const SMALL: u64 = 64 * MIB;
/// Beyond that, a compressed file may become so many times as large as it is. Images and text shrink to a
/// third or a tenth, black and white drawings to a sixtieth; the thousandth is reached by one byte again and
/// again.
const RATIO: u64 = 100;

/// The images of a dataset that is packed may have so many bytes as the network wants them,
#[cfg(feature = "datasets")]
const PIXELS: u64 = 1 << 30;
/// and beyond that so many times what they are packed in: small ones of one colour, scaled, must not fill the
/// memory.
#[cfg(feature = "datasets")]
const PIXELS_RATIO: u64 = 1000;

/// Refuses so many images of a shape from `packed` bytes.
#[cfg(feature = "datasets")]
pub(super) fn images(wanted: &Wanted<'_>, count: u64, packed: u64) -> Option<Problem> {
    if fits(wanted, count, packed) {
        return None;
    }
    let message = format!(
        "{} has {count} images, which become more than {} and {PIXELS_RATIO} times its size as images of {}",
        wanted.config.path.display(),
        size(PIXELS),
        wanted.shape
    );
    Some(Problem::new(message).help("unpack it, or scale the images yourself, if these are your data"))
}

/// Whether so many images of a shape may be held, from `packed` bytes.
#[cfg(feature = "datasets")]
pub(super) fn fits(wanted: &Wanted<'_>, count: u64, packed: u64) -> bool {
    let most = PIXELS.max(packed.saturating_mul(PIXELS_RATIO));
    count.saturating_mul(wanted.shape.elements() as u64) <= most
}

/// How many bytes a compressed file of `packed` bytes may become.
pub(super) fn unpacked(packed: u64) -> u64 {
    SMALL.max(packed.saturating_mul(RATIO))
}

/// A size as people say it.
pub(super) fn size(bytes: u64) -> String {
    match bytes / MIB {
        0 => format!("{bytes} bytes"),
        mebibytes => format!("{mebibytes} MiB"),
    }
}

/// What is larger than it may be.
#[derive(Debug)]
pub(super) struct TooLarge {
    /// What it is, and how much it may have.
    message: String,
}

impl TooLarge {
    /// Something that was read to its limit.
    pub fn new(message: String) -> TooLarge {
        TooLarge { message }
    }

    /// What a compressed file of `packed` bytes becomes.
    pub fn unpacked(packed: u64) -> TooLarge {
        TooLarge::new(format!(
            "becomes more than {} when it is unpacked, from {}: that may be {} or {RATIO} times the size",
            size(unpacked(packed)),
            size(packed),
            size(SMALL)
        ))
    }

    /// Whether an error is one of these at its bottom, and what it says.
    pub fn of(error: &io::Error) -> Option<&TooLarge> {
        let mut inner = error.get_ref().map(|inner| inner as &(dyn Error + 'static));
        while let Some(error) = inner {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            inner = match error.downcast_ref::<io::Error>() {
                Some(error) => error.get_ref().map(|inner| inner as &(dyn Error + 'static)),
                None => error.source(),
            };
        }
        None
    }
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for TooLarge {}

/// As an error of whoever reads.
impl From<TooLarge> for io::Error {
    fn from(error: TooLarge) -> io::Error {
        io::Error::new(io::ErrorKind::FileTooLarge, error)
    }
}

/// What a compressed file of `packed` bytes becomes, to its limit; then it fails.
pub(super) struct Limited<R> {
    source: R,
    packed: u64,
    left: u64,
}

impl<R> Limited<R> {
    /// The whole of what is unpacked.
    pub fn new(source: R, packed: u64) -> Limited<R> {
        Limited { source, packed, left: unpacked(packed) }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Left { source: &mut self.source, packed: self.packed, left: &mut self.left }.read(buffer)
    }
}

/// The same of one of several files that are compressed one by one in a file of `packed` bytes.
pub(super) struct Left<'a, R: ?Sized> {
    /// One of the files.
    pub source: &'a mut R,
    /// Bytes of all of them, compressed.
    pub packed: u64,
    /// Bytes that all may still become.
    pub left: &'a mut u64,
}

impl<R: Read + ?Sized> Read for Left<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        *self.left = self.left.checked_sub(count as u64).ok_or_else(|| TooLarge::unpacked(self.packed))?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unpacked_ends_at_its_limit() {
        let read = |packed: u64, bytes: u64| {
            io::copy(&mut Limited::new(io::repeat(7).take(bytes), packed), &mut io::sink())
        };
        assert_eq!(read(1, 67_108_864).unwrap(), 67_108_864);
        let error = read(1, 67_108_865).unwrap_err();
        let expected = "becomes more than 64 MiB when it is unpacked, from 1 bytes: that may be 64 MiB or \
                        100 times the size";
        assert_eq!(TooLarge::of(&error).unwrap().to_string(), expected);
        // MNIST's 47 MB, and 150 MB that are not compressed beyond measure.
        assert_eq!(read(1_500_000, 150_000_000).unwrap(), 150_000_000);
        assert!(read(1_500_000, 150_000_001).is_err());
    }
}
