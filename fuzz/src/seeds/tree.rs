//! Files in folders, as they lie in a folder or in an archive.

use std::io::Read;

use fastrand::Rng;

use super::images::mend_png;
use crate::mutate::{Engine, number_at, once_in, one};

/// What lies in a folder or an archive, in order. Names may stand there twice.
pub type Tree = Vec<Member>;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name with the folders around it.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Its contents; of a link its target.
    pub bytes: Vec<u8>,
}

/// What something in a folder or an archive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A second name of an earlier file.
    HardLink,
    /// A named pipe.
    Pipe,
}

impl Kind {
    const ALL: [(Kind, u8); 5] = [
        (Kind::File, b'0'),
        (Kind::Folder, b'5'),
        (Kind::Link, b'2'),
        (Kind::HardLink, b'1'),
        (Kind::Pipe, b'6'),
    ];
}

/// Names that readers of archives and folders get wrong.
const NAMES: [&str; 24] = [
    "",
    ".",
    "..",
    "/",
    "../outside.png",
    "/etc/x.png",
    "a/../b/x.png",
    "a//x.png",
    "./a/x.png",
    "a\\x.png",
    "Thumbs.db",
    "a/Thumbs.db",
    "a/desktop.ini",
    ".DS_Store",
    "__MACOSX/a/x.png",
    "a/\u{202e}gnp.x",
    "a/new\nline.png",
    "a/return\r.png",
    "a/tab\t.png",
    "a/ü.PNG",
    "a/.hidden.png",
    "train",
    "test/a",
    "a/x.png/y.png",
];

