//! What `include_model!` names, and what the tests of kernels take; not for others.

#[cfg(armv7em)]
pub use crate::target::armv7em;
pub use crate::target::{portable, requant, tensor};

/// What the kernels are compiled for: see [`mixq_format::target`].
const TARGET: &str = env!("MIXQ_TARGET");

/// Asserts that the module of a model is made for what the kernels are compiled for.
///
/// # Panics
/// If it is not.
pub const fn assert_target(name: &str) {
    let (a, b) = (name.as_bytes(), TARGET.as_bytes());
    let mut same = a.len() == b.len();
    let mut index = 0;
    while same && index < a.len() {
        same = a[index] == b[index];
        index += 1;
    }
    assert!(same, "mixq: mixq-rt is compiled for another target than the build script has announced");
}
