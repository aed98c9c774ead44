//! One target under libFuzzer, which keeps the cases that reach code which no other has reached, and goes on
//! from them.
//!
//! `mixq-fuzz --coverage` compiles this with counters and starts it.
#![no_main]

use std::alloc::System;
use std::path::PathBuf;
use std::sync::OnceLock;

use cap::Cap;
use fastrand::Rng;
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use mixq_fuzz::mutate::once_in;
use mixq_fuzz::runner::{BYTES, CASE, FOLDER_VARIABLE, SCRATCH, TARGET_VARIABLE};
use mixq_fuzz::{Target, find};

/// Refuses what goes beyond the limit of a target's process: that ends it. libFuzzer's own memory is not in
/// it.
#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, BYTES);

/// The target, and the folder of its files.
static RUNNING: OnceLock<(&Target, PathBuf)> = OnceLock::new();

fn running() -> &'static (&'static Target, PathBuf) {
    RUNNING.get_or_init(|| {
        let name = std::env::var(TARGET_VARIABLE).expect("the target is named");
        let folder = std::env::var_os(FOLDER_VARIABLE).expect("the folder is named");
        (find(&name).expect("the target is known"), folder.into())
    })
}

fuzz_target!(
    // libFuzzer's hook would end the process for panics that a reader catches.
    init: drop(std::panic::take_hook()),
    |case: &[u8]| {
        let (target, folder) = running();
        // Whatever ends the process: its last case is there.
        std::fs::write(folder.join(CASE), case).expect("the folder can be written to");
        (target.read)(case, &folder.join(SCRATCH));
    }
);

fuzz_mutator!(|case: &mut [u8], size: usize, most: usize, seed: u32| {
    let rng = &mut Rng::with_seed(seed.into());
    let (target, _) = running();
    let made = if once_in(rng, 16) {
        (target.generate)(rng)
    } else {
        (target.mutate)(rng, case[..size].to_vec(), &mut |bytes| engine(bytes, most))
    };
    match case.get_mut(..made.len()) {
        Some(room) if made.len() <= most => room.copy_from_slice(&made),
        _ => return fuzzer_mutate(case, size, most),
    }
    made.len()
});

/// The mutations of libFuzzer, which know the numbers that the reader compares with.
fn engine(bytes: &mut Vec<u8>, most: usize) {
    let size = bytes.len();
    bytes.resize(most.max(size), 0);
    let size = fuzzer_mutate(bytes, size, most.max(size));
    bytes.truncate(size);
}
