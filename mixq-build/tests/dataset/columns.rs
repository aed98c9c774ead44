//! CSV: which column is the label, and what labels and pixels may look like.

use mixq_build::engine::config::{DatasetConfig, TestPart};
use mixq_build::engine::dataset::Dataset;
use tempfile::TempDir;

use crate::files::{GOOD, SMALL, check, check_with, load, load_with};

/// Warnings of a file that is read.
fn warnings(contents: &str) -> (Dataset, Vec<String>) {
    struct Heard(Vec<String>);
    impl mixq_build::engine::observer::Observer for Heard {
        fn read(&mut self, _: u64, _: u64) {}
        fn warn(&mut self, message: &str) {
            self.0.push(message.to_string());
        }
    }
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("d.csv");
    std::fs::write(&path, contents).unwrap();
    let mut heard = Heard(Vec::new());
    let dataset = Dataset::load(&DatasetConfig::new(&path), SMALL, 2, &mut heard);
    let file = path.display().to_string();
    let warnings = heard.0.into_iter().map(|warning| warning.replace(&file, "FILE")).collect();
    (dataset.unwrap_or_else(|error| panic!("{error}")), warnings)
}

/// The rows of `GOOD` with their label in another column.
fn moved(to: usize) -> String {
    let row = |line: &str| {
        let mut fields: Vec<&str> = line.split(',').collect();
        let label = fields.pop().unwrap();
        fields.insert(to, label);
        fields.join(",") + "\n"
    };
    GOOD.lines().map(row).collect()
}

#[test]
fn the_header_says_where_the_label_is() {
    let expected = load("d.csv", GOOD.as_bytes()).1.unwrap();
    let is_read = |header: &str, label: usize| {
        let (dataset, heard) = warnings(&format!("{header}\n{}", moved(label)));
        assert_eq!((dataset, heard), (expected.clone(), vec![]), "{header}");
    };
    for name in ["label", "Label", "LABELS", "class", "Target", "y", "\"label\""] {
        is_read(&format!("{name},p0,p1,p2,p3"), 0);
        is_read(&format!("{name},0,1,2,3"), 0);
        is_read(&format!("p0,p1,p2,p3,{name}"), 4);
        is_read(&format!("1,2,3,4,{name}"), 4);
    }
    is_read("a,b,class,c,d", 2);
    is_read("pixel1,pixel2,label,pixel3,pixel4", 2);
    // The clearer name; `y` beside `x` is an axis.
    is_read("class,label,b,c,d", 1);
    is_read("x,y,z,w,label", 4);
    is_read("x,y,z,w,kind", 4);
    // Without a name for the label it is the last column, unless the others say something else.
    is_read("a,b,c,d,e", 4);
    is_read("p0,p1,p2,p3,digit", 4);
    is_read("0.0,0.1,1.0,1.1,digit", 4);
}

#[test]
fn a_header_that_can_be_read_in_two_ways_is_refused() {
    let either = |one: &str, other: &str| {
        format!(
            "FILE row 1: the label may be in {one} or in {other}; call the right one `label` and the other \
             one otherwise"
        )
    };
    let says =
        |header: &str, expected: &str| check("d.csv", format!("{header}\n{GOOD}").as_bytes(), &[expected]);
    says("digit,p0,p1,p2,p3", &either("`digit` (column 1)", "`p3` (column 5)"));
    says("digit,1x1,1x2,2x1,2x2", &either("`digit` (column 1)", "`2x2` (column 5)"));
    says("class,a,b,c,target", &either("`class` (column 1)", "`target` (column 5)"));
    let said = "FILE row 1: it may be a header, which counts the pixels and calls the label `cat`, or an \
                image of class `cat`; call the column `label`, or put a header above the image";
    check("d.csv", b"0,1,2,3,cat\n4,5,6,7,dog\n8,9,1,2,cat\n3,4,5,6,dog\n", &[said]);
}

/// pandas writes the numbers of its columns where they have no names.
#[test]
fn a_header_of_numbers_is_no_image() {
    for (header, counted) in [("0,1,2,3,4", "0 to 4"), ("1,2,3,4,5", "1 to 5")] {
        let (dataset, heard) = warnings(&format!("{header}\n{GOOD}"));
        assert_eq!(dataset, load("d.csv", GOOD.as_bytes()).1.unwrap());
        let expected = format!(
            "FILE: row 1 was taken for a header, not for an image, since it counts the columns from {counted}"
        );
        assert_eq!(heard, [expected]);
    }
    // The same numbers in another order are an image.
    let (dataset, heard) = warnings("0,1,3,2,1\n4,5,6,7,0\n8,9,1,2,1\n3,4,5,6,0\n");
    assert_eq!((dataset.train.len() + dataset.test.len(), heard), (4, vec![]));
}

