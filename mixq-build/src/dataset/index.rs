//! What the files of a dataset were when they were last read, so that only changed ones are read again.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::digest::hexadecimal;
use super::store::{place, write};
use crate::error::Problem;

/// SHA-256 of a file's contents.
pub(super) type Hash = [u8; 32];

/// First words of an index.
const MAGIC: &str = "mixq-index 1";

/// Two changes in this time may look like one: what is younger is read again.
const GRANULARITY: Duration = Duration::from_secs(2);

/// What tells a changed file without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Bytes.
    size: u64,
    /// Nanoseconds since 1970; 0: the system does not know.
    modified: u128,
}

impl Stamp {
    /// Of a file as it is now.
    pub fn of(path: &Path) -> Result<Stamp, Problem> {
        let metadata = fs::metadata(path).map_err(|error| Problem::io("read", path, &error))?;
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Ok(Stamp { size: metadata.len(), modified: modified.map_or(0, |since| since.as_nanos()) })
    }

    /// Whether a later change would show.
    fn settled(self, now: SystemTime) -> bool {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.modified > 0 && self.modified + GRANULARITY.as_nanos() < since.as_nanos()
    }
}

/// The files of a dataset as they were.
#[derive(Default)]
pub(super) struct Index {
    /// Digest of the whole.
    whole: String,
    /// In the order of their names.
    files: Vec<(String, Stamp, Hash)>,
}

impl Index {
    /// The index of a dataset; an empty one if there is none that can be read.
    pub fn load(cache: &Path, dataset: &Path) -> Index {
        let text = fs::read_to_string(place(cache, dataset, "", "index"));
        text.ok().and_then(|text| Index::parse(&text)).unwrap_or_default()
    }

    fn parse(text: &str) -> Option<Index> {
        let (head, rest) = text.split_once('\n')?;
        let (count, whole) = head.strip_prefix(MAGIC)?.trim_start().split_once(' ')?;
        let files: Option<Vec<_>> = rest.lines().map(parse_line).collect();
        let files = files.filter(|files| count.parse() == Ok(files.len()))?;
        Some(Index { whole: whole.to_string(), files })
    }

    /// The digest of the whole, if these are the files and none has changed.
    pub fn whole(&self, files: &[(String, PathBuf)], stamps: &[Stamp]) -> Option<&str> {
        let now = files.iter().map(|(name, _)| name).zip(stamps);
        let was = self.files.iter().map(|(name, stamp, _)| (name, stamp));
        (!self.whole.is_empty() && was.eq(now)).then_some(self.whole.as_str())
    }

    /// The digest of a file that has not changed.
    pub fn hash_of(&self, name: &str, stamp: Stamp) -> Option<Hash> {
        let at = self.files.binary_search_by(|(known, ..)| known.as_str().cmp(name)).ok()?;
        let (_, known, hash) = self.files[at];
        (known == stamp).then_some(hash)
    }
}

/// `digest size time name`.
fn parse_line(line: &str) -> Option<(String, Stamp, Hash)> {
    let mut fields = line.splitn(4, ' ');
    let (hash, size, modified) = (fields.next()?, fields.next()?, fields.next()?);
    let mut bytes = [0; 32];
    if hash.len() != 64 || !hash.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hash[2 * at..][..2], 16).ok()?;
    }
    let stamp = Stamp { size: size.parse().ok()?, modified: modified.parse().ok()? };
    Some((fields.next()?.to_string(), stamp, bytes))
}

/// Writes the index of a dataset. Files whose changes might not show are left out.
pub(super) fn store(
    cache: &Path,
    dataset: &Path,
    whole: &str,
    files: &[(String, PathBuf)],
    stamps: &[Stamp],
    hashes: &[Hash],
) -> io::Result<()> {
    let now = SystemTime::now();
    let lines: Vec<String> = (files.iter().zip(stamps).zip(hashes))
        .filter(|(((name, _), stamp), _)| stamp.settled(now) && !name.contains(['\n', '\r']))
        .map(|(((name, _), stamp), hash)| {
            format!("{} {} {} {name}\n", hexadecimal(hash), stamp.size, stamp.modified)
        })
        .collect();
    let path = place(cache, dataset, "", "index");
    write(&path, |file| write!(file, "{MAGIC} {} {whole}\n{}", lines.len(), lines.concat()))
}
