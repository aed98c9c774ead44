//! The binary files of CIFAR-10 and CIFAR-100: records of the label or labels and 32x32 pixels, channel after channel.

use std::collections::BTreeMap;

use super::gather::Contents;
use super::pixels::from_raw;
use crate::dataset::check;
use crate::dataset::parts::{Parts, Wanted, enumerate};
use crate::dataset::split::Growing;
use crate::error::{Error, Problem};
use crate::graph::Shape;

const SHAPE: Shape = Shape { height: 32, width: 32, channels: 3 };
const PLANE: usize = 32 * 32;

/// Files of CIFAR-10.
const TEN: [&str; 6] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
];
/// Files of CIFAR-100.
const HUNDRED: [&str; 2] = ["train.bin", "test.bin"];
/// Names of classes, one a line.
const NAMES: [&str; 3] = ["batches.meta.txt", "fine_label_names.txt", "coarse_label_names.txt"];

/// Whether a file of this name belongs to it.
pub fn is_part(name: &str) -> bool {
    is_data(name) || NAMES.contains(&name)
}

/// Whether a file of this name holds images.
pub fn is_data(name: &str) -> bool {
    TEN.contains(&name) || HUNDRED.contains(&name)
}

/// Reads all its files.
pub fn read(wanted: &Wanted<'_>, contents: &Contents) -> Result<Parts, Error> {
    let path = wanted.config.path.display();
    let files = &contents.binaries;
    let hundred = HUNDRED.iter().any(|name| files.contains_key(*name));
    let names: &[&str] = if hundred { &HUNDRED } else { &TEN };
    let is_test = |name: &&str| name.starts_with("test");
    let names: Vec<&str> =
        names.iter().copied().filter(|name| wanted.model.is_none() || is_test(name)).collect();
    let missing: Vec<&str> = names.iter().copied().filter(|name| !files.contains_key(*name)).collect();
    let mut problems: Vec<Problem> = check::own_test_part(wanted.config).into_iter().collect();
    if !missing.is_empty() {
        let set = if hundred { "CIFAR-100" } else { "CIFAR-10" };
        let message = format!("{path} looks like {set}, but has no {}", enumerate(&missing));
        problems.push(Problem::new(message).help("fetch the binary version of the dataset again"));
    }
    // CIFAR-100 has 20 superclasses, whose labels come first.
    let (labels_each, label, list, count) = match (hundred, wanted.classes) {
        (false, _) => (1, 0, NAMES[0], 10),
        (true, 20) => (2, 0, NAMES[2], 20),
        (true, _) => (2, 1, NAMES[1], 100),
    };
    let named = class_names(files, list).filter(|labels| labels.len() == count);
    let has_names = named.is_some();
    let labels = named.unwrap_or_else(|| (0..count).map(|class| class.to_string()).collect());
    problems.extend(check::class_names(wanted, &labels));
    let (mut train, mut test) = (Growing::default(), Growing::default());
    if problems.is_empty() {
        for name in names {
            let part = if is_test(&name) { &mut test } else { &mut train };
            problems.extend(append(part, wanted, &files[name], name, (labels_each, label)).err());
        }
    }
    // What holds for all images is said by every file.
    problems.dedup();
    if problems.is_empty() {
        // Numbers that nobody gave as names are no names to find among those of a trained network.
        let labels = (has_names || wanted.model.is_none()).then_some(labels);
        Ok(Parts { train: train.into(), test: Some(test.into()), labels })
    } else {
        Err(Error { problems })
    }
}

fn class_names(files: &BTreeMap<String, Vec<u8>>, list: &str) -> Option<Vec<String>> {
    let text = String::from_utf8_lossy(files.get(list)?);
    Some(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from).collect())
}

fn append(
    split: &mut Growing,
    wanted: &Wanted<'_>,
    bytes: &[u8],
    name: &str,
    (labels_each, label): (usize, usize),
) -> Result<(), Problem> {
    let path = wanted.config.path.display();
    let record = labels_each + SHAPE.elements();
    if bytes.is_empty() || !bytes.len().is_multiple_of(record) {
        let message = format!(
            "{path}: {name} has {} bytes, which is no multiple of the {record} of an image",
            bytes.len()
        );
        return Err(Problem::new(message).help("copy or download it again"));
    }
    for (index, record) in bytes.chunks(record).enumerate() {
        let (labels, planes) = record.split_at(labels_each);
        let label = check::label(u64::from(labels[label]), wanted.classes)
            .map_err(|reason| Problem::new(format!("{path}: image {index} of {name}: {reason}")))?;
        let pixels: Vec<u8> =
            (0..PLANE).flat_map(|at| [0, 1, 2].map(|channel| planes[channel * PLANE + at])).collect();
        let pixels = from_raw(&pixels, SHAPE, wanted.shape, wanted.config.resize)
            .map_err(|unfit| unfit.of_all(wanted))?;
        split.pixels.extend(pixels);
        split.labels.push(label);
    }
    Ok(())
}
