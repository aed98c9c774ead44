//! Images without labels: all of them in one folder, or in a folder for each part.

use std::collections::BTreeSet;

use super::classes::unfit;
use super::contents::Contents;
use super::names::{Part, part};
use super::pixels::{Changes, Fit, Unfit};
use crate::dataset::parts::{Parts, Wanted};
use crate::dataset::split::Growing;
use crate::dataset::walk::Name;
use crate::dataset::{Split, check, test_part};
use crate::error::Error;
use crate::observer::Observer;

type Image = (Name, Result<Fit, Unfit>);

/// Whether images may lack labels, and no folders tell their classes: the dataset's table says so, or there
/// is one folder, or one for the training part and one for the test part.
pub fn is_flat(wanted: &Wanted<'_>, contents: &Contents) -> bool {
    if !wanted.config.may_lack_targets {
        return false;
    }
    if wanted.config.unlabelled {
        return true;
    }
    let folders: BTreeSet<&[String]> = contents.images.iter().map(|(name, _)| folder(name)).collect();
    let parts: Vec<Option<Part>> = folders.iter().map(|folder| part_of(folder)).collect();
    match &parts[..] {
        [_] => true,
        [one, other] => {
            let both = [one, other];
            both.contains(&&Some(Part::Train)) && !both.contains(&&None) && one != other
        }
        _ => false,
    }
}

fn folder(name: &Name) -> &[String] {
    name.split_last().map_or(&[], |(_, folder)| folder)
}

/// The part of the innermost folder that is called like one.
fn part_of(folder: &[String]) -> Option<Part> {
    folder.iter().rev().find_map(|name| part(name))
}

/// Images in the order of their names. Without a folder for them, digests of the names decide which are the
/// test part; all are measured with unless `test` says how many.
pub fn read(wanted: &Wanted<'_>, contents: Contents, observer: &mut dyn Observer) -> Result<Parts, Error> {
    let mut problems = unfit(wanted, contents.images.iter().map(|(name, fit)| (name, fit)), observer);
    let has_train = contents.images.iter().any(|(name, _)| part_of(folder(name)) == Some(Part::Train));
    let is_test = |image: &Image| has_train && part_of(folder(&image.0)) != Some(Part::Train);
    let (test, train): (Vec<Image>, Vec<Image>) = contents.images.into_iter().partition(is_test);
    if !test.is_empty() {
        problems.extend(check::own_test_part(wanted.config));
    }
    if !problems.is_empty() {
        return Err(Error { problems });
    }
    let mut changes = Changes::default();
    train
        .iter()
        .chain(&test)
        .filter_map(|(_, fit)| fit.as_ref().ok())
        .for_each(|fit| changes.add(fit.changes));
    changes.warn(wanted, observer);
    let (train, names) = assemble(wanted, train);
    let is_whole = wanted.model.is_some() && wanted.config.test.is_none();
    let (train, test) = match test.is_empty() {
        true if is_whole => (train, None),
        true => {
            let (train, test) = test_part::by_name(wanted, &train, &names)?;
            (train, Some(test))
        }
        false => (train, Some(assemble(wanted, test).0)),
    };
    let unlabelled = [wanted.is_unlabelled(false); 2];
    Ok(Parts { train, test, unlabelled, ..Parts::default() })
}

fn assemble(wanted: &Wanted<'_>, images: Vec<Image>) -> (Split, Vec<Name>) {
    let (mut split, mut names) = (Growing::default(), Vec::new());
    for (name, fit) in images {
        if let Ok(fit) = fit
            && wanted.push_none(&mut split.targets).is_ok()
        {
            split.pixels.extend(fit.pixels);
            names.push(name);
        }
    }
    (split.into(), names)
}
