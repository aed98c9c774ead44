//! `cargo mixq eval --dataset`: a trained model on other data, as a command.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image::{GrayImage, ImageFormat};
use mixq_build::engine::artifact;
use mixq_format::Artifact;
use mixq_tests::package::{Package, images};
use serde_json::Value;

/// A package whose artifact knows the classes `up` and `down`, in this order.
fn package() -> (Package, Artifact) {
    let package = Package::new();
    std::fs::create_dir(package.path("src")).unwrap();
    package.write("src/lib.rs", "");
    let mut artifact = package.write_fresh_artifact();
    artifact.header.labels = ["up", "down"].map(String::from).to_vec();
    artifact::write(&package.artifact(), &artifact).unwrap();
    (package, artifact)
}

/// `cargo mixq eval` in the package's folder.
fn eval(package: &Package, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-mixq"));
    command.args(["mixq", "eval", "--json"]).args(arguments).current_dir(package.path(""));
    command.env_remove("MIXQ_DATA").output().unwrap()
}

fn json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap_or_else(|_| panic!("{output:?}"))
}

/// What is said, by a command that fails as it should.
fn refused(package: &Package, arguments: &[&str]) -> String {
    let output = eval(package, arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    json(&output)["errors"][0].as_str().unwrap().to_string()
}

/// Labels and logits of the images in `dataset`, and the answer.
fn measured(package: &Package, dataset: &str) -> (Vec<Vec<i32>>, Value) {
    let output = eval(package, &["--dataset", dataset, "--logits", "logits.csv"]);
    assert!(output.status.success(), "{output:?}");
    let text = std::fs::read_to_string(package.path("logits.csv")).unwrap();
    let lines = text.lines().map(|line| line.split(',').map(|value| value.parse().unwrap()).collect());
    (lines.collect(), json(&output))
}

/// Pixels and label of each image of a CSV file.
fn rows(csv: &str) -> Vec<(Vec<u8>, u8)> {
    let row = |line: &str| {
        let mut values: Vec<u8> = line.split(',').map(|value| value.parse().unwrap()).collect();
        let label = values.pop().unwrap();
        (values, label)
    };
    csv.lines().map(row).collect()
}

/// What the runtime says of one image.
fn run(artifact: &Artifact, pixels: &[u8]) -> Vec<i32> {
    let layers = artifact.layers();
    let network = artifact.network(&layers);
    let mut arena = vec![0; network.arena_bytes as usize];
    arena[network.input.range()].copy_from_slice(pixels);
    mixq_rt::run(&network, &mut arena);
    arena[network.output.range()].as_chunks().0.iter().map(|bytes| i32::from_ne_bytes(*bytes)).collect()
}

fn write(path: PathBuf, contents: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, contents).unwrap();
}

