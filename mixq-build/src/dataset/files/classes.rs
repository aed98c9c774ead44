//! A folder for each class. Labels are the folders' names in order, images follow class after class in the
//! order of their names.

use std::collections::{BTreeMap, BTreeSet};

use super::contents::Contents;
use super::layout::{Layout, Place};
use super::pixels::{Changes, Fit, Unfit};
use crate::dataset::Split;
use crate::dataset::check;
use crate::dataset::parts::{Parts, Wanted};
use crate::dataset::split::Growing;
use crate::dataset::test_part;
use crate::dataset::walk::Name;
use crate::error::{Error, Problem};
use crate::observer::Observer;
use crate::text::enumerate;

/// A file in the folder of a class.
struct Image {
    name: Name,
    fit: Result<Fit, Unfit>,
}

/// The classes of a part, each with its files in the order of their names.
type Classes = BTreeMap<String, Vec<Image>>;

/// Sorts what was found in a folder or an archive into classes and parts.
pub fn read(wanted: &Wanted<'_>, contents: Contents, observer: &mut dyn Observer) -> Result<Parts, Error> {
    let names: Vec<&Name> = contents.images.iter().map(|(name, _)| name).collect();
    let layout = Layout::of(&wanted.config.path.display().to_string(), &names, &contents.folders)?;
    let mut train = Classes::new();
    let mut test = Classes::new();
    let mut outside = Vec::new();
    let mut beside: BTreeMap<String, usize> = BTreeMap::new();
    for folder in &contents.folders {
        match layout.folder(folder) {
            Place::Train(class) => drop(train.entry(class.to_string()).or_default()),
            Place::Test(class) => drop(test.entry(class.to_string()).or_default()),
            Place::Beside(_) | Place::Outside => {}
        }
    }
    for (name, fit) in contents.images {
        let (part, class) = match layout.file(&name) {
            Place::Train(class) => (&mut train, class.to_string()),
            Place::Test(class) => (&mut test, class.to_string()),
            Place::Beside(folder) => {
                *beside.entry(folder.to_string()).or_default() += 1;
                continue;
            }
            Place::Outside => {
                outside.push(name.join("/"));
                continue;
            }
        };
        part.entry(class).or_default().push(Image { name, fit });
    }
    // Other files in the folder of a class are meant to be images, too.
    for name in contents.others {
        let (part, class) = match layout.file(&name) {
            Place::Train(class) => (&mut train, class.to_string()),
            Place::Test(class) => (&mut test, class.to_string()),
            Place::Beside(_) | Place::Outside => continue,
        };
        let fit = Err(Unfit::Unreadable("it is called neither .jpg, .jpeg nor .png".to_string()));
        part.entry(class).or_default().push(Image { name, fit });
    }
    for class in train.values_mut().chain(test.values_mut()) {
        class.sort_by(|a, b| a.name.cmp(&b.name));
    }
    let test = layout.has_test().then_some(test);
    check::classes(
        wanted,
        &train
            .keys()
            .chain(test.iter().flat_map(BTreeMap::keys))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>(),
    )?;
    let path = wanted.config.path.display();
    let mut problems = arrangement(wanted, &train, test.as_ref());
    if !outside.is_empty() {
        let message = format!("{path} has images in no folder of a class: {}", enumerate(&outside));
        let mut help = "move them into the folder of their class, or out of the dataset".to_string();
        if train.is_empty() {
            help = format!("{help}; {}", check::UNLABELLED);
        }
        problems.push(Problem::new(message).help(help));
    }
    let images = [Some(&train), test.as_ref()].into_iter().flatten().flat_map(BTreeMap::values).flatten();
    problems.extend(unfit(wanted, images.map(|image| (&image.name, &image.fit)), observer));
    if !problems.is_empty() {
        return Err(Error { problems });
    }
    for (folder, count) in beside {
        observer.warn(&format!("{path}: the {count} images in `{folder}` are not used"));
    }
    let mut changes = Changes::default();
    let images = train.values().chain(test.iter().flat_map(BTreeMap::values)).flatten();
    images.filter_map(|image| image.fit.as_ref().ok()).for_each(|fit| changes.add(fit.changes));
    changes.warn(wanted, observer);
    if wanted.model.is_some() {
        return measured(wanted, train, test);
    }
    let labels: Vec<String> = train.keys().cloned().collect();
    let test = test.map(|mut test| {
        with_every_class(&train, &mut test);
        test
    });
    let (train, names) = assemble(wanted, train);
    let (train, test) = match test {
        Some(test) => (train, assemble(wanted, test).0),
        None => test_part::by_name(wanted, &train, &names)?,
    };
    Ok(Parts { train, test: Some(test), labels: Some(labels), ..Parts::default() })
}

/// Gives the test part a place for each class that it lacks: labels are places among the classes. Scores warn
/// of classes without images.
fn with_every_class(train: &Classes, test: &mut Classes) {
    for class in train.keys() {
        test.entry(class.clone()).or_default();
    }
}

