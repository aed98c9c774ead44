//! The binary files of CIFAR in a folder. A case is a tar file of them.

use fastrand::Rng;
use mixq_build::engine::graph::Shape;

use super::folder::read_tree;
use crate::mutate::{bytes, once_in};
use crate::seeds::arrays::cifar;
use crate::seeds::tree::{mutate, mutate_tar_file, tar};
use crate::{Target, Verdict};

const SHAPES: [Shape; 2] =
    [Shape { height: 32, width: 32, channels: 3 }, Shape { height: 8, width: 8, channels: 1 }];

pub(super) const CIFAR: Target = Target {
    name: "cifar",
    generate,
    mutate: mutate_tar_file,
    read: |case, scratch| {
        let verdicts = [10, 20].map(|classes| read_tree(case, scratch, SHAPES, classes));
        if verdicts.contains(&Verdict::Accepted) { Verdict::Accepted } else { Verdict::Refused }
    },
};

fn generate(rng: &mut Rng) -> Vec<u8> {
    let mut tree = cifar(rng);
    for _ in 0..rng.usize(..3) {
        let at = rng.usize(..tree.len());
        let member = &mut tree[at].bytes;
        // Labels stand at the beginning of a record.
        match rng.u8(..3) {
            0 if !member.is_empty() => member[0] = rng.u8(..),
            1 => member.extend([0; 3073]),
            _ => bytes(rng, member, 3),
        }
    }
    if once_in(rng, 6) {
        mutate(rng, &mut tree);
    }
    tar(&tree)
}
