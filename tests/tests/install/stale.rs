//! A build script with feature `train` and a stale artifact: trains once, and the next build is fresh.

use std::fs;
use std::path::Path;

use mixq_tests::lines::Lines;

use super::{User, with_build_script};

const PACKAGE: Lines = Lines { package: "stale", constant_channel: true };

/// Builds a package of its own; what cargo says.
fn build(user: &User, folder: &Path) -> String {
    user.well_in(folder, &["build"]).1
}

pub fn is_trained_once(user: &User) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    PACKAGE.write(folder);
    with_build_script(folder, &PACKAGE.manifest());
    let first = build(user, folder);
    assert!(first.contains("models/lines.mixq is not there; training"), "{first}");
    assert!(first.contains("made, accuracy float"), "{first}");
    // What training warns of is a warning of the build.
    let warning =
        "warning: stale@0.1.0: model `lines`: channel 1 (counted from 0) is 9 in all training images";
    assert!(first.contains(warning), "{first}");
    let path = folder.join("models/lines.mixq");
    let made = fs::read(&path).unwrap();

    // Nothing has changed, but the script runs: it finds the artifact fresh.
    let manifest = folder.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, format!("{text}# a comment\n")).unwrap();
    let second = build(user, folder);
    assert!(!second.contains("training"), "{second}");
    assert_eq!(fs::read(&path).unwrap(), made);

    // A setting has changed: trained anew, once.
    fs::write(&manifest, text.replace("quantised-epochs = 2", "quantised-epochs = 3")).unwrap();
    let third = build(user, folder);
    assert!(third.contains("`training.quantised-epochs` was 2, is 3; training"), "{third}");
    assert_ne!(fs::read(&path).unwrap(), made);
}