/// Images in a folder for each of these classes.
fn write_folders(folder: &Path, images: &[(Vec<u8>, u8)], classes: [&str; 2]) {
    for (number, (pixels, label)) in images.iter().enumerate() {
        let class = classes[usize::from(*label)];
        let path = folder.join(class).join(format!("{number:03}.png"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let image = GrayImage::from_raw(4, 4, pixels.clone()).unwrap();
        image.save_with_format(path, ImageFormat::Png).unwrap();
    }
}

fn write_idx(folder: &Path, part: &str, images: &[(Vec<u8>, u8)]) {
    let idx = |sizes: &[u32], elements: Vec<u8>| -> Vec<u8> {
        let numbers = sizes.iter().flat_map(|size| size.to_be_bytes());
        [0, 0, 8, sizes.len() as u8].into_iter().chain(numbers).chain(elements).collect()
    };
    let count = images.len() as u32;
    let pixels = images.iter().flat_map(|(pixels, _)| pixels.clone()).collect();
    let labels = images.iter().map(|(_, label)| *label).collect();
    write(folder.join(format!("{part}-images-idx3-ubyte")), &idx(&[count, 4, 4], pixels));
    write(folder.join(format!("{part}-labels-idx1-ubyte")), &idx(&[count], labels));
}

#[test]
fn a_model_is_measured_on_other_data_whatever_became_of_its_own() {
    let (package, artifact) = package();
    let other = images(26).lines().skip(20).map(|line| format!("{line}\n")).collect::<String>();
    package.write("field.csv", &other);
    // Its data are gone, its network is another, and its budget has changed.
    std::fs::remove_file(package.path("images.csv")).unwrap();
    package.replace("net.toml", "input = [4, 4, 1]", "input = [5, 5, 1]");
    package.replace("Cargo.toml", "48 KiB", "47 KiB");
    let said = refused(&package, &[]);
    assert!(said.contains("is stale"), "{said}");
    assert!(said.contains("or measure it as it is on other images with --dataset"), "{said}");

    let (lines, answer) = measured(&package, "field.csv");
    let expected: Vec<Vec<i32>> = rows(&other)
        .iter()
        .map(|(pixels, label)| [vec![i32::from(*label)], run(&artifact, pixels)].concat())
        .collect();
    assert_eq!(lines, expected, "all images, in the order of the file");
    let right = expected.iter().filter(|line| usize::from(line[2] > line[1]) == line[0] as usize).count();
    assert_eq!(answer["integer_accuracy"], right as f64 / 6.0);
    assert_eq!((&answer["dataset"], &answer["images"]), (&Value::from("field.csv"), &Value::from(6)));
    assert_eq!((&answer["test_images"], &answer["model"]), (&Value::from(6), &Value::from("tiny")));
}

#[test]
fn every_kind_measures_the_same_and_a_test_part_alone_where_there_is_one() {
    let (package, _) = package();
    let other = rows(&images(10));
    let csv: String = images(10);
    package.write("other.csv", &csv);
    let (of_csv, _) = measured(&package, "other.csv");
    let sorted = |mut lines: Vec<Vec<i32>>| {
        lines.sort();
        lines
    };
    write_folders(&package.path("folders"), &other, ["up", "down"]);
    assert_eq!(sorted(measured(&package, "folders").0), sorted(of_csv.clone()));
    write_idx(&package.path("idx"), "t10k", &other);
    assert_eq!(measured(&package, "idx").0, of_csv, "the files to train with may be missing");

    let strange = rows(&images(30))[20..].to_vec();
    write_idx(&package.path("idx"), "train", &strange);
    assert_eq!(measured(&package, "idx").0, of_csv);
    write_folders(&package.path("parts/train"), &strange, ["up", "down"]);
    write_folders(&package.path("parts/test"), &other, ["up", "down"]);
    let (lines, answer) = measured(&package, "parts");
    assert_eq!((sorted(lines), &answer["images"]), (sorted(of_csv), &Value::from(10)));
    let output = eval(&package, &["--dataset", "parts"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains(" on 10 images of the test part of parts, in "), "{text}");
}

#[test]
fn classes_are_found_by_their_names_and_some_may_be_absent() {
    let (package, artifact) = package();
    let other = rows(&images(6));
    // In the order of names `down` comes first, in the network `up`.
    write_folders(&package.path("both"), &other, ["up", "down"]);
    let (lines, _) = measured(&package, "both");
    let of = |label: u8| other.iter().filter(move |(_, found)| *found == label);
    let expected: Vec<Vec<i32>> = of(1)
        .chain(of(0))
        .map(|(pixels, label)| [vec![i32::from(*label)], run(&artifact, pixels)].concat())
        .collect();
    assert_eq!(lines, expected);

    write_folders(&package.path("one"), &of(1).cloned().collect::<Vec<_>>(), ["up", "down"]);
    let (lines, answer) = measured(&package, "one");
    assert_eq!((lines, &answer["images"]), (expected[..3].to_vec(), &Value::from(3)));
    let output = eval(&package, &["--dataset", "one"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("warning: one has no images of up"), "{text}");
}

#[test]
fn classes_that_the_model_does_not_know_are_refused_with_both_lists() {
    let (package, _) = package();
    write_folders(&package.path("other"), &rows(&images(6)), ["up", "left"]);
    let expected = "other has classes that the model does not know: `left`; the dataset has left, up, the \
                    model up, down; call the classes what the model calls them, in any order";
    assert_eq!(refused(&package, &["--dataset", "other"]), expected);
    package.write("other.csv", &images(6).replace(",1\n", ",2\n"));
    let said = refused(&package, &["--dataset", "other.csv"]);
    assert!(said.contains("other.csv row 2: label 2 is out of range"), "{said}");
}

#[test]
fn images_of_another_shape_and_values_over_the_largest_are_errors() {
    let (package, _) = package();
    package.write("wide.csv", &images(6).lines().map(|line| format!("1,{line}\n")).collect::<String>());
    let said = refused(&package, &["--dataset", "wide.csv"]);
    assert!(said.contains("17 pixels + label, but the network wants images of 4x4x1 = 16 pixels"), "{said}");
    // The options of the model's dataset hold, but for its test part.
    package.replace("Cargo.toml", "test = 4", "test = 4, max = 100");
    package.write("bright.csv", &images(6));
    let said = refused(&package, &["--dataset", "bright.csv"]);
    assert!(said.contains("bright.csv row 1: column 1: pixel 150 is over 100"), "{said}");
    let said = refused(&package, &["--dataset", "nowhere.csv"]);
    assert!(said.starts_with("there is no dataset at nowhere.csv"), "{said}");
    package.write("empty.csv", "");
    assert!(refused(&package, &["--dataset", "empty.csv"]).contains("empty.csv has no images"), "no images");
    std::fs::remove_file(package.artifact()).unwrap();
    let said = refused(&package, &["--dataset", "bright.csv"]);
    assert!(said.ends_with("tiny.mixq is not there; run `cargo mixq retrain`"), "{said}");
}

#[test]
fn a_path_may_begin_with_the_folder_of_datasets() {
    let (package, _) = package();
    std::fs::create_dir(package.path("shared")).unwrap();
    package.write("shared/other.csv", &images(6));
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-mixq"));
    command.args(["mixq", "eval", "--json", "--dataset", "$MIXQ_DATA/other.csv"]);
    let output =
        command.current_dir(package.path("")).env("MIXQ_DATA", package.path("shared")).output().unwrap();
    assert_eq!(json(&output)["images"], 6, "{output:?}");
}
