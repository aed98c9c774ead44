//! A folder for each class, as torchvision wants it: what a file is by its place.

use std::collections::{BTreeMap, BTreeSet};

use super::names::{Part, is_neutral, part};
use crate::dataset::walk::Name;
use crate::error::Problem;
use crate::text::enumerate;

/// How a dataset's folders are arranged.
pub struct Layout {
    /// Folders around all others, which say nothing.
    prefix: Name,
    /// The folders of the parts, if the classes are in parts.
    parts: Option<Parts>,
}

struct Parts {
    train: Folder,
    test: Option<Folder>,
}

/// The folder of a part.
struct Folder {
    name: String,
    /// Folders in it around all classes, which say nothing, as in `training_set/training_set/CLASS`.
    inner: Name,
}

/// What something is by its place.
#[derive(Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// Of this class, to train with.
    Train(&'a str),
    /// Of this class, to measure with.
    Test(&'a str),
    /// In a folder beside the parts.
    Beside(&'a str),
    /// In no folder of a class.
    Outside,
}

impl Layout {
    /// Of a dataset with these images and folders.
    ///
    /// # Errors
    /// Folders that look like parts, but cannot be told apart, or like parts where classes were expected.
    pub fn of(path: &str, images: &[&Name], folders: &[Name]) -> Result<Layout, Problem> {
        let shortest = images.iter().map(|name| name.len()).min().unwrap_or(0);
        let first: &[String] = images.first().map_or(&[], |name| name);
        let common = |name: &&Name| first.iter().zip(name.iter()).take_while(|(a, b)| a == b).count();
        // An image is in the folder of a class, whatever else all have in common.
        let most = images.iter().map(common).min().unwrap_or(0).min(shortest.saturating_sub(2));
        let with_classes_at = |depth: usize| -> BTreeSet<&str> {
            images.iter().filter(|name| name.len() > depth + 2).map(|name| name[depth].as_str()).collect()
        };
        let is_train = |folder: &str| part(folder) == Some(Part::Train);
        // All images may be below a folder `train`: one around the parts, or the only part.
        let around = first[..most].iter().rposition(|folder| is_train(folder));
        let depth =
            around.filter(|_| !with_classes_at(most).iter().any(|folder| is_train(folder))).unwrap_or(most);
        let prefix = first[..depth].to_vec();
        let mut there = with_classes_at(depth);
        let train: Vec<&str> = there.iter().copied().filter(|folder| is_train(folder)).collect();
        let Some(train) = one(path, "training", &train)? else {
            let layout = Layout { prefix, parts: None };
            layout.contradiction(path, images)?;
            return Ok(layout);
        };
        // A test part without a class is one all the same, and an error later on.
        there.extend(images.iter().filter(|name| name.len() > depth + 1).map(|name| name[depth].as_str()));
        let in_prefix = |name: &&Name| name.len() == depth + 1 && name.starts_with(&prefix);
        there.extend(folders.iter().filter(in_prefix).map(|name| name[depth].as_str()));
        let of = |wanted: Part| -> Vec<&str> {
            there.iter().copied().filter(|folder| part(folder) == Some(wanted)).collect()
        };
        let test = match one(path, "test", &of(Part::Test))? {
            Some(test) => Some(test),
            None => one(path, "validation", &of(Part::Validation))?,
        };
        let folder = |name: &str| Folder { name: name.to_string(), inner: inner(images, &prefix, name) };
        let parts = Parts { train: folder(train), test: test.map(folder) };
        let layout = Layout { prefix, parts: Some(parts) };
        layout.contradiction(path, images)?;
        Ok(layout)
    }

    /// Whether there is a folder of the test part.
    pub fn has_test(&self) -> bool {
        self.parts.as_ref().is_some_and(|parts| parts.test.is_some())
    }

    /// What a file is.
    pub fn file<'a>(&self, name: &'a [String]) -> Place<'a> {
        match name.split_last() {
            Some((_, folder)) => self.place(folder).0,
            None => Place::Outside,
        }
    }

    /// What a folder is, if it is the very folder of a class.
    pub fn folder<'a>(&self, name: &'a [String]) -> Place<'a> {
        let (place, below) = self.place(name);
        if below.is_empty() { place } else { Place::Outside }
    }

    /// What is in a folder, and the folders below that of its class.
    fn place<'a>(&self, folder: &'a [String]) -> (Place<'a>, &'a [String]) {
        let outside = (Place::Outside, folder);
        let Some(inside) = folder.strip_prefix(&self.prefix[..]) else { return outside };
        let Some(parts) = &self.parts else {
            return inside.split_first().map_or(outside, |(class, below)| (Place::Train(class), below));
        };
        let Some((part, inside)) = inside.split_first() else { return outside };
        let class_in = |folder: &Folder| inside.strip_prefix(&folder.inner[..])?.split_first();
        match &parts.test {
            _ if *part == parts.train.name => {
                class_in(&parts.train).map_or(outside, |(class, below)| (Place::Train(class), below))
            }
            Some(test) if *part == test.name => {
                class_in(test).map_or(outside, |(class, below)| (Place::Test(class), below))
            }
            _ => (Place::Beside(part), inside),
        }
    }

    /// What are not classes must not be learned.
    fn contradiction(&self, path: &str, images: &[&Name]) -> Result<(), Problem> {
        // Of each class of a part the folders in it that hold images; those directly in it count as one
        // without a name.
        let mut classes: BTreeMap<(bool, &str), BTreeMap<&str, usize>> = BTreeMap::new();
        for name in images {
            let Some((_, folder)) = name.split_last() else { continue };
            let (place, below) = self.place(folder);
            let key = match place {
                Place::Train(class) => (false, class),
                Place::Test(class) => (true, class),
                Place::Beside(_) | Place::Outside => continue,
            };
            *classes.entry(key).or_default().entry(below.first().map_or("", |folder| folder)).or_default() +=
                1;
        }
        if self.parts.is_none() {
            parts_for_classes(path, &classes)?;
        }
        for part in [false, true] {
            let of_part: Vec<_> = classes.iter().filter(|((test, _), _)| *test == part).collect();
            same_folders(
                path,
                &of_part.iter().map(|((_, class), inside)| (*class, *inside)).collect::<Vec<_>>(),
            )?;
        }
        Ok(())
    }
}

