//! Networks with an output before those of the classes.

use mixq_build::engine::config::DatasetConfig;
use mixq_build::engine::dataset::{Dataset, Measure, Reader, measure};
use mixq_build::engine::error::Error;
use mixq_build::engine::graph::Shape;
use mixq_build::engine::task::Task;
use tempfile::TempDir;

use crate::files::{GOOD, SMALL};
use crate::written::*;

fn load(config: &DatasetConfig, outputs: usize) -> Result<Dataset, Error> {
    Dataset::load(config, COLOUR, outputs, &mut ())
}

fn with_background(config: DatasetConfig) -> DatasetConfig {
    DatasetConfig { background: true, ..config }
}

/// What is measured with a dataset by a network with three outputs.
fn measured(config: &DatasetConfig, shape: Shape, labels: &[&str]) -> Result<Measure, Error> {
    let labels: Vec<String> = labels.iter().map(|label| label.to_string()).collect();
    let output = Shape { height: 1, width: 1, channels: 3 };
    measure(config, Reader { inputs: &shape.into(), output, labels: &labels, samples: &[&[]] }, &mut ())
}

#[test]
fn no_image_is_of_the_background() {
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), &small());
    let plain = DatasetConfig::new(folder.path());
    let config = with_background(plain.clone());
    let expected = load(&plain, 2).unwrap();
    let found = load(&config, 3).unwrap();
    assert_eq!((found.outputs, &found.labels[..]), (3, &["background", "ant", "bee"].map(String::from)[..]));
    assert_eq!(found.train.pixels, expected.train.pixels);
    for (part, before) in [(&found.train, &expected.train), (&found.test, &expected.test)] {
        let classes: Vec<u16> = before.targets.labels().iter().map(|class| class + 1).collect();
        assert_eq!(part.targets.labels(), classes);
    }
    // What was decoded is kept, and read the same for both networks.
    let cache = TempDir::new().unwrap();
    for _ in 0..2 {
        let load = |config, outputs: usize| {
            Dataset::load_with_digest(config, Some(cache.path()), COLOUR, outputs, &mut ()).unwrap().0
        };
        assert_eq!(load(&config, 3), found);
        assert_eq!(load(&plain, 2), expected);
    }
}

#[test]
fn a_dataset_with_one_class_less_says_what_helps() {
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), &small());
    let said = load(&DatasetConfig::new(folder.path()), 3).unwrap_err().to_string();
    assert!(said.contains("has 2 classes (ant, bee), but the network has 3"), "{said}");
    assert!(said.contains("`background = true`"), "{said}");
    let said = load(&DatasetConfig::new(folder.path()), 4).unwrap_err().to_string();
    assert!(!said.contains("background"), "{said}");
    let config = with_background(DatasetConfig::new(folder.path()));
    let said = load(&config, 2).unwrap_err().to_string();
    assert!(said.contains("`background` leaves 1 of the network's outputs"), "{said}");
    let dense = DatasetConfig { task: Task::Dense, ..config };
    let said = load(&dense, 3).unwrap_err().to_string();
    assert!(said.contains("`background` is of classifications, and `task` is \"dense\""), "{said}");
}

#[test]
fn numbers_are_those_of_classes() {
    let folder = TempDir::new().unwrap();
    let path = write_file(folder.path(), "d.csv", GOOD.as_bytes());
    let config = with_background(DatasetConfig::new(path));
    let found = Dataset::load(&config, SMALL, 3, &mut ()).unwrap();
    assert_eq!(found.labels, ["background", "0", "1"]);
    let mut all = [found.train.targets.labels(), found.test.targets.labels()].concat();
    all.sort_unstable();
    assert_eq!(all, [1, 1, 1, 2, 2]);
    let Measure { images, labels, .. } = measured(&config, SMALL, &[]).unwrap();
    assert_eq!((images.targets.labels(), labels), (vec![1, 2, 1, 2, 1], found.labels));
}

/// A network of another tool brings no labels: the folders name them.
#[test]
fn a_network_without_labels_takes_those_of_the_dataset() {
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), &small());
    let plain = DatasetConfig::new(folder.path());
    let config = with_background(plain.clone());
    let names = ["background", "ant", "bee"];
    let found = measured(&config, COLOUR, &[]).unwrap();
    assert_eq!(
        (&found.labels[..], found.images.targets.labels()),
        (&names.map(String::from)[..], vec![1, 2])
    );
    assert_eq!(measured(&config, COLOUR, &names).unwrap(), found);
    // By their names, in whatever order the network has them.
    let turned = measured(&config, COLOUR, &["background", "bee", "ant"]).unwrap();
    assert_eq!(turned.images.targets.labels(), [2, 1]);
    // The test part may lack a class.
    std::fs::remove_dir_all(folder.path().join("test/ant")).unwrap();
    let found = measured(&config, COLOUR, &[]).unwrap();
    assert_eq!((&found.labels[..], found.images.targets.labels()), (&names.map(String::from)[..], vec![2]));
    let said = measured(&plain, COLOUR, &[]).unwrap_err().to_string();
    assert!(said.contains("has 2 classes (ant, bee), but the network has 3"), "{said}");
}
