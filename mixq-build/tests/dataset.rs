//! Datasets: the real digits, what is cut from where, and every message.

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::{Compression, write::GzEncoder};
use mixq_build::config::{Config, DatasetConfig, TestPart};
use mixq_build::dataset::{Dataset, Split, digest};
use mixq_build::error::Error;
use mixq_build::graph::Shape;
use proptest::prelude::*;
use tempfile::TempDir;

/// Two rows of two pixels, one channel.
const SMALL: Shape = Shape { height: 2, width: 2, channels: 1 };
/// Five images of two classes.
const GOOD: &str = "0,1,2,3,0\n4,5,6,7,1\n8,9,10,11,0\n12,13,14,255,1\n16,17,18,19,0\n";

fn digits() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/digits/data/digits.csv.gz")
}

fn load(name: &str, contents: &[u8]) -> (PathBuf, Result<Dataset, Error>) {
    load_with(name, contents, |config| config)
}

fn load_with(
    name: &str,
    contents: &[u8],
    change: impl Fn(DatasetConfig) -> DatasetConfig,
) -> (PathBuf, Result<Dataset, Error>) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, contents).unwrap();
    let dataset = Dataset::load(&change(DatasetConfig::new(&path)), SMALL, 2);
    (path, dataset)
}

/// What is said about a file; `FILE` stands for its path.
fn check(name: &str, contents: &[u8], expected: &[&str]) {
    check_with(name, contents, |config| config, expected);
}

fn check_with(
    name: &str,
    contents: &[u8],
    change: impl Fn(DatasetConfig) -> DatasetConfig,
    expected: &[&str],
) {
    let (path, dataset) = load_with(name, contents, change);
    let found = dataset.expect_err("an error").to_string().replace(&path.display().to_string(), "FILE");
    assert_eq!(found.lines().collect::<Vec<_>>(), expected);
}

fn gzip(contents: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(contents).unwrap();
    encoder.finish().unwrap()
}

fn counts(split: &Split) -> [usize; 10] {
    let mut counts = [0; 10];
    split.labels.iter().for_each(|label| counts[usize::from(*label)] += 1);
    counts
}

