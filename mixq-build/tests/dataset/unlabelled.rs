//! Images without labels, in each format, for a network that needs none; and for one that does.

use mixq_build::engine::config::{DatasetConfig, TestPart};
use mixq_build::engine::dataset::{Dataset, Reader, labelled, measure};
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
    assert_eq!(labelled(dataset.unlabelled[1], "m").is_err(), unlabelled[1]);
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

/// Photos in folders of other classes than the network's.
#[test]
fn folders_that_are_no_classes() {
    let images = |folder: &str, count: usize| -> Files {
        (0..count).map(|seed| (format!("{folder}{seed}.png"), png(COLOUR, seed))).collect()
    };
    let options = |given: &Given| DatasetConfig {
        unlabelled: true,
        may_lack_targets: true,
        ..DatasetConfig::new(&given.path)
    };
    let load =
        |config: &DatasetConfig| Dataset::load(config, COLOUR, 3, &mut ()).map_err(|error| error.to_string());
    let classes = [images("cats/", 5), images("dogs/", 5)].concat();
    let parts = [images("train/cats/", 4), images("train/dogs/", 3), images("test/birds/", 2)].concat();
    for (files, [train, test]) in [(&classes, [8, 2]), (&parts, [7, 2])] {
        for given in [Given::folder(files), Given::file("d.zip", &zip(files))] {
            let dataset = load(&options(&given)).unwrap();
            assert_eq!([dataset.train.len(), dataset.test.len()], [train, test]);
            assert_eq!(
                (dataset.unlabelled, &dataset.labels[..]),
                ([true; 2], &["0", "1", "2"].map(String::from)[..])
            );
            let refused = given.refused(COLOUR, 3);
            assert!(refused.contains("classes (cats, dogs), but the network has 3"), "{refused}");
            // As many as `test` says, or all, measure a network that is trained already.
            let output = Shape { height: 1, width: 1, channels: 3 };
            let reader = Reader { inputs: &COLOUR.into(), output, labels: &[], samples: &[&[]] };
            let found = measure(&options(&given), reader, &mut ()).unwrap();
            assert!(found.unlabelled && found.images.len() == if train == 8 { 10 } else { 2 });
            let share = DatasetConfig { test: Some(TestPart::Rows(3)), ..options(&given) };
            match measure(&share, reader, &mut ()) {
                Ok(found) => assert_eq!((found.images.len(), found.own_test_part), (3, false)),
                Err(error) => assert!(error.to_string().contains("has a test part of its own"), "{error}"),
            }
        }
    }
    let given = Given::folder(&classes);
    let learns = DatasetConfig { may_lack_targets: false, ..options(&given) };
    let said = load(&learns).unwrap_err();
    assert!(said.contains("`unlabelled`, but the network learns from labels"), "{said}");
    let rows = Given::file("d.csv", b"1,2,3,4,5,6\n");
    let said = Dataset::load(&options(&rows), DIGIT, 3, &mut ()).unwrap_err().to_string();
    assert!(said.contains("is no folder or archive of images"), "{said}");
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
