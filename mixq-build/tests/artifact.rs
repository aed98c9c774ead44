//! Artifacts: which change of which input makes them stale, what is wrong with a file, and what writing
//! leaves behind.

use std::path::Path;

use mixq_build::engine::artifact::{self, Change, State};
use mixq_build::engine::config::Training;
use mixq_build::engine::dataset::Split;
use mixq_build::engine::evaluate;
use mixq_build::engine::prepare::Prepared;
use mixq_format::{Artifact, FORMAT_VERSION, ReadError};
use mixq_tests::package::{MODEL, Package, images};

fn state(package: &Package) -> State {
    let config = package.config();
    let prepared = Prepared::new(&config.models[0], None).unwrap_or_else(|error| panic!("{error}"));
    prepared.state(&package.artifact()).unwrap()
}

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
    let serde_json::Value::Object(settings) = serde_json::to_value(Training::default()).unwrap() else {
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

#[test]
fn a_file_that_cannot_be_used_says_why() {
    let package = Package::new();
    assert_eq!(state(&package), State::Missing);
    assert_eq!(state(&package).reason().as_deref(), Some("is not there"));
    package.write_fresh_artifact();
    let path = package.artifact();
    let good = std::fs::read(&path).unwrap();
    let check = |bytes: &[u8], expected: ReadError, reason: &str| {
        std::fs::write(&path, bytes).unwrap();
        let found = state(&package);
        assert_eq!(found.reason(), Some(format!("cannot be used: {reason}")));
        assert_eq!(found, State::Damaged(expected));
    };
    let length = good.len() as u64;
    for bytes in [17, 100, good.len() - 1] {
        let reason = format!("it is truncated: {bytes} bytes of {length}");
        check(&good[..bytes], ReadError::Length { expected: length, found: bytes as u64 }, &reason);
    }
    let no_mixq = "this is no .mixq file: it does not begin with \"MIXQ\"";
    check(b"", ReadError::NotMixq, no_mixq);
    check(b"<html>", ReadError::NotMixq, no_mixq);
    let longer = [&good[..], b"\n"].concat();
    let reason = format!("it has {} bytes, 1 too many", length + 1);
    check(&longer, ReadError::Length { expected: length, found: length + 1 }, &reason);
    for at in [16, good.len() / 2, good.len() - 1] {
        let mut damaged = good.clone();
        damaged[at] ^= 4;
        check(&damaged, ReadError::Checksum, "its checksum does not match: the file is damaged");
    }
    let mut newer = good.clone();
    newer[4] += 1;
    let found = FORMAT_VERSION + 1;
    let reason = format!("it has format version {found}, this mixq reads version {FORMAT_VERSION}");
    check(&newer, ReadError::Version { found }, &reason);

    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let config = package.config();
    let prepared = Prepared::new(&config.models[0], None).unwrap();
    let problem = artifact::state(&path, &prepared.fingerprint).unwrap_err();
    assert!(problem.message.starts_with(&format!("cannot read {}: ", path.display())), "{problem}");
}

/// The network of another package, with the fingerprint of the first: as only an edited file has it.
fn other_network(change: impl Fn(&Package)) -> State {
    let (package, other) = (Package::new(), Package::new());
    let own = package.write_fresh_artifact();
    change(&other);
    let mut artifact = other.write_fresh_artifact();
    artifact.header.fingerprint = own.header.fingerprint;
    artifact::write(&package.artifact(), &artifact).unwrap();
    state(&package)
}

#[test]
fn another_network_is_not_fresh_whatever_its_fingerprint_says() {
    let network =
        |from: &'static str, to: &'static str| move |package: &Package| package.replace("net.toml", from, to);
    let wider = |package: &Package| {
        package.replace("net.toml", "[4, 4, 1]", "[4, 5, 1]");
        std::fs::remove_file(package.path("images.csv")).unwrap();
    };
    let settings = |from: &'static str, to: &'static str| {
        move |package: &Package| package.replace("Cargo.toml", from, to)
    };
    let kernel = "layer `conv1` is not a conv 3x3 as in the network";
    // 3 kernels of 9 weights, and 48 inputs of 2 outputs; 1x1: 3 and 96.
    let cases: [(State, &str); 9] = [
        (other_network(wider), "it takes images of 4x5x1, the network 4x4x1"),
        (other_network(network("features = 2", "features = 3")), "it has 3 classes, the network 2"),
        (other_network(network("kernel = 3", "kernel = 1")), kernel),
        (
            other_network(network("kernel = 3", "kernel = 3\nstride = 2")),
            "layer `conv1` has another stride or padding than in the network",
        ),
        (
            other_network(network("filters = 3", "filters = 4")),
            "layer `conv1` has 576 multiplications, in the network 432, layer `conv1` has a tensor of 4x4x4, \
             in the network 4x4x3",
        ),
        (
            other_network(network(
                "op = \"linear\"",
                "op = \"max_pool\"\nkernel = 1\n\n[[layer]]\nop = \"linear\"",
            )),
            "it has 3 layers, the network 2",
        ),
        (
            other_network(network("op = \"linear\"", "op = \"linear\"\nname = \"last\"")),
            "layer `last` is called `linear1` in the network",
        ),
        (
            other_network(settings("training = {}", "policy = \"uniform-2\"")),
            "layer `conv1` has a tensor of 2 bits, by the budget 8",
        ),
        (
            other_network(settings("ram = \"6 KiB\"", "ram = \"5 KiB\"")),
            "it was made for 5120 B of RAM, which is not what its fingerprint says",
        ),
    ];
    for (found, expected) in cases {
        let reason = found.reason().unwrap();
        let start = "is not the network that Cargo.toml describes, although its fingerprint says so: ";
        assert!(reason.starts_with(&format!("{start}{expected}")), "{reason}");
        assert!(matches!(found, State::Other(..)));
    }
}

/// With losses that training has found, the bits are those of the artifact; all else must agree.
#[test]
fn bits_that_training_has_chosen_are_taken_as_they_are() {
    let package = Package::new();
    package.replace("Cargo.toml", "training = {}", "policy = \"sensitivity\"");
    let fresh = package.write_fresh_artifact();
    assert_eq!(state(&package), State::Fresh(Box::new(fresh.clone())));
    let other = Package::new();
    other.replace("Cargo.toml", "training = {}", "policy = \"uniform-4\"");
    let mut narrow = other.write_fresh_artifact();
    narrow.header.fingerprint = fresh.header.fingerprint;
    artifact::write(&package.artifact(), &narrow).unwrap();
    assert_eq!(state(&package), State::Fresh(Box::new(narrow.clone())));
    narrow.header.arena_bytes += 4;
    artifact::write(&package.artifact(), &narrow).unwrap();
    let reason = state(&package).reason().unwrap();
    assert!(reason.contains("B of RAM, by the plan "), "{reason}");
}

#[test]
fn names_of_classes_must_be_those_of_the_manifest() {
    let package = Package::new();
    package.replace("Cargo.toml", "test = 4", "test = 4, labels = [\"up\", \"down\"]");
    let mut artifact = package.write_fresh_artifact();
    let reason = state(&package).reason().unwrap();
    assert!(reason.ends_with(": its classes are called 0, 1, in Cargo.toml up, down"), "{reason}");
    artifact.header.labels = vec!["up".to_string(), "down".to_string()];
    artifact::write(&package.artifact(), &artifact).unwrap();
    assert_eq!(state(&package).reason(), None);
}

#[test]
fn images_of_another_size_are_an_error_not_a_panic() {
    let artifact = Package::new().write_fresh_artifact();
    let split = |elements: usize| Split { pixels: vec![1; 2 * elements].into(), targets: vec![0, 1].into() };
    assert_eq!(evaluate::logits(&artifact, &split(16)).unwrap().len(), 4);
    assert_eq!(evaluate::logits(&artifact, &Split::default()).unwrap().len(), 0);
    for elements in [0, 1, 15, 17, 48] {
        let problem = evaluate::logits(&artifact, &split(elements)).unwrap_err();
        let expected = format!(
            "model `tiny` takes images of 4x4x1 = 16 bytes, but 2 images have {} bytes",
            2 * elements
        );
        assert_eq!(problem.message, expected);
    }
}

#[test]
fn what_would_not_be_read_again_is_not_written() {
    let package = Package::new();
    let mut artifact = package.write_fresh_artifact();
    let old = std::fs::read(package.artifact()).unwrap();
    artifact.header.logit_scale = f64::NAN;
    let problem = artifact::write(&package.artifact(), &artifact).unwrap_err();
    assert!(problem.message.ends_with("would not be read as it is written"), "{problem}");
    assert_eq!(std::fs::read(package.artifact()).unwrap(), old);
}

#[test]
fn what_is_written_is_read_to_the_bit() {
    let package = Package::new();
    let artifact = package.write_fresh_artifact();
    assert_eq!(state(&package), State::Fresh(Box::new(artifact.clone())));
    let bytes = std::fs::read(package.artifact()).unwrap();
    assert_eq!(Artifact::from_bytes(&bytes).unwrap().to_bytes(), bytes);
    assert_eq!(artifact::path(&package.path(""), MODEL), package.path("models/tiny.mixq"));
}

#[test]
fn readers_see_the_old_file_or_the_new_one() {
    let package = Package::new();
    let old = package.write_fresh_artifact();
    let mut new = old.clone();
    new.header.accuracy.float = 0.125;
    new.header.labels = vec!["a".repeat(100_000), "b".to_string()];
    let (path, done) = (package.artifact(), std::sync::atomic::AtomicBool::new(false));
    let (old_bytes, new_bytes) = (old.to_bytes(), new.to_bytes());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for turn in 0..60 {
                artifact::write(&path, if turn % 2 == 0 { &new } else { &old }).unwrap();
            }
            done.store(true, std::sync::atomic::Ordering::Release);
        });
        while !done.load(std::sync::atomic::Ordering::Acquire) {
            let found = std::fs::read(&path).expect("there is always a file");
            assert!(found == old_bytes || found == new_bytes, "{} bytes", found.len());
        }
    });
    assert_eq!(files(path.parent().unwrap()), ["tiny.mixq"]);
}

