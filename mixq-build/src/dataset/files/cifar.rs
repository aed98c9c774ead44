//! The binary files of CIFAR-10 and CIFAR-100: records of the label or labels and 32x32 pixels, channel after
//! channel.

use std::collections::BTreeMap;

use super::contents::Contents;
use super::pixels::{Changes, from_raw};
use crate::dataset::check;
use crate::dataset::names::{CIFAR_10, CIFAR_100, CIFAR_CLASSES, lines};
use crate::dataset::parts::{Parts, Wanted};
use crate::dataset::split::Growing;
use crate::error::{Error, Problem};
use crate::graph::Shape;
use crate::observer::Observer;
use crate::text::enumerate;

const SHAPE: Shape = Shape { height: 32, width: 32, channels: 3 };
const PLANE: usize = 32 * 32;

/// Reads all its files.
pub fn read(wanted: &Wanted<'_>, contents: &Contents, observer: &mut dyn Observer) -> Result<Parts, Error> {
    let path = wanted.config.path.display();
    let files = &contents.binaries;
    let hundred = CIFAR_100.iter().any(|name| files.contains_key(*name));
    let names: &[&str] = if hundred { &CIFAR_100 } else { &CIFAR_10 };
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
    let (labels_each, label, list, count) = match (hundred, wanted.outputs) {
        (false, _) => (1, 0, CIFAR_CLASSES[0], 10),
        (true, 20) => (2, 0, CIFAR_CLASSES[2], 20),
        (true, _) => (2, 1, CIFAR_CLASSES[1], 100),
    };
    let named = class_names(files, list).filter(|labels| labels.len() == count);
    let has_names = named.is_some();
    let labels = named.unwrap_or_else(|| (0..count).map(|class| class.to_string()).collect());
    check::classes(wanted, &labels)?;
    problems.extend(check::labels(wanted, &labels));
    let (mut train, mut test) = (Growing::default(), Growing::default());
    let mut changes = Changes::default();
    if problems.is_empty() {
        for name in names {
            let part = if is_test(&name) { &mut test } else { &mut train };
            problems
                .extend(append(part, wanted, (name, &files[name]), (labels_each, label), &mut changes).err());
        }
    }
    // A problem that all images have is reported by every file.
    problems.dedup();
    if problems.is_empty() {
        changes.warn(wanted, observer);
        // Numbers that stand in for missing names must not be compared with the labels of a trained network.
        let labels = (has_names || wanted.model.is_none()).then_some(labels);
        Ok(Parts { train: train.into(), test: Some(test.into()), labels, ..Parts::default() })
    } else {
        Err(Error { problems })
    }
}

fn class_names(files: &BTreeMap<String, Vec<u8>>, list: &str) -> Option<Vec<String>> {
    Some(lines(files.get(list)?).collect())
}

fn append(
    split: &mut Growing,
    wanted: &Wanted<'_>,
    (name, bytes): (&str, &[u8]),
    (labels_each, label): (usize, usize),
    changes: &mut Changes,
) -> Result<(), Problem> {
    let path = wanted.config.path.display();
    let record = labels_each + SHAPE.elements();
    if bytes.is_empty() || !bytes.len().is_multiple_of(record) {
        let message = format!(
            "{path}: {name} has {} bytes, which is not a multiple of the {record} of an image",
            bytes.len()
        );
        return Err(Problem::new(message).help("copy or download it again"));
    }
    for (index, record) in bytes.chunks(record).enumerate() {
        let (labels, planes) = record.split_at(labels_each);
        (wanted.rules())
            .push_number(u64::from(labels[label]), wanted.outputs, &mut split.targets)
            .map_err(|reason| Problem::new(format!("{path}: image {index} of {name}: {reason}")))?;
        let pixels: Vec<u8> =
            (0..PLANE).flat_map(|at| [0, 1, 2].map(|channel| planes[channel * PLANE + at])).collect();
        let fit = from_raw(&pixels, SHAPE, wanted.shape, wanted.config.resize)
            .map_err(|unfit| unfit.of_all(wanted))?;
        split.pixels.extend(fit.pixels);
        changes.add(fit.changes);
    }
    Ok(())
}
