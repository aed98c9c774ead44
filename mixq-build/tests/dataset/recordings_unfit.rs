//! Recordings that do not fit the network or the task: what is said, and where.

use mixq_build::engine::config::{DatasetConfig, InputConfig, RecordingConfig};
use mixq_build::engine::dataset::Dataset;
use mixq_format::Task;

use crate::given::Given;
use crate::recordings::{cases, load_as, windows};
use crate::samples::SERIES;
use crate::written::*;

/// Each file by its name, with what its columns are called.
#[test]
fn files_whose_columns_do_not_fit_are_named() {
    let text = "t,x,count\n".to_string() + &"0,1,2\n".repeat(9);
    let files: Vec<(String, Vec<u8>)> = ["a/1.csv", "a/2.csv", "b/1.csv", "b/2.csv"]
        .iter()
        .map(|name| (name.to_string(), text.clone().into_bytes()))
        .collect();
    let said = load_as(&Given::file("d.zip", &zip(&files)), SERIES, windows(5, 5)).unwrap_err();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 4, "{said}");
    for (line, (name, _)) in lines.iter().zip(&files) {
        let expected =
            format!("ROOT: {name} has 3 columns of samples (t, x, count), but the network's input");
        assert!(line.starts_with(&expected), "{line}");
    }
}

/// The target of a window is that of its last row, which is the one that a message names.
#[test]
fn targets_of_windows_are_named_by_their_rows() {
    let load = |given: &Given, recordings: RecordingConfig| {
        let input = Some(InputConfig::default());
        let config =
            DatasetConfig { recordings, input, task: Task::Regression, ..DatasetConfig::new(&given.path) };
        let error = Dataset::load(&config, SERIES, 1, &mut ()).unwrap_err().to_string();
        error.replace(&given.path.display().to_string(), "ROOT")
    };
    let mut text = "x,count,height\n".to_string();
    for row in 2..42 {
        // The windows end in rows 6, 11, 16, ...; what other rows have as target is not used.
        let height = if [8, 16, 31].contains(&row) { "nan".to_string() } else { format!("{row}.5") };
        text += &format!("{row},{},{height}\n", row % 7);
    }
    let said = load(&Given::file("d.csv", text.as_bytes()), windows(5, 5));
    let wrong = "column 3 (height): target `nan` is not a finite number";
    assert_eq!(said, format!("ROOT row 16: {wrong}\nROOT row 31: {wrong}"));
    let names = cases(8, 0);
    let said = load(&Given::file("d_TRAIN.ts", names.as_bytes()), RecordingConfig::default());
    let first = 1 + names.lines().position(|line| line.eq_ignore_ascii_case("@data")).unwrap() + 1;
    assert!(
        said.starts_with(&format!("ROOT: d_TRAIN.ts line {first}: column 1: target `up` is not")),
        "{said}"
    );
}

/// Quantities are no classes, and a column that is missing is one that `labels` or `targets` names.
#[test]
fn labels_that_are_no_classes_say_what_they_are_for() {
    let quantities = cases(8, 0).replace(":up", ":-1.5").replace(":down", ":0.25");
    let more = quantities.lines().last().unwrap().replace(":0.25", ":2.75");
    let given = Given::file("d.ts", format!("{quantities}{more}\n").as_bytes());
    let said = load_as(&given, SERIES, RecordingConfig::default()).unwrap_err();
    assert!(said.starts_with("ROOT has 3 classes (-1.5, 0.25, 2.75), but the network has 2; "), "{said}");
    assert!(said.contains("quantities are for task = \"regression\""), "{said}");
    let given = Given::file("d.csv", b"x,count,kind\n1,2,a\n");
    let config = DatasetConfig {
        targets: Some(vec!["class".to_string()]),
        input: Some(InputConfig::default()),
        ..DatasetConfig::new(&given.path)
    };
    let said = Dataset::load(&config, SERIES, 2, &mut ()).unwrap_err().to_string();
    assert!(said.contains("no column has the name `class`, as `labels` or `targets` says"), "{said}");
}

/// Sounds of a machine in folders: only normal ones are learned from.
#[test]
fn classes_of_a_reconstruction_are_called_normal_and_abnormal() {
    let load = |name: &str| {
        let text = |value: usize| format!("x,count\n{}", format!("{value},3\n").repeat(5));
        let of = |class: &str, number: usize| (format!("{class}/{number}.csv"), text(number).into_bytes());
        let files = (0..8).map(|number| of("normal", number)).chain((8..11).map(|number| of(name, number)));
        let given = Given::folder(&files.collect());
        let input = Some(InputConfig::default());
        let task = Task::Reconstruction;
        let config =
            DatasetConfig { recordings: windows(5, 5), input, task, ..DatasetConfig::new(&given.path) };
        Dataset::load(&config, SERIES, 10, &mut ()).map_err(|error| error.to_string())
    };
    let dataset = load("abnormal").unwrap();
    assert!(dataset.train.targets.bytes().iter().all(|kind| *kind == 0));
    assert_eq!(dataset.test.targets.bytes().iter().filter(|kind| **kind == 1).count(), 3);
    assert_eq!(dataset.train.len() + dataset.test.len(), 11);
    assert!(dataset.test.len() > 3, "normal ones are measured, too");
    let said = load("broken").unwrap_err();
    assert!(said.contains("says a class for each image (broken, normal)"), "{said}");
    assert!(said.contains("recordings may have the classes `normal` and `abnormal`"), "{said}");
}
