//! Archives: tar, plain or compressed, and ZIP.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use ::zip::result::ZipError;
use flate2::bufread::MultiGzDecoder;

use super::counted::{Counted, Progress};
use super::entry::{Entry, Take};
use super::zstd::Zstd;
use crate::dataset::limit::{self, Left, Limited, TooLarge};
use crate::dataset::names::is_image;
use crate::dataset::walk::{Name, hidden, open};
use crate::error::Problem;
use crate::observer::Observer;

const AGAIN: &str = "copy or download the file again";
const UNPACK: &str = "unpack it into a folder and name that, if these are your data";

/// Hands over all that is in an archive; of files that are not `wanted` the name alone.
pub fn each(
    path: &Path,
    wanted: fn(&str) -> bool,
    observer: &mut dyn Observer,
    take: Take<'_>,
) -> Result<(), Problem> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    if name.ends_with(".zip") {
        return zip(path, wanted, observer, take);
    }
    let file = open(path)?;
    let packed = file.metadata().map_err(|error| Problem::io("read", path, &error))?.len();
    let progress = Progress::default();
    let file = BufReader::new(Counted { source: file, progress: progress.clone() });
    let source: Box<dyn Read> = if name.ends_with("gz") {
        Box::new(MultiGzDecoder::new(file))
    } else if name.ends_with("zst") {
        Box::new(Zstd::new(file))
    } else {
        Box::new(file)
    };
    let mut members = Members::new(path, packed, wanted, take);
    let mut report = || observer.read(progress.bytes.get(), packed);
    match tar(source, &mut members, &mut report) {
        Ok(None) => Ok(()),
        Ok(Some(problem)) => Err(problem),
        Err(error) => Err(members.failed(&error)),
    }
}

/// What is in an archive, one by one.
struct Members<'a> {
    path: &'a Path,
    /// Bytes of the archive.
    packed: u64,
    wanted: fn(&str) -> bool,
    take: Take<'a>,
    /// Bytes that its members may still have. Those of a tar file may be more than was unpacked: holes of a
    /// file are not stored.
    left: u64,
    /// The files that were wanted so far.
    names: HashSet<Name>,
    /// The one that is read.
    current: Name,
}

/// What a member of an archive is.
enum Kind {
    Folder,
    File,
    /// Its target, as the archive has it from its root.
    Link(Name),
    Odd,
}

impl<'a> Members<'a> {
    /// None of them is read.
    fn new(path: &'a Path, packed: u64, wanted: fn(&str) -> bool, take: Take<'a>) -> Members<'a> {
        let left = limit::unpacked(packed);
        Members { path, packed, wanted, take, left, names: HashSet::new(), current: Name::new() }
    }

    /// Hands over a member that says to have `size` bytes; or what is wrong with it.
    fn add(
        &mut self,
        name: Name,
        kind: Kind,
        size: u64,
        source: &mut dyn Read,
    ) -> io::Result<Option<Problem>> {
        let Some(last) = name.last() else { return Ok(None) };
        if hidden(&name) {
            return Ok(None);
        }
        let (wanted, is_image) = ((self.wanted)(last), is_image(last));
        self.current.clone_from(&name);
        let entry = match kind {
            Kind::Folder => Entry::Folder,
            Kind::Link(target) => Entry::Link(target),
            Kind::File | Kind::Odd if !wanted => Entry::Other,
            Kind::Odd => Entry::Unreadable("it is not a regular file".to_string()),
            Kind::File if is_image && size > limit::IMAGE => too_large_image(size),
            Kind::File => {
                let most = if is_image { limit::IMAGE } else { limit::unpacked(self.packed) };
                let mut bytes = Vec::new();
                let source = Left { source, packed: self.packed, left: &mut self.left };
                source.take(most + 1).read_to_end(&mut bytes)?;
                match bytes.len() as u64 > most {
                    true if is_image => too_large_image(bytes.len() as u64),
                    true => return Err(TooLarge::unpacked(self.packed).into()),
                    false => Entry::Bytes(bytes),
                }
            }
        };
        if wanted && !matches!(entry, Entry::Folder) && !self.names.insert(name.clone()) {
            return Ok(Some(twice(self.path, &name.join("/"))));
        }
        (self.take)(name, entry);
        Ok(None)
    }

    /// What an error of the archive means.
    fn failed(&self, error: &io::Error) -> Problem {
        match TooLarge::of(error) {
            Some(over) if !self.current.is_empty() => {
                let message =
                    format!("{} {over}; it is reached in {}", self.path.display(), self.current.join("/"));
                Problem::new(message).help(UNPACK)
            }
            _ => unreadable(self.path, error),
        }
    }
}

fn too_large_image(bytes: u64) -> Entry {
    let (found, most) = (limit::size(bytes), limit::size(limit::IMAGE));
    Entry::Unreadable(format!("it has {found} or more, the file of an image may have {most}"))
}

/// Of two files of one name it is not known which one is meant.
pub(in crate::dataset) fn twice(path: &Path, name: &str) -> Problem {
    Problem::new(format!("{} has two files that are called {name}", path.display()))
        .help("pack it again, without one of them")
}

