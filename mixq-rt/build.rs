//! Says which instruction sets kernels are compiled for, and whether code shall be small: stable Rust does
//! not.

use mixq_format::target::{ALL, Target};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let names: Vec<&str> = ALL.iter().map(|target| target.name).collect();
    println!("cargo::rustc-check-cfg=cfg({}, small)", names.join(", "));
    let target = std::env::var("TARGET").expect("cargo sets it");
    // Whether the processor has DSP instructions is known to the firmware's build script, which cargo runs
    // later: where it matters, kernels with and without are compiled. Firmware names those that it links.
    for dsp in [false, true] {
        println!("cargo::rustc-cfg={}", Target::of(&target, dsp).name);
    }
    let level = std::env::var("OPT_LEVEL").expect("cargo sets it");
    if level == "s" || level == "z" {
        println!("cargo::rustc-cfg=small");
    }
    // The firmware's build script warns where there is none.
    println!("cargo::metadata=OPT_LEVEL={level}");
}
