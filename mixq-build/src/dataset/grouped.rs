//! Parts of a dataset whose images are in groups, as windows are of a recording or a speaker: no group is on
//! both sides. A network would else be measured with what it was trained with.

use std::collections::{BTreeMap, BTreeSet};

use hmac_sha256::Hash as Sha256;

use super::Split;
use super::parts::{Groups, Wanted};
use super::test_part;
use crate::error::Problem;
use crate::settings::TestPart;
use crate::text::enumerate;

/// Chooses groups for a part of some images.
pub struct Share {
    /// For each class how many images each of its groups has.
    classes: Vec<BTreeMap<u32, usize>>,
    /// The groups that are in the part.
    pub taken: BTreeSet<u32>,
}

impl Share {
    /// Of images in `classes`, whose groups are `groups`; the groups `taken` are in the part in any case.
    pub fn new(classes: &[Vec<usize>], groups: &[u32], taken: BTreeSet<u32>) -> Share {
        let sizes = |class: &Vec<usize>| {
            let mut sizes = BTreeMap::new();
            class.iter().for_each(|image| *sizes.entry(groups[*image]).or_default() += 1);
            sizes
        };
        Share { classes: classes.iter().map(sizes).collect(), taken }
    }

    /// Takes about this number of images, in whole groups: the same share of each class, at least a group.
    /// Groups that come first in `order` are taken before others.
    pub fn choose(&mut self, images: usize, order: &[u32]) {
        let all: usize = self.classes.iter().flat_map(BTreeMap::values).sum();
        for class in 0..self.classes.len() {
            let size = |group: &u32| self.classes[class].get(group).copied().unwrap_or(0);
            let count: usize = self.classes[class].values().sum();
            let wanted = (images as f64 * count as f64 / all.max(1) as f64).round().max(1.0) as usize;
            let mut have: usize = self.taken.iter().map(size).sum();
            for group in order {
                let more = self.classes[class].get(group).copied().unwrap_or(0);
                // The nearest to what is wanted, and one group at least.
                let is_nearer = have == 0 || have + more <= wanted.saturating_mul(2).saturating_sub(have);
                if more > 0 && have < wanted && is_nearer && self.take(*group) {
                    have += more;
                }
            }
        }
    }

    /// Takes a group if it is not in the part, and each class of it has another one that is not.
    pub fn take(&mut self, group: u32) -> bool {
        let is_left = |other: &u32| *other != group && !self.taken.contains(other);
        let keeps = |class: &BTreeMap<u32, usize>| !class.contains_key(&group) || class.keys().any(is_left);
        !self.taken.contains(&group) && self.classes.iter().all(keeps) && self.taken.insert(group)
    }
}

/// The images to train with, those to measure with, and the groups of the first.
pub(super) type Divided = (Split, Split, Vec<u32>);

/// The test part of images in groups: as `test` says, to whole groups. A share is one of each class, and
/// digests of the groups' names decide which they are; a number of images is taken from the end of the file.
pub(super) fn test_part(
    wanted: &Wanted<'_>,
    images: &Split,
    Groups { of, names }: &Groups,
) -> Result<Divided, Problem> {
    let rules = wanted.rules();
    let count = test_part::count(wanted, images.len())?;
    let mut order: Vec<u32> = (0..names.len() as u32).collect();
    let classes = match wanted.config.test.unwrap_or_default() {
        TestPart::Rows(_) => {
            order.reverse();
            vec![(0..images.len()).collect()]
        }
        TestPart::Share(_) => {
            // Files' own names, so that the folders around do not matter.
            let own = |group: &u32| names[*group as usize].rsplit('/').next().unwrap_or_default();
            order.sort_by_cached_key(|group| (Sha256::hash(own(group).as_bytes()), *group));
            rules.groups(&images.targets, wanted.outputs)
        }
    };
    let is_test_only = |image: &usize| rules.is_test_only(images.targets.get(*image));
    let first = (0..images.len()).filter(is_test_only).map(|image| of[image]).collect();
    let mut share = Share::new(&classes, of, first);
    share.choose(count, &order);
    if let Some(only) = share.taken.first().filter(|_| share.taken.len() == 1).copied()
        && (names.len() < 4 || !order.iter().any(|group| share.take(*group)))
    {
        let why = format!("`{}` would be the whole test part", names[only as usize]);
        return Err(too_few(wanted, names, &why));
    }
    let (test, train): (Vec<usize>, Vec<usize>) =
        (0..images.len()).partition(|image| share.taken.contains(&of[*image]));
    if test.is_empty() || train.is_empty() {
        let part = if test.is_empty() { "the test part" } else { "the training part" };
        return Err(too_few(wanted, names, &format!("no group is left for {part}")));
    }
    let groups = train.iter().map(|image| of[*image]).collect();
    Ok((images.select(&train), images.select(&test), groups))
}

fn too_few(wanted: &Wanted<'_>, names: &[String], why: &str) -> Problem {
    let count = if names.len() == 1 { "is 1 group" } else { &format!("are {} groups", names.len()) };
    let message = format!(
        "{}: windows of a group stay together, and there {count} ({}): {why}",
        wanted.config.path.display(),
        enumerate(names)
    );
    Problem::new(message).help(
        "record more groups, four or more; or set group = false in the dataset's table: then windows of a \
         recording are on both sides, and scores are too good",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two classes: groups 0 to 4 of ten images each are of the first, 5 and 6 of the second, 7 is of both.
    fn taken(images: usize) -> BTreeSet<u32> {
        let groups: Vec<u32> = (0..80).map(|image| image / 10).collect();
        let classes = [(0..50).chain(70..75).collect(), (50..70).chain(75..80).collect()];
        let mut share = Share::new(&classes, &groups, BTreeSet::new());
        share.choose(images, &[7, 1, 6, 0, 5, 2, 3, 4]);
        share.taken
    }

    #[test]
    fn each_class_has_its_share_of_whole_groups() {
        // Group 7 has five of the eleven and of the five that are wanted; group 1 more makes 15 of the first.
        assert_eq!(taken(16), BTreeSet::from([1, 7]));
        assert_eq!(taken(1), BTreeSet::from([7]));
        // All that can be: a group of each class stays.
        assert_eq!(taken(80), BTreeSet::from([0, 1, 2, 3, 6, 7]));
    }
}