/// Facts of the test set of UCI "Optical Recognition of Handwritten Digits", counted with Python's csv module.
#[test]
fn the_digits_are_all_there() {
    let shape = Shape { height: 8, width: 8, channels: 1 };
    let config = DatasetConfig { test: TestPart::Rows(360), max: 16, ..DatasetConfig::new(digits()) };
    let dataset = Dataset::load(&config, shape, 10).unwrap();
    assert_eq!((dataset.shape, dataset.classes), (shape, 10));
    assert_eq!(dataset.labels, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    assert_eq!((dataset.train.len(), dataset.test.len()), (1437, 360));
    assert_eq!(counts(&dataset.train), [143, 146, 142, 146, 144, 145, 144, 143, 141, 143]);
    assert_eq!(counts(&dataset.test), [35, 36, 35, 37, 37, 37, 37, 36, 33, 37]);
    // The first two rows of the first image, and the last of the last.
    assert_eq!(dataset.train.image(0)[..16], [0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0]);
    assert_eq!(dataset.test.image(359)[56..], [0, 1, 8, 12, 14, 12, 1, 0]);
    assert_eq!((dataset.train.labels[0], dataset.test.labels[359]), (0, 8));
    // Sum and sum of squares over the 91,968 pixels to train with.
    let pixels = dataset.train.pixels.iter().map(|pixel| u64::from(*pixel));
    assert_eq!((pixels.clone().sum::<u64>(), pixels.map(|p| p * p).sum::<u64>()), (449_372, 5_515_520));
    let (mean, std) = dataset.train.mean_and_std();
    assert!((mean - 4.886_177_800_974).abs() < 1e-11 && (std - 6.008_113_741_292).abs() < 1e-11);
    // A fifth of 1,797 is 359.4.
    let config = DatasetConfig { test: TestPart::Share(0.2), ..config };
    assert_eq!(Dataset::load(&config, shape, 10).unwrap().test.len(), 359);
    // `sha256sum digits.csv.gz`
    let expected = "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22";
    assert_eq!(digest(&digits()).unwrap(), expected);
}

#[test]
fn the_test_part_is_the_end() {
    let rows = |config| DatasetConfig { test: TestPart::Rows(2), ..config };
    let named = |config| DatasetConfig { labels: Some(vec!["no".into(), "yes".into()]), ..rows(config) };
    let dataset = load_with("d.csv", GOOD.as_bytes(), named).1.unwrap();
    assert_eq!(dataset.train.pixels, (0..12).collect::<Vec<u8>>());
    assert_eq!(dataset.train.labels, [0, 1, 0]);
    assert_eq!(dataset.test.pixels, [12, 13, 14, 255, 16, 17, 18, 19]);
    assert_eq!(dataset.test.labels, [1, 0]);
    assert_eq!(dataset.labels, ["no", "yes"]);
    let expected = dataset;
    // Compressed, in several gzip members, with a header, spaces, blank lines, quotes and the other line end.
    let same = |name, contents: &[u8]| assert_eq!(load_with(name, contents, named).1.unwrap(), expected);
    same("d.csv.gz", &gzip(GOOD.as_bytes()));
    let (head, tail) = GOOD.as_bytes().split_at(13);
    same("D.CSV.GZ", &[gzip(head), gzip(tail)].concat());
    same("d.csv", format!("a,b,c,d,class\n{GOOD}").as_bytes());
    same("d.csv", format!("0,1,2,3,target\n\n{GOOD}").as_bytes());
    same("d.csv", GOOD.replace(',', " , ").replace('\n', "\r\n\r\n").as_bytes());
    same("d.csv", GOOD.trim_end().replace("255", "\"255\"").as_bytes());
}

#[test]
fn no_file() {
    let config = DatasetConfig::new("data/missing.csv");
    let error = Dataset::load(&config, SMALL, 2).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no dataset at data/missing.csv; `dataset` names a file beside the package's Cargo.toml"
    );
}

#[test]
fn problems_point_at_the_key() {
    let folder = TempDir::new().unwrap();
    let manifest = "[package]\nname = \"a\"\n[package.metadata.mixq]\ndevice = { flash = 1, ram = 1 }\n\
                    [package.metadata.mixq.models.m]\nnetwork = \"n.toml\"\n\
                    dataset = { test = 1, path = \"d.csv\" }\n";
    std::fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
    let config = Config::load(folder.path()).unwrap();
    let error = Dataset::load(&config.models[0].dataset, SMALL, 2).unwrap_err();
    let at = error.problems[0].location.as_ref().unwrap();
    assert_eq!((&at.path, at.line(), at.column()), (&folder.path().join("Cargo.toml"), 7, 30));
    std::fs::write(folder.path().join("d.csv"), "1,2\n3\n").unwrap();
    let error = Dataset::load(&config.models[0].dataset, SMALL, 2).unwrap_err();
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
            "the dataset's `shape` is 8x8x3, but the network wants images of 2x2x1; both give height x width x channels",
            "`labels` names 3 classes, but the network has 2; name every class once, in the order of the numbers",
            "FILE is no kind of dataset that mixq reads; supported are files that end in .csv, .csv.gz",
        ],
    );
    for classes in [0, 1, 65_537] {
        let error = Dataset::load(&DatasetConfig::new(digits()), SMALL, classes).unwrap_err();
        let expected = format!("the network has {classes} classes, it must have 2 to 65536");
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
    let damaged = "FILE is damaged, or no gzip file:";
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
    // A file of no bytes is no gzip file, not even an empty one.
    check("d.csv.gz", b"", &["FILE is truncated: its gzip data ends early; copy or download the file again"]);
}

