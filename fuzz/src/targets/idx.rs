//! The files of MNIST in a folder. A case is a tar file of them.

use fastrand::Rng;

use super::datasets::SMALL;
use super::folder::read_tree;
use crate::Target;
use crate::mutate::once_in;
use crate::seeds::arrays::{idx, mutate_idx};
use crate::seeds::tree::{mutate, mutate_tar_file, tar};

pub(super) const IDX: Target = Target {
    name: "idx",
    generate,
    mutate: mutate_tar_file,
    read: |case, scratch| read_tree(case, scratch, SMALL, 3),
};

fn generate(rng: &mut Rng) -> Vec<u8> {
    let mut tree = idx(rng);
    for _ in 0..rng.usize(..3) {
        mutate_idx(rng, &mut tree);
    }
    if once_in(rng, 6) {
        mutate(rng, &mut tree);
    }
    tar(&tree)
}
