//! Images and a mask for each, in folders side by side: `images/0001.jpg` and `masks/0001.png`, with folders
//! of the parts around them, in them or not at all.

use std::collections::{BTreeMap, BTreeSet};

use super::contents::Contents;
use super::mask::Mask;
use super::names::{Part, is_mask, is_of_things, part_of, stem};
use super::pairs::{Pairs, pairs};
use super::pixels::{Changes, Fit, Unfit};
use crate::dataset::mask_colours::Colours;
use crate::dataset::mask_values::{self, Seen};
use crate::dataset::parts::{Parts, Wanted};
use crate::dataset::split::Growing;
use crate::dataset::walk::Name;
use crate::dataset::{Split, check, test_part};
use crate::error::{Error, Problem};
use crate::observer::Observer;
use crate::task;
use crate::text::enumerate;

const LAYOUT: &str = "wanted are images/NAME.jpg and masks/NAME.png, in train and test or not: a mask has \
                      the name of its image, and is a PNG file";

/// An image and its mask.
struct Pair {
    name: Name,
    is_test: bool,
    image: Fit,
    mask_name: Name,
    mask: Mask,
}

/// What is wrong with a dataset of images that has no masks.
pub fn none(wanted: &Wanted<'_>, contents: &Contents) -> Problem {
    let folders: Vec<String> = contents.folders.iter().map(|name| name.join("/")).collect();
    let found = if folders.is_empty() { "no folders".to_string() } else { enumerate(&folders) };
    let (path, count) = (wanted.config.path.display(), contents.images.len());
    let message =
        format!("{path} has {count} images, but no masks, which task = \"dense\" wants; it holds {found}");
    Problem::new(message).help(LAYOUT)
}

/// Pairs images with masks, and sorts them into parts.
pub fn read(wanted: &Wanted<'_>, contents: Contents, observer: &mut dyn Observer) -> Result<Parts, Error> {
    let path = wanted.config.path.display().to_string();
    let Contents { mut images, masks, others, .. } = contents;
    let things = images.extract_if(.., |(name, _)| is_of_things(name)).count();
    let mut unused = vec![(things, "in folders of instances".to_string())];
    let parts: BTreeSet<Part> = images
        .iter()
        .map(|(name, _)| name)
        .chain(masks.iter().map(|(name, _)| name))
        .filter_map(part_of)
        .collect();
    let has_train = parts.contains(&Part::Train);
    let test = [Part::Test, Part::Validation].into_iter().find(|part| parts.contains(part));
    // Beside parts that are called so, images in none are not used.
    let place = |name: &Name| match part_of(name) {
        Some(Part::Train) => Some(false),
        None if !has_train => Some(false),
        part if part.is_some() && part == test => Some(true),
        _ => None,
    };
    let (images, beside): (Vec<_>, Vec<_>) = images.into_iter().partition(|(name, _)| place(name).is_some());
    unused.push((beside.len(), "beside the training and the test part".to_string()));
    let masks: Vec<_> =
        masks.into_iter().filter(|(name, _)| place(name).is_some() || part_of(name).is_none()).collect();
    for (count, what) in unused {
        if count > 0 {
            observer.warn(&format!("{path}: the {count} images {what} are not used"));
        }
    }
    let mut problems = Vec::new();
    let names: Vec<&Name> = images.iter().map(|(name, _)| name).collect();
    let mask_names: Vec<&Name> = masks.iter().map(|(name, _)| name).collect();
    let paired = pairs(&names, &mask_names);
    problems.extend(unpaired(&path, &paired, &mask_names));
    let left_out = left_out(&images, &masks, &paired, &others);
    let mut masks: Vec<Option<(Name, Mask)>> =
        masks.into_iter().map(|(name, mask)| Some((name, mask.ok()?))).collect();
    let (mut found, mut sizes) = (Vec::new(), Vec::new());
    let total = images.len();
    for ((name, image), mask) in images.into_iter().zip(paired.masks) {
        let is_test = place(&name) == Some(true);
        let mask = mask.and_then(|at| masks[at].take());
        match (image, mask) {
            (Ok(image), Some((mask_name, mask))) => {
                found.push(Pair { name, is_test, image, mask_name, mask })
            }
            (Err(Unfit::Size(height, width)), _) => {
                sizes.push(format!("{} is {height}x{width}", name.join("/")))
            }
            (Err(Unfit::Unreadable(_)), _) | (Ok(_), None) => {}
        }
    }
    problems.extend(left_out.problem(wanted, total, observer));
    problems.extend(super::classes::sizes(wanted, &sizes, total));
    problems.extend(other_sizes(wanted, &found));
    if test.is_some() && wanted.model.is_none() {
        problems.extend(check::own_test_part(wanted.config));
        if found.iter().all(|pair| pair.is_test) && problems.is_empty() {
            let message = format!("{path} has a test part, but no training part");
            problems.push(Problem::new(message).help("call the folder of the training part `train`"));
        }
    }
    let mut seen: Seen = [false; 256];
    for pair in &found {
        seen.iter_mut().zip(&pair.mask.seen).for_each(|(all, one)| *all |= one);
    }
    let classes = mask_values::classes(wanted, &seen);
    problems.extend(colours(wanted, &found, observer));
    problems.extend(values(wanted, &found, &classes, &seen, observer));
    if !problems.is_empty() {
        return Err(Error { problems });
    }
    let mut changes = Changes::default();
    found.iter().for_each(|pair| changes.add(pair.image.changes));
    changes.warn(wanted, observer);
    let (tested, trained): (Vec<Pair>, Vec<Pair>) = found.into_iter().partition(|pair| pair.is_test);
    let (train, names) = split(wanted, &classes, trained)?;
    let test = test.map(|_| split(wanted, &classes, tested)).transpose()?.map(|(test, _)| test);
    match test {
        None if wanted.model.is_none() => {
            let (train, test) = test_part::by_name(wanted, &train, &names)?;
            Ok(Parts { train, test: Some(test), ..Parts::default() })
        }
        test => Ok(Parts { train, test, ..Parts::default() }),
    }
}

