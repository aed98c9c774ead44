//! Datasets of several files, in a folder or an archive: what is in it decides of which kind it is.

mod archive;
mod budget;
mod cifar;
mod classes;
mod contents;
mod counted;
mod entry;
mod gather;
mod idx;
mod layout;
mod names;
pub(super) mod pixels;
mod source;
mod zstd;

pub(super) use archive::{open_zip, twice, unreadable};
pub(super) use entry::Entry;
pub(super) use source::each;

use super::check;
use super::names::{is_cifar_data, is_idx_images};
use super::parts::{Parts, Wanted};
use crate::error::{Error, Problem};
use crate::observer::Observer;
use crate::text::enumerate;

/// Reads a folder or an archive.
pub(super) fn read(wanted: &Wanted<'_>, observer: &mut dyn Observer) -> Result<Parts, Error> {
    let path = &wanted.config.path;
    check::channels(wanted)?;
    let contents = gather::gather(wanted, observer)?;
    let binary = |is: fn(&str) -> bool| contents.binaries.keys().any(|name| is(name));
    let (is_idx, is_cifar) = (binary(is_idx_images), binary(is_cifar_data));
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
    if contents.images.is_empty() {
        let others = contents.others.iter().map(|name| name.join("/")).collect::<Vec<_>>();
        let found = match others.len() {
            0 => "it is empty".to_string(),
            _ => format!("it holds {}", enumerate(&others)),
        };
        return Err(Problem::new(format!("{} has no images: {found}", path.display()))
            .help("wanted are JPEG or PNG files in a folder for each class, CIFAR binary files or IDX files")
            .into());
    }
    classes::read(wanted, contents, observer)
}
