//! The digest of a file, by its format: of what its reader reads.

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::hash::{Hash, Sink, of_all};
use crate::dataset::formats::{self, Format};
use crate::dataset::limit::{Limited, TooLarge};
use crate::dataset::{csv, names, walk};
use crate::error::Problem;

/// Whether this mixq-build can tell what a dataset holds: without feature `datasets` it does not look into
/// archives and NPZ.
pub fn told(path: &Path) -> bool {
    cfg!(feature = "datasets") || !matches!(formats::of(path), Ok(Format::Archive | Format::Npz))
}

/// Of a dataset that is a file.
pub(super) fn of_dataset(path: &Path) -> Result<Hash, Problem> {
    match formats::of(path)? {
        Format::Csv => of_csv(path),
        Format::Ts => of_series(path),
        Format::Folder | Format::Archive => of_archive(path),
        Format::Npz => of_arrays(path),
    }
}

/// Written anew by the crate that read it, in the one way that it has to write a record: another record gives
/// other bytes.
fn of_csv(path: &Path) -> Result<Hash, Problem> {
    let mut rows = csv::rows(path)?;
    let mut sink = Sink::default();
    let mut plain = ::csv::WriterBuilder::new().flexible(true).from_writer(&mut sink);
    let mut record = ::csv::ByteRecord::new();
    let mut copy = || {
        while rows.read_byte_record(&mut record)? {
            plain.write_byte_record(&record)?;
        }
        plain.flush().map_err(::csv::Error::from)
    };
    copy().map_err(|error| csv::unreadable(path, &error))?;
    drop(plain);
    Ok(sink.hash())
}

/// Of a `.ts` file: its lines, without spaces around.
fn of_series(path: &Path) -> Result<Hash, Problem> {
    let mut sink = Sink::default();
    let mut text = Vec::new();
    let read = walk::open(path)?.read_to_end(&mut text);
    read.map_err(|error| Problem::io("read", path, &error))?;
    for line in names::lines(&text) {
        sink.update(line.as_bytes());
        sink.update(b"\n");
    }
    Ok(sink.hash())
}

#[cfg(feature = "datasets")]
fn of_archive(path: &Path) -> Result<Hash, Problem> {
    use crate::dataset::files::{Entry, each, unreadable};
    let (mut entries, mut others) = (Vec::new(), Vec::new());
    let mut failed = None;
    let mut take = |name: crate::dataset::walk::Name, entry: Entry| {
        let name = name.join("/");
        match entry {
            Entry::Bytes(bytes) => match of_contents(&name, &bytes[..], bytes.len() as u64) {
                Ok(hash) => entries.push((name, hash)),
                Err(error) => failed = failed.take().or(Some(error)),
            },
            Entry::Link(target) => entries.push((name, of_link(&target))),
            // Its reader says why.
            Entry::Unreadable(_) | Entry::Other => others.push(name),
            Entry::Folder | Entry::File(_) => {}
        }
    };
    each(path, names::is_read, &mut (), &mut take)?;
    match failed {
        Some(error) => Err(unreadable(path, &error)),
        None => Ok(whole(entries, others)),
    }
}

/// Of a link in an archive, to a file that counts itself: where it leads.
#[cfg(feature = "datasets")]
fn of_link(target: &[String]) -> Hash {
    let mut sink = Sink::default();
    sink.update(format!("-> {}", target.join("/")).as_bytes());
    sink.hash()
}

#[cfg(feature = "datasets")]
fn of_arrays(path: &Path) -> Result<Hash, Problem> {
    let arrays = crate::dataset::npz::arrays(path, &mut ())?;
    let hash = |array: &crate::dataset::npy::Array| of_all(array.file());
    let hashes = arrays.iter().map(|(name, array)| Ok((name.clone(), hash(array)?)));
    let hashes: io::Result<Vec<_>> = hashes.collect();
    Ok(whole(hashes.map_err(|error| Problem::io("read", path, &error))?, Vec::new()))
}

#[cfg(not(feature = "datasets"))]
fn of_archive(path: &Path) -> Result<Hash, Problem> {
    Err(formats::unread(path))
}

#[cfg(not(feature = "datasets"))]
fn of_arrays(path: &Path) -> Result<Hash, Problem> {
    Err(formats::unread(path))
}

/// Of a file in a folder.
pub(super) fn of_file(name: &str, path: &Path) -> Result<Hash, Problem> {
    let file = walk::open(path)?;
    let hash = file.metadata().and_then(|metadata| of_contents(name, file, metadata.len()));
    hash.map_err(|error| {
        let damaged = |what: &dyn std::fmt::Display, help| {
            Problem::new(format!("{} {what}", path.display())).help(help)
        };
        match (TooLarge::of(&error), error.kind()) {
            (Some(over), _) => damaged(over, "unpack it, if these are your data"),
            (
                None,
                io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData,
            ) => damaged(&format_args!("is damaged: {error}"), "copy or download the file again"),
            _ => Problem::io("read", path, &error),
        }
    })
}

/// Of a file in a folder or an archive, as its reader has it: unpacked, or without what it skips in texts. It
/// takes `packed` bytes as it is.
fn of_contents(name: &str, contents: impl Read, packed: u64) -> io::Result<Hash> {
    if names::is_text(name) {
        let mut text = Vec::new();
        Limited::new(contents, packed).read_to_end(&mut text)?;
        let mut sink = Sink::default();
        names::lines(&text).try_for_each(|line| writeln!(sink, "{line}"))?;
        return Ok(sink.hash());
    }
    if names::is_gzip(name) {
        of_all(Limited::new(MultiGzDecoder::new(contents), packed))
    } else {
        of_all(contents)
    }
}

/// Of many files: names hold no zero bytes and digests have one length, so no two lists look alike. What is
/// packed in a folder goes by the name that it has unpacked.
///
/// Of `others`, which are not read, those beside images count by their names, with zeros for a digest: they
/// were meant to be images, and the reader refuses them.
pub(super) fn whole(mut entries: Vec<(String, Hash)>, mut others: Vec<String>) -> Hash {
    // Beside images a recording is not read.
    if !entries.iter().all(|(name, _)| names::is_recording(name)) {
        others.extend(entries.extract_if(.., |(name, _)| names::is_recording(name)).map(|(name, _)| name));
    }
    let images = entries.iter().map(|(name, _)| name.as_str()).filter(|name| names::is_image(name));
    let folders: HashSet<&str> = images.map(folder).collect();
    let beside = |name: &String| folders.contains(folder(name));
    let others: Vec<_> = others.into_iter().filter(beside).map(|name| (name, Hash::default())).collect();
    let plain = |name: String| match names::unpacked(&name) {
        Some(plain) => plain.to_string(),
        None => name,
    };
    let mut entries: Vec<_> =
        entries.into_iter().map(|(name, hash)| (plain(name), hash)).chain(others).collect();
    entries.sort();
    let mut sink = Sink::default();
    for (name, hash) in entries {
        sink.update(name.as_bytes());
        sink.update(&[0]);
        sink.update(&hash);
    }
    sink.hash()
}

/// The path of a file's folder.
fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}