#[test]
fn an_index_is_pointed_at() {
    let rows: String = GOOD.lines().enumerate().map(|(row, line)| format!("{row},{line}\n")).collect();
    let expected = "FILE row 1: found 6 columns = 5 pixels + label, but the network wants images of 2x2x1 = \
                    4 pixels; is the first one an index? pandas leaves it out with `index=False`";
    let (path, dataset) = load("d.csv", format!(",0,1,2,3,label\n{rows}").as_bytes());
    let found = dataset.unwrap_err().to_string().replace(&path.display().to_string(), "FILE");
    assert_eq!(found.lines().next(), Some(expected));
}

/// As MNIST is often handed out: nothing tells but the values.
#[test]
fn labels_in_the_first_column_without_a_header_are_noticed() {
    let says = "column 1 has each of 0 to 1, as a label has, and nothing else, while pixels go up to 250; \
                column 5 was taken for the label: a header says which one it is, with `label` above it";
    let (_, heard) = warnings("0,9,250,3,0\n1,5,6,7,0\n0,9,1,2,1\n1,3,5,6,1\n0,3,5,9,0\n1,3,5,6,0\n");
    assert_eq!(heard, [format!("FILE: {says}")]);
    check(
        "d.csv",
        b"0,9,250,3,7\n1,5,6,7,0\n0,9,1,2,1\n1,3,5,6,1\n0,3,5,9,0\n1,3,5,6,0\n1,3,5,6,0\n",
        &["FILE row 1: label 7 is out of range: the network has 2 classes, 0 to 1", &format!("FILE: {says}")],
    );
}

#[test]
fn labels_may_be_the_names_of_classes() {
    // Without labels in Cargo.toml, 0 to 3 in the first row could count columns.
    let first = GOOD.replace("0,1,2,3", "3,2,1,0");
    let text = |zero: &str, one: &str| -> String {
        let name = |line: &str| match line.rsplit_once(',').unwrap() {
            (pixels, "0") => format!("{pixels},{zero}\n"),
            (pixels, _) => format!("{pixels},{one}\n"),
        };
        first.lines().map(name).collect()
    };
    let numbers = load("d.csv", first.as_bytes()).1.unwrap();
    let named = |names: [&str; 2]| Some(names.map(String::from).to_vec());
    let with_labels = |contents: &str, names: [&str; 2]| {
        load_with("d.csv", contents.as_bytes(), |config| DatasetConfig { labels: named(names), ..config })
            .1
            .unwrap()
    };
    // In the order of the alphabet, or in that of Cargo.toml.
    let cats = load("d.csv", text("cat", "dog").as_bytes()).1.unwrap();
    assert_eq!(cats, Dataset { labels: named(["cat", "dog"]).unwrap(), ..numbers.clone() });
    let header = format!("a,b,c,d,label\n{}", text("cat", "dog"));
    assert_eq!(load("d.csv", header.as_bytes()).1.unwrap(), cats);
    assert_eq!(with_labels(&text("cat", "dog"), ["cat", "dog"]), cats);
    let counted = text("cat", "dog").replace("3,2,1,0", "0,1,2,3");
    assert_eq!(with_labels(&counted, ["cat", "dog"]).train.image(0), [0, 1, 2, 3]);
    let turned = with_labels(&text("dog", "cat"), ["dog", "cat"]);
    assert_eq!(turned, Dataset { labels: named(["dog", "cat"]).unwrap(), ..numbers.clone() });
    // Numbers that are names: eights before threes.
    let digits = with_labels(&text("8", "3"), ["8", "3"]);
    assert_eq!(digits.train.targets.labels(), numbers.train.targets.labels());
    check(
        "d.csv",
        text("cat", "dog").replace("255,dog", "255,cow").as_bytes(),
        &["FILE has 3 classes (cat, cow, dog), but the network has 2; the network's last layer must have \
           one output for each class"],
    );
    check_with(
        "d.csv",
        text("cat", "dog").as_bytes(),
        |config| DatasetConfig { labels: named(["cat", "Dog"]), ..config },
        &[
            "FILE row 2: column 5: label `dog` is not one of `labels` in the dataset's table: `cat`, `Dog`",
            "FILE row 4: column 5: label `dog` is not one of `labels` in the dataset's table: `cat`, `Dog`",
        ],
    );
    // In the first row as well, which is not a header for that.
    check(
        "d.csv",
        text("cat", "1").as_bytes(),
        &[1, 3, 5]
            .map(|row| format!("FILE row {row}: column 5: label `cat` is not a whole number"))
            .each_ref()
            .map(|s| &s[..]),
    );
    check(
        "d.csv",
        text("", "1").as_bytes(),
        &[1, 3, 5]
            .map(|row| format!("FILE row {row}: column 5: label `` is not a whole number"))
            .each_ref()
            .map(|s| &s[..]),
    );
}

