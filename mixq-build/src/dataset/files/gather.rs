//! Reads what a dataset may consist of; images are decoded on all cores while the next are read.

use std::collections::BTreeMap;
use std::fs;
use std::panic::catch_unwind;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};

use super::pixels::{Unfit, decode};
use super::source::{Entry, each};
use crate::dataset::names::{is_binary, is_read};
use crate::dataset::parts::Wanted;
use crate::dataset::walk::Name;
use crate::dataset::watch::Watch;
use crate::error::{Error, Problem};

/// Files that wait to be decoded, at the most.
const WAITING: usize = 256;

/// What a folder or an archive holds.
#[derive(Default)]
pub struct Contents {
    /// The pixels of image files, or what is wrong with them.
    pub images: Vec<(Name, Result<Vec<u8>, Unfit>)>,
    /// Files of the binary formats, by their bare names.
    pub binaries: BTreeMap<String, Vec<u8>>,
    /// All folders.
    pub folders: Vec<Name>,
    /// All other files.
    pub others: Vec<Name>,
}

/// Reads a folder or an archive.
pub fn gather(wanted: &Wanted<'_>, watch: &mut dyn Watch) -> Result<Contents, Error> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut contents = Contents::default();
    let mut problems = Vec::new();
    let (sender, receiver) = sync_channel(WAITING);
    let receiver = Mutex::new(receiver);
    std::thread::scope(|scope| {
        let decoders: Vec<_> = (0..threads).map(|_| scope.spawn(|| decode_all(&receiver, wanted))).collect();
        let mut take = |name: Name, entry: Entry| match (entry, name.last()) {
            (Entry::Folder, _) => contents.folders.push(name),
            (Entry::File(path), Some(last)) if is_binary(last) => match fs::read(&path) {
                Ok(bytes) => problems.extend(contents.add_binary(wanted, last, bytes)),
                Err(error) => problems.push(Problem::io("read", &path, &error)),
            },
            (Entry::Bytes(bytes), Some(last)) if is_binary(last) => {
                problems.extend(contents.add_binary(wanted, last, bytes));
            }
            (entry @ (Entry::File(_) | Entry::Bytes(_)), _) => {
                sender.send((name, entry)).expect("decoders take files until the sender is gone");
            }
            (Entry::Other, _) => contents.others.push(name),
        };
        let read = each(&wanted.config.path, is_read, watch, &mut take);
        drop(sender);
        for decoder in decoders {
            contents.images.extend(decoder.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        read
    })?;
    contents.images.sort_by(|a, b| a.0.cmp(&b.0));
    contents.others.sort();
    if problems.is_empty() { Ok(contents) } else { Err(Error { problems }) }
}

impl Contents {
    /// Adds a file of a binary format, or says that there is another one.
    fn add_binary(&mut self, wanted: &Wanted<'_>, name: &str, bytes: Vec<u8>) -> Option<Problem> {
        self.binaries.insert(name.to_string(), bytes)?;
        let message = format!("{} has two files that are called {name}", wanted.config.path.display());
        Some(Problem::new(message).help("name the folder of one dataset"))
    }
}

type File = (Name, Entry);
type Decoded = (Name, Result<Vec<u8>, Unfit>);

fn decode_all(files: &Mutex<Receiver<File>>, wanted: &Wanted<'_>) -> Vec<Decoded> {
    let next = || files.lock().unwrap_or_else(PoisonError::into_inner).recv();
    let mut decoded = Vec::new();
    while let Ok((name, entry)) = next() {
        let bytes = match entry {
            Entry::File(path) => fs::read(path).map_err(|error| Unfit::Unreadable(error.to_string())),
            Entry::Bytes(bytes) => Ok(bytes),
            Entry::Folder | Entry::Other => continue,
        };
        decoded.push((name, bytes.and_then(|bytes| decode_safely(&bytes, wanted))));
    }
    decoded
}

/// Whatever is in a file, a defect of its decoder is the file's, not the program's.
fn decode_safely(file: &[u8], wanted: &Wanted<'_>) -> Result<Vec<u8>, Unfit> {
    let (shape, resize) = (wanted.shape, wanted.config.resize);
    catch_unwind(|| decode(file, shape, resize))
        .unwrap_or_else(|_| Err(Unfit::Unreadable("its decoder gave up".to_string())))
}
