//! Several models in one firmware: what each may take, when artifacts stay fresh, and what commands say of
//! the sum.

mod budgets;
mod sums;

use std::path::PathBuf;
use std::process::Command;

use mixq_build::engine::artifact;
use mixq_build::engine::config::Config;
use mixq_build::engine::prepare::{Prepared, share};
use mixq_format::Artifact;
use mixq_tests::package::{Package, untrained};
use serde_json::Value;

/// A layer list with this number of filters.
fn network(filters: usize) -> String {
    format!(
        "input = [4, 4, 1]\n[[layer]]\nop = \"conv\"\nfilters = {filters}\nkernel = 3\n[[layer]]\nop \
         = \"linear\"\n\
         features = 2\n"
    )
}

/// A package with these models, each with its filters and lines of its table, and with these lines of its
/// device.
fn package(models: &[(&str, usize, &str)], device: &str) -> Package {
    let package = Package::new();
    let mut manifest =
        "[package]\nname = \"firmware\"\nversion = \"0.1.0\"\nedition = \"2024\"\n".to_string();
    for (name, filters, lines) in models {
        package.write(&format!("{name}.toml"), &network(*filters));
        manifest += &format!(
            "[package.metadata.mixq.models.{name}]\nnetwork = \"{name}.toml\"\n\
             dataset = {{ path = \"images.csv\", test = 4 }}\n{lines}\n"
        );
    }
    package.write("Cargo.toml", &format!("{manifest}[package.metadata.mixq.device]\n{device}\n"));
    std::fs::create_dir(package.path("src")).unwrap();
    package.write("src/lib.rs", "");
    package
}

fn shared(package: &Package) -> Config {
    share(package.config()).unwrap_or_else(|error| panic!("{error}"))
}

/// Writes the artifact of a model as it would be trained under the budgets that the package says now.
fn make(package: &Package, index: usize) -> Artifact {
    let config = shared(package);
    let prepared = Prepared::new(&config.models[index], None).unwrap();
    let artifact = untrained(&prepared);
    artifact::write(&path(package, index), &artifact).unwrap();
    artifact
}

fn path(package: &Package, index: usize) -> PathBuf {
    artifact::path(&package.path(""), &package.config().models[index].name)
}

/// A command of `cargo mixq` on the package: whether it was content, what it said, and its JSON.
fn mixq(package: &Package, arguments: &[&str]) -> (bool, String, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_cargo-mixq"))
        .arg("mixq")
        .args(arguments)
        .arg("--json")
        .current_dir(package.path(""))
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .unwrap();
    let said =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
    let last = String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().to_string();
    (output.status.success(), said, serde_json::from_str(&last).unwrap_or_else(|_| panic!("{last}")))
}

#[test]
fn a_model_that_is_not_there_is_answered_with_those_that_are() {
    let package = package(&[("digits", 3, ""), ("faces", 3, "")], "flash = 5000\nram = 3000");
    let (well, said, _) = mixq(&package, &["check", "--model", "digit"]);
    assert!(!well && said.contains("there is no model `digit`"), "{said}");
    assert!(said.contains("did you mean `digits`? models are `digits`, `faces`"), "{said}");
    let (_, said, _) = mixq(&package, &["check", "--model", "nosuch"]);
    assert!(
        said.contains("there is no model `nosuch`") && said.contains("models are `digits`, `faces`"),
        "{said}"
    );
}

/// Cargo shows only tables below `package.metadata`: others are looked for where no model is found.
#[test]
fn settings_that_nobody_reads_are_pointed_at_by_commands() {
    let package = package(&[("a", 3, "")], "flash = 5000\nram = 3000");
    for (place, right) in
        [("package.metadata.mixqq", "package.metadata.mixq"), ("package.mixq", "package.metadata.mixq")]
    {
        package.replace("Cargo.toml", "[package.metadata.mixq.", &format!("[{place}."));
        let (well, said, _) = mixq(&package, &["check"]);
        assert!(!well && said.contains(&format!("mixq does not read [{place}]")), "{said}");
        assert!(said.contains(&format!("call it [{right}]")), "{said}");
        package.replace("Cargo.toml", &format!("[{place}."), "[package.metadata.mixq.");
    }
    package.replace("Cargo.toml", "mixq.models.a", "mixq.model.a");
    let (well, said, _) = mixq(&package, &["check"]);
    assert!(!well && said.contains("did you mean `models`?"), "{said}");
}