impl Member {
    /// A file.
    pub fn file(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Member {
        Member { name: name.into(), kind: Kind::File, bytes: bytes.into() }
    }
}

/// Mutates the files once: names, kinds, what is there twice or not at all.
pub fn mutate(rng: &mut Rng, tree: &mut Tree) {
    if tree.is_empty() {
        return;
    }
    let (at, other) = (rng.usize(..tree.len()), rng.usize(..tree.len()));
    match rng.u8(..9) {
        0 => drop(tree.remove(at)),
        1 => tree.insert(other, tree[at].clone()),
        2 => tree[at].name = one(rng, &NAMES).to_string(),
        3 => tree[at].name = tree[other].name.clone(),
        4 => tree[at].kind = Kind::ALL[rng.usize(..5)].0,
        5 => {
            let target =
                one(rng, &[".", "..", "../a", "a", "../../a", "x.png", "../b/0.png", "./loop", "/dev/zero"]);
            let name = one(rng, &["a/loop", "loop", "b/loop", "a/link.png", "b/loop2"]).to_string();
            tree.push(Member { name, kind: Kind::Link, bytes: target.as_bytes().to_vec() });
        }
        6 => {
            let name =
                one(rng, &["a/pipe.png", "pipe", "b/Thumbs.db", "train-images-idx3-ubyte"]).to_string();
            tree.push(Member { name, kind: Kind::Pipe, bytes: Vec::new() });
        }
        7 => {
            let around = one(rng, &["train/", "Train/", "a/b/c/d/", "test/", "val/", "x/", "é/"]);
            let every = rng.bool();
            for (index, member) in tree.iter_mut().enumerate() {
                if every || index == at {
                    member.name.insert_str(0, around);
                }
            }
        }
        _ => {
            let name = one(rng, &NAMES).to_string();
            tree.push(Member::file(name, tree[at].bytes.clone()));
        }
    }
}

/// Mutates the files once, as [`mutate`] does, or what is in one of them.
pub fn mutate_members(rng: &mut Rng, tree: &mut Tree, engine: Engine) {
    if tree.is_empty() || once_in(rng, 4) {
        return mutate(rng, tree);
    }
    let at = rng.usize(..tree.len());
    let member = &mut tree[at];
    engine(&mut member.bytes);
    mend_png(&mut member.bytes);
}

/// Bytes of a block of a tar file.
const BLOCK: usize = 512;

/// A tar file. Names of more than 100 bytes are cut.
pub fn tar(tree: &[Member]) -> Vec<u8> {
    let mut archive = Vec::new();
    for Member { name, kind, bytes } in tree {
        let (_, mark) = Kind::ALL[Kind::ALL.iter().position(|(known, _)| known == kind).unwrap_or(0)];
        let contents: &[u8] = if *kind == Kind::File { bytes } else { &[] };
        let mut header = [0; BLOCK];
        let mut put = |at: usize, most: usize, text: &[u8]| {
            let count = text.len().min(most);
            header[at..at + count].copy_from_slice(&text[..count]);
        };
        put(0, 100, name.as_bytes());
        put(100, 8, b"0000644\0");
        put(108, 8, b"0000000\0");
        put(116, 8, b"0000000\0");
        put(124, 12, format!("{:011o}\0", contents.len()).as_bytes());
        put(136, 12, b"00000000000\0");
        put(156, 1, &[mark]);
        if matches!(kind, Kind::Link | Kind::HardLink) {
            put(157, 100, bytes);
        }
        put(257, 8, b"ustar\x0000");
        archive.extend(header);
        archive.extend(contents);
        archive.resize(archive.len().next_multiple_of(BLOCK), 0);
    }
    archive.resize(archive.len() + 2 * BLOCK, 0);
    mend_tar(&mut archive);
    archive
}

/// Writes the checksum that each header of a tar file should have, as far as headers can be found.
pub fn mend_tar(archive: &mut [u8]) {
    let mut at = 0;
    while let Some(header) = archive.get_mut(at..at + BLOCK) {
        if header.iter().all(|byte| *byte == 0) {
            return;
        }
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let size = String::from_utf8_lossy(&header[124..135]).into_owned();
        let size = usize::from_str_radix(size.trim_matches(['\0', ' ']), 8).unwrap_or(0);
        at += BLOCK + size.next_multiple_of(BLOCK);
    }
}

/// Mutates the headers of a tar file once, and mends their checksums.
pub fn mutate_tar(rng: &mut Rng, archive: &mut [u8]) {
    let headers: Vec<usize> = (0..archive.len() / BLOCK)
        .map(|block| block * BLOCK)
        .filter(|at| archive[at + 257..].starts_with(b"ustar"))
        .collect();
    if headers.is_empty() {
        return;
    }
    let header = &mut archive[headers[rng.usize(..headers.len())]..][..BLOCK];
    match rng.u8(..6) {
        0 | 1 => {
            const SIZES: [&[u8; 12]; 7] = [
                b"00000000000\0",
                b"00000000001\0",
                b"77777777777\0",
                b"17777777777\0",
                b"-0000000001\0",
                b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff",
                b"\x80\0\0\0\0\0\0\0\x7f\xff\xff\xff",
            ];
            header[124..136].copy_from_slice(SIZES[rng.usize(..SIZES.len())]);
        }
        2 => {
            header[156] =
                one(rng, &[b"0", b"1", b"2", b"3", b"5", b"6", b"7", b"L", b"K", b"x", b"g", b"S"])[0]
        }
        3 => {
            let at = rng.usize(..100);
            number_at(rng, header, at);
        }
        4 => header[257..265].copy_from_slice(one(rng, &[b"ustar  \0", b"ustar\x0000", b"\0\0\0\0\0\0\0\0"])),
        _ => {
            let at = rng.usize(..BLOCK - 8);
            number_at(rng, header, at);
        }
    }
    mend_tar(archive);
}

/// Makes another tar file of one: mutates what is in it, its headers, or any bytes. Checksums of headers are
/// right.
pub fn mutate_tar_file(rng: &mut Rng, mut case: Vec<u8>, engine: Engine) -> Vec<u8> {
    match rng.u8(..4) {
        0 | 1 => {
            let mut tree = untar(&case);
            mutate_members(rng, &mut tree, engine);
            return tar(&tree);
        }
        2 => mutate_tar(rng, &mut case),
        _ => {
            engine(&mut case);
            mend_tar(&mut case);
        }
    }
    case
}

/// What is in a tar file, up to the first thing that cannot be read.
pub fn untar(archive: &[u8]) -> Tree {
    let mut tree = Tree::new();
    let mut archive = tar::Archive::new(archive);
    for entry in archive.entries().into_iter().flatten() {
        let Ok(mut entry) = entry else { break };
        let mark = entry.header().entry_type().as_byte();
        let Some((kind, _)) = Kind::ALL.into_iter().find(|(_, known)| *known == mark) else { continue };
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let mut bytes = entry.link_name_bytes().map(|target| target.into_owned()).unwrap_or_default();
        if kind == Kind::File && entry.read_to_end(&mut bytes).is_err() {
            break;
        }
        tree.push(Member { name, kind, bytes });
    }
    tree
}
