//! What `include_model!` names, and what the tests of kernels take; not for others.

#[cfg(armv7em)]
pub use crate::target::armv7em;
pub use crate::target::{portable, requant, tensor};

/// The instruction sets that kernels are compiled for: see [`mixq_format::target`].
const TARGETS: &[&str] = &[
    #[cfg(armv7em)]
    "armv7em",
    #[cfg(armv6m)]
    "armv6m",
    #[cfg(portable)]
    "portable",
];

/// Asserts that the module of a model is made for something that the kernels are compiled for.
///
/// # Panics
/// If it is not.
pub const fn assert_target(name: &str) {
    let (mut index, mut found) = (0, false);
    while index < TARGETS.len() {
        found |= same(name.as_bytes(), TARGETS[index].as_bytes());
        index += 1;
    }
    assert!(found, "mixq: mixq-rt is compiled for another target than the build script has announced");
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut same = a.len() == b.len();
    let mut index = 0;
    while same && index < a.len() {
        same = a[index] == b[index];
        index += 1;
    }
    same
}
