//! Networks of other tools with images that have no labels, and with none at all.

use std::io::Read;

use mixq_build::engine::config::{DatasetConfig, TestPart};

use super::imported::package;
use super::mistakes::Heard;
use super::*;

const ROOM: [u64; 2] = [48 << 10, 6 << 10];

/// A package whose digits have no labels.
pub fn unlabelled(training: &str) -> Package {
    let package = package(ROOM, training);
    let mut text = String::new();
    let file = std::fs::File::open(package.path("digits.csv.gz")).unwrap();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let without = |line: &str| line.rsplit_once(',').map(|(pixels, _)| format!("{pixels}\n"));
    package.write("pixels.csv", &text.lines().filter_map(without).collect::<String>());
    package.replace("Cargo.toml", "\"digits.csv.gz\"", "\"pixels.csv\"");
    package
}

/// How well a network does on the digits with labels.
fn measured(artifact: &Artifact, package: &Package) -> f64 {
    let config = DatasetConfig {
        test: Some(TestPart::Rows(360)),
        ..DatasetConfig::new(package.path("digits.csv.gz"))
    };
    let (shape, classes) = (artifact.header.input, artifact.header.labels.len());
    let shape = mixq_build::engine::graph::Shape {
        height: shape.height.into(),
        width: shape.width.into(),
        channels: shape.channels.into(),
    };
    let dataset = Dataset::load(&config, shape, classes, &mut ()).unwrap();
    evaluate::score(artifact, &evaluate::logits(artifact, &dataset.test).unwrap(), &dataset.test)
}

/// What the float network scores with labels.
const RIGHT: f64 = 323.0 / 360.0;

#[test]
fn images_without_labels_calibrate_and_teach() {
    for (training, cut) in [("\"none\"", false), ("{ method = \"finetune\", quantised-epochs = 4 }", true)] {
        let package = unlabelled(training);
        if cut {
            package.replace("Cargo.toml", "scheme =", "policy = \"uniform-4\"\nscheme =");
        }
        let mut heard = Heard::default();
        let (artifact, _) = train_with(&package, true, &mut heard).unwrap_or_else(|error| panic!("{error}"));
        let accuracy = artifact.header.accuracy;
        println!("{training}: {accuracy:?}, {}", measured(&artifact, &package));
        assert!(accuracy.agreement && accuracy.test_images == 360, "{accuracy:?}");
        assert_eq!(accuracy.float, 1.0, "the float network agrees with itself");
        assert!(accuracy.integer > 0.95, "{accuracy:?}");
        assert!(measured(&artifact, &package) > RIGHT - 0.03);
        let said = heard.0.iter().find(|warning| warning.contains("no labels")).unwrap();
        assert!(said.ends_with("scores are how far networks agree with it"), "{said}");
        let placed = mixq_build::engine::target::Placed::least(&artifact);
        assert_eq!(report::Report::new(&placed).json()["agreement"], true);
    }
}

/// What is chosen by them needs no labels: the same network comes out.
#[test]
fn labels_change_nothing_where_nothing_is_learned_from_them() {
    let [with, without] = [package(ROOM, "\"none\""), unlabelled("\"none\"")];
    // A share of each class needs classes: a number of images does not.
    let [with, without] = [&with, &without].map(train);
    assert_eq!(with.parameters, without.parameters);
    assert_eq!(with.header.accuracy.float, RIGHT);
    assert!(!with.header.accuracy.agreement && without.header.accuracy.agreement);
}

#[test]
fn from_scratch_labels_are_needed() {
    let package = unlabelled("{ method = \"scratch\", epochs = 1 }");
    let error = train_with(&package, true, &mut ()).unwrap_err().to_string();
    assert!(error.contains("found 64 columns = 63 pixels + label"), "{error}");
    assert!(error.contains("images without labels are for training = \"none\" or \"finetune\""), "{error}");
}

#[test]
fn without_any_data_there_is_a_network_and_no_score() {
    for (policy, lost) in [("uniform-8", 0.03), ("uniform-4", 0.25)] {
        let package = package(ROOM, "\"none\"");
        package.replace("Cargo.toml", "dataset = { path = \"digits.csv.gz\", test = 360 }\n", "");
        package.replace("Cargo.toml", "scheme =", &format!("policy = {policy:?}\nscheme ="));
        let mut heard = Heard::default();
        let (artifact, _) = train_with(&package, true, &mut heard).unwrap_or_else(|error| panic!("{error}"));
        let score = measured(&artifact, &package);
        println!("{policy}: {score}");
        assert!(score > RIGHT - lost, "{policy}: {score}");
        let [said] = &heard.0[..] else { panic!("{:?}", heard.0) };
        assert!(
            said.starts_with("there is no dataset: ranges come from the statistics of its 3 batch norms")
        );
        let json = report::Report::new(&mixq_build::engine::target::Placed::least(&artifact)).json();
        assert_eq!(json["test_images"], 0);
        assert!(json.get("integer_accuracy").is_none(), "{json}");
        let expected = bytes(&package);
        forget(&package);
        train(&package);
        assert!(bytes(&package) == expected, "the same seed gives the same network");
    }
}

#[test]
fn what_needs_data_says_so() {
    let refused = |training: &str, more: &str| {
        let package = package(ROOM, training);
        package.replace("Cargo.toml", "dataset = { path = \"digits.csv.gz\", test = 360 }\n", more);
        match Config::load(&package.path("")) {
            Err(error) => error.to_string(),
            Ok(_) => train_with(&package, true, &mut ()).unwrap_err().to_string(),
        }
    };
    let error = refused("\"finetune\"", "");
    assert!(error.contains("has no `dataset`") && error.contains("needs no labels"), "{error}");
    let error = refused("\"none\"", "policy = \"sensitivity\"\n");
    assert!(error.contains("measures on data what bits cost"), "{error}");
    let error = refused("\"none\"", "task = \"multi-label\"\n");
    assert!(error.contains("thresholds of task = \"multi-label\" are chosen on data"), "{error}");
}
