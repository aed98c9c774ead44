//! Binary files of pixels and labels: IDX, CIFAR, NumPy.

use fastrand::Rng;

use super::{Member, Tree};
use crate::mutate::{bytes, number_at, once_in, one};

fn random(rng: &mut Rng, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    rng.fill(&mut bytes);
    bytes
}

/// Labels of this number of images, class after class in turn.
fn labels(count: usize, classes: usize) -> Vec<u8> {
    (0..count).map(|image| (image % classes) as u8).collect()
}

/// The files of MNIST with 12 images of 4x4 pixels and 3 classes, with or without a part of its own for
/// tests.
pub fn idx(rng: &mut Rng) -> Tree {
    let parts: &[&str] = if rng.bool() { &["train", "t10k"] } else { &["train"] };
    let mut tree = Tree::new();
    for part in parts {
        let sizes = [12_u32, 4, 4].map(u32::to_be_bytes).concat();
        let images = [&[0, 0, 8, 3], &sizes[..], &random(rng, 12 * 16)].concat();
        let labels = [&[0, 0, 8, 1], &12_u32.to_be_bytes()[..], &labels(12, 3)].concat();
        tree.push(Member::file(format!("{part}-images-idx3-ubyte"), images));
        tree.push(Member::file(format!("{part}-labels-idx1-ubyte"), labels));
    }
    tree
}

/// Mutates one of the files, its header mostly; then compresses it, perhaps.
pub fn mutate_idx(rng: &mut Rng, tree: &mut Tree) {
    let at = rng.usize(..tree.len());
    let member = &mut tree[at];
    if rng.bool() && member.bytes.len() >= 16 {
        let at = 4 * rng.usize(..4);
        number_at(rng, &mut member.bytes, at);
    } else {
        bytes(rng, &mut member.bytes, 3);
    }
    if once_in(rng, 3) {
        member.name += ".gz";
        member.bytes = super::tables::gz(&member.bytes);
    }
}

/// The files of CIFAR-10 with 10 images in all to train with, or of CIFAR-100 with 20 superclasses.
pub fn cifar(rng: &mut Rng) -> Tree {
    let hundred = once_in(rng, 4);
    let record = |rng: &mut Rng, label: u8| {
        let labels: &[u8] = if hundred { &[label, 3 * label] } else { &[label] };
        [labels, &random(rng, 3 * 1024)].concat()
    };
    let mut tree = Tree::new();
    if hundred {
        let train: Vec<u8> = (0..20).flat_map(|label| record(rng, label)).collect();
        tree.push(Member::file("train.bin", train));
        let tested = [record(rng, 7), record(rng, 8)].concat();
        tree.push(Member::file("test.bin", tested));
        return tree;
    }
    for batch in 0..5 {
        let records = [record(rng, 2 * batch), record(rng, 2 * batch + 1)].concat();
        tree.push(Member::file(format!("data_batch_{}.bin", batch + 1), records));
    }
    let tested = [record(rng, 3), record(rng, 4)].concat();
    tree.push(Member::file("test_batch.bin", tested));
    if rng.bool() {
        tree.push(Member::file(
            "batches.meta.txt",
            (0..10).map(|class| format!("class{class}\n")).collect::<String>(),
        ));
    }
    tree
}

/// One array as `numpy.save` writes it.
fn npy(kind: &str, shape: &[usize], elements: &[u8], rng: &mut Rng) -> Vec<u8> {
    let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
    let mut header =
        format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({}), }}", sizes.trim_end());
    if once_in(rng, 3) {
        let mutated = crate::mutate::text(rng, &header, 2);
        header = String::from_utf8_lossy(&mutated).into_owned();
    }
    let version = if once_in(rng, 8) { 2 } else { 1 };
    let length = if version == 1 {
        (header.len() as u16).to_le_bytes().to_vec()
    } else {
        (header.len() as u32).to_le_bytes().to_vec()
    };
    [&b"\x93NUMPY"[..], &[version, 0], &length, header.as_bytes(), elements].concat()
}

/// The arrays of an NPZ file: images of 4x4 and their labels, of any type of whole numbers.
pub fn npz(rng: &mut Rng) -> Tree {
    let names: &[(&str, &str)] = [
        &[("x_train", "y_train"), ("x_test", "y_test")][..],
        &[("train_images", "train_labels"), ("test_images", "test_labels")],
        &[("x", "y")],
        &[("images", "labels")],
    ][rng.usize(..4)];
    let (kind, width) =
        [("|u1", 1), ("<i8", 8), (">i4", 4), ("<u2", 2), ("|b1", 1), ("<f4", 4)][rng.usize(..6)];
    let mut tree = Tree::new();
    for (images, targets) in names {
        let pixels = random(rng, 12 * 16);
        let shape: &[usize] = if rng.bool() { &[12, 4, 4] } else { &[12, 4, 4, 1] };
        tree.push(Member::file(format!("{images}.npy"), npy("|u1", shape, &pixels, rng)));
        let mut numbers = Vec::new();
        for label in labels(12, 3) {
            let mut digits = vec![0; width];
            digits[if kind.starts_with('>') { width - 1 } else { 0 }] = label;
            numbers.extend(digits);
        }
        tree.push(Member::file(format!("{targets}.npy"), npy(kind, &[12], &numbers, rng)));
    }
    if once_in(rng, 8) {
        let name = one(rng, &["x.npy", "notes.txt", "y_train.npy", "X.npy", "a/x.npy"]);
        tree.push(Member::file(name, random(rng, 40)));
    }
    tree
}