#[test]
fn whole_numbers_may_have_a_point() {
    let floats = GOOD.replace(',', ".0,").replace('\n', ".0\n");
    assert_eq!(load("d.csv", floats.as_bytes()).1.unwrap(), load("d.csv", GOOD.as_bytes()).1.unwrap());
    let other = GOOD.replace("255", "2.55e2").replace("17", "17.");
    assert_eq!(load("d.csv", other.as_bytes()).1.unwrap(), load("d.csv", GOOD.as_bytes()).1.unwrap());
    check(
        "d.csv",
        b"0,12.5,0,0,0\n0,0,256.0,0,1\n0,0,0,1e300,0\n0,0,0,nan,0\n0,0,0,0,1.5\n0,0,0,0,1\n",
        &[
            "FILE row 1: column 2: pixel `12.5` is not a whole number from 0 to 255",
            "FILE row 2: column 3: pixel 256 is over 255",
            "FILE row 3: column 4: pixel `1e300` is not a whole number from 0 to 255",
            "FILE row 4: column 4: pixel `nan` is not a whole number from 0 to 255",
            "FILE row 5: column 5: label `1.5` is not a whole number",
        ],
    );
}

#[test]
fn lines_of_spaces_are_blank() {
    let spaced = format!("\n \n{}   \n\t\n", GOOD.replace('\n', "\n  \n"));
    assert_eq!(load("d.csv", spaced.as_bytes()).1.unwrap(), load("d.csv", GOOD.as_bytes()).1.unwrap());
}

/// Pixels from 1 to 20 tell the rows apart.
#[test]
fn a_share_is_taken_of_every_class() {
    let sorted: String = (1..=20).map(|row| format!("{row},0,0,0,{}\n", row / 11)).collect();
    let rows = |split: &mixq_build::engine::dataset::Split| -> Vec<u8> {
        (0..split.len()).map(|image| split.image(image)[0]).collect()
    };
    let dataset = load("d.csv", sorted.as_bytes()).1.unwrap();
    // A fifth of ten, from the end of each class.
    assert_eq!(rows(&dataset.test), [9, 10, 19, 20]);
    assert_eq!(dataset.test.targets.labels(), [0, 0, 1, 1]);
    assert_eq!(rows(&dataset.train), [1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 16, 17, 18]);
    let share = |share| move |config| DatasetConfig { test: Some(TestPart::Share(share)), ..config };
    let dataset = load_with("d.csv", sorted.as_bytes(), share(0.05)).1.unwrap();
    assert_eq!(rows(&dataset.test), [10, 20], "of each class at least one");
    // A number of rows stays the end of the file; of one class alone it measures nothing.
    let number = |rows| move |config| DatasetConfig { test: Some(TestPart::Rows(rows)), ..config };
    check_with(
        "d.csv",
        sorted.as_bytes(),
        number(4),
        &["FILE has 4 test images of one class only, class 1: an accuracy would say nothing of the \
             others; `test` takes that number of images from the end: mix the classes in the file, or make \
             `test` a share, which is taken of every class"],
    );
    let mixed: String = (1..=20).map(|row| format!("{row},0,0,0,{}\n", row % 2)).collect();
    let dataset = load_with("d.csv", mixed.as_bytes(), number(3)).1.unwrap();
    assert_eq!(rows(&dataset.test), [18, 19, 20]);
    check_with(
        "d.csv",
        sorted.as_bytes(),
        number(10),
        &["FILE has training images of one class only, class 0; a label is a number, 0 for the first \
           class; in CSV it is the last column, or that which a header calls `label`"],
    );
}
