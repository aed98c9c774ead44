//! Files that one run keeps for the next, believed only if they are, to the bit, what was written.
//!
//! The first line says what the file is, the version of its form, how many bytes follow, and the SHA-256 of
//! all of that.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

use bytes::Bytes;
use hmac_sha256::Hash as Sha256;

use crate::atomic;
use crate::hex::hexadecimal;

/// What a file holds.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    /// For people and for the first line; one word.
    pub name: &'static str,
    /// Changes whenever the form of the file does.
    pub version: u32,
}

/// No first line is longer.
const LONGEST_HEAD: usize = 200;

/// Writes a file of these parts, one after the other.
///
/// # Errors
/// As [`atomic::write`].
pub(crate) fn write(path: &Path, kind: Kind, parts: &[&[u8]]) -> io::Result<()> {
    let head = head(kind, parts.iter().map(|part| part.len() as u64).sum());
    let seal = seal(&head, parts);
    atomic::write(path, |file| {
        file.write_all(format!("{head} {seal}\n").as_bytes())?;
        parts.iter().try_for_each(|part| file.write_all(part))
    })
}

/// What [`write`] was given; `None` if there is no file.
///
/// The file is read, not mapped into memory: what others do to it later must not show, and cannot stop the
/// process.
///
/// # Errors
/// In words, why the file is not to be believed.
pub(crate) fn read(path: &Path, kind: Kind) -> Result<Option<Bytes>, String> {
    let unreadable = |error: io::Error| format!("it cannot be read: {error}");
    match fs::metadata(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(unreadable(error)),
        // Opening something else, such as a pipe, may block for ever.
        Ok(metadata) if !metadata.is_file() => return Err("it is not a file".to_string()),
        Ok(_) => {}
    }
    let mut file = File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    let mut start = Vec::new();
    Read::by_ref(&mut file).take(LONGEST_HEAD as u64).read_to_end(&mut start).map_err(unreadable)?;
    let Some(line) = start.split(|byte| *byte == b'\n').next().filter(|line| line.len() < start.len()) else {
        return Err("it is damaged: its first line is not there".to_string());
    };
    let line_bytes = line.len() as u64 + 1;
    let (found, seal_found) = first_line(line, kind)?;
    let expected = line_bytes.saturating_add(found);
    if size != expected {
        return Err(format!("it is damaged: it has {size} bytes of {expected}"));
    }
    let mut body = start.split_off(line.len() + 1);
    body.reserve_exact((found as usize).saturating_sub(body.len()));
    file.read_to_end(&mut body).map_err(unreadable)?;
    if body.len() as u64 != found || seal(&head(kind, found), &[&body]) != seal_found {
        return Err("it is damaged: its contents are not those that were written".to_string());
    }
    Ok(Some(Bytes::from(body)))
}

/// Bytes that follow, and their seal.
fn first_line(line: &[u8], kind: Kind) -> Result<(u64, String), String> {
    let damaged = || "it is damaged: its first line cannot be read".to_string();
    let text = std::str::from_utf8(line).map_err(|_| damaged())?;
    let words: Vec<&str> = text.split(' ').collect();
    let [name, version, bytes, seal] = words[..] else { return Err(damaged()) };
    if name != format!("mixq-{}", kind.name) {
        return Err(damaged());
    }
    let version: u32 = version.parse().map_err(|_| damaged())?;
    if version != kind.version {
        return Err(format!("it is of version {version}, and this mixq has version {}", kind.version));
    }
    Ok((bytes.parse().map_err(|_| damaged())?, seal.to_string()))
}

fn head(kind: Kind, bytes: u64) -> String {
    format!("mixq-{} {} {bytes}", kind.name, kind.version)
}

fn seal(head: &str, parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(head);
    parts.iter().for_each(|part| hasher.update(part));
    hexadecimal(&hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Kind = Kind { name: "test", version: 7 };

    #[test]
    fn any_flipped_bit_and_any_other_length_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        assert_eq!(read(&path, KIND).unwrap(), None);
        write(&path, KIND, &[b"first, ", b"second\n", b""]).unwrap();
        assert_eq!(read(&path, KIND).unwrap().unwrap(), &b"first, second\n"[..]);
        let whole = fs::read(&path).unwrap();
        for bit in 0..8 * whole.len() {
            let mut other = whole.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, other).unwrap();
            assert!(read(&path, KIND).is_err(), "bit {bit} of {}", 8 * whole.len());
        }
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(read(&path, KIND).is_err(), "{length} bytes of {}", whole.len());
        }
        fs::write(&path, [&whole[..], b"\n"].concat()).unwrap();
        assert!(read(&path, KIND).is_err());
        fs::write(&path, &whole).unwrap();
        assert!(read(&path, KIND).is_ok());
    }

    #[test]
    fn the_reason_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let reason = || read(&path, KIND).unwrap_err();
        write(&path, Kind { version: 6, ..KIND }, &[b"x"]).unwrap();
        assert_eq!(reason(), "it is of version 6, and this mixq has version 7");
        write(&path, Kind { name: "other", ..KIND }, &[b"x"]).unwrap();
        assert_eq!(reason(), "it is damaged: its first line cannot be read");
        write(&path, KIND, &[b"xyz"]).unwrap();
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        let size = whole.len();
        assert_eq!(reason(), format!("it is damaged: it has {} bytes of {size}", size - 1));
        // The length may be damaged: no memory is allocated by it before the file has so many bytes.
        let absurd = String::from_utf8(whole).unwrap().replace(" 3 ", " 18446744073709551615 ");
        fs::write(&path, absurd).unwrap();
        assert!(reason().starts_with("it is damaged: "), "{}", reason());
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(reason(), "it is not a file");
    }

    /// The SHA-256 by sha256sum: `(printf 'mixq-test 7 3'; printf abc) | sha256sum`.
    #[test]
    fn the_form_is_the_documented_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write(&path, KIND, &[b"abc"]).unwrap();
        let seal = "9b9c7401daa59e0122ebed0410bf53a733e84c2b3bee5b3cd68b0fc6398ac6f8";
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("mixq-test 7 3 {seal}\nabc"));
    }
}
