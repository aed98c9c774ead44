//! Cuts a test part from the images.

#[cfg(feature = "datasets")]
use sha2::{Digest, Sha256};

use super::Split;
use super::check;
use super::parts::Wanted;
use crate::config::TestPart;
use crate::error::Problem;

/// How many of the images become the test part.
pub(super) fn count(wanted: &Wanted<'_>, images: usize) -> Result<usize, Problem> {
    let part = wanted.config.test.unwrap_or_default();
    let count = match part {
        TestPart::Rows(rows) => rows,
        TestPart::Share(share) => (share * images as f64).round() as usize,
    };
    check::test_part(wanted.config, part, count, images)?;
    Ok(count)
}

/// From the end; for files whose order somebody chose.
pub(super) fn from_end(wanted: &Wanted<'_>, images: Split) -> Result<(Split, Split), Problem> {
    let test = count(wanted, images.len())?;
    let trained = images.len() - test;
    Ok(images.split_at(trained))
}

/// The same share of every class, to a whole number of images. A digest of its name decides of an image, not its place: a file
/// that is added or removed moves few others from one part to the other.
#[cfg(feature = "datasets")]
pub(super) fn by_name(
    wanted: &Wanted<'_>,
    images: Split,
    names: &[Vec<String>],
) -> Result<(Split, Split), Problem> {
    let test = count(wanted, images.len())?;
    let mut classes = vec![Vec::new(); wanted.classes];
    for (index, label) in images.labels.iter().enumerate() {
        // The name in the folder of its class, so that folders around that do not matter.
        let name = names[index].last().map(String::as_bytes).unwrap_or_default();
        classes[usize::from(*label)].push((Sha256::digest(name), index));
    }
    let mut is_test = vec![false; images.len()];
    let (mut before, mut taken) = (0, 0);
    for class in &mut classes {
        class.sort();
        before += class.len();
        // What is rounded off one class goes to the next, so that the sum is what was asked for.
        let until = (test as u128 * before as u128 / images.len() as u128) as usize;
        for (_, index) in &class[..until - taken] {
            is_test[*index] = true;
        }
        taken = until;
    }
    let part = |wanted: bool| -> Vec<usize> {
        (0..images.len()).filter(|index| is_test[*index] == wanted).collect()
    };
    Ok((images.select(&part(false)), images.select(&part(true))))
}
