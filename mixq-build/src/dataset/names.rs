//! Which files of a folder or an archive are read, by their names.

use std::path::Path;

/// Files of CIFAR-10.
pub(super) const CIFAR_10: [&str; 6] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
];
/// Files of CIFAR-100.
pub(super) const CIFAR_100: [&str; 2] = ["train.bin", "test.bin"];
/// Names of CIFAR's classes, one a line.
pub(super) const CIFAR_CLASSES: [&str; 3] =
    ["batches.meta.txt", "fine_label_names.txt", "coarse_label_names.txt"];

/// Whether a file of this name is read at all.
pub(super) fn is_read(name: &str) -> bool {
    is_image(name) || is_binary(name) || is_recording(name)
}

/// Whether it is an image.
pub(super) fn is_image(name: &str) -> bool {
    let extension = Path::new(name).extension().unwrap_or_default();
    ["jpg", "jpeg", "png"].iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// Whether it is a recording of samples.
pub(super) fn is_recording(name: &str) -> bool {
    let extension = Path::new(name).extension().unwrap_or_default();
    ["csv", "wav"].iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// Whether it is part of a dataset that keeps many images in a file.
pub(super) fn is_binary(name: &str) -> bool {
    is_idx_images(name) || is_idx_labels(name) || is_cifar_data(name) || CIFAR_CLASSES.contains(&name)
}

/// Whether it holds images as IDX.
pub(super) fn is_idx_images(name: &str) -> bool {
    name.contains("idx3-ubyte")
}

/// Whether it holds labels as IDX.
pub(super) fn is_idx_labels(name: &str) -> bool {
    name.contains("idx1-ubyte")
}

/// Whether it holds images of CIFAR.
pub(super) fn is_cifar_data(name: &str) -> bool {
    CIFAR_10.contains(&name) || CIFAR_100.contains(&name)
}

/// Whether the file with this path in a folder or an archive is a text.
pub(super) fn is_text(path: &str) -> bool {
    CIFAR_CLASSES.contains(&last(path))
}

/// Whether the file with this path in a folder or an archive is read unpacked.
pub(super) fn is_gzip(path: &str) -> bool {
    unpacked(path).is_some()
}

/// The path of a packed file without the end that says so; `None` for what is not packed.
pub(super) fn unpacked(path: &str) -> Option<&str> {
    let (plain, end) = path.split_at_checked(path.len().checked_sub(3)?)?;
    let is_packed = end.eq_ignore_ascii_case(".gz") && is_binary(last(path)) && !is_text(path);
    is_packed.then_some(plain)
}

/// The lines of a text that are not empty, without spaces around.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = String> {
    let text = String::from_utf8_lossy(text).into_owned();
    let lines: Vec<String> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from).collect();
    lines.into_iter()
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
