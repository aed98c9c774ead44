//! Archives: tar, plain or compressed, and ZIP.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::rc::Rc;

use ::zip::result::ZipError;
use flate2::bufread::MultiGzDecoder;

use super::source::{Entry, Take};
use super::zstd::Zstd;
use crate::dataset::walk::{Name, hidden, open};
use crate::dataset::watch::Watch;
use crate::error::Problem;

const AGAIN: &str = "copy or download the file again";

/// Hands over all that is in an archive; of files that are not `wanted` the name alone.
pub fn each(
    path: &Path,
    wanted: fn(&str) -> bool,
    watch: &mut dyn Watch,
    take: Take<'_>,
) -> Result<(), Problem> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    if name.ends_with(".zip") {
        return zip(open_zip(path)?, wanted, watch, take).map_err(|error| unreadable(path, &error));
    }
    let failed = |error: io::Error| Problem::io("read", path, &error);
    let file = open(path)?;
    let total = file.metadata().map_err(failed)?.len();
    let progress = Progress::default();
    let file = BufReader::new(Counted { source: file, progress: progress.clone() });
    let source: Box<dyn Read> = if name.ends_with("gz") {
        Box::new(MultiGzDecoder::new(file))
    } else if name.ends_with("zst") {
        Box::new(Zstd::new(file))
    } else {
        Box::new(file)
    };
    let mut report = || watch.read(progress.bytes.get(), total);
    tar(source, wanted, &mut report, take).map_err(|error| unreadable(path, &error))
}

fn tar(
    source: Box<dyn Read>,
    wanted: fn(&str) -> bool,
    report: &mut dyn FnMut(),
    take: Take<'_>,
) -> io::Result<()> {
    let early = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let progress = Progress::default();
    let mut archive = tar::Archive::new(Counted { source, progress: progress.clone() });
    // A tar file has a mark at its end: who meets the end of the data has half of a file.
    let whole = |result: io::Result<()>| {
        result.map_err(|error| if progress.ended.get() { early() } else { error })?;
        if progress.ended.get() { Err(early()) } else { Ok(()) }
    };
    let mut read = || {
        for entry in archive.entries()? {
            report();
            let mut entry = entry?;
            let name = parts(&entry.path_bytes());
            if hidden(&name) || name.is_empty() {
                continue;
            }
            let kind = entry.header().entry_type();
            if kind.is_dir() {
                take(name, Entry::Folder);
            } else if kind.is_file() && name.last().is_some_and(|name| wanted(name)) {
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes)?;
                if bytes.len() as u64 != entry.size() {
                    return Err(early());
                }
                take(name, Entry::Bytes(bytes));
            } else {
                take(name, Entry::Other);
            }
        }
        Ok(())
    };
    whole(read())?;
    // To the end of the compressed data, where its checksum is.
    io::copy(&mut archive.into_inner(), &mut io::sink())?;
    report();
    Ok(())
}

pub(in crate::dataset) type Zip = ::zip::ZipArchive<BufReader<File>>;

/// A ZIP file and what is in it.
pub(in crate::dataset) fn open_zip(path: &Path) -> Result<Zip, Problem> {
    let file = open(path)?;
    Zip::new(BufReader::new(file)).map_err(|error| match error {
        ZipError::Io(error) => unreadable(path, &error),
        _ => Problem::new(format!(
            "{} is truncated, or no ZIP file: its directory, which is at the end, is missing",
            path.display()
        ))
        .help(AGAIN),
    })
}

fn zip(mut archive: Zip, wanted: fn(&str) -> bool, watch: &mut dyn Watch, take: Take<'_>) -> io::Result<()> {
    let total = archive.len();
    for index in 0..total {
        watch.read(index as u64, total as u64);
        let mut file = archive.by_index(index)?;
        let name = parts(file.name()?.replace('\\', "/").as_bytes());
        if hidden(&name) || name.is_empty() {
            continue;
        }
        if file.is_dir() {
            take(name, Entry::Folder);
        } else if file.is_file() && name.last().is_some_and(|name| wanted(name)) {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            take(name, Entry::Bytes(bytes));
        } else {
            take(name, Entry::Other);
        }
    }
    watch.read(total as u64, total as u64);
    Ok(())
}

/// The parts of a name in an archive; `./` in front of it says nothing.
fn parts(name: &[u8]) -> Name {
    let name = String::from_utf8_lossy(name);
    name.split('/').filter(|part| !part.is_empty() && *part != ".").map(String::from).collect()
}

pub(in crate::dataset) fn unreadable(path: &Path, error: &io::Error) -> Problem {
    let file = path.display();
    let problem = match error.kind() {
        io::ErrorKind::UnexpectedEof => Problem::new(format!("{file} is truncated: its data ends early")),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::Other => {
            Problem::new(format!("{file} is damaged, or no such archive: {error}"))
        }
        _ => return Problem::io("read", path, error),
    };
    problem.help(AGAIN)
}

/// How far a file is read.
#[derive(Clone, Default)]
struct Progress {
    bytes: Rc<Cell<u64>>,
    ended: Rc<Cell<bool>>,
}

struct Counted<R> {
    source: R,
    progress: Progress,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.progress.bytes.update(|bytes| bytes + count as u64);
        if count == 0 && !buffer.is_empty() {
            self.progress.ended.set(true);
        }
        Ok(count)
    }
}
