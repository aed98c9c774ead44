//! What is read and cut from where, and digests.

use mixq_build::engine::config::{DatasetConfig, TestPart};
use mixq_build::engine::dataset::{Dataset, Split, digest};
use mixq_build::engine::graph::Shape;
use proptest::prelude::*;
use tempfile::TempDir;

use crate::files::{GOOD, digits, gzip, load, load_with};

fn counts(split: &Split) -> [usize; 10] {
    let mut counts = [0; 10];
    split.targets.labels().iter().for_each(|label| counts[usize::from(*label)] += 1);
    counts
}

/// Facts of the test set of UCI "Optical Recognition of Handwritten Digits", counted with Python's csv
/// module.
#[test]
fn the_digits_are_all_there() {
    let shape = Shape { height: 8, width: 8, channels: 1 };
    let config = DatasetConfig { test: Some(TestPart::Rows(360)), max: 16, ..DatasetConfig::new(digits()) };
    let dataset = Dataset::load(&config, shape, 10, &mut ()).unwrap();
    assert_eq!((dataset.inputs[0].shape, dataset.outputs), (shape, 10));
    assert_eq!(dataset.labels, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    assert_eq!((dataset.train.len(), dataset.test.len()), (1437, 360));
    assert_eq!(counts(&dataset.train), [143, 146, 142, 146, 144, 145, 144, 143, 141, 143]);
    assert_eq!(counts(&dataset.test), [35, 36, 35, 37, 37, 37, 37, 36, 33, 37]);
    // The first two rows of the first image, and the last of the last.
    assert_eq!(dataset.train.image(0)[..16], [0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0]);
    assert_eq!(dataset.test.image(359)[56..], [0, 1, 8, 12, 14, 12, 1, 0]);
    assert_eq!((dataset.train.targets.labels()[0], dataset.test.targets.labels()[359]), (0, 8));
    // Sum and sum of squares over the 91,968 pixels to train with.
    let pixels = dataset.train.pixels.iter().map(|pixel| u64::from(*pixel));
    assert_eq!((pixels.clone().sum::<u64>(), pixels.map(|p| p * p).sum::<u64>()), (449_372, 5_515_520));
    let (mean, std) = dataset.train.mean_and_std();
    assert!((mean - 4.886_177_800_974).abs() < 1e-11 && (std - 6.008_113_741_292).abs() < 1e-11);
    // A fifth of 1,797 is 359.4.
    let config = DatasetConfig { test: Some(TestPart::Share(0.2)), ..config };
    assert_eq!(Dataset::load(&config, shape, 10, &mut ()).unwrap().test.len(), 359);
    // `zcat digits.csv.gz | sha256sum`
    let expected = "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8";
    assert_eq!(digest(&digits(), None).unwrap(), expected);
}

#[test]
fn the_test_part_is_the_end() {
    let rows = |config| DatasetConfig { test: Some(TestPart::Rows(2)), ..config };
    let named = |config| DatasetConfig { labels: Some(vec!["no".into(), "yes".into()]), ..rows(config) };
    let dataset = load_with("d.csv", GOOD.as_bytes(), named).1.unwrap();
    assert_eq!(dataset.train.pixels, (0..12).collect::<Vec<u8>>());
    assert_eq!(dataset.train.targets.labels(), [0, 1, 0]);
    assert_eq!(dataset.test.pixels[..], [12, 13, 14, 255, 16, 17, 18, 19]);
    assert_eq!(dataset.test.targets.labels(), [1, 0]);
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

/// Expected: `printf` of each name with its zero byte and of `sha256sum` of its contents, all through
/// `sha256sum`.
#[test]
fn digests_of_folders_are_of_names_and_contents() {
    let folder = TempDir::new().unwrap();
    let of = || digest(folder.path(), None).unwrap();
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(of(), empty);
    std::fs::create_dir(folder.path().join("b")).unwrap();
    std::fs::write(folder.path().join("b/1.jpg"), "one").unwrap();
    std::fs::write(folder.path().join("a.png"), "two").unwrap();
    let two = of();
    assert_eq!(two, "bb02f43ccfecc2b4bd35984395bb02e38e30b09ab21375a04594e0b2c7d17427");
    std::fs::rename(folder.path().join("a.png"), folder.path().join("c.png")).unwrap();
    let renamed = of();
    std::fs::rename(folder.path().join("c.png"), folder.path().join("a.png")).unwrap();
    assert_eq!(of(), two);
    std::fs::write(folder.path().join("a.png"), "too").unwrap();
    let changed = of();
    assert!(renamed != two && changed != two && renamed != changed);
    let missing = folder.path().join("missing");
    let error = digest(&missing, None).unwrap_err().to_string();
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
        (
            Just(elements),
            (pixels, labels)
                .prop_map(|(pixels, labels)| Split { pixels: pixels.into(), targets: labels.into() }),
        )
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
            prop_assert_eq!(selected.targets.labels()[index], split.targets.labels()[*from]);
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
    fn what_was_written_is_read(rows in prop::collection::vec(any::<[u8; 6]>(), 4..20), header: bool) {
        // Both classes in front, so that they can be trained.
        let label = |row: usize| row % 2;
        let mut text = if header { "a,b,c,d,e,f,label\n".to_string() } else { String::new() };
        for (index, row) in rows.iter().enumerate() {
            row.iter().for_each(|pixel| text += &format!("{pixel},"));
            text += &format!("{}\n", label(index));
        }
        prop_assume!(rows[..rows.len() - 2].concat().iter().any(|pixel| *pixel != rows[0][0]));
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("d.csv");
        std::fs::write(&path, text).unwrap();
        let config = DatasetConfig { test: Some(TestPart::Rows(2)), ..DatasetConfig::new(&path) };
        let shape = Shape { height: 1, width: 2, channels: 3 };
        let dataset = Dataset::load(&config, shape, 2, &mut ()).unwrap();
        prop_assert_eq!([dataset.train.pixels, dataset.test.pixels].concat(), rows.concat());
        let labels = (0..rows.len()).map(|row| label(row) as u16).collect::<Vec<_>>();
        prop_assert_eq!([dataset.train.targets.labels(), dataset.test.targets.labels()].concat(), labels);
    }

    #[test]
    fn no_file_makes_it_panic(contents: Vec<u8>, gz: bool) {
        let _ = load(if gz { "d.csv.gz" } else { "d.csv" }, &contents);
        let _ = load("d.csv.gz", &gzip(&contents));
    }
}
