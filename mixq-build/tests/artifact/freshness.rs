//! Which change of which input makes an artifact stale, and what is said about it.

use mixq_build::engine::artifact::{Change, State};
use mixq_build::engine::config::Training;
use mixq_tests::package::{Package, images};

use crate::state;

fn changes(package: &Package) -> Vec<Change> {
    match state(package) {
        State::Fresh(_) => Vec::new(),
        State::Stale(_, changes) => changes,
        other => panic!("{other:?}"),
    }
}

/// The inputs that `change` changes, and what is said about it.
fn said(change: impl Fn(&Package)) -> (Vec<String>, Option<String>) {
    let package = Package::new();
    package.write_fresh_artifact();
    assert_eq!(state(&package).reason(), None);
    change(&package);
    let reason = state(&package).reason();
    (changes(&package).into_iter().map(|change| change.input).collect(), reason)
}

#[test]
fn each_input_is_named_when_it_changes() {
    let cases: [(&str, &str, &str, &str, &str); 14] = [
        ("Cargo.toml", "flash = \"48 KiB\"", "flash = \"47 KiB\"", "budget.flash", " was 49152, is 48128"),
        ("Cargo.toml", "ram = \"6 KiB\"", "ram = \"5 KiB\"", "budget.ram", " was 6144, is 5120"),
        ("Cargo.toml", "\"per-channel\"", "\"per-layer\"", "scheme", " was per-channel, is per-layer"),
        ("Cargo.toml", "training = {}", "policy = \"sensitivity\"", "policy", " was rules, is sensitivity"),
        ("Cargo.toml", "training = {}", "delta = 0.1", "delta", " was 50000, is 100000"),
        ("Cargo.toml", "test = 4", "test = 5", "dataset.test", " was 4, is 5"),
        ("Cargo.toml", "test = 4", "test = 0.25", "dataset.test", " was 4, is 0.25"),
        ("Cargo.toml", "test = 4", "test = 4, max = 254", "dataset.max", " was 255, is 254"),
        // What is not the default is new.
        ("Cargo.toml", "test = 4", "test = 4, resize = true", "dataset.resize", " has changed"),
        ("Cargo.toml", "test = 4", "test = 4, tolerate = 0.5", "dataset.tolerate", " has changed"),
        (
            "Cargo.toml",
            "test = 4",
            "test = 4, labels = [\"up\", \"down\"]",
            "dataset.labels",
            " was numbers, is [\"up\",\"down\"]",
        ),
        (
            "Cargo.toml",
            "test = 4",
            "test = 4, shape = [4, 4, 1]",
            "dataset.shape",
            " was the network's, is 4x4x1",
        ),
        ("net.toml", "filters = 3", "filters = 4", "network", " has changed"),
        ("images.csv", "150,", "151,", "dataset", " has changed"),
    ];
    for (file, from, to, input, what) in cases {
        let (inputs, reason) = said(|package| package.replace(file, from, to));
        assert_eq!(inputs, [input], "{to}");
        assert_eq!(reason, Some(format!("is stale: `{input}`{what}")));
    }
}

#[test]
fn each_setting_of_the_training_is_named_when_it_changes() {
    let epochs = Some(Training::default().epochs(false));
    let settings = Training { epochs, ..Training::default() };
    let serde_json::Value::Object(settings) = serde_json::to_value(settings).unwrap() else {
        panic!("settings have names")
    };
    assert!(settings.len() >= 15);
    for (name, value) in settings {
        let (was, now) = match value {
            serde_json::Value::Bool(value) => (value.to_string(), (!value).to_string()),
            serde_json::Value::String(value) => {
                let other = match name.as_str() {
                    "rounding" => "floor",
                    "optimiser" => "sgd",
                    "bounds" => "six",
                    "device" => "cpu",
                    _ => panic!("another value of `{name}` than {value}"),
                };
                (value, other.to_string())
            }
            value if value.is_u64() => (value.to_string(), (value.as_u64().unwrap() + 1).to_string()),
            value => (value.to_string(), (value.as_f64().unwrap() / 2.0 + 0.0625).to_string()),
        };
        let word = now.chars().all(char::is_alphabetic) && now != "true" && now != "false";
        let written = if word { format!("{now:?}") } else { now.clone() };
        let setting = format!("training = {{ {name} = {written} }}");
        let (inputs, reason) = said(|package| package.replace("Cargo.toml", "training = {}", &setting));
        assert_eq!(inputs, [format!("training.{name}")]);
        assert_eq!(reason, Some(format!("is stale: `training.{name}` was {was}, is {now}")));
    }
}

#[test]
fn several_changes_are_all_said() {
    let (inputs, reason) = said(|package| {
        package.replace("Cargo.toml", "6 KiB", "5 KiB");
        package.replace("Cargo.toml", "training = {}", "training = { seed = 2 }");
        package.replace("net.toml", "filters = 3", "filters = 4");
    });
    assert_eq!(inputs, ["budget.ram", "network", "training.seed"]);
    let expected =
        "is stale: `budget.ram` was 6144, is 5120, `network` has changed, `training.seed` was 1, is 2";
    assert_eq!(reason.as_deref(), Some(expected));
}

#[test]
fn what_means_the_same_is_no_change() {
    let windows = |package: &Package, file: &str| {
        let text = std::fs::read_to_string(package.path(file)).unwrap();
        assert!(!text.contains('\r'));
        package.write(file, &text.replace('\n', "\r\n"));
    };
    for file in ["Cargo.toml", "net.toml", "images.csv"] {
        assert_eq!(said(|package| windows(package, file)), (Vec::new(), None), "{file}");
    }
    let same: [fn(&Package); 9] = [
        |package| package.write("images.csv", images(20).trim_end()),
        |package| package.write("images.csv", &format!("\u{feff}{}", images(20))),
        |package| package.replace("Cargo.toml", "[package]", "# a comment\n[package]"),
        |package| package.replace("Cargo.toml", "\"48 KiB\"", "49_152"),
        |package| package.replace("Cargo.toml", "training = {}", "training = { epochs = 60 }"),
        |package| package.replace("net.toml", "op = \"conv\"", "# a comment\nop   = 'conv'"),
        |package| {
            package.replace("net.toml", "kernel = 3", "kernel = [3, 3]\npadding = \"same\"\nstride = 1")
        },
        |package| {
            std::fs::rename(package.path("images.csv"), package.path("other.csv")).unwrap();
            package.replace("Cargo.toml", "images.csv", "other.csv");
        },
        // Firmware is built from the committed artifact, without the images.
        |package| std::fs::remove_file(package.path("images.csv")).unwrap(),
    ];
    for (index, change) in same.into_iter().enumerate() {
        assert_eq!(said(change), (Vec::new(), None), "{index}");
    }
    let (inputs, _) = said(|package| {
        std::fs::remove_file(package.path("images.csv")).unwrap();
        package.replace("Cargo.toml", "test = 4", "test = 4, labels = [\"up\", \"down\"]");
    });
    assert_eq!(inputs, ["dataset.labels"], "what is written about images that are not there");
}
