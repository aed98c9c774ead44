//! What the tests of several crates share: random networks that need no training, packages of a user, one
//! that is trained in a second, and firmware in QEMU.

pub mod compare;
pub mod digits;
pub mod firmware;
pub mod frames;
pub mod graphs;
pub mod lines;
pub mod measure;
pub mod networks;
pub mod package;
pub mod random;
pub mod reference;
pub mod slide;
pub mod stripes;
pub mod trained;
pub mod varied;
pub mod zoo;
