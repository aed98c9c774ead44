//! Images without labels, in each format, for a network that needs none; and for one that does.

use mixq_build::engine::config::{DatasetConfig, TestPart};
use mixq_build::engine::dataset::{Dataset, labelled};
use mixq_build::engine::graph::Shape;

use crate::given::{DIGIT, Given};
use crate::npz::{npy, npz};
use crate::written::*;

fn load(given: &Given, shape: Shape, test: Option<TestPart>) -> Result<Dataset, String> {
    let config = DatasetConfig { may_lack_targets: true, test, ..DatasetConfig::new(&given.path) };
    Dataset::load(&config, shape, 3, &mut ()).map_err(|error| error.to_string())
}

/// They are read, in parts of these sizes, and refused where labels are needed.
fn check(given: &Given, shape: Shape, [train, test]: [usize; 2], unlabelled: [bool; 2]) -> Dataset {
    let dataset = load(given, shape, None).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!([dataset.train.len(), dataset.test.len()], [train, test]);
    assert_eq!(dataset.unlabelled, unlabelled);
    assert_eq!(labelled(&dataset, "m").is_err(), unlabelled[1]);
    let refused = given.refused(shape, 3);
    assert!(!refused.is_empty());
    dataset
}

#[test]
fn folders_and_archives_of_images() {
    let images = |folder: &str, count: usize| -> Files {
        (0..count).map(|seed| (format!("{folder}{seed}.png"), png(COLOUR, seed))).collect()
    };
    let flat = check(&Given::folder(&images("", 10)), COLOUR, [8, 2], [true; 2]);
    assert_eq!(flat, check(&Given::file("d.tar", &tar(&images("", 10))), COLOUR, [8, 2], [true; 2]));
    // A folder around all, as archives have it.
    assert_eq!(flat, check(&Given::file("d.zip", &zip(&images("shots/", 10))), COLOUR, [8, 2], [true; 2]));
    let parts = [images("train/", 6), images("test/", 3)].concat();
    check(&Given::folder(&parts), COLOUR, [6, 3], [true; 2]);
    // Classes are still classes.
    let classes = [images("a/", 4), images("b/", 4), images("c/", 4)].concat();
    let labels = load(&Given::folder(&classes), COLOUR, None).unwrap();
    assert_eq!((labels.unlabelled, labels.labels.len()), ([false; 2], 3));
    let odd = [images("", 3), vec![("4.png".to_string(), b"no image".to_vec())]].concat();
    assert!(load(&Given::folder(&odd), COLOUR, None).unwrap_err().contains("1 of 4 images cannot be read"));
}

#[test]
fn arrays_of_images_alone() {
    let array = |count: usize| {
        let images: Vec<u8> = (0..count).flat_map(|at| pixels(DIGIT, at)).collect();
        npy("|u1", &format!("({count}, 3, 2)"), &images)
    };
    let labels = npy("|u1", "(4,)", &[0, 1, 2, 0]);
    check(&npz(&[("images", &array(10))]), DIGIT, [8, 2], [true; 2]);
    check(&npz(&[("x_train", &array(6)), ("x_test", &array(4))]), DIGIT, [6, 4], [true; 2]);
    // A test part with labels measures as usual.
    let test = [("x_train", &array(6)[..]), ("x_test", &array(4)), ("y_test", &labels)];
    let dataset = check(&npz(&test), DIGIT, [6, 4], [true, false]);
    assert_eq!(dataset.test.targets.labels(), [0, 1, 2, 0]);
}

#[test]
fn rows_of_pixels_alone() {
    let rows: String = (0..10).map(|at| format!("{at},1,2,3,4,5\n")).collect();
    check(&Given::file("d.csv", rows.as_bytes()), DIGIT, [8, 2], [true; 2]);
    let header = format!("a,b,c,d,e,f\n{rows}");
    check(&Given::file("d.csv", header.as_bytes()), DIGIT, [8, 2], [true; 2]);
    // With a label they are labelled, with or without need.
    let labels: String = (0..12).map(|at| format!("{at},1,2,3,4,5,{}\n", at % 3)).collect();
    let dataset = load(&Given::file("d.csv", labels.as_bytes()), DIGIT, None).unwrap();
    assert_eq!(dataset.unlabelled, [false; 2]);
}

#[test]
fn idx_without_the_file_of_labels() {
    let mut file = vec![0, 0, 8, 3, 0, 0, 0, 10, 0, 0, 0, 3, 0, 0, 0, 2];
    (0..10).for_each(|at| file.extend(pixels(DIGIT, at)));
    let given = Given::folder(&vec![("train-images-idx3-ubyte".to_string(), file)]);
    check(&given, DIGIT, [8, 2], [true; 2]);
    let number = load(&given, DIGIT, Some(TestPart::Rows(3))).unwrap();
    assert_eq!((number.train.len(), number.test.len()), (7, 3));
}
