//! NPZ files: headers of the arrays mutated within the archive, and the archive itself.

use fastrand::Rng;

use super::datasets::read_file;
use super::zip as archive;
use crate::Target;
use crate::mutate::{bytes, once_in};
use crate::seeds::arrays::npz;
use crate::seeds::tree;
use crate::seeds::zip::{mutate_zip_file, zip};

pub(super) const NPZ: Target = Target {
    name: "npz",
    generate,
    mutate: mutate_zip_file,
    read: |case, scratch| read_file(case, scratch, "data.npz"),
};

fn generate(rng: &mut Rng) -> Vec<u8> {
    let mut arrays = npz(rng);
    if once_in(rng, 3) {
        let at = rng.usize(..arrays.len());
        bytes(rng, &mut arrays[at].bytes, 3);
    }
    if once_in(rng, 10) {
        tree::mutate(rng, &mut arrays);
    }
    let mut archive = zip(rng, &arrays);
    if once_in(rng, 3) {
        archive::mutate(rng, &mut archive);
    }
    archive
}
