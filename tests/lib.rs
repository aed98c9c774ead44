//! What the tests of several crates share: random networks that need no training, a package
//! that is trained in a second, and firmware in QEMU.

pub mod elf;
pub mod firmware;
pub mod lines;
pub mod networks;
pub mod random;
pub mod slide;
#[path = "../mixq-build/tests/common/trained.rs"]
pub mod trained;