#[test]
fn a_folder_with_a_files_name() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("d.csv");
    std::fs::create_dir(&path).unwrap();
    let error = Dataset::load(&DatasetConfig::new(&path), SMALL, 2).unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot read {}: ", path.display())), "{error}");
}

/// Blank lines are no rows.
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
            "FILE row 1: column 2: pixel `x` is no whole number from 0 to 255",
            "FILE row 2: column 3: pixel 256 is over 255",
            "FILE row 3: column 1: pixel `-1` is no whole number from 0 to 255",
            "FILE row 4: column 4: pixel `1.5` is no whole number from 0 to 255",
            "FILE row 5: column 3: pixel `` is no whole number from 0 to 255",
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
        &["FILE row 1: column 1: pixel `0\\n1\u{fffd}abcdefghijklmnop...` is no whole number from 0 to 255"],
    );
}

#[test]
fn labels_out_of_range() {
    check(
        "d.csv",
        format!("{GOOD}1,2,3,4,2\n1,2,3,4,-1\n1,2,3,4,99999\n1,2,3,4,yes\n").as_bytes(),
        &[
            "FILE row 6: label 2 is out of range: the network has 2 classes, 0 to 1",
            "FILE row 7: column 5: label `-1` is no whole number",
            "FILE row 8: label 99999 is out of range: the network has 2 classes, 0 to 1",
            "FILE row 9: column 5: label `yes` is no whole number",
        ],
    );
}

#[test]
fn classes_without_training_images() {
    let test = |config| DatasetConfig { test: TestPart::Rows(1), ..config };
    check_with(
        "d.csv",
        b"1,2,3,4,1\n5,6,7,8,1\n1,2,3,4,0\n",
        test,
        &[
            "FILE has training images of one class only, class 1; the label must be the last value of an image, 0 \
         for the first class",
        ],
    );
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("d.csv");
    std::fs::write(&path, GOOD).unwrap();
    let says = |labels: Option<Vec<String>>, classes| {
        let config = DatasetConfig { labels, ..DatasetConfig::new(&path) };
        Dataset::load(&config, SMALL, classes).unwrap_err().to_string()
    };
    let start = format!("{} has no training images of ", path.display());
    let help = "; the test part is cut from the end and rows are never shuffled: mix the classes in the file, \
                or give the network fewer classes";
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
        let test = |config| DatasetConfig { test: TestPart::Rows(rows), ..config };
        check_with(
            "d.csv",
            GOOD.as_bytes(),
            test,
            &[&format!(
                "FILE has 5 images: {rows} test images leave nothing to train with; set `test` in the dataset's \
             table to fewer images"
            )],
        );
    }
    let share = |share| move |config| DatasetConfig { test: TestPart::Share(share), ..config };
    check_with(
        "d.csv",
        GOOD.as_bytes(),
        share(0.95),
        &[
            "FILE has 5 images: a share of 0.95 for the test, 5 images, leave nothing to train with; set `test` in \
         the dataset's table to fewer images",
        ],
    );
    check_with(
        "d.csv",
        GOOD.as_bytes(),
        share(0.05),
        &[
            "FILE has 5 images: a share of 0.05 for the test, 0 images, leave nothing to measure with; set `test` \
         in the dataset's table to a number of images",
        ],
    );
}

/// Expected: `printf` of each name with its zero byte and of `sha256sum` of its contents, all through `sha256sum`.
#[test]
fn digests_of_folders_are_of_names_and_contents() {
    let folder = TempDir::new().unwrap();
    let of = || digest(folder.path()).unwrap();
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(of(), empty);
    std::fs::create_dir(folder.path().join("b")).unwrap();
    std::fs::write(folder.path().join("b/1"), "one").unwrap();
    std::fs::write(folder.path().join("a"), "two").unwrap();
    let two = of();
    assert_eq!(two, "ed735edc6a2296b5a1277054fafd74686cf8e1d240a1e2c3d3f2ce83a56aa0f8");
    std::fs::rename(folder.path().join("a"), folder.path().join("c")).unwrap();
    let renamed = of();
    std::fs::rename(folder.path().join("c"), folder.path().join("a")).unwrap();
    assert_eq!(of(), two);
    std::fs::write(folder.path().join("a"), "too").unwrap();
    let changed = of();
    assert!(renamed != two && changed != two && renamed != changed);
    let missing = folder.path().join("missing");
    let error = digest(&missing).unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot read {}: ", missing.display())), "{error}");
}

