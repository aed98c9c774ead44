//! Decoded images in one file, so that they are decoded once.
//!
//! A line of JSON says what the images were made from and counts them. The images to train with and those to
//! measure with follow, then the targets of both. For a damaged file there is a warning, and it is written
//! anew.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use mixq_format::{Bits, SampleChannel};
use serde::{Deserialize, Serialize};

use super::parts::Wanted;
use super::store::place;
use super::{Dataset, Split, check};
use crate::error::Problem;
use crate::graph::Order;
use crate::observer::Observer;
use crate::sealed::{self, Kind};
use crate::task::Targets;

/// To be raised whenever a reader makes other pixels of the same files.
const VERSION: u32 = 4;

/// Version 1 had no seal.
const KIND: Kind = Kind { name: "images", version: 2 };

/// What the images are.
#[derive(Serialize, Deserialize)]
struct Head {
    key: String,
    labels: Vec<String>,
    images: [usize; 2],
    warnings: Vec<String>,
    samples: Vec<SampleChannel>,
    /// Those of the inputs after the first one.
    #[serde(default)]
    others: Vec<Vec<SampleChannel>>,
    groups: Vec<u32>,
    #[serde(default)]
    unlabelled: [bool; 2],
}

/// What images are made from: the digest of the dataset and all that is asked of its reader.
fn key(wanted: &Wanted<'_>, digest: &str) -> Result<String, serde_json::Error> {
    // What the text of inputs leaves out.
    let codes: Vec<(Bits, Order)> = wanted.inputs.iter().map(|input| (input.bits, input.order)).collect();
    let Wanted { config, inputs, outputs, grid, .. } = wanted;
    serde_json::to_string(&(VERSION, digest, config, inputs, codes, outputs, grid))
}

/// The file that keeps a dataset's images. If the dataset changes, the file is overwritten.
fn file(wanted: &Wanted<'_>, cache: &Path) -> Result<PathBuf, serde_json::Error> {
    Ok(place(cache, &wanted.config.path, &key(wanted, "")?, "images"))
}

/// The kept images of the dataset with this digest, if there are any. Warnings of when they were decoded are
/// given again.
pub(super) fn load(
    wanted: &Wanted<'_>,
    cache: &Path,
    digest: &str,
    observer: &mut dyn Observer,
) -> Option<Dataset> {
    let path = file(wanted, cache).ok()?;
    let kept = sealed::read(&path, KIND).transpose()?;
    match kept.and_then(|kept| parse(wanted, digest, kept)) {
        Ok(found) => {
            let (dataset, warnings) = found?;
            warnings.iter().for_each(|warning| observer.warn(warning));
            Some(dataset)
        }
        Err(reason) => {
            let path = path.display();
            observer.warn(&format!("the kept images {path} are not used: {reason}; they are decoded anew"));
            None
        }
    }
}

/// The content of a file, with the warnings of when it was made; `None` if it was made from something else.
fn parse(
    wanted: &Wanted<'_>,
    digest: &str,
    mut rest: Bytes,
) -> Result<Option<(Dataset, Vec<String>)>, String> {
    let damaged = || "its figures do not fit each other".to_string();
    let line = rest.iter().position(|byte| *byte == b'\n').ok_or_else(damaged)?;
    let head: Head = serde_json::from_slice(&rest.split_to(line + 1)).map_err(|_| damaged())?;
    if key(wanted, digest).ok() != Some(head.key) {
        return Ok(None);
    }
    if head.unlabelled.contains(&true) && !wanted.config.may_lack_targets {
        return Ok(None);
    }
    let (inputs, outputs, elements) = (wanted.inputs, wanted.outputs, wanted.inputs.elements());
    let each = wanted.target_bytes();
    let bytes = head
        .images
        .iter()
        .try_fold(0_usize, |sum, images| images.checked_mul(elements + each)?.checked_add(sum));
    if bytes != Some(rest.len()) || head.labels.len() != wanted.config.task.labels(outputs) {
        return Err(damaged());
    }
    let [train, test] = head.images;
    let [train_pixels, test_pixels] = [train, test].map(|images| rest.split_to(images * elements));
    let mut targets = |images: usize| Targets::new(each, rest.split_to(images * each).to_vec());
    let train = Split { targets: targets(train), pixels: train_pixels };
    let test = Split { targets: targets(test), pixels: test_pixels };
    let is_target = |target: &[u8]| wanted.rules().is_target(target, outputs);
    if test.is_empty() || !train.targets.iter().chain(test.targets.iter()).all(is_target) {
        return Err(damaged());
    }
    // These checks passed when the images were decoded.
    check::maximum(wanted.config, [&train, &test]).map_err(|_| damaged())?;
    check::training_part(wanted, &train, &head.labels, head.unlabelled[0]).map_err(|_| damaged())?;
    let Head { labels, samples, others, groups, warnings, unlabelled, .. } = head;
    let samples: Vec<Vec<SampleChannel>> = std::iter::once(samples).chain(others).collect();
    if ![0, train.len()].contains(&groups.len()) || samples.len() != inputs.len() {
        return Err(damaged());
    }
    let (inputs, task) = (inputs.clone(), wanted.config.task);
    let synthetic = false;
    let dataset =
        Dataset { inputs, task, outputs, labels, train, test, unlabelled, synthetic, samples, groups };
    Ok(Some((dataset, warnings)))
}

/// Keeps the images of the dataset with this digest. An error also says what follows: they are decoded again.
pub(super) fn store(
    wanted: &Wanted<'_>,
    cache: &Path,
    digest: &str,
    dataset: &Dataset,
    warnings: Vec<String>,
) -> Result<(), String> {
    let head = || -> Result<_, serde_json::Error> {
        let images = [dataset.train.len(), dataset.test.len()];
        let Dataset { labels, mut samples, groups, unlabelled, .. } = dataset.clone();
        let (samples, others) = (samples.remove(0), samples);
        let key = key(wanted, digest)?;
        let head = Head { key, labels, images, warnings, samples, others, groups, unlabelled };
        Ok((file(wanted, cache)?, serde_json::to_string(&head)? + "\n"))
    };
    let (path, head) = head().map_err(|error| not_kept(cache, &error.into()))?;
    let (train, test) = (&dataset.train, &dataset.test);
    let parts = [head.as_bytes(), &train.pixels, &test.pixels, train.targets.bytes(), test.targets.bytes()];
    sealed::write(&path, KIND, &parts).map_err(|error| not_kept(&path, &error))
}

fn not_kept(path: &Path, error: &io::Error) -> String {
    format!("{}; the images will be decoded again the next time", Problem::io("write", path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_named() {
        let said = not_kept(Path::new("cache/d.images"), &io::ErrorKind::StorageFull.into());
        let expected = "cannot write cache/d.images: no storage space; the disk is full: free some space \
                        and try again; the images will be decoded again the next time";
        assert_eq!(said, expected);
    }
}
