//! Artifacts that cannot be used: damaged files, and networks other than that of Cargo.toml.

use mixq_build::engine::artifact::{self, State};
use mixq_build::engine::dataset::Split;
use mixq_build::engine::evaluate;
use mixq_build::engine::prepare::Prepared;
use mixq_format::{FORMAT_VERSION, ReadError};
use mixq_tests::package::Package;

use crate::state;

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
