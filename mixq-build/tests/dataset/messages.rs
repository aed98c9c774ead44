//! Every message.

use mixq_build::engine::config::{Config, DatasetConfig, TestPart};
use mixq_build::engine::dataset::Dataset;
use mixq_build::engine::graph::Shape;
use tempfile::TempDir;

use crate::files::{GOOD, SMALL, check, check_with, digits, gzip, load};

/// What is said to be supported.
const SUPPORTED: &str = if cfg!(feature = "datasets") {
    "folders, and files that end in .csv, .csv.gz, .npz, .ts, .tar, .tar.gz, .tgz, .tar.zst, .tzst, .zip"
} else {
    "files that end in .csv, .csv.gz"
};

#[test]
fn no_file() {
    for name in ["data/missing.csv", "data/missing"] {
        let error = Dataset::load(&DatasetConfig::new(name), SMALL, 2, &mut ()).unwrap_err();
        let help = "`dataset` names a file or folder beside the package's Cargo.toml";
        assert_eq!(error.to_string(), format!("there is no dataset at {name}; {help}"));
    }
}

#[cfg(not(feature = "datasets"))]
#[test]
fn what_only_a_feature_reads() {
    let says = "FILE: this mixq-build reads no datasets but CSV; build it with feature `datasets`, which \
                `train` and `cli` include";
    for name in ["d.npz", "d.tar.zst", "D.ZIP"] {
        check(name, b"", &[says]);
    }
    let folder = TempDir::new().unwrap();
    let error = Dataset::load(&DatasetConfig::new(folder.path()), SMALL, 2, &mut ()).unwrap_err().to_string();
    assert_eq!(error, says.replace("FILE", &folder.path().display().to_string()));
}

#[test]
fn problems_point_at_the_key() {
    let folder = TempDir::new().unwrap();
    let manifest = "[package]\nname = \"a\"\n[package.metadata.mixq]\ndevice = { flash = 1, ram = 1 }\n\
                    [package.metadata.mixq.models.m]\nnetwork = \"n.toml\"\n\
                    dataset = { test = 1, path = \"d.csv\" }\n";
    std::fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
    let config = Config::load(folder.path()).unwrap();
    let error = Dataset::load(&config.models[0].dataset, SMALL, 2, &mut ()).unwrap_err();
    let at = error.problems[0].location.as_ref().unwrap();
    assert_eq!((&at.path, at.line(), at.column()), (&folder.path().join("Cargo.toml"), 7, 30));
    std::fs::write(folder.path().join("d.csv"), "1,2\n3\n").unwrap();
    let error = Dataset::load(&config.models[0].dataset, SMALL, 2, &mut ()).unwrap_err();
    assert_eq!(error.problems.len(), 2);
    assert!(error.problems.iter().all(|problem| problem.location.as_ref() == Some(at)), "{error}");
}