/// Masks that belong to no image, or to more than one.
fn unpaired(path: &str, pairs: &Pairs, masks: &[&Name]) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !pairs.doubtful.is_empty() {
        let (count, shown) = (pairs.doubtful.len(), enumerate(&pairs.doubtful));
        let message = format!("{path}: {count} files have more than one image or mask: {shown}");
        problems.push(Problem::new(message).help("remove one of each, or move it out of the dataset"));
    }
    if !pairs.alone.is_empty() {
        let (count, total) = (pairs.alone.len(), masks.len());
        let shown: Vec<String> = pairs.alone.iter().map(|mask| masks[*mask].join("/")).collect();
        let message = format!("{path}: {count} of {total} masks have no image: {}", enumerate(&shown));
        problems.push(Problem::new(message).help("add images of the same name, or remove the masks"));
    }
    problems
}

/// Images that cannot be used.
struct LeftOut {
    /// Files that cannot be read, and why.
    unreadable: Vec<String>,
    /// Images without a mask.
    missing: Vec<String>,
}

type File<T> = (Name, Result<T, Unfit>);

/// What of these images `tolerate` may allow to leave out.
fn left_out(images: &[File<Fit>], masks: &[File<Mask>], pairs: &Pairs, others: &[Name]) -> LeftOut {
    let other: BTreeMap<&str, &Name> = others
        .iter()
        .filter(|name| is_mask(name))
        .filter_map(|name| Some((stem(name.last()?), name)))
        .collect();
    let mut left = LeftOut { unreadable: Vec::new(), missing: Vec::new() };
    let mut unreadable =
        |name: &Name, reason: &str| left.unreadable.push(format!("{} ({reason})", name.join("/")));
    for ((name, image), mask) in images.iter().zip(&pairs.masks) {
        match (image, mask.map(|mask| &masks[mask])) {
            (Err(Unfit::Unreadable(reason)), _) => unreadable(name, reason),
            (_, Some((name, Err(Unfit::Unreadable(reason))))) => unreadable(name, reason),
            (_, Some((name, Err(Unfit::Size(height, width))))) => {
                unreadable(name, &format!("{height}x{width}"))
            }
            (_, Some((_, Ok(_)))) => {}
            (_, None) => {
                let like = name.last().and_then(|file| other.get(stem(file)));
                let like = like.map(|name| format!(" ({} is not a PNG file)", name.join("/")));
                left.missing.push(name.join("/") + &like.unwrap_or_default());
            }
        }
    }
    left
}

impl LeftOut {
    /// Warns of what is left out, or says that it is too much.
    fn problem(&self, wanted: &Wanted<'_>, total: usize, observer: &mut dyn Observer) -> Vec<Problem> {
        let (path, tolerate) = (wanted.config.path.display(), wanted.config.tolerate);
        let is_too_much = (self.unreadable.len() + self.missing.len()) as f64 > tolerate * total as f64;
        let mut problems = Vec::new();
        for (names, what, do_what) in [
            (&self.unreadable, "cannot be read, or their masks", "repair or remove them"),
            (&self.missing, "have no mask of their name", "add masks, or remove the images"),
        ] {
            let count = names.len();
            let message = format!("{path}: {count} of {total} images {what}: {}", enumerate(names));
            if count > 0 && is_too_much {
                problems.push(Problem::new(message).help(format!(
                    "{do_what}, or set `tolerate`, the share of images that may be left out, now {tolerate}"
                )));
            } else if count > 0 {
                observer.warn(&format!("{message}; left out"));
            }
        }
        problems
    }
}

