//! Cuts a test part from the images.

use std::cmp::Reverse;

#[cfg(feature = "datasets")]
use hmac_sha256::Hash as Sha256;

use super::Split;
use super::check;
use super::parts::Wanted;
use crate::config::TestPart;
use crate::error::Problem;

/// How many of the images become the test part.
fn count(wanted: &Wanted<'_>, images: usize) -> Result<usize, Problem> {
    let part = wanted.config.test.unwrap_or_default();
    let count = match part {
        TestPart::Rows(rows) => rows,
        TestPart::Share(share) => (share * images as f64).round() as usize,
    };
    check::test_part(wanted.config, part, count, images)?;
    Ok(count)
}

/// For files whose order somebody chose: a number of images is cut from the end; a share is the end of every
/// class, since files are often sorted by class.
pub(super) fn from_end(wanted: &Wanted<'_>, images: Split) -> Result<(Split, Split), Problem> {
    match wanted.config.test.unwrap_or_default() {
        TestPart::Rows(_) => {
            let trained = images.len() - count(wanted, images.len())?;
            Ok(images.split_at(trained))
        }
        TestPart::Share(_) => by_class(wanted, &images, Reverse),
    }
}

/// The same share of every class. A digest of its name decides of an image, not its place: a file that is
/// added or removed moves few others from one part to the other.
#[cfg(feature = "datasets")]
pub(super) fn by_name(
    wanted: &Wanted<'_>,
    images: &Split,
    names: &[Vec<String>],
) -> Result<(Split, Split), Problem> {
    by_class(wanted, images, |index| {
        // The name in the folder of its class, so that folders around that do not matter.
        let name = names[index].last().map(String::as_bytes).unwrap_or_default();
        (Sha256::hash(name), index)
    })
}

/// The same share of every class, to a whole number of images; those that come first in an order.
fn by_class<K: Ord>(
    wanted: &Wanted<'_>,
    images: &Split,
    order: impl Fn(usize) -> K,
) -> Result<(Split, Split), Problem> {
    let test = count(wanted, images.len())?;
    let is_share = matches!(wanted.config.test.unwrap_or_default(), TestPart::Share(_));
    let mut classes = vec![Vec::new(); wanted.classes];
    for (index, label) in images.labels.iter().enumerate() {
        classes[usize::from(*label)].push(index);
    }
    let mut is_test = vec![false; images.len()];
    let (mut before, mut taken) = (0, 0);
    for class in &mut classes {
        class.sort_by_cached_key(|index| order(*index));
        before += class.len();
        // What is rounded off one class goes to the next, so that the sum is what was asked for.
        let until = (test as u128 * before as u128 / images.len() as u128) as usize;
        let mut share = until - taken;
        taken = until;
        if is_share && class.len() > 1 {
            // Of two images or more, both parts have one.
            share = share.clamp(1, class.len() - 1);
        }
        for index in &class[..share] {
            is_test[*index] = true;
        }
    }
    let part = |wanted: bool| -> Vec<usize> {
        (0..images.len()).filter(|index| is_test[*index] == wanted).collect()
    };
    Ok((images.select(&part(false)), images.select(&part(true))))
}
