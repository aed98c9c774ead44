//! What the files of a dataset were when they were last read, so that only changed ones are read again.
//!
//! As in git's index, a file counts as unchanged if all that its system keeps of it is the same, and if it
//! was not changed just when it was read: two changes within a tick of the clock would look like one.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use hmac_sha256::Hash as Sha256;

use super::hash::Hash;
use super::stamp::Stamp;
use crate::atomic::Temporary;
use crate::dataset::store::{place, write};
use crate::hex::hexadecimal;

/// First word of an index. Another number: the contents of files count in another way.
const MAGIC: &str = "mixq-index-2";

/// By how much the clock of a file server may be behind, in nanoseconds.
const SKEW: i128 = 60_000_000_000;

/// A file as it was.
pub struct Entry {
    /// Its name in the dataset; empty if it is the dataset.
    pub name: String,
    /// What its system kept of it.
    pub stamp: Stamp,
    /// The digest of what counts of it.
    pub hash: Hash,
}

/// The files of a dataset as they were, in the order of their names.
#[derive(Default)]
pub struct Index(Vec<Entry>);

impl Index {
    /// The index of a dataset; an empty one if there is none that can be trusted.
    pub fn load(cache: &Path, dataset: &Path) -> Index {
        let text = fs::read_to_string(place(cache, dataset, "", "index"));
        text.ok().and_then(|text| Index::parse(&text)).unwrap_or_default()
    }

    /// `None` for what is damaged, was written by another version, or was edited.
    fn parse(text: &str) -> Option<Index> {
        let (head, rest) = text.split_once('\n')?;
        let digest = head.strip_prefix(MAGIC)?.strip_prefix(' ')?;
        if digest != hexadecimal(&Sha256::hash(rest.as_bytes())) {
            return None;
        }
        let entries: Option<Vec<Entry>> = rest.lines().map(Entry::parse).collect();
        entries.map(Index)
    }

    /// How many files it knows.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The digest of a file that has not changed.
    pub fn hash_of(&self, name: &str, stamp: Stamp) -> Option<Hash> {
        let at = self.0.binary_search_by(|known| known.name.as_str().cmp(name)).ok()?;
        let known = &self.0[at];
        (known.stamp == stamp).then_some(known.hash)
    }
}

impl Entry {
    /// `digest device inode size modified changed name`.
    fn parse(line: &str) -> Option<Entry> {
        let mut fields = line.splitn(7, ' ');
        let text = fields.next().filter(|text| text.len() == 64 && text.is_ascii())?;
        let mut hash = [0; 32];
        for (at, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * at..][..2], 16).ok()?;
        }
        let mut number = || fields.next()?.parse::<i128>().ok();
        let (device, inode, size) = (number()?, number()?, number()?);
        let (modified, changed) = (number()?, number()?);
        let whole = |number: i128| u64::try_from(number).ok();
        let stamp =
            Stamp { device: whole(device)?, inode: whole(inode)?, size: whole(size)?, modified, changed };
        Some(Entry { name: fields.next()?.to_string(), stamp, hash })
    }

    fn line(&self) -> String {
        let Entry { name, stamp: Stamp { device, inode, size, modified, changed }, hash } = self;
        format!("{} {device} {inode} {size} {modified} {changed} {name}\n", hexadecimal(hash))
    }
}

/// A time before which all changes of files can be told from later ones, by the clock that stamps files: not
/// that of [`std::time::SystemTime`], which runs ahead of it by up to a tick, and for a network's file system
/// may be another machine's.
pub struct Watermark {
    cache: PathBuf,
    stamp: Stamp,
}

impl Watermark {
    /// The present, as a file shows it that is made now; `None` where nothing can be kept.
    pub fn now(cache: &Path) -> Option<Watermark> {
        fs::create_dir_all(cache).ok()?;
        let file = Temporary::new(cache).ok()?;
        let stamp = Stamp::of(file.path()).ok()??;
        Some(Watermark { cache: cache.to_path_buf(), stamp })
    }

    /// Whether a file was last changed before. Of a file system whose clock may be another one, some time
    /// before.
    pub fn is_after(&self, file: Stamp) -> bool {
        let skew = if file.device == self.stamp.device { 0 } else { SKEW };
        file.modified.max(file.changed) < self.stamp.changed - skew
    }

    /// Writes the index of a dataset: files that are in the order of their names.
    pub fn store(&self, dataset: &Path, entries: Vec<Entry>) -> io::Result<()> {
        // A name with a line end in it would be two lines: such a file is read every time.
        let lines: String =
            entries.iter().filter(|entry| !entry.name.contains(['\n', '\r'])).map(Entry::line).collect();
        let path = place(&self.cache, dataset, "", "index");
        let digest = hexadecimal(&Sha256::hash(lines.as_bytes()));
        write(&path, |file| write!(file, "{MAGIC} {digest}\n{lines}"))
    }
}
