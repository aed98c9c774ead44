//! Layer lists for tests of messages.

use super::resolve;

/// All problems of a list, one a line.
#[track_caller]
pub fn check(text: &str, expected: &[&str]) {
    let found = resolve(text).expect_err("no problem found").to_string();
    assert_eq!(found.lines().collect::<Vec<_>>(), expected);
}

/// A list on an 8x8x1 image that ends in a linear layer; the middle begins in line 2.
pub fn list(middle: &str) -> String {
    format!("input = [8, 8, 1]\n{middle}[[layer]]\nop = \"linear\"\nfeatures = 3\n")
}

/// A first layer of 4 channels.
pub const STEM: &str = "[[layer]]\nop = \"conv\"\nname = \"stem\"\nfilters = 4\nkernel = 3\n";
