//! ZIP files.

use std::io::Read;

use fastrand::Rng;

use super::tree::mutate_members;
use super::{Kind, Member, Tree};
use crate::mutate::{Engine, number_at, once_in, one};

/// A ZIP file: stored or deflated. Links and pipes become folders.
///
/// # Panics
/// If it cannot be written into memory.
pub fn zip(rng: &mut Rng, tree: &[Member]) -> Vec<u8> {
    use std::io::{Cursor, Write};
    use zip::CompressionMethod::{Deflated, Stored};
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for Member { name, kind, bytes } in tree {
        let method = if once_in(rng, 3) { Stored } else { Deflated };
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        // The writer refuses a name that is there already; readers must not rely on that.
        if *kind != Kind::File {
            let _ = writer.add_directory(name.as_str(), options);
        } else if writer.start_file(name.as_str(), options).is_ok() {
            writer.write_all(bytes).expect("memory can be written to");
        }
    }
    writer.finish().expect("memory can be written to").into_inner()
}

/// What is in a ZIP file as far as it can be read; of a large file the beginning.
pub fn unzip(archive: &[u8]) -> Tree {
    let Ok(mut archive) = zip::ZipArchive::new(std::io::Cursor::new(archive)) else { return Tree::new() };
    let mut tree = Tree::new();
    for index in 0..archive.len() {
        let Ok(member) = archive.by_index(index) else { continue };
        let Ok(name) = member.name().map(|name| name.into_owned()) else { continue };
        let kind = if member.is_dir() { Kind::Folder } else { Kind::File };
        let mut bytes = Vec::new();
        if member.take(1 << 16).read_to_end(&mut bytes).is_ok() {
            tree.push(Member { name, kind, bytes });
        }
    }
    tree
}

/// Makes another ZIP file of one: mutates what is in it, fields of its structures, or any bytes.
pub fn mutate_zip_file(rng: &mut Rng, mut case: Vec<u8>, engine: Engine) -> Vec<u8> {
    match rng.u8(..4) {
        0 | 1 => {
            let mut tree = unzip(&case);
            mutate_members(rng, &mut tree, engine);
            return zip(rng, &tree);
        }
        2 => mutate_zip(rng, &mut case),
        _ => engine(&mut case),
    }
    case
}

/// Mutates a field of one of the structures of a ZIP file: of a member, of the directory, of the end.
pub fn mutate_zip(rng: &mut Rng, archive: &mut [u8]) {
    const MARKS: [&[u8]; 3] = [b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06"];
    let mark = one(rng, &MARKS);
    let places: Vec<usize> =
        archive.windows(4).enumerate().filter(|(_, window)| *window == mark).map(|(at, _)| at).collect();
    if places.is_empty() {
        return;
    }
    let at = places[rng.usize(..places.len())] + 4 + 2 * rng.usize(..21);
    if at < archive.len() {
        number_at(rng, archive, at);
    }
}
