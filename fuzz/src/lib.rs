//! Mutated input of every kind that mixq reads: `cargo xtask fuzz`.
//!
//! A [`Target`] makes cases from seeds and gives them to one reader. The reader may refuse a case with a
//! message, or accept it; then what it made must be valid. A panic, an abort, more than 5 seconds or more
//! than 1 GiB of memory is a fault. [`runner`] gives each target a process of its own, and writes what failed
//! to `corpus/TARGET/`, which every run replays first.
//!
//! Cases are made on the level of what they mean: an image of an archive, a number of a header. Checksums are
//! right again afterwards, so that most cases reach the code behind the checks. Some cases get wrong bytes at
//! last, checksums or not.

//!
//! With `--coverage`, the long form, libFuzzer keeps the cases that reach new code and goes on from them.
//! Each target also says how one case is made of another ([`Target::mutate`]), so that checksums stay right.
//! The counters are made by a pass of LLVM that stable Rust has; a C++ compiler is needed. The program and
//! what it found are in `target/fuzz-coverage`, and the next run begins with that. The corpus is read in the
//! usual form first, and a case that ends libFuzzer is read once more in the usual form, which says what is
//! wrong with it. A target ends with its first failure.

pub mod mutate;
pub mod runner;
pub mod seeds;
mod target;
mod targets;

// The macro's own files: a crate of macros exports nothing else.
#[doc(hidden)]
#[path = "../../mixq-macros/src/answers.rs"]
pub mod answers;
#[doc(hidden)]
#[path = "../../mixq-macros/src/dense.rs"]
pub mod dense;
#[doc(hidden)]
#[path = "../../mixq-macros/src/expand.rs"]
pub mod expand;
#[doc(hidden)]
#[path = "../../mixq-macros/src/frame.rs"]
pub mod frame;
#[doc(hidden)]
#[path = "../../mixq-macros/src/inputs.rs"]
pub mod inputs;
#[doc(hidden)]
#[path = "../../mixq-macros/src/memory.rs"]
pub mod memory;
#[doc(hidden)]
#[path = "../../mixq-macros/src/models.rs"]
pub mod models;
#[doc(hidden)]
#[path = "../../mixq-macros/src/outputs.rs"]
pub mod outputs;
#[doc(hidden)]
#[path = "../../mixq-macros/src/parse.rs"]
pub mod parse;
#[doc(hidden)]
#[path = "../../mixq-macros/src/samples.rs"]
pub mod samples;
#[doc(hidden)]
#[path = "../../mixq-macros/src/tables.rs"]
pub mod tables;
#[doc(hidden)]
#[path = "../../mixq-macros/src/task.rs"]
pub mod task;

pub use target::{Target, Verdict, find};
pub use targets::ALL;