#[test]
fn what_the_configuration_contradicts() {
    let shape = Some(Shape { height: 8, width: 8, channels: 3 });
    let labels = Some(vec!["no".to_string(), "yes".to_string(), "maybe".to_string()]);
    let change = |config| DatasetConfig { shape, labels: labels.clone(), ..config };
    check_with(
        "d.npy",
        b"",
        change,
        &[
            "the dataset's `shape` is 8x8x3, but the network wants images of 2x2x1; both give height x \
             width x channels",
            "`labels` names 3 classes, but the network has 2; name every class once, in the order of the \
             numbers",
            &format!("FILE is not a kind of dataset that mixq reads; supported are {SUPPORTED}"),
        ],
    );
    for classes in [0, 1, 65_537] {
        let error = Dataset::load(&DatasetConfig::new(digits()), SMALL, classes, &mut ()).unwrap_err();
        let help = "; give it an output for each class; one output for yes or no is task = \"multi-label\"";
        let help = if classes < 2 { help } else { "" };
        let expected = format!("the network has {classes} classes, it must have 2 to 65536{help}");
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn damaged_gzip() {
    let whole = gzip(GOOD.as_bytes());
    let truncated = "FILE is truncated: its gzip data ends early; copy or download the file again";
    for length in [whole.len() - 1, whole.len() - 9, 20, 3] {
        check("d.csv.gz", &whole[..length], &[truncated]);
    }
    let mut flipped = whole.clone();
    let crc = whole.len() - 8;
    flipped[crc] ^= 1;
    let damaged = "FILE is damaged, or not a gzip file:";
    for contents in [&flipped[..], GOOD.as_bytes()] {
        let (path, dataset) = load("d.csv.gz", contents);
        let error = dataset.unwrap_err().to_string().replace(&path.display().to_string(), "FILE");
        assert!(error.starts_with(damaged), "{error}");
    }
}

#[test]
fn nothing_in_it() {
    let empty = "FILE has no images: it is empty";
    for contents in ["", "\n\n", "a,b,c,d,label\n"] {
        check("d.csv", contents.as_bytes(), &[empty]);
    }
    check("d.csv.gz", &gzip(b""), &[empty]);
    // A file of no bytes is not a gzip file, not even an empty one.
    check("d.csv.gz", b"", &["FILE is truncated: its gzip data ends early; copy or download the file again"]);
}

#[test]
fn a_folder_with_a_files_name() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("d.csv");
    std::fs::create_dir(&path).unwrap();
    let error = Dataset::load(&DatasetConfig::new(&path), SMALL, 2, &mut ()).unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot read {}: ", path.display())), "{error}");
}

/// Blank lines are not rows.
#[test]
fn rows_of_another_size() {
    let wanted = "pixels + label, but the network wants images of 2x2x1 = 4 pixels";
    check(
        "d.csv",
        format!("{GOOD}\r\n1,2,3,0\r\n\r\n1\r\n").as_bytes(),
        &[
            &format!("FILE row 6: found 4 columns = 3 {wanted}"),
            &format!("FILE row 7: found 1 columns = 0 {wanted}"),
        ],
    );
    let many = format!("a,b,c\n{}", "1,2,0\n".repeat(9));
    let mut expected: Vec<_> =
        (2..7).map(|row| format!("FILE row {row}: found 3 columns = 2 {wanted}")).collect();
    expected.push("FILE: and 4 more wrong rows".to_string());
    check("d.csv", many.as_bytes(), &expected.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn pixels_that_are_none() {
    check(
        "d.csv",
        b"0,x,0,0,0\n0,0,256,0,1\n-1,0,0,0,0\n0,0,0,1.5,0\n0,0,,0,0\n",
        &[
            "FILE row 1: column 2: pixel `x` is not a whole number from 0 to 255",
            "FILE row 2: column 3: pixel 256 is over 255",
            "FILE row 3: column 1: pixel `-1` is not a whole number from 0 to 255",
            "FILE row 4: column 4: pixel `1.5` is not a whole number from 0 to 255",
            "FILE row 5: column 3: pixel `` is not a whole number from 0 to 255",
        ],
    );
    let max = |config| DatasetConfig { max: 16, ..config };
    check_with(
        "d.csv",
        GOOD.as_bytes(),
        max,
        &["FILE row 4: column 4: pixel 255 is over 16", "FILE row 5: column 2: pixel 17 is over 16"],
    );
    check(
        "d.csv",
        b"\"0\n1\xffabcdefghijklmnopqrstuvwxyz\",0,0,0,0\n",
        &["FILE row 1: column 1: pixel `0\\n1\u{fffd}abcdefghijklmnop...` is not a whole number from 0 to \
             255"],
    );
}

#[test]
fn labels_out_of_range() {
    check(
        "d.csv",
        format!("{GOOD}1,2,3,4,2\n1,2,3,4,-1\n1,2,3,4,99999\n1,2,3,4,yes\n").as_bytes(),
        &[
            "FILE row 6: label 2 is out of range: the network has 2 classes, 0 to 1",
            "FILE row 7: column 5: label `-1` is not a whole number",
            "FILE row 8: label 99999 is out of range: the network has 2 classes, 0 to 1",
            "FILE row 9: column 5: label `yes` is not a whole number",
        ],
    );
}

#[test]
fn classes_without_training_images() {
    let test = |config| DatasetConfig { test: Some(TestPart::Rows(1)), ..config };
    check_with(
        "d.csv",
        b"1,2,3,4,1\n5,6,7,8,1\n1,2,3,4,0\n",
        test,
        &["FILE has training images of one class only, class 1; a label is a number, 0 for the first \
             class; in CSV it is the last column, or that which a header calls `label`"],
    );
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("d.csv");
    std::fs::write(&path, GOOD).unwrap();
    let says = |labels: Option<Vec<String>>, classes| {
        let config = DatasetConfig { labels, ..DatasetConfig::new(&path) };
        Dataset::load(&config, SMALL, classes, &mut ()).unwrap_err().to_string()
    };
    let start = format!("{} has no training images of ", path.display());
    let help = "; add images of them, or give the network fewer classes";
    let labels = Some(["a", "b", "c", "d"].map(String::from).to_vec());
    assert_eq!(says(labels, 4), format!("{start}class 2 (c), class 3 (d){help}"));
    let nine = "class 2, class 3, class 4, class 5, class 6 and 2 more";
    assert_eq!(says(None, 9), format!("{start}{nine}{help}"));
}

#[test]
fn images_that_teach_nothing() {
    let expected = "all pixels of the training images of FILE are equal";
    check("d.csv", "3,3,3,3,0\n3,3,3,3,1\n".repeat(3).as_bytes(), &[expected]);
}

#[test]
fn too_many_or_too_few_test_rows() {
    for rows in [5, 6, usize::MAX] {
        let test = |config| DatasetConfig { test: Some(TestPart::Rows(rows)), ..config };
        check_with(
            "d.csv",
            GOOD.as_bytes(),
            test,
            &[&format!(
                "FILE has 5 images: {rows} test images leave nothing to train with; set `test` in the \
             dataset's table to fewer images"
            )],
        );
    }
    let share = |share| move |config| DatasetConfig { test: Some(TestPart::Share(share)), ..config };
    check_with(
        "d.csv",
        GOOD.as_bytes(),
        share(0.95),
        &["FILE has 5 images: a share of 0.95 for the test, 5 images, leave nothing to train with; set \
         `test` in the dataset's table to fewer images"],
    );
    check_with(
        "d.csv",
        GOOD.as_bytes(),
        share(0.05),
        &["FILE has 5 images: a share of 0.05 for the test, 0 images, leave nothing to measure with; set \
         `test` in the dataset's table to a number of images"],
    );
}
