//! Artifacts whose network fits another memory with the same bits.

use fastrand::Rng;
use mixq_build::engine::artifact::{self, State};
use mixq_build::engine::prepare::Prepared;
use mixq_format::{Artifact, Stage};
use mixq_tests::networks::logits;
use mixq_tests::package::Package;

/// Windows of 21 rows of four samples; at 8 bits whole tensors take 2,176 B.
const NETWORK: &str = r#"input = [21, 2, 4]

[[layer]]
op = "conv"
filters = 16
kernel = [3, 1]
padding = "valid"
activation = "relu"

[[layer]]
op = "conv"
name = "wide"
filters = 32
kernel = [3, 1]
padding = "valid"
activation = "relu"

[[layer]]
op = "conv"
filters = 32
kernel = 1

[[layer]]
op = "add"
inputs = ["wide", "conv3"]

[[layer]]
op = "global_average_pool"

[[layer]]
op = "linear"
features = 2
"#;

fn package() -> Package {
    let package = Package::new();
    package.write("net.toml", NETWORK);
    std::fs::remove_file(package.path("images.csv")).unwrap();
    package
}

/// The artifact of a package as its Cargo.toml says now, laid out anew if that can be.
fn laid_out(package: &Package) -> Option<Artifact> {
    let config = package.config();
    let prepared = Prepared::new(&config.models[0], None).unwrap_or_else(|error| panic!("{error}"));
    let found = prepared.laid_out(&prepared.state(&package.artifact()).unwrap())?;
    artifact::write(&package.artifact(), &found).unwrap();
    let state = prepared.state(&package.artifact()).unwrap();
    assert_eq!(state, State::Fresh(Box::new(found.clone())));
    // What would be made of these weights if they were trained for this memory.
    assert_eq!(mixq_tests::package::untrained(&prepared), found);
    Some(found)
}

#[test]
fn the_same_bits_in_other_memory_need_no_training() {
    let package = package();
    let whole = package.write_fresh_artifact();
    assert_eq!(laid_out(&package), None, "it is fresh");
    assert!(whole.header.stages.is_empty());
    let mut rng = Rng::with_seed(1);
    let image: Vec<u8> = (0..whole.header.input.bytes()).map(|_| rng.u8(..)).collect();
    let expected = logits(&whole, &image);
    for (from, to, is_striped) in [
        ("ram = \"6 KiB\"", "ram = 1700", true),
        ("ram = 1700", "ram = \"5 KiB\"", false),
        ("training = {}", "training = {}\nexecution = \"rows\"", true),
        ("execution = \"rows\"", "execution = \"rows\"\nhop = 4", true),
        ("\nhop = 4", "", true),
        ("execution = \"rows\"", "delta = 0.1", false),
    ] {
        package.replace("Cargo.toml", from, to);
        let found = laid_out(&package).unwrap_or_else(|| panic!("{to} needs no training"));
        assert_eq!(logits(&found, &image), expected, "{to}");
        assert_eq!(!found.header.stages.is_empty(), is_striped, "{to}: {:?}", found.header.stages);
        let hops: Vec<u16> = found.header.stages.iter().map(|stage: &Stage| stage.hop).collect();
        assert_eq!(hops.contains(&4), to.contains("hop = 4"), "{to}: {hops:?}");
    }
}

#[test]
fn other_bits_and_other_settings_need_training() {
    for (from, to) in [
        // Too little for 8 bits.
        ("ram = \"6 KiB\"", "ram = 600"),
        ("flash = \"48 KiB\"", "flash = 2500"),
        ("training = {}", "training.seed = 2"),
        ("training = {}", "policy = \"sensitivity\""),
        ("training = {}", "policy = \"uniform-4\""),
        ("\"per-channel\"", "\"per-layer\""),
    ] {
        let package = package();
        package.write_fresh_artifact();
        package.replace("Cargo.toml", from, to);
        assert_eq!(laid_out(&package), None, "{to}");
    }
}

/// An artifact of an older version may have other stages than the planner chooses now.
#[test]
fn a_network_that_lies_elsewhere_than_planned_is_laid_out_anew() {
    let package = package();
    let fresh = package.write_fresh_artifact();
    let mut elsewhere = fresh.in_arena(fresh.header.arena_bytes + 64);
    artifact::write(&package.artifact(), &elsewhere).unwrap();
    assert_eq!(laid_out(&package), Some(fresh.clone()));
    // Another network is not.
    elsewhere.header.layers[0].name = "other".to_string();
    artifact::write(&package.artifact(), &elsewhere).unwrap();
    assert_eq!(laid_out(&package), None);
}