fn tar(
    source: Box<dyn Read>,
    members: &mut Members<'_>,
    report: &mut dyn FnMut(),
) -> io::Result<Option<Problem>> {
    let early = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let progress = Progress::default();
    let source = Limited::new(source, members.packed);
    let mut archive = tar::Archive::new(Counted { source, progress: progress.clone() });
    let mut read = || {
        for entry in archive.entries()? {
            report();
            let mut entry = entry?;
            let name = parts(&entry.path_bytes());
            let (header, size) = (entry.header().entry_type(), entry.size());
            let kind = if header.is_dir() {
                Kind::Folder
            } else if header.is_file() || header.is_contiguous() || header.is_gnu_sparse() {
                Kind::File
            } else if header.is_hard_link() || header.is_symlink() {
                let target = entry.link_name_bytes().unwrap_or_default();
                Kind::Link(target_of(&name, &target, header.is_symlink()))
            } else {
                Kind::Odd
            };
            if let Some(problem) = members.add(name, kind, size, &mut entry)? {
                return Ok(Some(problem));
            }
        }
        Ok(None)
    };
    // A tar file has a mark at its end: who meets the end of the data has half of a file.
    let problem = read().map_err(|error| if progress.ended.get() { early() } else { error })?;
    if problem.is_some() {
        return Ok(problem);
    }
    if progress.ended.get() {
        return Err(early());
    }
    // To the end of the compressed data, where its checksum is.
    io::copy(&mut archive.into_inner(), &mut io::sink())?;
    report();
    Ok(None)
}

pub(in crate::dataset) type Zip = ::zip::ZipArchive<BufReader<File>>;

/// A ZIP file and what is in it.
pub(in crate::dataset) fn open_zip(path: &Path) -> Result<Zip, Problem> {
    let file = open(path)?;
    let archive = Zip::new(BufReader::new(file)).map_err(|error| match error {
        ZipError::Io(error) => unreadable(path, &error),
        _ => Problem::new(format!(
            "{} is truncated, or no ZIP file: its directory, which is at the end, is missing",
            path.display()
        ))
        .help(AGAIN),
    })?;
    if archive.has_duplicate_names() {
        return Err(twice(path, "the same"));
    }
    Ok(archive)
}

fn zip(
    path: &Path,
    wanted: fn(&str) -> bool,
    observer: &mut dyn Observer,
    take: Take<'_>,
) -> Result<(), Problem> {
    let mut archive = open_zip(path)?;
    let packed = path.metadata().map_err(|error| Problem::io("read", path, &error))?.len();
    let mut members = Members::new(path, packed, wanted, take);
    let total = archive.len();
    for index in 0..total {
        observer.read(index as u64, total as u64);
        let mut read = || -> io::Result<Option<Problem>> {
            let mut file = archive.by_index(index)?;
            let name = parts(file.name()?.replace('\\', "/").as_bytes());
            let size = file.size();
            let kind = if file.is_dir() {
                Kind::Folder
            } else if file.is_symlink() {
                const LONGEST: u64 = 1 << 12;
                let mut target = Vec::new();
                (&mut file).take(LONGEST).read_to_end(&mut target)?;
                Kind::Link(target_of(&name, &target, true))
            } else if file.is_file() {
                Kind::File
            } else {
                Kind::Odd
            };
            members.add(name, kind, size, &mut file)
        };
        match read() {
            Ok(None) => {}
            Ok(Some(problem)) => return Err(problem),
            Err(error) => return Err(members.failed(&error)),
        }
    }
    observer.read(total as u64, total as u64);
    Ok(())
}

/// The parts of a name in an archive; `./` in front of it says nothing.
fn parts(name: &[u8]) -> Name {
    let name = String::from_utf8_lossy(name);
    name.split('/').filter(|part| !part.is_empty() && *part != ".").map(String::from).collect()
}

/// What a link leads to, from the archive's root: symbolic ones begin in the folder that they are in. What
/// leads out of the archive stays as it is, and is found nowhere.
fn target_of(link: &[String], target: &[u8], symbolic: bool) -> Name {
    let text = String::from_utf8_lossy(target);
    let folder = link.split_last().map_or(&[][..], |(_, folder)| folder);
    let mut found = if symbolic { folder.to_vec() } else { Name::new() };
    for part in parts(target) {
        if part != ".." {
            found.push(part);
        } else if found.pop().is_none() {
            return vec![text.into_owned()];
        }
    }
    if symbolic && text.starts_with('/') { vec![text.into_owned()] } else { found }
}

pub(in crate::dataset) fn unreadable(path: &Path, error: &io::Error) -> Problem {
    let file = path.display();
    if let Some(over) = TooLarge::of(error) {
        return Problem::new(format!("{file} {over}")).help(UNPACK);
    }
    let problem = match error.kind() {
        io::ErrorKind::UnexpectedEof => Problem::new(format!("{file} is truncated: its data ends early")),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::Other => {
            Problem::new(format!("{file} is damaged, or no such archive: {error}"))
        }
        _ => return Problem::io("read", path, error),
    };
    problem.help(AGAIN)
}
