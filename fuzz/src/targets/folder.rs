//! A folder of images: hostile names, links, named pipes. A case is a tar file of what is in it.

use std::fs;
use std::path::Path;

use fastrand::Rng;

use super::datasets::{SMALL, read};
use crate::mutate::once_in;
use crate::seeds::tree::{mutate, mutate_tar_file, tar, untar};
use crate::seeds::{Kind, Member, Tree, images};
use crate::{Target, Verdict};

pub(super) const FOLDER: Target = Target {
    name: "folder",
    generate: |rng| {
        let tree = generate(rng);
        tar(&tree)
    },
    mutate: mutate_tar_file,
    read: |case, scratch| read_tree(case, scratch, SMALL, 3),
};

/// Images of three classes, in parts or not, mutated a few times.
pub(super) fn generate(rng: &mut Rng) -> Tree {
    let parts: &[&str] =
        [&[""][..], &["train/", "test/"], &["Train/", "Test/"], &["training/", "validation/"]]
            [rng.usize(..4)];
    let mut tree = Tree::new();
    for part in parts {
        for class in ["a", "b", "c"] {
            for number in 0..3 {
                let mut file = images::image(rng);
                if once_in(rng, 20) {
                    images::mutate(rng, &mut file);
                }
                let extension = ["png", "jpg", "jpeg", "PNG"][rng.usize(..4)];
                tree.push(Member::file(format!("{part}{class}/{number}.{extension}"), file));
            }
        }
    }
    for _ in 0..rng.usize(..4) {
        mutate(rng, &mut tree);
    }
    tree
}

/// Makes a folder of what is in a tar file, and reads it.
pub(super) fn read_tree(
    case: &[u8],
    scratch: &Path,
    shapes: [mixq_build::engine::graph::Shape; 2],
    classes: usize,
) -> Verdict {
    let root = scratch.join("folder");
    if root.exists() {
        fs::remove_dir_all(&root).expect("the scratch folder can be written to");
    }
    fs::create_dir(&root).expect("the scratch folder can be written to");
    for member in untar(case) {
        put(&root, &member);
    }
    read(&root, shapes, classes)
}

/// Puts a file into a folder; leaves out what the system refuses, and what would lead out of the folder.
fn put(root: &Path, Member { name, kind, bytes }: &Member) {
    let inside = |name: &str| !name.starts_with('/') && !name.split('/').any(|part| part == "..");
    let path = root.join(name);
    if !inside(name) || path == root {
        return;
    }
    if let Some(folder) = path.parent() {
        let _ = fs::create_dir_all(folder);
    }
    // As tar has it: the last one of a name stays. To open a pipe that is there would wait for ever.
    let _ = fs::remove_file(&path);
    let _ = match kind {
        Kind::File => fs::write(&path, bytes),
        Kind::Folder => fs::create_dir_all(&path),
        Kind::Pipe => pipe(&path),
        Kind::Link | Kind::HardLink => {
            let target = String::from_utf8_lossy(bytes).into_owned();
            let up = target.split('/').filter(|part| *part == "..").count();
            let depth = name.split('/').count() - 1;
            if target.starts_with('/') || up > depth {
                return;
            }
            if *kind == Kind::Link { link(&target, &path) } else { fs::hard_link(root.join(target), &path) }
        }
    };
}

#[cfg(unix)]
fn link(target: &str, path: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

#[cfg(unix)]
fn pipe(path: &Path) -> std::io::Result<()> {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    Ok(mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?)
}

#[cfg(not(unix))]
fn link(_: &str, _: &Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

#[cfg(not(unix))]
fn pipe(_: &Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}
