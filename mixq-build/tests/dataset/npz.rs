//! NPZ, with bytes put together here.

use mixq_build::engine::config::{DatasetConfig, TestPart};
use mixq_build::engine::dataset::{Dataset, Reader, measure};
use mixq_build::engine::graph::Shape;
use proptest::prelude::*;

use crate::given::{DIGIT, Given};
use crate::written::*;

/// An array of NumPy's format 1.0, padded to 64 bytes as NumPy does.
pub fn npy(kind: &str, shape: &str, elements: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 > 0 {
        header.push(' ');
    }
    header.push('\n');
    [&b"\x93NUMPY\x01\0"[..], &(header.len() as u16).to_le_bytes(), header.as_bytes(), elements].concat()
}

fn arrays(count: usize, from: usize) -> (Vec<u8>, Vec<u8>) {
    let images: Vec<u8> = (0..count).flat_map(|at| pixels(DIGIT, from + at)).collect();
    let labels: Vec<u8> = (0..count).flat_map(|at| ((at % 4) as i64).to_le_bytes()).collect();
    (npy("|u1", &format!("({count}, 3, 2)"), &images), npy("<i8", &format!("({count},)"), &labels))
}

pub fn npz(arrays: &[(&str, &[u8])]) -> Given {
    let files: Files = arrays.iter().map(|(name, array)| (format!("{name}.npy"), array.to_vec())).collect();
    Given::file("d.npz", &zip(&files))
}

#[test]
fn the_arrays_of_keras() {
    let ((images, labels), (test_images, test_labels)) = (arrays(12, 0), arrays(5, 1000));
    for [x, y, a, b] in [
        ["x_train", "y_train", "x_test", "y_test"],
        ["train_images", "train_labels", "test_images", "test_labels"],
    ] {
        let given = npz(&[(x, &images), (y, &labels), (a, &test_images), (b, &test_labels)]);
        let dataset = given.load(DIGIT, 4, &mut ()).unwrap();
        assert_eq!((dataset.train.len(), dataset.test.len()), (12, 5));
        assert_eq!(
            (dataset.train.image(7), dataset.test.image(4)),
            (&pixels(DIGIT, 7)[..], &pixels(DIGIT, 1004)[..])
        );
        assert_eq!(&dataset.train.targets.labels()[..5], [0, 1, 2, 3, 0]);
    }
    for names in [["x", "y"], ["images", "labels"]] {
        let mut heard = Heard::default();
        let given = npz(&[(names[0], &images), (names[1], &labels), ("extra", &labels)]);
        let dataset = given.load(DIGIT, 4, &mut heard).unwrap();
        assert_eq!((dataset.train.len(), &dataset.test.targets.labels()[..]), (8, &[0, 1, 2, 3][..]));
        assert_eq!(heard.warnings, [format!("{}: not used are extra", given.path.display())]);
    }
    // Coloured, and labels of every type in a column.
    let pixels: Vec<u8> = (0..8 * 18).map(|at| at as u8).collect();
    let coloured = npy("|u1", "(8, 2, 3, 3)", &pixels);
    let wide = |size: usize, big: bool| -> Vec<u8> {
        let label = |at: usize| {
            let mut bytes = vec![0; size];
            bytes[if big { size - 1 } else { 0 }] = (at % 2) as u8;
            bytes
        };
        (0..8).flat_map(label).collect()
    };
    for (kind, bytes) in [
        ("|u1", wide(1, false)),
        ("|b1", wide(1, false)),
        ("<i2", wide(2, false)),
        (">i4", wide(4, true)),
        (">u8", wide(8, true)),
    ] {
        let given = npz(&[("x", &coloured), ("y", &npy(kind, "(8, 1)", &bytes))]);
        let dataset = given.load(COLOUR, 2, &mut ()).unwrap();
        assert_eq!([dataset.train.pixels, dataset.test.pixels].concat(), pixels);
        assert_eq!(
            [dataset.train.targets.labels(), dataset.test.targets.labels()].concat(),
            [0, 1, 0, 1, 0, 1, 0, 1],
            "{kind}"
        );
    }
}

