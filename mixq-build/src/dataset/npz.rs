//! NPZ: arrays of NumPy in a ZIP file, as Keras and MedMNIST hand out datasets.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use super::files::pixels::Changes;
use super::files::{open_zip, twice, unreadable};
use super::limit::{self, Left, TooLarge};
use super::npy::Array;
use super::npz_targets::Targets;
use super::parts::{Parts, Values, Wanted};
use super::{Split, check, npz_samples, raw};
use crate::error::{Error, Problem};
use crate::graph::Shape;
use crate::observer::Observer;
use crate::text::enumerate;

/// Names of the arrays to train with and to measure with: images, labels.
const NAMES: [[(&str, &str); 2]; 4] = [
    [("x_train", "y_train"), ("x_test", "y_test")],
    [("train_images", "train_labels"), ("test_images", "test_labels")],
    [("x", "y"), ("", "")],
    [("images", "labels"), ("", "")],
];

/// Reads a file.
pub(super) fn read(wanted: &Wanted<'_>, observer: &mut dyn Observer) -> Result<Parts, Error> {
    let path = &wanted.config.path;
    check::keys(wanted, "NPZ", &[])?;
    let arrays = arrays(path, observer)?;
    let has = |name: &str| arrays.contains_key(name);
    let is_optional = wanted.may_lack_targets();
    let both = |(images, labels): &(&str, &str)| has(images) && (is_optional || has(labels));
    // What is called a test part may be measured with, or be all that `test` takes a part from.
    let is_enough =
        |test: &(&str, &str)| (wanted.model.is_some() || wanted.config.test.is_some()) && both(test);
    let Some([train, test]) = NAMES.iter().find(|[train, test]| both(train) || is_enough(test)) else {
        let known: Vec<String> =
            NAMES.iter().map(|[(images, labels), _]| format!("{images} and {labels}")).collect();
        let found: Vec<&String> = arrays.keys().collect();
        let found = if found.is_empty() { "no arrays".to_string() } else { enumerate(&found) };
        let message = format!("{} has {found}, but no arrays of images and labels", path.display());
        let mut help = match NAMES.iter().any(|[_, test]| both(test)) {
            true => check::ONLY_TEST.to_string(),
            false => format!("they are called {}", known.join(", or ")),
        };
        if NAMES.iter().any(|[(images, labels), _]| has(images) && !has(labels)) {
            help = format!("{help}; {}", check::UNLABELLED);
        }
        return Err(Problem::new(message).help(help).into());
    };
    let (train, test) = match wanted.config.test {
        Some(_) if !both(train) => (test, &("", "")),
        _ => (train, test),
    };
    let unused: Vec<&String> =
        arrays.keys().filter(|name| ![train.0, train.1, test.0, test.1].contains(&name.as_str())).collect();
    if !unused.is_empty() {
        observer.warn(&format!("{}: not used are {}", path.display(), enumerate(&unused)));
    }
    let names = [train.0, test.0];
    let values = npz_samples::values(wanted, names.iter().filter_map(|name| arrays.get(*name)));
    let mut changes = Changes::default();
    let tested = match (has(test.0), has(test.1) || is_optional && has(test.0)) {
        (true, true) => {
            if let Some(problem) = check::own_test_part(wanted.config) {
                return Err(problem.into());
            }
            Some(part(wanted, &arrays, *test, values, &mut changes)?)
        }
        (false, false) => None,
        (images, _) => {
            let (there, missing) = if images { *test } else { (test.1, test.0) };
            return Err(Problem::new(format!("{} has {there}, but no {missing}", path.display())).into());
        }
    };
    let (train_names, test_names) = (train, test);
    let train =
        if both(train) { part(wanted, &arrays, *train, values, &mut changes)? } else { Split::default() };
    changes.warn(wanted, observer);
    let unlabelled = [train_names.1, test_names.1].map(|labels| wanted.is_unlabelled(has(labels)));
    Ok(Parts { train, test: tested, values: vec![values], unlabelled, ..Parts::default() })
}

/// All arrays of a file by their names.
pub(super) fn arrays(path: &Path, observer: &mut dyn Observer) -> Result<BTreeMap<String, Array>, Problem> {
    let failed = |error: std::io::Error| unreadable(path, &error);
    let mut archive = open_zip(path)?;
    let packed = path.metadata().map_err(|error| Problem::io("read", path, &error))?.len();
    let mut left = limit::unpacked(packed);
    let total = archive.len() as u64;
    let mut arrays = BTreeMap::new();
    for index in 0..archive.len() {
        observer.read(index as u64, total);
        let mut file = archive.by_index(index).map_err(|error| failed(error.into()))?;
        let name = file.name().map_err(|error| failed(error.into()))?.into_owned();
        let Some(name) = name.strip_suffix(".npy").map(String::from) else { continue };
        let mut bytes = Vec::new();
        let mut source = Left { source: &mut file, packed, left: &mut left };
        source.read_to_end(&mut bytes).map_err(|error| match TooLarge::of(&error) {
            Some(over) => Problem::new(format!("{} {over}; it is reached in {name}", path.display()))
                .help("save it with numpy.savez, which does not compress, if these are your data"),
            None => failed(error),
        })?;
        let array = Array::parse(bytes)
            .map_err(|reason| Problem::new(format!("{}: {name} {reason}", path.display())))?;
        if arrays.insert(name.clone(), array).is_some() {
            return Err(twice(path, &name));
        }
    }
    observer.read(total, total);
    Ok(arrays)
}

/// Images of shape `[n, h, w]` or `[n, h, w, c]` with their targets.
pub(super) fn part(
    wanted: &Wanted<'_>,
    arrays: &BTreeMap<String, Array>,
    (images, labels): (&str, &str),
    values: Values,
    changes: &mut Changes,
) -> Result<Split, Problem> {
    let path = wanted.config.path.display();
    let (image_array, label_array) = (&arrays[images], arrays.get(labels));
    let wrong = |name: &str, array: &Array, expected: &str| {
        Problem::new(format!("{path}: {name} is {array}, it must be {expected}"))
    };
    let order =
        "unsigned 8-bit of shape [n, height, width] or [n, height, width, channels], with 1 or 3 channels";
    let is_image = values == Values::Pixels && matches!(wanted.shape.channels, 1 | 3);
    let found = match image_array.shape[..] {
        _ if !is_image => {
            npz_samples::fits(wanted, images, image_array)?;
            wanted.shape
        }
        [_, height, width] => Shape { height, width, channels: 1 },
        [_, height, width, channels @ (1 | 3)] => Shape { height, width, channels },
        _ => return Err(wrong(images, image_array, order)),
    };
    let count = image_array.shape[0];
    let targets = label_array.map_or(Ok(Targets::none(count)), |array| Targets::of(wanted, labels, array))?;
    let listed = targets.images;
    if listed != count {
        return Err(Problem::new(format!(
            "{path}: {images} has {count} images, but {labels} has {listed} labels"
        )));
    }
    let push = |index: usize, to: &mut _| targets.push(wanted, index, to);
    if !is_image {
        return npz_samples::split(wanted, images, image_array, values, push);
    }
    let pixels = image_array.bytes().ok_or_else(|| wrong(images, image_array, order))?;
    let packed = wanted.config.path.metadata().map_or(0, |file| file.len());
    raw::split(wanted, images, (pixels, found), push, packed, changes)
}
