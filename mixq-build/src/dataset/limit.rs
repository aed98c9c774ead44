//! Limits on the size of unpacked files: a small file must not fill the memory.

use std::error::Error;
use std::fmt;
use std::io::{self, Read};

#[cfg(feature = "datasets")]
use super::parts::Wanted;
#[cfg(feature = "datasets")]
use crate::error::Problem;

/// A mebibyte.
const MIB: u64 = 1 << 20;
/// The most bytes of the file of one image.
#[cfg(feature = "datasets")]
pub(super) const IMAGE: u64 = 64 * MIB;
/// The most bytes of the values of all windows of recordings.
pub(super) const MOST: usize = 1 << 30;
/// A compressed file of any size may be this large when unpacked.
const SMALL: u64 = 64 * MIB;
/// A larger one may be this many times as large when unpacked as it is compressed. Compression makes images
/// and text 3 to 10 times smaller, black and white drawings 60 times, and a byte that repeats 1000 times.
const RATIO: u64 = 100;

/// The most bytes of all images of a packed dataset, in the size that the network takes;
#[cfg(feature = "datasets")]
const PIXELS: u64 = 1 << 30;
/// for a larger dataset this many times its packed size: small images of one colour that are scaled up must
/// not fill the memory.
#[cfg(feature = "datasets")]
const PIXELS_RATIO: u64 = 1000;

/// The error if `count` images from `packed` bytes are too many to hold.
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

/// Whether `count` images from `packed` bytes may be held.
#[cfg(feature = "datasets")]
pub(super) fn fits(wanted: &Wanted<'_>, count: u64, packed: u64) -> bool {
    let most = PIXELS.max(packed.saturating_mul(PIXELS_RATIO));
    count.saturating_mul(wanted.shape.elements() as u64) <= most
}

/// The most bytes that a compressed file of `packed` bytes may have when unpacked.
pub(super) fn unpacked(packed: u64) -> u64 {
    SMALL.max(packed.saturating_mul(RATIO))
}

/// A size for messages.
pub(super) fn size(bytes: u64) -> String {
    match bytes / MIB {
        0 => format!("{bytes} bytes"),
        mebibytes => format!("{mebibytes} MiB"),
    }
}

/// An error: something is larger than it may be.
#[derive(Debug)]
pub(super) struct TooLarge {
    /// Names the limit.
    message: String,
}

impl TooLarge {
    /// With a message that names the limit.
    pub fn new(message: String) -> TooLarge {
        TooLarge { message }
    }

    /// For a compressed file of `packed` bytes.
    pub fn unpacked(packed: u64) -> TooLarge {
        TooLarge::new(format!(
            "becomes more than {} when it is unpacked, from {}: that may be {} or {RATIO} times the size",
            size(unpacked(packed)),
            size(packed),
            size(SMALL)
        ))
    }

    /// The error of this type that is the cause of an I/O error, if one is.
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

/// Readers return it as an I/O error.
impl From<TooLarge> for io::Error {
    fn from(error: TooLarge) -> io::Error {
        io::Error::new(io::ErrorKind::FileTooLarge, error)
    }
}

/// Reads what a compressed file of `packed` bytes unpacks to; fails beyond the limit.
pub(super) struct Limited<R> {
    source: R,
    packed: u64,
    left: u64,
}

impl<R> Limited<R> {
    /// With the limit for a whole file.
    pub fn new(source: R, packed: u64) -> Limited<R> {
        Limited { source, packed, left: unpacked(packed) }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Left { source: &mut self.source, packed: self.packed, left: &mut self.left }.read(buffer)
    }
}

/// The same for one of several files that are compressed one by one into a file of `packed` bytes.
pub(super) struct Left<'a, R: ?Sized> {
    /// One of the files.
    pub source: &'a mut R,
    /// Bytes of all of them, compressed.
    pub packed: u64,
    /// Bytes that the files may still have, all together.
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
