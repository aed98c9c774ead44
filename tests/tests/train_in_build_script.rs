//! A build script with feature `train` and a stale artifact: trains once, and the next build is fresh.
//!
//! Compiles libtorch's bindings once more; `cargo xtask test` sets LIBTORCH.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use mixq_tests::lines::Lines;

const PACKAGE: Lines = Lines {
    package: "stale",
    // As in mixq's own workspace, so that the bindings of libtorch are shared with its tests where cargo can.
    settings: "[profile.dev]\nopt-level = 1\n",
    constant_channel: true,
};

fn package(folder: &Path) {
    PACKAGE.write(folder);
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
    let dependency = format!(
        "[build-dependencies]\nmixq-build = {{ path = {:?}, features = [\"train\"] }}\n",
        root.join("mixq-build")
    );
    write("Cargo.toml", &format!("{}{dependency}", PACKAGE.manifest()));
    write("Cargo.lock", &std::fs::read_to_string(root.join("Cargo.lock")).unwrap());
    write("build.rs", "fn main() { mixq_build::build() }\n");
}

fn build(folder: &Path) -> Output {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join("train-in-build-script");
    let output = Command::new(cargo)
        .args(["build", "--target-dir"])
        .arg(target)
        .current_dir(folder)
        // Inside of an editor or a documentation build this test still means a plain build.
        .env_remove("RA_RUSTC_WRAPPER")
        .env_remove("DOCS_RS")
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
fn a_stale_artifact_is_trained_once() {
    assert!(std::env::var_os("LIBTORCH").is_some(), "LIBTORCH is not set: run this by `cargo xtask test`");
    let folder = tempfile::tempdir().unwrap();
    package(folder.path());
    let first = String::from_utf8(build(folder.path()).stderr).unwrap();
    assert!(first.contains("models/lines.mixq is not there; training"), "{first}");
    assert!(first.contains("made, accuracy float"), "{first}");
    // What training warns of is a warning of the build.
    let warning =
        "warning: stale@0.1.0: model `lines`: channel 1 (counted from 0) is 9 in all training images";
    assert!(first.contains(warning), "{first}");
    let path = folder.path().join("models/lines.mixq");
    let made = std::fs::read(&path).unwrap();

    // Nothing has changed, but the script runs: it finds the artifact fresh.
    let manifest = folder.path().join("Cargo.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, format!("{text}# a comment\n")).unwrap();
    let second = String::from_utf8(build(folder.path()).stderr).unwrap();
    assert!(!second.contains("training"), "{second}");
    assert_eq!(std::fs::read(&path).unwrap(), made);

    // A setting has changed: trained anew, once.
    std::fs::write(&manifest, text.replace("quantised-epochs = 2", "quantised-epochs = 3")).unwrap();
    let third = String::from_utf8(build(folder.path()).stderr).unwrap();
    assert!(third.contains("`training.quantised-epochs` was 2, is 3; training"), "{third}");
    assert_ne!(std::fs::read(&path).unwrap(), made);
}
