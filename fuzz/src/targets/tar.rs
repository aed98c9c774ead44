//! Tar files: plain, and compressed by gzip or Zstandard.

use fastrand::Rng;

use super::datasets::read_file;
use super::folder;
use crate::Target;
use crate::mutate::{bytes, once_in, splice, within};
use crate::seeds::Member;
use crate::seeds::tables::{gz, ungz, unzst, zeros_gz, zeros_zst, zst};
use crate::seeds::tree::{mend_tar, mutate_tar, mutate_tar_file, tar};

pub(super) const TAR: Target = Target {
    name: "tar",
    generate,
    mutate: mutate_tar_file,
    read: |case, scratch| read_file(case, scratch, "data.tar"),
};

pub(super) const TAR_GZ: Target = Target {
    name: "tar_gz",
    generate: |rng| {
        if once_in(rng, 1000) {
            return [gz(&large_member()), zeros_gz(75)].concat();
        }
        let archive = generate(rng);
        recompressed(rng, gz(&archive))
    },
    mutate: |rng, case, engine| within(rng, case, engine, ungz, gz, mutate_tar_file),
    read: |case, scratch| read_file(case, scratch, "data.tar.gz"),
};

pub(super) const TAR_ZST: Target = Target {
    name: "tar_zst",
    generate: |rng| {
        if once_in(rng, 1000) {
            return zeros_zst(&large_member(), 10_000);
        }
        let archive = generate(rng);
        recompressed(rng, zst(&archive))
    },
    mutate: |rng, case, engine| within(rng, case, engine, unzst, zst, mutate_tar_file),
    read: |case, scratch| read_file(case, scratch, "data.tar.zst"),
};

fn generate(rng: &mut Rng) -> Vec<u8> {
    let mut archive = tar(&folder::generate(rng));
    match rng.u8(..8) {
        0 => bytes(rng, &mut archive, 3),
        1 => {
            let other = tar(&folder::generate(rng));
            archive = splice(rng, &archive, &other);
        }
        2..=4 => mutate_tar(rng, &mut archive),
        _ => {}
    }
    archive
}

/// Wrong bytes in what is compressed, or more than one stream.
fn recompressed(rng: &mut Rng, mut packed: Vec<u8>) -> Vec<u8> {
    match rng.u8(..5) {
        0 => bytes(rng, &mut packed, 3),
        1 => packed = packed.repeat(2),
        _ => {}
    }
    packed
}

/// The header of an image of over a gigabyte, without the image.
fn large_member() -> Vec<u8> {
    let mut header = tar(&[Member::file("a/large.png", [])]);
    header.truncate(512);
    header[124..136].copy_from_slice(b"11300000000\0");
    mend_tar(&mut header);
    header
}
