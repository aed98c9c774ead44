//! Reads all files of a dataset; images are decoded on all cores while the next are read.

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};

use super::budget::{Budget, Held};
use super::contents::Contents;
use super::entry::Entry;
use super::mask::{self, Mask};
use super::names::is_mask;
use super::pixels::{DECODED, Fit, Unfit, decode};
use super::source::each;
use crate::dataset::limit;
use crate::dataset::names::{is_binary, is_read, is_recording};
use crate::dataset::parts::Wanted;
use crate::dataset::walk::{Name, open};
use crate::error::{Error, Problem};
use crate::observer::Observer;

/// The most files that wait to be decoded; and the most bytes of those and of the ones being decoded.
const WAITING: usize = 256;
const FILES: u64 = 128 << 20;

/// Reads a folder or an archive.
pub fn gather(wanted: &Wanted<'_>, observer: &mut dyn Observer) -> Result<Contents, Error> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let path = &wanted.config.path;
    let packed = path.metadata().map_err(|error| Problem::io("read", path, &error))?.len();
    let mut contents = Contents::default();
    let mut problems = Vec::new();
    let (files, memory) = (Budget::new(FILES), Budget::new(DECODED));
    let (sender, receiver) = sync_channel(WAITING);
    let receiver = Mutex::new(receiver);
    let takes_masks = wanted.rules().takes_masks();
    let mut images: u64 = 0;
    std::thread::scope(|scope| {
        let decode_all = || decode_all(&receiver, wanted, &files, &memory);
        let decoders: Vec<_> = (0..threads).map(|_| scope.spawn(decode_all)).collect();
        let mut take = |name: Name, entry: Entry| match (entry, name.last()) {
            (Entry::Folder, _) => contents.folders.push(name),
            (Entry::Link(target), _) => drop(contents.links.insert(name, target)),
            (Entry::File(path), Some(last)) if is_binary(last) => {
                problems.extend(contents.add_file(wanted, last, &path).err());
            }
            (Entry::Bytes(bytes), Some(last)) if is_binary(last) => {
                contents.packed = packed;
                problems.extend(contents.add_binary(wanted, last, bytes, packed).err());
            }
            (entry @ (Entry::File(_) | Entry::Bytes(_)), Some(last)) if is_recording(last) => {
                contents.recordings.push((name, entry));
            }
            (Entry::File(path), _) => send(&sender, (name, Source::File(path))),
            (Entry::Bytes(bytes), _) => {
                images += 1;
                if limit::fits(wanted, images, packed) {
                    let held = files.take(bytes.len() as u64);
                    send(&sender, (name, Source::Bytes(bytes, held)));
                }
            }
            (Entry::Unreadable(reason), _) if takes_masks && is_mask(&name) => {
                contents.masks.push((name, Err(Unfit::Unreadable(reason))));
            }
            (Entry::Unreadable(reason), _) => contents.images.push((name, Err(Unfit::Unreadable(reason)))),
            (Entry::Other, _) => contents.others.push(name),
        };
        let read = each(path, is_read, observer, &mut take);
        drop(sender);
        for decoder in decoders {
            let (images, masks) = decoder.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            contents.images.extend(images);
            contents.masks.extend(masks);
        }
        read
    })?;
    contents.images.sort_by(|a, b| a.0.cmp(&b.0));
    contents.masks.sort_by(|a, b| a.0.cmp(&b.0));
    problems.extend(contents.follow(wanted));
    problems.extend(limit::images(wanted, images + contents.links.len() as u64, packed));
    contents.recordings.sort_by(|a, b| a.0.cmp(&b.0));
    contents.others.sort();
    if problems.is_empty() { Ok(contents) } else { Err(Error { problems }) }
}

/// Where an image is to be decoded from.
enum Source<'a> {
    File(std::path::PathBuf),
    Bytes(Vec<u8>, Held<'a>),
}

type Waiting<'a> = (Name, Source<'a>);
/// Images, and masks.
type Decoded = (Vec<(Name, Result<Fit, Unfit>)>, Vec<(Name, Result<Mask, Unfit>)>);

fn send<'a>(sender: &std::sync::mpsc::SyncSender<Waiting<'a>>, file: Waiting<'a>) {
    sender.send(file).expect("decoders take files until the sender is gone");
}

fn decode_all<'a>(
    waiting: &Mutex<Receiver<Waiting<'a>>>,
    wanted: &Wanted<'_>,
    files: &'a Budget,
    memory: &Budget,
) -> Decoded {
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
    let takes_masks = wanted.rules().takes_masks();
    let (mut images, mut masks) = (Vec::new(), Vec::new());
    while let Ok((name, source)) = next() {
        let file = match source {
            Source::File(path) => read(&path, files),
            Source::Bytes(bytes, held) => Ok((bytes, held)),
        };
        if takes_masks && is_mask(&name) {
            let mask = |bytes: &[u8]| mask::decode(bytes, wanted, memory);
            masks.push((name, file.and_then(|(bytes, _held)| safely(|| mask(&bytes)))));
        } else {
            images.push((name, file.and_then(|(bytes, _held)| image(&bytes, wanted, memory))));
        }
    }
    (images, masks)
}

/// A file of a folder, if it is not too large for an image.
fn read<'a>(path: &Path, files: &'a Budget) -> Result<(Vec<u8>, Held<'a>), Unfit> {
    let unreadable = |error: std::io::Error| Unfit::Unreadable(error.to_string());
    let length = path.metadata().map_err(unreadable)?.len();
    if length > limit::IMAGE {
        let (found, most) = (limit::size(length), limit::size(limit::IMAGE));
        return Err(Unfit::Unreadable(format!("it has {found}, the file of an image may have {most}")));
    }
    let held = files.take(length);
    let mut bytes = Vec::new();
    let mut file = open(path).map_err(|problem| Unfit::Unreadable(problem.message))?.take(limit::IMAGE);
    file.read_to_end(&mut bytes).map_err(unreadable)?;
    Ok((bytes, held))
}

fn image(file: &[u8], wanted: &Wanted<'_>, memory: &Budget) -> Result<Fit, Unfit> {
    let (shape, resize) = (wanted.shape, wanted.config.resize);
    if !matches!(shape.channels, 1 | 3) {
        return Err(Unfit::Unreadable("images have 1 or 3 channels".to_string()));
    }
    safely(|| decode(file, shape, resize, memory))
}

/// A decoder that panics makes its file unreadable, and does not end the program.
fn safely<T>(decode: impl FnOnce() -> Result<T, Unfit>) -> Result<T, Unfit> {
    // The budget is right after a panic, too: the bytes taken are returned.
    catch_unwind(AssertUnwindSafe(decode))
        .unwrap_or_else(|_| Err(Unfit::Unreadable("its decoder gave up".to_string())))
}