type Inside<'a> = BTreeMap<&'a str, usize>;

/// No folder is called like one of a training part with classes in it; what else is called like a part?
fn parts_for_classes(path: &str, classes: &BTreeMap<(bool, &str), Inside<'_>>) -> Result<(), Problem> {
    let named: Vec<(&str, Part)> =
        classes.keys().filter_map(|(_, class)| Some((*class, part(class)?))).collect();
    let names: Vec<String> = named.iter().map(|(name, _)| format!("`{name}`")).collect();
    let kinds: BTreeSet<Part> = named.iter().map(|(_, part)| *part).collect();
    if kinds.len() > 1 || (named.len() == classes.len() && named.len() > 1) {
        let message =
            format!("{path} has the folders {}, which look like parts, not like classes", enumerate(&names));
        let help = "a part needs a folder for each class: train/CLASS/*, test/CLASS/*";
        return Err(Problem::new(message).help(help));
    }
    let with_classes = |class: &str| classes[&(false, class)].keys().any(|folder| !folder.is_empty());
    if let [(name, Part::Test | Part::Validation)] = named[..]
        && with_classes(name)
    {
        let message =
            format!("{path} has the folder `{name}`, which looks like a part, but no training part");
        return Err(Problem::new(message).help("call the folder of the training part `train`"));
    }
    Ok(())
}

/// Classes that hold the same folders are parts of a dataset, or hold its parts.
fn same_folders(path: &str, classes: &[(&str, &Inside<'_>)]) -> Result<(), Problem> {
    let inside = classes.iter().flat_map(|(_, inside)| inside.keys().copied());
    let all: BTreeSet<&str> = inside.filter(|folder| !folder.is_empty()).collect();
    let in_each = |folder: &&str| classes.iter().all(|(_, inside)| inside.contains_key(*folder));
    let shared: Vec<&str> = all.iter().copied().filter(in_each).collect();
    let total: usize = classes.iter().flat_map(|(_, inside)| inside.values()).sum();
    let direct: usize = classes.iter().filter_map(|(_, inside)| inside.get("")).sum();
    // A folder more or less, and a few images beside the folders, do not make classes of parts.
    let few = 2 * shared.len() < all.len() || 10 * direct > total;
    // One folder in each class, as `CLASS/images`, tells nothing apart.
    if classes.len() < 2 || all.len() < 2 || shared.is_empty() || few {
        return Ok(());
    }
    let quoted =
        |names: &[&str]| enumerate(&names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>());
    let outer = quoted(&classes.iter().map(|(class, _)| *class).collect::<Vec<_>>());
    let inner = quoted(&shared);
    if shared.iter().any(|folder| part(folder).is_some()) {
        let message = format!("{path}: the folders {outer} each hold {inner}, which look like parts");
        return Err(Problem::new(message).help("put the classes into the parts: train/CLASS/*, test/CLASS/*"));
    }
    let message =
        format!("{path}: the folders {outer} each hold {inner}: they look like parts, not like classes");
    let help = "call parts `train` and `test`; if they are the classes, put their images directly into them";
    Err(Problem::new(message).help(help))
}

/// The only folder of a part, if there is one.
fn one<'a>(path: &str, part: &str, found: &[&'a str]) -> Result<Option<&'a str>, Problem> {
    match found {
        [] => Ok(None),
        [folder] => Ok(Some(folder)),
        [one, other, ..] => {
            let message = format!("{path} has two folders for one {part} part: `{one}` and `{other}`");
            Err(Problem::new(message).help("put them together, or remove one of them"))
        }
    }
}

/// Folders in a part around all its classes whose names say nothing.
fn inner(images: &[&Name], prefix: &[String], part: &str) -> Name {
    let below = |name: &&&Name| name.starts_with(prefix) && name.get(prefix.len()).is_some_and(|f| f == part);
    let inside: Vec<&[String]> = images.iter().filter(below).map(|name| &name[prefix.len() + 1..]).collect();
    let mut found = Name::new();
    while let Some(folder) = inside.first().and_then(|name| name.get(found.len())) {
        let depth = found.len();
        let around = |name: &&[String]| name.len() > depth + 2 && name[depth] == *folder;
        if !is_neutral(folder) || !inside.iter().all(around) {
            break;
        }
        found.push(folder.clone());
    }
    found
}