/// The images to measure a trained network with: the test part if there is one, else all images, or the part
/// of them that `test` takes.
fn measured(wanted: &Wanted<'_>, train: Classes, test: Option<Classes>) -> Result<Parts, Error> {
    let labels = |part: &Classes| Some(part.keys().cloned().collect());
    match test {
        Some(mut test) => {
            // A network without labels has those of all classes.
            if wanted.model.is_some_and(<[String]>::is_empty) {
                with_every_class(&train, &mut test);
            }
            let labels = labels(&test);
            Ok(Parts { test: Some(assemble(wanted, test).0), labels, ..Parts::default() })
        }
        None => {
            let labels = labels(&train);
            let (all, names) = assemble(wanted, train);
            if wanted.config.test.is_none() {
                return Ok(Parts { train: all, labels, ..Parts::default() });
            }
            let (train, test) = test_part::by_name(wanted, &all, &names)?;
            Ok(Parts { train, test: Some(test), labels, ..Parts::default() })
        }
    }
}

/// Problems of the classes themselves.
fn arrangement(wanted: &Wanted<'_>, train: &Classes, test: Option<&Classes>) -> Vec<Problem> {
    let path = wanted.config.path.display();
    let mut problems = Vec::new();
    let names: Vec<&String> = train.keys().collect();
    if test.is_some() {
        problems.extend(check::own_test_part(wanted.config));
    }
    if let Some(test) = test.filter(|_| wanted.model.is_none()) {
        let known: BTreeSet<&String> = train.keys().collect();
        let tested: BTreeSet<&String> = test.keys().collect();
        let only = |a: &BTreeSet<&String>, b: &BTreeSet<&String>| -> Vec<String> {
            a.difference(b).map(|name| format!("`{name}`")).collect()
        };
        if tested.is_empty() {
            let problem = Problem::new(format!("{path}: the test part has no images"));
            problems.push(problem.help("it needs images in folders of classes, or remove its folder"));
        }
        let unknown = only(&tested, &known);
        if !unknown.is_empty() {
            let names = enumerate(&unknown);
            let message = format!("{path}: the training part has no {names}, which the test part has");
            problems.push(Problem::new(message).help("it needs a folder for each class"));
        }
    }
    problems.extend(check::labels(wanted, &names));
    let empty = |part: &Classes, of: &str| -> Vec<String> {
        let classes = part.iter().filter(|(_, images)| images.is_empty());
        classes.map(|(class, _)| format!("`{class}`{of}")).collect()
    };
    let mut without = empty(train, "");
    without.extend(test.map(|test| empty(test, " of the test part")).unwrap_or_default());
    if !without.is_empty() {
        let message = format!("{path} has no images in the folder of {}", enumerate(&without));
        problems.push(Problem::new(message).help("add images, or remove the folder"));
    }
    problems
}

/// Problems of single images. Unreadable ones that `tolerate` allows are only warned of.
pub fn unfit<'a>(
    wanted: &Wanted<'_>,
    images: impl Iterator<Item = (&'a Name, &'a Result<Fit, Unfit>)>,
    observer: &mut dyn Observer,
) -> Vec<Problem> {
    let path = wanted.config.path.display();
    let (mut unreadable, mut sizes, mut total) = (Vec::new(), Vec::new(), 0);
    for (name, fit) in images {
        total += 1;
        let name = name.join("/");
        match fit {
            Ok(_) => {}
            Err(Unfit::Unreadable(reason)) => unreadable.push(format!("{name} ({reason})")),
            Err(Unfit::Size(height, width)) => sizes.push(format!("{name} is {height}x{width}")),
        }
    }
    let mut problems = Vec::new();
    let tolerate = wanted.config.tolerate;
    if !unreadable.is_empty() {
        let message = format!(
            "{path}: {} of {total} images cannot be read: {}",
            unreadable.len(),
            enumerate(&unreadable)
        );
        if unreadable.len() as f64 > tolerate * total as f64 {
            let help = format!(
                "repair or remove them, or set `tolerate`, the share of images that may be left out, now \
                 {tolerate}"
            );
            problems.push(Problem::new(message).help(help));
        } else {
            observer.warn(&format!("{message}; left out"));
        }
    }
    problems.extend(self::sizes(wanted, &sizes, total));
    problems
}

/// That some of all images have another size than the network's.
pub fn sizes(wanted: &Wanted<'_>, sizes: &[String], total: usize) -> Option<Problem> {
    let path = wanted.config.path.display();
    (!sizes.is_empty()).then(|| {
        let (height, width) = (wanted.shape.height, wanted.shape.width);
        let message = format!(
            "{path}: {} of {total} images are not {height}x{width}, as the network wants them: {}",
            sizes.len(),
            enumerate(sizes)
        );
        let help = "`resize = true` in the dataset's table scales images; sizes are height x width";
        Problem::new(message).help(help)
    })
}

/// The images class after class, and their names relative to the folder of the parts.
fn assemble(wanted: &Wanted<'_>, classes: Classes) -> (Split, Vec<Name>) {
    let fits = classes.values().flatten().filter_map(|image| image.fit.as_ref().ok());
    let count: usize = fits.map(|fit| fit.pixels.len()).sum();
    let mut split = Growing { pixels: Vec::with_capacity(count), ..Growing::default() };
    let mut names = Vec::new();
    for (class, images) in classes.into_values().enumerate() {
        for Image { name, fit } in images {
            if let Ok(fit) = fit {
                split.pixels.extend(fit.pixels);
                wanted.rules().push_name(class, &mut split.targets);
                names.push(name);
            }
        }
    }
    (split.into(), names)
}
