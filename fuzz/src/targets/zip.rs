//! ZIP files.

use fastrand::Rng;

use super::datasets::read_file;
use super::folder;
use crate::Target;
use crate::mutate::{bytes, once_in, splice};
use crate::seeds::Member;
use crate::seeds::zip::{mutate_zip, mutate_zip_file, zip};

pub(super) const ZIP: Target = Target {
    name: "zip",
    generate,
    mutate: mutate_zip_file,
    read: |case, scratch| read_file(case, scratch, "data.zip"),
};

fn generate(rng: &mut Rng) -> Vec<u8> {
    let mut tree = folder::generate(rng);
    if once_in(rng, 2000) {
        tree.push(Member::file("a/large.png", vec![0; 96 << 20]));
    }
    let mut archive = zip(rng, &tree);
    mutate(rng, &mut archive);
    archive
}

/// Mutates fields of its structures, or any bytes.
pub(super) fn mutate(rng: &mut Rng, archive: &mut Vec<u8>) {
    match rng.u8(..8) {
        0 => bytes(rng, archive, 3),
        1 => *archive = splice(rng, archive, &archive.clone()),
        2..=4 => mutate_zip(rng, archive),
        _ => {}
    }
}
