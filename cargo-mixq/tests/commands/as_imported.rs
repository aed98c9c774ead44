//! Models that are taken over from files as they are: nothing is trained, with libtorch or without.

use std::path::Path;
use std::process::{Command, Output};

use mixq_tests::package::Package;

fn mixq(package: &Package, arguments: &[&str]) -> (bool, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-mixq"));
    command.arg("mixq").args(arguments).arg("--manifest-path").arg(package.path("Cargo.toml"));
    // What cargo tells its tests is not for the cargo that the command asks.
    command.env_remove("CARGO_TARGET_DIR").env_remove("CARGO_BUILD_TARGET_DIR");
    // There is no trainer in a folder that is empty.
    command.env("XDG_CACHE_HOME", package.path("cache"));
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.success(), text(stdout), text(stderr))
}

#[test]
fn retrain_makes_the_artifact_without_a_trainer() {
    let package = Package::new();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/models/mnist_dw_q.tflite");
    std::fs::copy(file, package.path("net.tflite")).unwrap();
    std::fs::create_dir(package.path("src")).unwrap();
    package.write("src/lib.rs", "");
    package.write(
        "Cargo.toml",
        "[package]\nname = \"firmware\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
         [package.metadata.mixq.device]\nflash = \"1 MiB\"\nram = \"256 KiB\"\n\
         [package.metadata.mixq.models.tiny]\nnetwork = \"net.tflite\"\nbits = \"as imported\"\n\
         dataset = \"none.csv\"\n",
    );
    let (well, stdout, stderr) = mixq(&package, &["retrain", "--json"]);
    assert!(well, "{stderr}");
    assert!(stderr.contains("has the integers of its file"), "{stderr}");
    let json: serde_json::Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
    assert_eq!((&json["trained"], &json["as_imported"]), (&false.into(), &true.into()), "{json}");
    assert!(json["warnings"][0].as_str().unwrap().contains("it is not measured"), "{json}");
    let made = std::fs::read(package.artifact()).unwrap();

    let (well, stdout, _) = mixq(&package, &["report"]);
    assert!(well && stdout.contains("not measured") && !stdout.contains("fake-quantised"), "{stdout}");

    let (well, _, stderr) = mixq(&package, &["retrain"]);
    assert!(well && stderr.contains("is fresh"), "{stderr}");
    let (well, ..) = mixq(&package, &["retrain", "--force"]);
    assert!(well);
    assert_eq!(std::fs::read(package.artifact()).unwrap(), made, "the same file, the same bytes");
}
