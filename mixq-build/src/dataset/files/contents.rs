//! What a folder or an archive holds, once it is read.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::entry::Entry;
use super::mask::Mask;
use super::names::is_mask;
use super::pixels::{Fit, Unfit};
use crate::dataset::limit::{Limited, TooLarge};
use crate::dataset::names::{is_binary, is_image};
use crate::dataset::parts::Wanted;
use crate::dataset::walk::{Name, open};
use crate::error::Problem;

/// What a folder or an archive holds.
#[derive(Default)]
pub struct Contents {
    /// Image files as the network wants them, or what is wrong with them.
    pub images: Vec<(Name, Result<Fit, Unfit>)>,
    /// Files of masks, where the task takes masks, or what is wrong with them.
    pub masks: Vec<(Name, Result<Mask, Unfit>)>,
    /// Files of the binary formats, unpacked, by their names without folders.
    pub binaries: BTreeMap<String, Vec<u8>>,
    /// The size in bytes of what they were unpacked from.
    pub packed: u64,
    /// Files of recordings.
    pub recordings: Vec<(Name, Entry)>,
    /// All folders.
    pub folders: Vec<Name>,
    /// All other files.
    pub others: Vec<Name>,
    /// Links in an archive, and what they lead to.
    pub links: BTreeMap<Name, Name>,
}

impl Contents {
    /// Adds a file of a binary format that lies in a folder.
    pub fn add_file(&mut self, wanted: &Wanted<'_>, name: &str, path: &Path) -> Result<(), Problem> {
        let mut bytes = Vec::new();
        let read = open(path)?.read_to_end(&mut bytes);
        read.map_err(|error| Problem::io("read", path, &error))?;
        let packed = bytes.len() as u64;
        self.packed += packed;
        self.add_binary(wanted, name, bytes, packed)
    }

    /// Adds a file of a binary format, or says that there is another one. `packed` bytes are what it was
    /// unpacked from.
    pub fn add_binary(
        &mut self,
        wanted: &Wanted<'_>,
        name: &str,
        bytes: Vec<u8>,
        packed: u64,
    ) -> Result<(), Problem> {
        let path = wanted.config.path.display();
        let bytes = unpacked(name, bytes, packed).map_err(|reason| {
            Problem::new(format!("{path}: {name} {reason}")).help("copy or download it again")
        })?;
        if self.binaries.insert(name.to_string(), bytes).is_none() {
            return Ok(());
        }
        let message = format!("{path} has two files that are called {name}");
        Err(Problem::new(message).help("name the folder of one dataset"))
    }

    /// Adds the images that links lead to under the names of the links. Links to folders are errors.
    pub fn follow(&mut self, wanted: &Wanted<'_>) -> Vec<Problem> {
        const LONGEST: usize = 40;
        let mut problems = Vec::new();
        let takes_masks = wanted.rules().takes_masks();
        let (mut images, mut masks) = (Vec::new(), Vec::new());
        for (name, first) in &self.links {
            let mut target = first;
            for _ in 0..LONGEST {
                target = self.links.get(target).unwrap_or(target);
            }
            let last = name.last().map(String::as_str).unwrap_or_default();
            let leads = target.join("/");
            let files = self.images.iter().map(|(name, _)| name);
            let mut files = files.chain(self.masks.iter().map(|(name, _)| name));
            if is_image(last) && takes_masks && is_mask(name) {
                masks.push((name.clone(), linked(&self.masks, target, "a mask")));
            } else if is_image(last) {
                images.push((name.clone(), linked(&self.images, target, "an image")));
            } else if is_binary(last) || files.any(|name| name.starts_with(target)) {
                let message =
                    format!("{}: {} is a link to {leads}", wanted.config.path.display(), name.join("/"));
                let help = "pack it again without links, as `tar --dereference --hard-dereference` does";
                problems.push(Problem::new(message).help(help));
            } else {
                self.others.push(name.clone());
            }
        }
        self.images.extend(images);
        self.images.sort_by(|a, b| a.0.cmp(&b.0));
        self.masks.extend(masks);
        self.masks.sort_by(|a, b| a.0.cmp(&b.0));
        problems
    }
}

/// What a link leads to, among files in the order of their names.
fn linked<T: Clone>(files: &[(Name, Result<T, Unfit>)], target: &Name, kind: &str) -> Result<T, Unfit> {
    match files.binary_search_by(|(name, _)| name.cmp(target)) {
        Ok(at) => files[at].1.clone(),
        Err(_) => {
            let leads = target.join("/");
            Err(Unfit::Unreadable(format!("it is a link to {leads}, which is not {kind} in the archive")))
        }
    }
}

/// A file, unpacked if it is compressed; it is in `packed` bytes, or those of the archive that it is from.
fn unpacked(name: &str, bytes: Vec<u8>, packed: u64) -> Result<Vec<u8>, String> {
    if !name.to_lowercase().ends_with(".gz") {
        return Ok(bytes);
    }
    let mut unpacked = Vec::new();
    match Limited::new(MultiGzDecoder::new(&bytes[..]), packed).read_to_end(&mut unpacked) {
        Ok(_) => Ok(unpacked),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Err("is truncated: its gzip data ends early".to_string())
        }
        Err(error) => Err(match TooLarge::of(&error) {
            Some(over) => over.to_string(),
            None => format!("is damaged, or not a gzip file: {error}"),
        }),
    }
}
