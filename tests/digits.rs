//! A package that learns some of the handwritten digits in seconds.

use std::io::Read;
use std::path::Path;

use crate::package::Package;

/// A residual addition, pools of both kinds, a depthwise layer.
const NETWORK: &str = r#"
input = [8, 8, 1]
layer = [
    { op = "conv", filters = 12, kernel = 3 },
    { op = "max_pool", kernel = 2 },
    { op = "depthwise", kernel = 3 },
    { op = "pointwise", name = "a", filters = 16, activation = "none" },
    { op = "conv", name = "b", filters = 16, kernel = 3, activation = "none" },
    { op = "add", inputs = ["a", "b"], activation = "relu" },
    { op = "average_pool", kernel = 2 },
    { op = "linear", features = 10 },
]
"#;

/// Every width occurs with these budgets: the text of each budget in the package before and after.
pub const BUDGET: [(&str, &str); 2] = [("48 KiB", "2600 B"), ("6 KiB", "400 B")];

/// Two epochs of each phase.
pub const SHORT: &str = "epochs = 2, quantised-epochs = 2, batch = 128";

/// A package with 500 of the handwritten digits, the last 100 of them to measure with.
pub fn digits(scheme: &str, training: &str) -> Package {
    let package = Package::new();
    package.write("net.toml", NETWORK);
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/digits/data/digits.csv.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(all).unwrap()).read_to_string(&mut text).unwrap();
    // The digits of a writer stand together: every third, so that the parts have writers in common.
    let some = text.lines().step_by(3).take(500).map(|line| format!("{line}\n"));
    package.write("images.csv", &some.collect::<String>());
    package.replace("Cargo.toml", "test = 4", "test = 100");
    BUDGET.iter().for_each(|(from, to)| package.replace("Cargo.toml", from, to));
    package.replace("Cargo.toml", "\"per-channel\"", &format!("{scheme:?}"));
    package.replace("Cargo.toml", "training = {}", &format!("training = {{ {training} }}"));
    package
}
