//! CSV, plain and compressed.

use fastrand::Rng;

use super::datasets::read_file;
use crate::Target;
use crate::mutate::{bytes, mutate_text, once_in, splice, text, within};
use crate::seeds::tables::{csv, gz, ungz, zeros_gz};

pub(super) const CSV: Target = Target {
    name: "csv",
    generate,
    mutate: mutate_text,
    read: |case, scratch| read_file(case, scratch, "data.csv"),
};

pub(super) const CSV_GZ: Target = Target {
    name: "csv_gz",
    generate: compressed,
    mutate: |rng, case, engine| within(rng, case, engine, ungz, gz, mutate_text),
    read: |case, scratch| read_file(case, scratch, "data.csv.gz"),
};

fn generate(rng: &mut Rng) -> Vec<u8> {
    let table = csv(rng);
    match rng.u8(..20) {
        0 | 1 => table.into_bytes(),
        2 => {
            let other = csv(rng);
            splice(rng, table.as_bytes(), other.as_bytes())
        }
        // One row that never ends.
        3 => table.replace('\n', ",").into_bytes(),
        _ => text(rng, &table, 3),
    }
}

fn compressed(rng: &mut Rng) -> Vec<u8> {
    if once_in(rng, 1000) {
        return zeros_gz(75);
    }
    let mut packed = gz(&generate(rng));
    match rng.u8(..4) {
        0 => bytes(rng, &mut packed, 3),
        1 => packed = packed.repeat(rng.usize(1..4)),
        _ => {}
    }
    packed
}