#[test]
fn no_images_have_no_mean() {
    let none = Split::default();
    assert!(none.is_empty());
    assert_eq!(none.mean_and_std(), (0.0, 0.0));
    assert_eq!(none.select(&[]), none);
}

/// Images of random shape with random labels.
fn splits() -> impl Strategy<Value = (usize, Split)> {
    (1_usize..20, 1_usize..20).prop_flat_map(|(elements, images)| {
        let pixels = prop::collection::vec(any::<u8>(), elements * images);
        let labels = prop::collection::vec(0_u16..3, images);
        (Just(elements), (pixels, labels).prop_map(|(pixels, labels)| Split { pixels, labels }))
    })
}

proptest! {
    #[test]
    fn selected_images_are_the_images((elements, split) in splits(), chosen: Vec<prop::sample::Index>) {
        let chosen: Vec<_> = chosen.iter().map(|index| index.index(split.len())).collect();
        let selected = split.select(&chosen);
        prop_assert_eq!(selected.len(), chosen.len());
        for (index, from) in chosen.iter().enumerate() {
            prop_assert_eq!(selected.image(index), &split.pixels[from * elements..(from + 1) * elements]);
            prop_assert_eq!(selected.labels[index], split.labels[*from]);
        }
    }

    #[test]
    fn mean_and_deviation_are_those_of_the_definition((_, split) in splits()) {
        let count = split.pixels.len() as f64;
        let mean = split.pixels.iter().map(|pixel| f64::from(*pixel)).sum::<f64>() / count;
        let variance = split.pixels.iter().map(|p| (f64::from(*p) - mean).powi(2)).sum::<f64>() / count;
        let found = split.mean_and_std();
        prop_assert!((found.0 - mean).abs() < 1e-9 && (found.1 - variance.sqrt()).abs() < 1e-9);
    }

    #[test]
    fn what_was_written_is_read(rows in prop::collection::vec(any::<[u8; 6]>(), 3..20), header: bool) {
        // Both classes in front, so that they can be trained.
        let label = |row: usize| row % 2;
        let mut text = if header { "a,b,c,d,e,f,label\n".to_string() } else { String::new() };
        for (index, row) in rows.iter().enumerate() {
            row.iter().for_each(|pixel| text += &format!("{pixel},"));
            text += &format!("{}\n", label(index));
        }
        prop_assume!(rows[..rows.len() - 1].concat().iter().any(|pixel| *pixel != rows[0][0]));
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("d.csv");
        std::fs::write(&path, text).unwrap();
        let config = DatasetConfig { test: TestPart::Rows(1), ..DatasetConfig::new(&path) };
        let shape = Shape { height: 1, width: 2, channels: 3 };
        let dataset = Dataset::load(&config, shape, 2).unwrap();
        prop_assert_eq!([dataset.train.pixels, dataset.test.pixels].concat(), rows.concat());
        let labels = (0..rows.len()).map(|row| label(row) as u16).collect::<Vec<_>>();
        prop_assert_eq!([dataset.train.labels, dataset.test.labels].concat(), labels);
    }

    #[test]
    fn no_file_makes_it_panic(contents: Vec<u8>, gz: bool) {
        let _ = load(if gz { "d.csv.gz" } else { "d.csv" }, &contents);
        let _ = load("d.csv.gz", &gzip(&contents));
    }
}
