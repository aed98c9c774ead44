//! Targets that are vectors, and images without targets.

use mixq_build::engine::config::DatasetConfig;
use mixq_build::engine::dataset::{Dataset, Reader, measure};
use mixq_build::engine::error::Error;
use mixq_format::Task;

use crate::given::{DIGIT, Given};
use crate::npz::{npy, npz};
use crate::written::pixels;

fn load(given: &Given, task: Task, outputs: usize) -> Result<Dataset, Error> {
    let config = DatasetConfig { task, ..DatasetConfig::new(&given.path) };
    Dataset::load(&config, DIGIT, outputs, &mut ())
}

fn refused(given: &Given, task: Task, outputs: usize) -> String {
    let error = load(given, task, outputs).expect_err("an error").to_string();
    error.replace(&given.path.display().to_string(), "ROOT")
}

fn images(count: usize) -> Vec<u8> {
    let all: Vec<u8> = (0..count).flat_map(|at| pixels(DIGIT, at)).collect();
    npy("|u1", &format!("({count}, 3, 2)"), &all)
}

/// Quantities of each type of number are what was written.
#[test]
fn numbers_of_every_type() {
    let values = [0.5f64, -2.0, 3.25, 1024.0, -0.125, 7.0, 0.0, 65504.0, -1.5, 2.0];
    let halves: [u16; 10] = [0x3800, 0xc000, 0x4280, 0x6400, 0xb000, 0x4700, 0x0000, 0x7bff, 0xbe00, 0x4000];
    let arrays: [(&str, Vec<u8>); 4] = [
        ("<f8", values.iter().flat_map(|value| value.to_le_bytes()).collect()),
        (">f4", values.iter().flat_map(|value| (*value as f32).to_be_bytes()).collect()),
        ("<f2", halves.iter().flat_map(|value| value.to_le_bytes()).collect()),
        (">f8", values.iter().flat_map(|value| value.to_be_bytes()).collect()),
    ];
    for (kind, bytes) in arrays {
        for (shape, outputs) in [("(10,)", 1), ("(10, 1)", 1), ("(5, 2)", 2)] {
            let given = npz(&[("x", &images(10 / outputs)), ("y", &npy(kind, shape, &bytes))]);
            let dataset = load(&given, Task::Regression, outputs).unwrap();
            let found = [dataset.train.targets.values(), dataset.test.targets.values()].concat();
            assert_eq!(found, values, "{kind} {shape}");
        }
    }
    let bytes: Vec<u8> = [-3i16, 2, 500, -4, 9].iter().flat_map(|value| value.to_le_bytes()).collect();
    let given = npz(&[("x", &images(5)), ("y", &npy("<i2", "(5,)", &bytes))]);
    let dataset = load(&given, Task::Regression, 1).unwrap();
    assert_eq!(dataset.train.targets.values(), [-3.0, 2.0, 500.0, -4.0]);
}

#[test]
fn arrays_that_do_not_fit_the_task() {
    let floats = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let vectors =
        npy("<f4", "(6, 2)", &floats(&[0.0, 1.0, 1.0, 0.0, 0.5, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0]));
    let given = npz(&[("x", &images(6)), ("y", &vectors)]);
    let said = refused(&given, Task::Classification, 4);
    assert!(
        said.contains("y is `<f4` of shape [6, 2], it must be whole numbers of shape [n] or [n, 1]"),
        "{said}"
    );
    assert!(said.contains("regression and multi-label") && !said.contains("one-hot"), "{said}");
    // As Keras has classes, and masks.
    let said = refused(&given, Task::Classification, 2);
    assert!(said.contains("of one-hot labels numpy.argmax(y, axis=1) is the classes"), "{said}");
    let masks = npz(&[("x", &images(6)), ("y", &npy("|u1", "(6, 3, 2)", &[0; 36]))]);
    let said = refused(&masks, Task::Classification, 2);
    assert!(said.contains("masks of images are for task = \"dense\""), "{said}");
    let masks = npz(&[("x", &images(6)), ("y", &npy("|u1", "(6, 3, 2, 2)", &[0; 72]))]);
    let said = refused(&masks, Task::Dense, 2);
    assert!(said.contains("of one-hot masks numpy.argmax(y, axis=3) is the classes"), "{said}");
    let said = refused(&given, Task::Regression, 3);
    assert!(said.contains("must be numbers of shape [n, 3] for task = \"regression\""), "{said}");
    let said = refused(&given, Task::MultiLabel, 2);
    assert!(said.contains("image 2 of x: column 0, counted from 0, is 0.5, it must be 0 or 1"), "{said}");
    for (wrong, name) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf")] {
        let mut values = [1.0; 12];
        values[7] = wrong;
        let given = npz(&[("x", &images(6)), ("y", &npy("<f4", "(6, 2)", &floats(&values)))]);
        let said = refused(&given, Task::Regression, 2);
        assert!(said.contains(&format!("y has {name} at row 3, column 1, both counted from 0")), "{said}");
    }
}

#[test]
fn images_without_targets() {
    let given = npz(&[("x", &images(10))]);
    let dataset = load(&given, Task::Reconstruction, 6).unwrap();
    assert_eq!((dataset.train.len(), dataset.test.len()), (8, 2));
    let kinds = npy("|u1", "(4,)", &[0, 1, 1, 0]);
    let given = npz(&[("x_train", &images(10)), ("x_test", &images(4)), ("y_test", &kinds)]);
    let dataset = load(&given, Task::Reconstruction, 6).unwrap();
    assert_eq!((dataset.train.len(), dataset.test.targets.bytes()), (10, &[0, 1, 1, 0][..]));
    let given = npz(&[("x_train", &images(4)), ("y_train", &kinds), ("x_test", &images(4))]);
    let said = refused(&given, Task::Reconstruction, 6);
    assert!(said.contains("2 images of the training part are abnormal"), "{said}");
}

/// A trained network is measured by the names of its outputs, in whatever order a file has them.
#[test]
fn columns_are_found_by_name() {
    let config = |given: &Given| DatasetConfig { task: Task::Regression, ..DatasetConfig::new(&given.path) };
    let known = ["height", "width"].map(String::from);
    let measured = |text: &str| {
        let given = Given::file("d.csv", text.as_bytes());
        let network = Reader { inputs: &DIGIT.into(), output: 2.into(), labels: &known, samples: &[&[]] };
        let found = measure(&config(&given), network, &mut ()).map(|found| found.images.targets);
        found.map_err(|error| error.to_string())
    };
    let rows = "0,1,2,3,4,5,10,20\n5,4,3,2,1,0,30,40\n";
    assert_eq!(
        measured(&format!("a,b,c,d,e,f,height,width\n{rows}")).unwrap().values(),
        [10.0, 20.0, 30.0, 40.0]
    );
    assert_eq!(
        measured(&format!("a,b,c,d,e,f,width,height\n{rows}")).unwrap().values(),
        [20.0, 10.0, 40.0, 30.0]
    );
    // Without a header, or with other names, by their places.
    assert_eq!(measured(rows).unwrap().values(), [10.0, 20.0, 30.0, 40.0]);
    assert_eq!(measured(&format!("a,b,c,d,e,f,y1,y2\n{rows}")).unwrap().values(), [10.0, 20.0, 30.0, 40.0]);
    let said = measured(&format!("a,b,c,d,e,f,width,depth\n{rows}")).unwrap_err();
    assert!(said.contains("has the targets width, depth, but the outputs of the model are called"), "{said}");
}
