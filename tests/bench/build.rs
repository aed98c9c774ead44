//! Writes the workloads as Rust: tables, packed parameters, an input and what plain arithmetic makes of it;
//! and the networks of a folder of artifacts.

#[path = "build/network.rs"]
mod network;
#[path = "build/networks.rs"]
mod networks;
#[path = "../../mixq-rt/tests/kernels/reference.rs"]
#[allow(
    dead_code,
    reason = "the workloads are layers with weights; the tests of the kernels compare pools and sums with \
              it, too"
)]
mod reference;
#[path = "build/workloads.rs"]
mod workloads;

use std::path::Path;

use mixq_format::Bits;
use mixq_format::target::Target;

fn main() {
    println!("cargo::rerun-if-env-changed=MIXQ_BENCH_BITS");
    println!("cargo::rerun-if-env-changed=MIXQ_BENCH_WORKLOADS");
    println!("cargo::rerun-if-env-changed=MIXQ_BENCH_NETWORKS");
    println!("cargo::rerun-if-env-changed=MIXQ_BENCH_SPARE");
    println!("cargo::rerun-if-env-changed=MIXQ_BENCH_DSP");
    println!("cargo::rerun-if-changed=build");
    let bits = std::env::var("MIXQ_BENCH_BITS").unwrap_or_else(|_| "8x8".to_string());
    let width = |text: &str| Bits::try_from(text.parse::<u8>().expect("a width in bits")).expect("a width");
    let (activation, weight) = bits.split_once('x').expect("MIXQ_BENCH_BITS is like 8x4");
    let folder = std::env::var("OUT_DIR").expect("cargo sets it");
    let folder = Path::new(&folder);
    let write = |file: &str, code: String| {
        std::fs::write(folder.join(file), code).expect("OUT_DIR can be written");
    };
    linker_script(folder);
    if let Some(networks) = std::env::var_os("MIXQ_BENCH_NETWORKS") {
        write("networks.rs", networks::write(Path::new(&networks), folder));
        return;
    }
    // Names between commas; all, if there are none.
    let chosen = std::env::var("MIXQ_BENCH_WORKLOADS").unwrap_or_default();
    let is_chosen = |name: &str| chosen.is_empty() || chosen.split(',').any(|chosen| chosen == name);
    let all = workloads::all(width(activation), width(weight));
    let networks: Vec<_> = all.into_iter().filter(|(name, _)| is_chosen(name)).collect();
    let each = |before: &str, item: &str| -> String {
        networks.iter().map(|(name, _)| format!("{before}{name}::{item}, ")).collect()
    };
    let mut code = format!("pub static ALL: &[&Workload] = &[{}];\n", each("&", "WORKLOAD"));
    code += &format!("pub const ARENAS: [usize; {}] = [{}];\n", networks.len(), each("", "ARENA"));
    let spare = std::env::var("MIXQ_BENCH_SPARE").map_or(true, |spare| spare != "no");
    for (name, network) in &networks {
        code += &network.write(name, folder, spare);
    }
    write("workloads.rs", code);
}

/// Whose kernels the firmware links: those with DSP instructions where the Rust target leaves these open,
/// unless `MIXQ_BENCH_DSP` is `no`.
fn target() -> &'static Target {
    let dsp = std::env::var("MIXQ_BENCH_DSP").map_or(true, |dsp| dsp != "no");
    Target::of(&std::env::var("TARGET").expect("cargo sets it"), dsp)
}

fn linker_script(folder: &Path) {
    // The memory of the board, and nanoseconds of a tick of its timer.
    let (memory, script, tick) = match std::env::var("TARGET").expect("cargo sets it") {
        target if target.starts_with("thumbv8m.") => ("an505.x", "link.x", 50),
        target if target.starts_with("thumb") => ("mps2.x", "link.x", 40),
        _ => ("virt.x", "memory.x", 0),
    };
    println!("cargo::rustc-env=MIXQ_TICK={tick}");
    std::fs::copy(memory, folder.join("memory.x")).expect("the linker script can be copied");
    println!("cargo::rerun-if-changed={memory}");
    println!("cargo::rustc-link-search={}", folder.display());
    println!("cargo::rustc-link-arg-bins=-T{script}");
}
