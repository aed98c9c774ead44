//! Zstandard: all frames of a file, one after the other, with their checksums.

use std::error::Error;
use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::dataset::limit::{TooLarge, size};

/// The largest window that a file may ask for, in bytes, which are held in memory: as much as the program
/// `zstd` allows unless it is told otherwise.
const MAX_WINDOW: u64 = 1 << 27;

/// Reads what was compressed.
pub struct Zstd<R> {
    source: R,
    decoder: FrameDecoder,
    inside_frame: bool,
}

impl<R: BufRead> Zstd<R> {
    /// Of a file, from its start.
    pub fn new(source: R) -> Zstd<R> {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_WINDOW);
        Zstd { source, decoder, inside_frame: false }
    }

    /// Whether there was another frame to begin.
    fn begin(&mut self) -> io::Result<bool> {
        loop {
            if self.source.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.decoder.reset(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let length = u64::from(length);
                    if io::copy(&mut (&mut self.source).take(length), &mut io::sink())? < length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(failed(error)),
            }
        }
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.inside_frame && !self.begin()? {
                return Ok(0);
            }
            self.inside_frame = true;
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.source, one).map_err(failed)?;
            }
            let count = self.decoder.read(buffer)?;
            if count > 0 {
                return Ok(count);
            }
            let stored = self.decoder.get_checksum_from_data();
            if stored.is_some() && stored != self.decoder.get_calculated_checksum() {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "its checksum is wrong"));
            }
            self.inside_frame = false;
        }
    }
}

fn failed(error: FrameDecoderError) -> io::Error {
    if let FrameDecoderError::WindowSizeTooBig { requested, max } = error {
        let message = format!(
            "needs a window of {} to be unpacked, at most {} are given: pack it without `--long`",
            size(requested),
            size(max)
        );
        return TooLarge::new(message).into();
    }
    let kind = if ends_early(&error) { io::ErrorKind::UnexpectedEof } else { io::ErrorKind::InvalidData };
    io::Error::new(kind, error)
}

/// Whether the end of the file is at the bottom of it.
fn ends_early(error: &(dyn Error + 'static)) -> bool {
    match error.downcast_ref::<io::Error>() {
        Some(error) if error.kind() == io::ErrorKind::UnexpectedEof => true,
        Some(error) => error.get_ref().is_some_and(|inner| ends_early(inner)),
        None => error.source().is_some_and(ends_early),
    }
}
