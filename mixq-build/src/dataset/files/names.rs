//! What the folders of a dataset's parts are called.

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
