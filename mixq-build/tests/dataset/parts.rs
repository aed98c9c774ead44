//! Folders that are parts of a dataset, whatever they are called, are never learned as classes.

use mixq_build::engine::config::DatasetConfig;
use mixq_build::engine::dataset::Dataset;
use tempfile::TempDir;

use crate::files::gzip;
use crate::written::*;

/// The small dataset with its parts called otherwise.
fn called(train: &str, test: &str) -> Files {
    let name = |name: String| match name.strip_prefix("train/") {
        Some(rest) => format!("{train}/{rest}"),
        None => name.replacen("test/", &format!("{test}/"), 1),
    };
    small().into_iter().map(|(old, contents)| (name(old), contents)).collect()
}

fn read_folder(files: &Files) -> Dataset {
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), files);
    load(&DatasetConfig::new(folder.path())).unwrap_or_else(|error| panic!("{error}"))
}

/// As Edge Impulse, Kaggle, Keras and torchvision hand them out.
#[test]
fn parts_have_the_names_that_are_usual() {
    let expected = read_folder(&small());
    for (train, test) in [
        ("Train", "Test"),
        ("training", "testing"),
        ("training_set", "test_set"),
        ("training_set/training_set", "test_set/test_set"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("train_images", "test_images"),
        ("train/images", "test/images"),
        ("TRAIN", "VALIDATION"),
        ("train2017", "val2017"),
        ("Training", "valid"),
        ("trainset", "eval"),
    ] {
        let files = called(train, test);
        assert_eq!(read_folder(&files), expected, "{train} {test}");
        let around: Files = files.into_iter().map(|(name, file)| (format!("set v2/{name}"), file)).collect();
        assert_eq!(read_folder(&around), expected, "{train} {test}");
        for (name, packed) in [("d.tar.gz", gzip(&tar(&around))), ("d.zip", zip(&around))] {
            let folder = TempDir::new().unwrap();
            let path = write_file(folder.path(), name, &packed);
            assert_eq!(load(&DatasetConfig::new(path)).unwrap(), expected, "{name} {train} {test}");
        }
    }
    // The only part, and a class that is called like one.
    let alone: Files = called("Training", "Training").into_iter().take(4).collect();
    assert_eq!(read_folder(&alone).labels, ["ant", "bee"]);
    let vehicles: Files = [("bus/1.png", 1), ("bus/2.png", 2), ("train/1.png", 3), ("train/2.png", 4)]
        .map(|(name, seed)| (name.to_string(), png(COLOUR, seed)))
        .into();
    assert_eq!(read_folder(&vehicles).labels, ["bus", "train"]);
    let parts = ["train", "test"];
    let vehicles: Files = parts
        .iter()
        .flat_map(|part| vehicles.iter().map(move |(name, file)| (format!("{part}/{name}"), file.clone())))
        .collect();
    let dataset = read_folder(&vehicles);
    assert_eq!((dataset.labels, dataset.train.len()), (vec!["bus".to_string(), "train".to_string()], 4));
}

#[test]
fn parts_of_unknown_names_are_no_classes() {
    let help = "call parts `train` and `test`; if they are the classes, put their images directly into them";
    let expected = format!(
        "ROOT: the folders `apprendre`, `essai` each hold `ant`, `bee`: they look like parts, not like \
         classes; {help}"
    );
    assert_eq!(refused(&called("apprendre", "essai"), |config| config), [expected]);
    // A class that only one of them has changes nothing.
    let more = with(called("fold1", "fold2"), &[("fold1/cow/1.png", &png(COLOUR, 8))]);
    let found = refused(&more, |config| config);
    assert!(found[0].starts_with("ROOT: the folders `fold1`, `fold2` each hold `ant`, `bee`: "), "{found:?}");
    // Within a part as well.
    let folds: Files = [1, 2]
        .into_iter()
        .flat_map(|fold| called(&format!("train/f{fold}"), &format!("test/f{fold}")))
        .collect();
    let found = refused(&folds, |config| config);
    assert!(found[0].starts_with("ROOT: the folders `f1`, `f2` each hold `ant`, `bee`: "), "{found:?}");
    // One class is missing in one of them.
    let less = called("fold1", "fold2").into_iter().filter(|(name, _)| name != "fold2/bee/0.png").collect();
    let found = refused(&less, |config| config);
    assert!(found[0].starts_with("ROOT: the folders `fold1`, `fold2` each hold `ant`: "), "{found:?}");
    // A folder in each class that is called the same tells nothing apart.
    let deeper = |name: String| name.replace("ant/", "ant/images/").replace("bee/", "bee/images/");
    let deeper: Files = small().into_iter().map(|(name, file)| (deeper(name), file)).collect();
    assert_eq!(read_folder(&deeper), read_folder(&small()));
    // The parts of each class.
    let within: Files = ["ant", "bee"]
        .into_iter()
        .flat_map(|class| ["train", "test"].map(|part| (format!("{class}/{part}/1.png"), png(COLOUR, 1))))
        .collect();
    let expected = "ROOT: the folders `ant`, `bee` each hold `test`, `train`, which look like parts; put \
                    the classes into the parts: train/CLASS/*, test/CLASS/*";
    assert_eq!(refused(&within, |config| config), [expected]);
}

/// The export of Edge Impulse has no folders for classes.
#[test]
fn parts_without_classes_are_no_classes() {
    let flat: Files = ["training/ant.1.png", "training/bee.1.png", "testing/ant.2.png", "testing/bee.2.png"]
        .into_iter()
        .enumerate()
        .map(|(seed, name)| (name.to_string(), png(COLOUR, seed)))
        .collect();
    let help = "a part needs a folder for each class: train/CLASS/*, test/CLASS/*";
    let says = |names: &str| {
        format!("ROOT has the folders {names}, which look like parts, not like classes; {help}")
    };
    assert_eq!(refused(&flat, |config| config), [says("`testing`, `training`")]);
    assert_eq!(refused(&called("val", "test"), |config| config), [says("`test`, `val`")]);
    // Images of a test part that have no labels.
    let unlabelled: Files =
        small().into_iter().map(|(name, file)| (name.replace("test/ant/", "test/"), file)).collect();
    let found = refused(&unlabelled, |config| config);
    assert_eq!(
        found[0],
        "ROOT has images in no folder of a class: test/a.png; move them into the folder of their class, or \
         out of the dataset"
    );
}

#[test]
fn two_folders_for_one_part_are_an_error() {
    let twice: Files = called("Train", "Test").into_iter().chain(called("training", "testing")).collect();
    let expected = "ROOT has two folders for one training part: `Train` and `training`; put them together, \
                    or remove one of them";
    assert_eq!(refused(&twice, |config| config), [expected]);
    let twice: Files = small().into_iter().chain(called("train", "test_set")).collect();
    let expected = "ROOT has two folders for one test part: `test` and `test_set`; put them together, or \
                    remove one of them";
    assert_eq!(refused(&twice, |config| config), [expected]);
    let only = with(called("test", "ant"), &[("ant/x.png", &png(COLOUR, 8))]);
    let expected = "ROOT has the folder `test`, which looks like a part, but no training part; call the \
                    folder of the training part `train`";
    assert_eq!(refused(&only, |config| config), [expected]);
}

/// A small share of a dataset with many classes need not have all of them.
#[test]
fn a_test_part_may_lack_classes() {
    let folder = TempDir::new().unwrap();
    let images = [(9, "train/asp/a.png"), (8, "train/asp/b.png")];
    let asps = images.map(|(seed, name)| (name.to_string(), png(COLOUR, seed)));
    write_folder(folder.path(), &small().into_iter().chain(asps).collect());
    let mut heard = Heard::default();
    let config = DatasetConfig::new(folder.path());
    let found = Dataset::load(&config, COLOUR, 3, &mut heard).unwrap();
    assert_eq!(found.labels, ["ant", "asp", "bee"]);
    // What is there keeps the label of its class: an ant and a bee.
    assert_eq!(found.test.targets, vec![0, 2].into());
    assert_eq!(found.test.pixels, read_folder(&small()).test.pixels);
    let told = |warning: &String| warning.contains("test images is of class 1 (asp)");
    assert!(heard.warnings.iter().any(told), "{:?}", heard.warnings);
}
