//! Which mask is that of an image: by the name, the part and the folders of both.

use std::collections::BTreeMap;

use super::names::{part_of, stem, telling};
use crate::dataset::walk::Name;

/// The masks of some images.
pub struct Pairs {
    /// For each image the place of its mask.
    pub masks: Vec<Option<usize>>,
    /// The places of masks without an image.
    pub alone: Vec<usize>,
    /// Images and masks of which more than one may belong to the other, as messages name them.
    pub doubtful: Vec<String>,
}

/// Of files by their names.
pub fn pairs(images: &[&Name], masks: &[&Name]) -> Pairs {
    let mut by_stem: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, name) in masks.iter().enumerate() {
        by_stem.entry(stem(file(name))).or_default().push(at);
    }
    let mut owners = vec![Vec::new(); masks.len()];
    let mut pairs = Pairs { masks: Vec::new(), alone: Vec::new(), doubtful: Vec::new() };
    for (at, image) in images.iter().enumerate() {
        let all = by_stem.get(stem(file(image))).map_or(&[][..], |found| found);
        let fits = |mask: &usize| match (part_of(image), part_of(masks[*mask])) {
            (Some(image), Some(mask)) => image == mask,
            (None, _) | (_, None) => true,
        };
        let mut found: Vec<usize> = all.iter().copied().filter(fits).collect();
        if found.len() > 1 {
            // `a/images/1.png` and `b/images/1.png` are not the same.
            let same: Vec<usize> =
                found.iter().copied().filter(|mask| telling(masks[*mask]) == telling(image)).collect();
            found = if same.is_empty() { found } else { same };
        }
        if let [one, other, ..] = found[..] {
            let names = [one, other].map(|mask| masks[mask].join("/"));
            pairs.doubtful.push(format!("{} ({} and {})", image.join("/"), names[0], names[1]));
        }
        found.iter().for_each(|mask| owners[*mask].push(at));
        pairs.masks.push(found.first().copied());
    }
    for (mask, owners) in owners.iter().enumerate() {
        match owners[..] {
            [] => pairs.alone.push(mask),
            [_] => {}
            [one, other, ..] => {
                let names = [one, other].map(|image| images[image].join("/"));
                pairs.doubtful.push(format!("{} ({} and {})", masks[mask].join("/"), names[0], names[1]));
            }
        }
    }
    pairs
}

fn file(name: &Name) -> &str {
    name.last().map(String::as_str).unwrap_or_default()
}
