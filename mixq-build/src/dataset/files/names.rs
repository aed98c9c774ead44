//! What the folders of a dataset's parts are called, and those of masks.

use crate::dataset::walk::Name;

/// A part of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// To train with.
    Train,
    /// To measure with.
    Test,
    /// To measure with, if there is no test part.
    Validation,
}

const PARTS: [(Part, &[&str]); 3] = [
    (Part::Train, &["train", "training", "trn"]),
    (Part::Test, &["test", "testing", "tst", "eval", "evaluation", "holdout"]),
    (Part::Validation, &["val", "valid", "validation", "validate", "dev"]),
];

/// Words around the name of a part that say nothing; a word comes before those that it ends or begins with.
const FILLERS: [&str; 19] = [
    "datasets", "dataset", "data", "images", "image", "imgs", "img", "pictures", "photos", "samples",
    "splits", "split", "sets", "set", "parts", "part", "folder", "dir", "seg",
];

/// What folders of masks are called; a word comes before those that it ends or begins with.
const MASKS: [&str; 14] = [
    "segmentationclass",
    "segmentations",
    "segmentation",
    "groundtruth",
    "annotations",
    "annotation",
    "annot",
    "trimaps",
    "trimap",
    "labels",
    "label",
    "masks",
    "mask",
    "gt",
];

/// Folders of masks that number things, not classes.
const THINGS: [&str; 3] = ["segmentationobject", "instances", "instance"];

/// What names of masks and of images may end in: `0001_mask.png` is the mask of `0001.jpg`.
const ENDS: [&str; 11] =
    ["masks", "mask", "segmentation", "seg", "label", "labels", "gt", "trimap", "image", "img", "sat"];

/// Whether a file is a mask by its name: it lies in a folder of masks, or ends as `0001_mask.png` does.
pub fn is_mask(name: &Name) -> bool {
    let Some((file, folders)) = name.split_last() else { return false };
    let end = file.rsplit_once('.').map_or(&file[..], |(stem, _)| stem).rsplit(['_', '-', ' ']).next();
    let is_called_so =
        file.contains(['_', '-', ' ']) && end.is_some_and(|end| end.eq_ignore_ascii_case("mask"));
    is_called_so || folders.iter().any(|folder| without_masks(&letters(folder)).is_some())
}

/// Whether a file numbers things in an image, by its folder.
pub fn is_of_things(name: &Name) -> bool {
    name.split_last()
        .is_some_and(|(_, folders)| folders.iter().any(|folder| THINGS.contains(&&letters(folder)[..])))
}

/// What an image and its mask are both called, without what only one of them has: `0001_mask.png`.
pub fn stem(file: &str) -> &str {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    match stem.rsplit_once(['_', '-', ' ']) {
        Some((short, end))
            if !short.is_empty() && ENDS.iter().any(|known| end.eq_ignore_ascii_case(known)) =>
        {
            short
        }
        _ => stem,
    }
}

/// The part that the folders around a file are called for, with `masks` around it or not: `train_masks`.
pub fn part_of(name: &Name) -> Option<Part> {
    let (_, folders) = name.split_last()?;
    folders.iter().find_map(|folder| part(folder).or_else(|| part(without_masks(&letters(folder))?)))
}

/// The folders around a file that say more than that it is an image, a mask or of a part.
pub fn telling(name: &Name) -> Vec<&str> {
    let folders = name.split_last().map(|(_, folders)| folders).unwrap_or_default();
    let says = |folder: &&String| !is_neutral(folder) && without_masks(&letters(folder)).is_none();
    folders.iter().filter(says).map(String::as_str).collect()
}

/// The rest of a folder's name that names masks and says nothing else, such as `train` of `train_masks`.
fn without_masks(letters: &str) -> Option<&str> {
    MASKS.iter().find_map(|word| {
        let rest = letters.strip_prefix(word).or_else(|| letters.strip_suffix(word))?;
        (rest.is_empty() || is_neutral(rest)).then_some(rest)
    })
}

/// The part that a folder is called for, in any case and with words around it: `Train`, `training_set`,
/// `test-images`, `val2017`.
pub fn part(folder: &str) -> Option<Part> {
    let mut word = &letters(folder)[..];
    loop {
        if let Some((part, _)) = PARTS.iter().find(|(_, names)| names.contains(&word)) {
            return Some(*part);
        }
        word = without_filler(word)?;
    }
}

/// Whether a folder's name says nothing of what is in it: that of a part, or `images`.
pub fn is_neutral(folder: &str) -> bool {
    let letters = letters(folder);
    let mut word = &letters[..];
    while let Some(shorter) = without_filler(word) {
        word = shorter;
    }
    part(folder).is_some() || word.is_empty() && !letters.is_empty()
}

/// In lower case; other signs and numbers are left out.
fn letters(folder: &str) -> String {
    folder.chars().filter(|sign| sign.is_alphabetic()).flat_map(char::to_lowercase).collect()
}

fn without_filler(word: &str) -> Option<&str> {
    FILLERS.iter().find_map(|filler| word.strip_prefix(filler).or_else(|| word.strip_suffix(filler)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_have_many_names() {
        let name = |path: &str| -> Name { path.split('/').map(String::from).collect() };
        for (path, of) in [
            ("masks/1.png", None),
            ("train/masks/1.png", Some(Part::Train)),
            ("annotations/validation/1.png", Some(Part::Validation)),
            ("x/Train_Masks/1.png", Some(Part::Train)),
            ("trainannot/1.png", Some(Part::Train)),
            ("annotations/trimaps/1.png", None),
            ("SegmentationClass/1.png", None),
            ("test/1_mask.png", Some(Part::Test)),
        ] {
            let name = name(path);
            assert_eq!((is_mask(&name), part_of(&name)), (true, of), "{path}");
        }
        for path in
            ["images/1.png", "unlabelled/1.png", "carnival masks of Venice/1.png", "mask.png", "x/mask.png"]
        {
            assert!(!is_mask(&name(path)), "{path}");
        }
        assert_eq!(
            ["1_mask.png", "1.2.jpg", "a-b_c.png", "x_SAT.jpg", "_mask.png"].map(stem),
            ["1", "1.2", "a-b_c", "x", "_mask"]
        );
        assert_eq!(telling(&name("pets/train/images/cat/1.png")), ["pets", "cat"]);
    }

    #[test]
    fn parts_have_many_names() {
        for name in ["train", "Train", "TRAINING", "training_set", "train-images", "trainset", "seg_train"] {
            assert_eq!(part(name), Some(Part::Train), "{name}");
        }
        for name in ["train2017", "images_train", "Training Data", "TrainDataset", "train_dir", "data-train"]
        {
            assert_eq!(part(name), Some(Part::Train), "{name}");
        }
        for name in ["Test", "testing", "test_set", "test1", "TestImages", "evaluation", "seg_test"] {
            assert_eq!(part(name), Some(Part::Test), "{name}");
        }
        for name in ["val", "valid", "Validation", "val2017", "validation_set"] {
            assert_eq!(part(name), Some(Part::Validation), "{name}");
        }
        for name in ["latest", "contest", "trainer", "images", "set", "1", "", "training wheels", "interval"]
        {
            assert_eq!(part(name), None, "{name}");
        }
        assert!(["train", "Images", "data_set"].into_iter().all(is_neutral));
        assert!(["ant", "1", "", "sets of tea"].into_iter().all(|name| !is_neutral(name)));
    }
}