fn files(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| name.into_string().unwrap()).collect()
}

#[test]
fn what_cannot_be_written_leaves_what_was_there() {
    let package = Package::new();
    let artifact = package.write_fresh_artifact();
    let refused = |path: &Path| {
        let problem = artifact::write(path, &artifact).unwrap_err();
        assert!(problem.message.starts_with(&format!("cannot write {}: ", path.display())), "{problem}");
        problem
    };
    // A folder in the file's place: the last step, the renaming, fails.
    let folder = package.path("taken");
    std::fs::create_dir_all(folder.join("a.mixq/inside")).unwrap();
    refused(&folder.join("a.mixq"));
    assert_eq!(files(&folder), ["a.mixq"], "nothing is left behind");
    assert_eq!(files(&folder.join("a.mixq")), ["inside"]);
    // A file in the folder's place: the first step fails.
    package.write("file", "old");
    refused(&package.path("file/a.mixq"));
    assert_eq!(std::fs::read(package.path("file")).unwrap(), b"old");
}

/// Whoever may write everywhere (root) may write here too: then the file must be the new one.
#[cfg(unix)]
#[test]
fn a_read_only_folder_keeps_its_file() {
    use std::os::unix::fs::PermissionsExt;
    let package = Package::new();
    let old = package.write_fresh_artifact();
    let path = package.artifact();
    let folder = path.parent().unwrap();
    let permit = |mode| std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode)).unwrap();
    permit(0o555);
    let mut new = old.clone();
    new.header.accuracy.float = 0.125;
    let result = artifact::write(&path, &new);
    let others = std::fs::write(folder.join("probe"), b"");
    permit(0o755);
    let found = Artifact::from_bytes(&std::fs::read(&path).unwrap()).unwrap();
    match others {
        Ok(()) => assert_eq!((result, found), (Ok(()), new)),
        Err(_) => {
            assert_eq!(found, old);
            assert!(result.unwrap_err().help.unwrap().contains("check the permissions"));
        }
    }
}