#[test]
fn other_arrays() {
    let (images, labels) = arrays(12, 0);
    let order = "it must be unsigned 8-bit of shape [n, height, width] or [n, height, width, channels], \
                 with 1 or 3 channels";
    let refused = |arrays: &[(&str, &[u8])]| npz(arrays).refused(DIGIT, 4);
    let floats = npy("<f4", "(2, 3, 2)", &[0; 48]);
    assert_eq!(refused(&[("x", &floats), ("y", &labels)]), "ROOT: x has 2 images, but y has 12 labels");
    let expected = format!("ROOT: x is `|u1` of shape [1, 3, 4, 4], {order}");
    assert_eq!(refused(&[("x", &npy("|u1", "(1, 3, 4, 4)", &[0; 48])), ("y", &labels)]), expected);
    let negative = npy("<i8", "(12,)", &[0xFF; 96]);
    assert_eq!(
        refused(&[("x", &images), ("y", &negative)]),
        "ROOT: y has -1 at row 0, counted from 0: a class is a whole number, 0 or more; quantities are for \
         task = \"regression\""
    );
    let fewer = npy("|u1", "(11,)", &[0; 11]);
    assert_eq!(refused(&[("x", &images), ("y", &fewer)]), "ROOT: x has 12 images, but y has 11 labels");
    let known = "they are called x_train and y_train, or train_images and train_labels, or x and y, or \
                 images and labels";
    let expected = format!("ROOT has a, but no arrays of images and labels; {known}");
    assert_eq!(refused(&[("a", &images)]), expected);
    assert_eq!(
        refused(&[("x_train", &images), ("y_train", &labels), ("x_test", &images)]),
        "ROOT has x_test, but no y_test"
    );
    assert_eq!(
        refused(&[("x", b"PK"), ("y", &labels)]),
        "ROOT: x is not a NumPy array: it does not begin as one"
    );
    assert_eq!(
        refused(&[("x", &images[..20]), ("y", &labels)]),
        "ROOT: x is truncated: its header ends early"
    );
    let cut = &images[..images.len() - 1];
    let expected = "ROOT: x has 71 bytes of elements, which are not those of `|u1` of shape [12, 3, 2]";
    assert_eq!(refused(&[("x", cut), ("y", &labels)]), expected);
    let mut columns = images.clone();
    let at = columns.windows(5).position(|word| word == b"False").unwrap();
    columns[at..at + 5].copy_from_slice(b"True ");
    let expected = "ROOT: x is in the order of Fortran; save it with numpy.ascontiguousarray";
    assert_eq!(refused(&[("x", &columns), ("y", &labels)]), expected);
    let whole = zip(&vec![("x.npy".to_string(), images.clone())]);
    let expected = "ROOT is truncated, or no ZIP file: its directory, which is at the end, is missing; copy \
                    or download the file again";
    assert_eq!(Given::file("d.npz", &whole[..whole.len() / 2]).refused(DIGIT, 4), expected);
    let test = [("x_train", &images[..]), ("y_train", &labels), ("x_test", &images), ("y_test", &labels)];
    let given = npz(&test);
    let config = DatasetConfig { test: Some(TestPart::Rows(2)), ..DatasetConfig::new(&given.path) };
    let error = Dataset::load(&config, DIGIT, 4, &mut ()).unwrap_err().to_string();
    assert!(
        error.ends_with(" has a test part of its own; leave `test` out of the dataset's table"),
        "{error}"
    );
}

/// NumPy keeps a character in four bytes, and Python's objects as pickles.
#[test]
fn labels_that_are_no_whole_numbers_say_what_would_do() {
    let (images, _) = arrays(4, 0);
    let refused = |kind: &str, elements: &[u8]| {
        npz(&[("x", &images), ("y", &npy(kind, "(4,)", elements))]).refused(DIGIT, 4)
    };
    let wanted = "it must be whole numbers, 0 or more, of shape [n] or [n, 1] for task = \"classification\"";
    let names: Vec<u8> = "cat\0dog\0cat\0bird".chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
    for (kind, elements) in [("<U4", &names[..]), ("|S2", &names[..8])] {
        let said = refused(kind, elements);
        assert!(said.starts_with(&format!("ROOT: y is `{kind}` of shape [4], {wanted}; ")), "{said}");
        assert!(said.contains("numpy.unique(names, return_inverse=True)[1]"), "{said}");
    }
    let floats = |values: [f32; 4]| values.map(f32::to_le_bytes).concat();
    let said = refused("<f4", &floats([0.0, 1.0, 2.0, 1.0]));
    assert_eq!(said, format!("ROOT: y is `<f4` of shape [4], {wanted}; save it with astype(\"int64\")"));
    let said = refused("<f4", &floats([0.0, 1.0, 2.5, 1.0]));
    assert!(
        said.starts_with("ROOT: y has 2.5 at row 2, counted from 0: a class is a whole number"),
        "{said}"
    );
    let said = refused("|O", b"pickle");
    assert_eq!(said, "ROOT: y holds Python objects (dtype object): save it as an array of numbers");
    let empty = npy("|u1", "(0, 3, 2)", &[]);
    let given = npz(&[("x", &empty), ("y", &npy("|u1", "(0,)", &[]))]);
    assert_eq!(given.refused(DIGIT, 4), "ROOT has no images: it is empty");
}

/// A file that somebody kept to measure with alone.
#[test]
fn a_test_part_alone_is_divided() {
    let (images, labels) = arrays(12, 0);
    let given = npz(&[("x_test", &images), ("y_test", &labels)]);
    let said = given.refused(DIGIT, 4);
    assert!(said.contains("there is only a test part: set `test` in the dataset's table"), "{said}");
    let config = DatasetConfig { test: Some(TestPart::Share(0.5)), ..DatasetConfig::new(&given.path) };
    let dataset = Dataset::load(&config, DIGIT, 4, &mut ()).unwrap();
    let whole = npz(&[("x", &images), ("y", &labels)]);
    let expected = DatasetConfig { path: whole.path.clone(), ..config.clone() };
    let expected = Dataset::load(&expected, DIGIT, 4, &mut ()).unwrap();
    assert_eq!((&dataset.train, &dataset.test), (&expected.train, &expected.test));
    assert_eq!(dataset.test.len(), 6);
    // A network that is trained already is measured with the same part, or with all.
    let output = Shape { height: 1, width: 1, channels: 4 };
    let reader = Reader { inputs: &DIGIT.into(), output, labels: &[], samples: &[&[]] };
    assert_eq!(measure(&config, reader, &mut ()).unwrap().images, dataset.test);
    let all = DatasetConfig { test: None, ..config };
    assert_eq!(measure(&all, reader, &mut ()).unwrap().images.len(), 12);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_make_it_panic(contents: Vec<u8>, at: prop::sample::Index, value: u8) {
        let (mut images, labels) = arrays(12, 0);
        let at = at.index(images.len());
        images[at] = value;
        let _ = npz(&[("x", &images), ("y", &labels)]).load(DIGIT, 4, &mut ());
        let _ = npz(&[("x", &contents), ("y", &labels)]).load(DIGIT, 4, &mut ());
        prop_assert!(Given::file("d.npz", &contents).load(DIGIT, 4, &mut ()).is_err());
    }
}
