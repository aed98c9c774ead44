//! Items that the code of `include_model!` names, and the tests of kernels. Other code must not use them.

#[cfg(armv7em)]
pub use crate::target::armv7em;
pub use crate::target::{portable, requant, tensor};

/// Names of the instruction sets that kernels are compiled for: see [`mixq_format::target`].
const TARGETS: &[&str] = &[
    #[cfg(armv7em)]
    "armv7em",
    #[cfg(armv6m)]
    "armv6m",
    #[cfg(portable)]
    "portable",
];

/// Asserts that kernels are compiled for the instruction set that the module of a model is made for.
///
/// # Panics
/// If they are not.
pub const fn assert_target(name: &str) {
    let (mut index, mut found) = (0, false);
    while index < TARGETS.len() {
        found |= same(name.as_bytes(), TARGETS[index].as_bytes());
        index += 1;
    }
    assert!(found, "mixq: mixq-rt is compiled for another target than the build script has announced");
}

// `==` of slices is not `const`.
const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut same = a.len() == b.len();
    let mut index = 0;
    while same && index < a.len() {
        same = a[index] == b[index];
        index += 1;
    }
    same
}
