//! A reader that does all that no reader may do: what the runner's own tests fuzz.

use std::path::Path;
use std::time::Duration;

use fastrand::Rng;

use crate::mutate::Engine;
use crate::{Target, Verdict};

/// What seeds make: cases that end the process are for a corpus.
const CASES: [&str; 3] = ["accepted", "panic", "accepted"];

pub(crate) const MISBEHAVING: Target = Target { name: "misbehaving", generate, mutate, read };

fn generate(rng: &mut Rng) -> Vec<u8> {
    CASES[(rng.get_seed() % 3) as usize].as_bytes().to_vec()
}

fn mutate(rng: &mut Rng, _: Vec<u8>, _: Engine) -> Vec<u8> {
    generate(rng)
}

fn read(case: &[u8], _: &Path) -> Verdict {
    match case {
        b"panic" => panic!("this case panics"),
        b"hang" => std::thread::sleep(Duration::from_secs(3600)),
        b"memory" => drop(std::hint::black_box(vec![1_u8; 3 << 29])),
        b"stack" => drop(std::hint::black_box(deep(1))),
        b"refused" => return Verdict::Refused,
        // Long enough that a test meets few of them.
        _ => std::thread::sleep(Duration::from_millis(100)),
    }
    Verdict::Accepted
}

/// Never ends, and needs the stack of every call.
fn deep(depth: u64) -> u64 {
    let kept = std::hint::black_box([depth; 64]);
    if std::hint::black_box(depth) == 0 { 0 } else { deep(depth + 1) + kept[depth as usize % 64] }
}
