//! Networks of other tools that are quantised without training, at widths of 8, 4 and 2 bits.

use super::imported::package;
use super::unlabelled::unlabelled;
use super::*;

/// Room for everything.
const ROOM: [u64; 2] = [48 << 10, 6 << 10];

/// How far the network that PyTorch has trained, all tensors at these bits, agrees with itself in float.
/// Labels would hide much of what is lost: some wrong answers become right ones.
fn agreement(policy: &str, training: &str) -> mixq_format::Accuracy {
    let package = unlabelled(training);
    package.replace("Cargo.toml", "scheme =", &format!("policy = {policy:?}\nscheme ="));
    let accuracy = train(&package).header.accuracy;
    println!("{policy} {training}: {accuracy:?}");
    accuracy
}

#[test]
fn layer_after_layer_loses_less_than_ranges_alone() {
    // The paper's ranges have no such steps.
    let ranges = "{ method = \"none\", bounds = \"six\" }";
    for (policy, least, gained) in [("uniform-8", 0.99, 0.005), ("uniform-4", 0.93, 0.1)] {
        let [plain, found] = [ranges, "\"none\""].map(|training| agreement(policy, training));
        assert!(found.integer >= least, "{policy}: {found:?}");
        assert!(found.integer >= plain.integer + gained, "{policy}: {found:?} after {plain:?}");
        assert!((found.integer - found.fake_quant).abs() < 0.006, "{policy}: {found:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_without_training() {
    let package = package(ROOM, "\"none\"");
    package.replace("Cargo.toml", "scheme =", "policy = \"uniform-4\"\nscheme =");
    train(&package);
    let first = bytes(&package);
    forget(&package);
    train(&package);
    assert!(bytes(&package) == first);
}
