//! Files that are damaged, cut off or absurd: refused with a message, never a panic.

use std::path::{Path, PathBuf};

use mixq_build::engine::error::Error;
use mixq_build::engine::import::foreign;

const FILES: [&str; 4] =
    ["opt-mnist.onnx", "mnist-8_cntk.onnx", "mnist_resnet_q.tflite", "hello_world_int8.tflite"];

fn file(name: &str) -> (PathBuf, Vec<u8>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/models").join(name);
    let bytes = std::fs::read(&path).unwrap();
    (path, bytes)
}

/// What is said of a content; `None` if it is accepted, and then it can be executed.
fn refused(path: &Path, bytes: &[u8]) -> Option<String> {
    match foreign::parse(path, bytes) {
        Ok(foreign) => {
            let elements = foreign.lowered.inputs[0].dims.iter().product();
            if foreign.macs() < 1 << 22 {
                foreign.execute(&vec![0.5; elements]);
            }
            None
        }
        Err(refused) => {
            let error = Error::from(refused);
            assert!(!error.problems.is_empty());
            assert!(error.problems.iter().all(|problem| problem.help.is_some()), "{error}");
            Some(error.to_string())
        }
    }
}

#[test]
fn files_that_are_cut_off_are_refused() {
    for name in FILES {
        let (path, bytes) = file(name);
        assert_eq!(refused(&path, &bytes), None, "{name}");
        // Every length of the first bytes, then steps.
        let lengths = (0..200).chain((200..bytes.len()).step_by(bytes.len() / 60));
        for length in lengths {
            let said = refused(&path, &bytes[..length]);
            assert!(said.is_some(), "{name}: {length} of {} bytes are accepted", bytes.len());
        }
    }
}

#[test]
fn files_with_other_bytes_never_panic() {
    let mut random = fastrand::Rng::with_seed(7);
    for name in FILES {
        let (path, bytes) = file(name);
        for _ in 0..300 {
            let mut changed = bytes.clone();
            for _ in 0..random.usize(1..4) {
                let at = random.usize(..changed.len());
                changed[at] = random.u8(..);
            }
            refused(&path, &changed);
        }
    }
}

#[test]
fn what_is_not_such_a_file_says_so() {
    let (_, onnx) = file("opt-mnist.onnx");
    let (_, tflite) = file("hello_world_int8.tflite");
    for (name, bytes, said) in [
        ("net.tflite", &onnx[..], "is not a TFLite file"),
        ("net.onnx", &tflite[..], "is not a whole ONNX file"),
        ("net.onnx", b"", "is not a whole ONNX file"),
        ("net.tflite", b"", "is not a TFLite file"),
        ("net.onnx", b"PK\x03\x04 an archive", "is not a whole ONNX file"),
        ("net.pt", &onnx[..], "is not a network that mixq reads"),
    ] {
        let found = refused(Path::new(name), bytes).unwrap();
        assert!(found.contains(said), "{name}: {found}");
    }
    let missing = Error::from(foreign::read(Path::new("no/such.onnx")).unwrap_err()).to_string();
    assert!(missing.contains("no/such.onnx"), "{missing}");
}
