//! Datasets of several files, in a folder or an archive: what is in it decides of which kind it is.

mod archive;
mod budget;
mod cifar;
mod classes;
mod contents;
mod counted;
mod entry;
mod flat;
mod gather;
mod idx;
pub(super) mod layout;
mod mask;
mod masks;
mod names;
mod pairs;
pub(super) mod pixels;
mod source;
mod zstd;

pub(super) use archive::{open_zip, twice, unreadable};
pub(super) use contents::Contents;
pub(super) use entry::Entry;
pub(super) use source::each;

use super::check;
use super::names::{is_cifar_data, is_idx_images};
use super::parts::{Parts, Wanted};
use super::recordings;
use crate::error::{Error, Problem};
use crate::observer::Observer;
use crate::text::enumerate;

/// Reads a folder or an archive.
pub(super) fn read(wanted: &Wanted<'_>, observer: &mut dyn Observer) -> Result<Parts, Error> {
    let path = &wanted.config.path;
    let mut contents = gather::gather(wanted, observer)?;
    let binary = |is: fn(&str) -> bool| contents.binaries.keys().any(|name| is(name));
    let (is_idx, is_cifar) = (binary(is_idx_images), binary(is_cifar_data));
    if is_idx || is_cifar || contents.images.is_empty() || !contents.masks.is_empty() {
        check::unlabelled(wanted)?;
    }
    if !(is_idx || is_cifar || contents.recordings.is_empty())
        && (contents.images.is_empty() || wanted.config.recordings.files.is_some())
    {
        return recordings::files::read(wanted, &contents, observer);
    }
    // Beside images they are not read.
    contents.others.extend(std::mem::take(&mut contents.recordings).into_iter().map(|(name, _)| name));
    contents.others.sort();
    check::channels(wanted)?;
    check::keys(wanted, "a dataset of images", &[])?;
    if wanted.config.input.is_some() {
        let message = format!("{} has images, whose values are pixels, not samples", path.display());
        return Err(Problem::new(message).help("leave `input` out of the dataset's table").into());
    }
    if is_idx || is_cifar {
        if !contents.images.is_empty() {
            let (count, kind) = (contents.images.len(), if is_idx { "IDX" } else { "CIFAR" });
            observer.warn(&format!("{}: beside {kind} files, {count} images are not used", path.display()));
        }
        return if is_idx {
            idx::read(wanted, &contents, observer)
        } else {
            cifar::read(wanted, &contents, observer)
        };
    }
    if !contents.masks.is_empty() {
        return masks::read(wanted, contents, observer);
    }
    if contents.images.is_empty() {
        let others = contents.others.iter().map(|name| name.join("/")).collect::<Vec<_>>();
        let found = match others.len() {
            0 => "it is empty".to_string(),
            _ => format!("it holds {}", enumerate(&others)),
        };
        return Err(Problem::new(format!("{} has no images: {found}", path.display()))
            .help(
                "wanted are JPEG, PNG, CSV or WAV files in a folder for each class, CIFAR binary files or \
                 IDX files",
            )
            .into());
    }
    if flat::is_flat(wanted, &contents) {
        return flat::read(wanted, contents, observer);
    }
    if wanted.rules().takes_masks() {
        return Err(masks::none(wanted, &contents).into());
    }
    classes::read(wanted, contents, observer)
}
