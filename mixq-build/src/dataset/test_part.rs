//! The test part of a dataset that has none: a part of its images.

use std::cmp::Reverse;

#[cfg(feature = "datasets")]
use hmac_sha256::Hash as Sha256;

use super::Split;
use super::check;
use super::parts::Wanted;
use crate::error::Problem;
use crate::settings::TestPart;

/// The number of images that become the test part.
pub(super) fn count(wanted: &Wanted<'_>, images: usize) -> Result<usize, Problem> {
    let part = wanted.config.test.unwrap_or_default();
    let count = match part {
        TestPart::Rows(rows) => rows,
        TestPart::Share(share) => (share * images as f64).round() as usize,
    };
    check::test_part(wanted.config, part, count, images)?;
    Ok(count)
}

/// For files, whose order has a meaning: a number of images is taken from the end of the file; a share from
/// the end of each group of targets, since files are often sorted by target.
pub(super) fn from_end(wanted: &Wanted<'_>, images: Split) -> Result<(Split, Split), Problem> {
    match wanted.config.test.unwrap_or_default() {
        TestPart::Rows(_) => {
            let trained = images.len() - count(wanted, images.len())?;
            Ok(images.split_at(trained))
        }
        TestPart::Share(_) => by_group(wanted, &images, Reverse),
    }
}

/// The same share of every group of targets. Which images that are is decided by digests of their names, not
/// by their places: a file that is added or removed moves few others from one part to the other.
#[cfg(feature = "datasets")]
pub(super) fn by_name(
    wanted: &Wanted<'_>,
    images: &Split,
    names: &[Vec<String>],
) -> Result<(Split, Split), Problem> {
    by_group(wanted, images, |index| {
        // The file's own name, so that the folders around do not matter.
        let name = names[index].last().map(String::as_bytes).unwrap_or_default();
        (Sha256::hash(name), index)
    })
}

/// The same share of every group of targets, to a whole number of images; those that come first in an order.
fn by_group<K: Ord>(
    wanted: &Wanted<'_>,
    images: &Split,
    order: impl Fn(usize) -> K,
) -> Result<(Split, Split), Problem> {
    let test = count(wanted, images.len())?;
    let is_share = matches!(wanted.config.test.unwrap_or_default(), TestPart::Share(_));
    // They are measured with beside the share of the others.
    let is_test_only = |index: usize| wanted.rules().is_test_only(images.targets.get(index));
    let mut groups = wanted.rules().groups(&images.targets, wanted.outputs);
    let mut is_test: Vec<bool> = (0..images.len()).map(is_test_only).collect();
    let (mut before, mut taken) = (0, 0);
    for group in &mut groups {
        group.sort_by_cached_key(|index| order(*index));
        before += group.len();
        // What is rounded off one group goes to the next, so that the sum is what was asked for.
        let until = (test as u128 * before as u128 / images.len() as u128) as usize;
        let mut share = until - taken;
        taken = until;
        if is_share && group.len() > 1 {
            // Both parts have an image of every group of two or more.
            share = share.clamp(1, group.len() - 1);
        }
        for index in &group[..share] {
            is_test[*index] = true;
        }
    }
    let part = |wanted: bool| -> Vec<usize> {
        (0..images.len()).filter(|index| is_test[*index] == wanted).collect()
    };
    Ok((images.select(&part(false)), images.select(&part(true))))
}
