//! Files that tests write.

use std::io::Write;
use std::path::PathBuf;

use flate2::{Compression, write::GzEncoder};
use mixq_build::engine::config::DatasetConfig;
use mixq_build::engine::dataset::Dataset;
use mixq_build::engine::error::Error;
use mixq_build::engine::graph::Shape;
use tempfile::TempDir;

/// Two rows of two pixels, one channel.
pub const SMALL: Shape = Shape { height: 2, width: 2, channels: 1 };
/// Five images of two classes.
pub const GOOD: &str = "0,1,2,3,0\n4,5,6,7,1\n8,9,10,11,0\n12,13,14,255,1\n16,17,18,19,0\n";

/// The digits of the example.
pub fn digits() -> PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/digits/data/digits.csv.gz")
}

pub fn load(name: &str, contents: &[u8]) -> (PathBuf, Result<Dataset, Error>) {
    load_with(name, contents, |config| config)
}

pub fn load_with(
    name: &str,
    contents: &[u8],
    change: impl Fn(DatasetConfig) -> DatasetConfig,
) -> (PathBuf, Result<Dataset, Error>) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, contents).unwrap();
    let dataset = Dataset::load(&change(DatasetConfig::new(&path)), SMALL, 2, &mut ());
    (path, dataset)
}

/// What is said about a file; `FILE` stands for its path.
pub fn check(name: &str, contents: &[u8], expected: &[&str]) {
    check_with(name, contents, |config| config, expected);
}

pub fn check_with(
    name: &str,
    contents: &[u8],
    change: impl Fn(DatasetConfig) -> DatasetConfig,
    expected: &[&str],
) {
    let (path, dataset) = load_with(name, contents, change);
    let found = dataset.expect_err("an error").to_string().replace(&path.display().to_string(), "FILE");
    assert_eq!(found.lines().collect::<Vec<_>>(), expected);
}

pub fn gzip(contents: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(contents).unwrap();
    encoder.finish().unwrap()
}