/// Masks of another size than their images.
fn other_sizes(wanted: &Wanted<'_>, pairs: &[Pair]) -> Option<Problem> {
    let differs = |pair: &&Pair| pair.mask.found != pair.image.found && pair.mask.found != wanted.grid;
    let shown: Vec<String> = pairs
        .iter()
        .filter(differs)
        .map(|Pair { mask_name, mask: Mask { found: [height, width], .. }, image, .. }| {
            let [rows, columns] = image.found;
            format!("{} is {height}x{width} for an image of {rows}x{columns}", mask_name.join("/"))
        })
        .collect();
    let ([rows, columns], path) = (wanted.grid, wanted.config.path.display());
    let message = format!(
        "{path}: {} of {} masks are not of their images' size: {}",
        shown.len(),
        pairs.len(),
        enumerate(&shown)
    );
    let help =
        format!("a mask has the size of its image, height x width, or of the output, {rows}x{columns}");
    (!shown.is_empty()).then(|| Problem::new(message).help(help))
}

/// Colours that stand for no class.
fn colours(wanted: &Wanted<'_>, pairs: &[Pair], observer: &mut dyn Observer) -> Option<Problem> {
    let coloured: Vec<&Pair> = pairs.iter().filter(|pair| !pair.mask.colours.is_empty()).collect();
    let mut all = Colours::default();
    coloured.iter().for_each(|pair| all.extend(&pair.mask.colours));
    if coloured.is_empty() {
        return None;
    }
    if wanted.config.mask_colours.is_none() {
        let names: Vec<String> = coloured.iter().map(|pair| pair.mask_name.join("/")).collect();
        return Some(all.problem(wanted, &names, pairs.len()));
    }
    observer.warn(&format!(
        "{}: pixels do not count whose colour `mask-colours` does not name: {}",
        wanted.config.path.display(),
        all.list(pairs.len())
    ));
    None
}

/// Values that stand for no class.
fn values(
    wanted: &Wanted<'_>,
    pairs: &[Pair],
    classes: &[u8; 256],
    seen: &Seen,
    observer: &mut dyn Observer,
) -> Option<Problem> {
    let path = wanted.config.path.display();
    let total = pairs.len();
    if mask_values::is_black_and_white(wanted, seen) {
        observer.warn(&format!("{path}: the masks have the values 0 and 255 alone; 255 is class 1"));
    }
    let is_class = |value: usize| wanted.rules().is_target(&[classes[value]], wanted.outputs);
    let wrong = |pair: &Pair| -> Option<String> {
        let values: Vec<String> = (0..256)
            .filter(|value| pair.mask.seen[*value] && !is_class(*value))
            .map(|value| value.to_string())
            .collect();
        (!values.is_empty()).then(|| format!("{} has {}", pair.mask_name.join("/"), enumerate(&values)))
    };
    let wrong: Vec<String> = pairs.iter().filter_map(wrong).collect();
    if !wrong.is_empty() {
        let (count, shown) = (wrong.len(), enumerate(&wrong));
        let message = format!(
            "{path}: {count} of {total} masks have values that are not one of the network's {} classes: \
             {shown}",
            wanted.outputs
        );
        return Some(Problem::new(message).help(mask_values::help(wanted, seen)));
    }
    let listed = wanted.config.mask_values.as_deref()?;
    let is_other = |value: &usize| seen[*value] && !listed.contains(&(*value as u8));
    let others: Vec<String> = (0..256)
        .filter(is_other)
        .map(|value| {
            let count = pairs.iter().filter(|pair| pair.mask.seen[value]).count();
            format!("{value} (in {count} of {total} masks)")
        })
        .collect();
    if !others.is_empty() {
        let shown = enumerate(&others);
        observer
            .warn(&format!("{path}: pixels do not count whose value `mask-values` does not name: {shown}"));
    }
    None
}

/// The pairs of a part in the order of their names, and these names.
fn split(wanted: &Wanted<'_>, classes: &[u8; 256], pairs: Vec<Pair>) -> Result<(Split, Vec<Name>), Problem> {
    let mut split = Growing::default();
    let mut names = Vec::new();
    for Pair { name, image, mask_name, mask, .. } in pairs {
        let values: Vec<u8> = mask.values.iter().map(|value| classes[usize::from(*value)]).collect();
        let [height, width] = mask.size;
        let mask = task::Mask { height, width, classes: &values };
        wanted.rules().push_mask(&mask, wanted.grid, wanted.outputs, &mut split.targets).map_err(
            |reason| {
                let (path, name) = (wanted.config.path.display(), mask_name.join("/"));
                Problem::new(format!("{path}: {name}: {reason}"))
                    .help("`resize = true` in the dataset's table scales images and their masks")
            },
        )?;
        split.pixels.extend(image.pixels);
        names.push(name);
    }
    Ok((split.into(), names))
}
