//! `cargo mixq import` as a command.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

fn model(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/models").join(name)
}

fn mixq(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-mixq"));
    command.arg("mixq").args(arguments).current_dir(folder).env_remove("LIBTORCH").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Whether the command was content, what it printed, and its JSON.
fn import(arguments: &[&str]) -> (bool, String, Value) {
    let folder = TempDir::new().unwrap();
    let output = mixq(folder.path(), &[&["import", "--json"], arguments].concat());
    let printed = text(&output.stdout);
    let last = printed.lines().last().unwrap_or_else(|| panic!("{}", text(&output.stderr)));
    (output.status.success(), printed.clone(), serde_json::from_str(last).unwrap())
}

#[test]
fn a_network_is_described_and_compared_with_its_engine() {
    let (file, golden) = (model("digits_torch.onnx"), model("golden/digits_torch.onnx.npz"));
    let arguments = [file.to_str().unwrap(), "--layers", "--run", golden.to_str().unwrap()];
    let (well, printed, json) = import(&arguments);
    assert!(well, "{printed}");
    for (key, value) in [
        ("format", json!("onnx")),
        ("supported", json!(true)),
        ("unsupported", json!([])),
        ("quantised", json!(false)),
        ("inputs", json!([{ "name": "image", "shape": [1, 1, 8, 8] }])),
        ("outputs", json!([{ "name": "probabilities", "shape": [1, 10] }])),
        ("left", json!(["Softmax"])),
        // Of its convolutions and its linear layer, by hand.
        ("macs", json!(64 * 9 * 8 + 16 * 9 * 8 + 16 * 8 * 24 + 96 * 10)),
        ("samples", json!(20)),
        ("same_argmax", json!(1.0)),
    ] {
        assert_eq!(json[key], value, "{key}");
    }
    assert!(json["max_difference"].as_f64().unwrap() < 1e-5, "{json}");
    assert!(printed.contains("left to the firmware: Softmax"), "{printed}");
    assert!(printed.contains(" 0/Conv "), "{printed}");
    assert!(printed.contains("the same largest output for 100.0 %"), "{printed}");
}

#[test]
fn a_written_list_is_the_same_network() {
    let folder = TempDir::new().unwrap();
    let file = model("digits_torch.onnx");
    let file = file.to_str().unwrap();
    let output = mixq(folder.path(), &["import", file, "--write", "net.toml"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let list = std::fs::read_to_string(folder.path().join("net.toml")).unwrap();
    assert!(list.starts_with("# The file does not say how pixels were changed"), "{list}");
    let allocate = |network: &str| -> Value {
        let budget = ["--flash", "2 KiB", "--ram", "1 KiB"];
        let output = mixq(folder.path(), &[&["allocate", network, "--json"], &budget[..]].concat());
        let mut json: Value = serde_json::from_str(text(&output.stdout).lines().last().unwrap()).unwrap();
        json["network"] = Value::Null;
        json
    };
    assert_eq!(allocate("net.toml"), allocate(file));
    assert_eq!(allocate(file)["fits"], json!(true));
}

#[test]
fn all_that_is_not_supported_is_said_at_once() {
    let folder = TempDir::new().unwrap();
    // Two operators get names that do not exist; the length of the names stays.
    let mut bytes = std::fs::read(model("opt-mnist.onnx")).unwrap();
    for at in 0..bytes.len() - 7 {
        if &bytes[at..at + 7] == b"MaxPool" {
            bytes[at..at + 7].copy_from_slice(b"OddPool");
        }
    }
    let path = folder.path().join("odd.onnx");
    std::fs::write(&path, &bytes).unwrap();
    let (well, _, json) = import(&[path.to_str().unwrap()]);
    assert!(!well);
    assert_eq!(json["supported"], json!(false));
    let unsupported = json["unsupported"].as_array().unwrap();
    assert_eq!(unsupported.len(), 2, "{json}");
    for found in unsupported {
        assert_eq!(found["operator"], json!("OddPool"));
        assert!(found["what"].as_str().unwrap().contains("(OddPool)"), "{json}");
        assert!(!found["help"].as_str().unwrap().is_empty());
    }
    std::fs::write(&path, &bytes[..1000]).unwrap();
    let (well, _, json) = import(&[path.to_str().unwrap()]);
    assert!(!well);
    assert_eq!((&json["supported"], &json["unsupported"]), (&json!(false), &json!([])));
    assert!(json["errors"][0].as_str().unwrap().contains("is not a whole ONNX file"), "{json}");
}

#[test]
fn arrays_of_another_network_are_refused() {
    let folder = TempDir::new().unwrap();
    let (file, other) = (model("digits_torch.onnx"), model("golden/hello_world_float.tflite.npz"));
    let run = |npz: &Path| -> String {
        let arguments = ["import", file.to_str().unwrap(), "--run", npz.to_str().unwrap()];
        let output = mixq(folder.path(), &arguments);
        assert!(!output.status.success());
        text(&output.stderr)
    };
    assert!(run(&other).contains("`in0` has 1 values, and the network reads 64"), "{}", run(&other));
    assert!(run(Path::new("no.npz")).contains("no.npz"));
}
