//! One target under libFuzzer, which keeps those cases and goes on from them that reach code which no other
//! has reached.
//!
//! `mixq-fuzz --coverage` compiles this with counters and starts it.
#![no_main]

use std::path::PathBuf;
use std::sync::OnceLock;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use mixq_fuzz::runner::{SCRATCH_VARIABLE, TARGET_VARIABLE};
use mixq_fuzz::{Target, find};

static RUNNING: OnceLock<(&Target, PathBuf)> = OnceLock::new();

/// The target and the folder for its files that the environment names.
fn running() -> &'static (&'static Target, PathBuf) {
    RUNNING.get_or_init(|| {
        let name = std::env::var(TARGET_VARIABLE).expect("the target is named");
        let scratch = std::env::var_os(SCRATCH_VARIABLE).expect("the folder is named");
        (find(&name).expect("the target is known"), scratch.into())
    })
}

fuzz_target!(
    // libFuzzer's hook would end the process for a panic that the reader catches.
    init: drop(std::panic::take_hook()),
    |case: &[u8]| {
        let (target, scratch) = running();
        (target.read)(case, scratch);
    }
);

fuzz_mutator!(|case: &mut [u8], size: usize, most: usize, seed: u32| {
    let _ = seed;
    let size = fuzzer_mutate(case, size, most);
    (running().0.mend)(&mut case[..size]);
    size
});
