//! Logits as the tests read them.

use semihosting::{print, println};

/// `x8w4: 12,-7,30`.
pub fn print<T: core::fmt::Display>(model: &str, logits: &[T]) {
    print!("{model}: {}", logits[0]);
    for logit in &logits[1..] {
        print!(",{logit}");
    }
    println!();
}
