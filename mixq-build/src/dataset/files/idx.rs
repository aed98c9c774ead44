//! IDX, the files of MNIST: pixels and labels in files of their own, plain or compressed by gzip.

use super::contents::Contents;
use super::pixels::Changes;
use crate::dataset::check;
use crate::dataset::names::{is_idx_images, is_idx_labels};
use crate::dataset::parts::{Parts, Wanted};
use crate::dataset::{Split, raw};
use crate::error::{Error, Problem};
use crate::graph::Shape;
use crate::observer::Observer;
use crate::task::Targets;
use crate::text::enumerate;

/// Reads the two parts.
pub fn read(wanted: &Wanted<'_>, contents: &Contents, observer: &mut dyn Observer) -> Result<Parts, Error> {
    let mut changes = Changes::default();
    let (train, test_part) = (["train"], ["t10k", "test"]);
    let unlabelled =
        [labels(wanted, contents, "train", &train)?, labels(wanted, contents, "test", &test_part)?]
            .map(|labels| wanted.is_unlabelled(labels.is_some()));
    let train = part(wanted, contents, "train", &train, &mut changes)?;
    let test = part(wanted, contents, "test", &test_part, &mut changes)?;
    let to_train = wanted.model.is_none() || test.is_none();
    let train = train.or((!to_train).then(Split::default)).ok_or_else(|| {
        let path = wanted.config.path.display();
        let found: Vec<&String> = contents.binaries.keys().collect();
        let found = enumerate(&found);
        Problem::new(format!("{path} has no train-images-idx3-ubyte, only {found}"))
    })?;
    if test.is_some()
        && let Some(problem) = check::own_test_part(wanted.config)
    {
        return Err(problem.into());
    }
    changes.warn(wanted, observer);
    Ok(Parts { train, test, unlabelled, ..Parts::default() })
}

/// The images of a part with their labels; `None` if there are no images.
fn part(
    wanted: &Wanted<'_>,
    contents: &Contents,
    part: &str,
    marks: &[&str],
    changes: &mut Changes,
) -> Result<Option<Split>, Problem> {
    let path = wanted.config.path.display();
    let Some(images) = find(wanted, contents, part, marks, is_idx_images)? else { return Ok(None) };
    let labels = labels(wanted, contents, part, marks)?;
    if labels.is_none() && !wanted.may_lack_targets() {
        return Err(Problem::new(format!("{path} has {images}, but no labels for it")).help(format!(
            "labels are in a file of the same name with labels-idx1-ubyte; {}",
            check::UNLABELLED
        )));
    }
    let damaged = |name: &str, reason: String| {
        Problem::new(format!("{path}: {name} {reason}")).help("copy or download it again")
    };
    let file = |name: &String| &contents.binaries[name];
    let (sizes, pixels) = header(file(images), 3).map_err(|reason| damaged(images, reason))?;
    let [count, height, width] = sizes[..] else { unreachable!("three sizes were asked for") };
    let bytes = match labels {
        None => None,
        Some(labels) => {
            let (counts, bytes) = header(file(labels), 1).map_err(|reason| damaged(labels, reason))?;
            if counts[0] != count {
                let found = counts[0];
                let message = format!("{path}: {images} has {count} images, but {labels} has {found} labels");
                return Err(Problem::new(message));
            }
            Some(bytes)
        }
    };
    let found = Shape { height, width, channels: 1 };
    let push = |index: usize, targets: &mut Targets| match bytes {
        Some(bytes) => wanted.rules().push_number(u64::from(bytes[index]), wanted.outputs, targets),
        None => wanted.push_none(targets),
    };
    raw::split(wanted, images, (pixels, found), push, contents.packed, changes).map(Some)
}

/// The file of a part's labels.
fn labels<'a>(
    wanted: &Wanted<'_>,
    contents: &'a Contents,
    part: &str,
    marks: &[&str],
) -> Result<Option<&'a String>, Problem> {
    find(wanted, contents, part, marks, is_idx_labels)
}

/// The file of a kind whose name has one of these marks.
fn find<'a>(
    wanted: &Wanted<'_>,
    contents: &'a Contents,
    part: &str,
    marks: &[&str],
    kind: fn(&str) -> bool,
) -> Result<Option<&'a String>, Problem> {
    let names = contents.binaries.keys();
    let found: Vec<&String> =
        names.filter(|name| kind(name) && marks.iter().any(|mark| name.contains(mark))).collect();
    match found[..] {
        [] => Ok(None),
        [name] => Ok(Some(name)),
        [one, other, ..] => {
            let path = wanted.config.path.display();
            Err(Problem::new(format!("{path} has two files for one {part} part: {one} and {other}"))
                .help("remove one of them"))
        }
    }
}

/// The sizes of a file of unsigned bytes with this number of dimensions, and its elements.
fn header(bytes: &[u8], dimensions: usize) -> Result<(Vec<usize>, &[u8]), String> {
    let Some((header, elements)) = bytes.split_at_checked(4 + 4 * dimensions) else {
        return Err(format!("is truncated: it has {} bytes", bytes.len()));
    };
    if header[..4] != [0, 0, 8, dimensions as u8] {
        return Err(format!(
            "begins with {:02x?}, but [00, 00, 08, {dimensions:02x}] was expected: unsigned bytes in \
             {dimensions} dimensions",
            &header[..4]
        ));
    }
    let sizes: Vec<usize> =
        header[4..].as_chunks().0.iter().map(|size| u32::from_be_bytes(*size) as usize).collect();
    let product = sizes.iter().try_fold(1_usize, |product, size| product.checked_mul(*size));
    match product {
        Some(product) if product == elements.len() => Ok((sizes, elements)),
        Some(product) if product > elements.len() => {
            Err(format!("is truncated: it has {} of {product} bytes", elements.len()))
        }
        _ => Err(format!("has {} bytes, which are not those of its sizes {sizes:?}", elements.len())),
    }
}
