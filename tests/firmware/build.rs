use std::path::Path;

use mixq_format::target::{Target, VARIABLE};

fn main() {
    // As `mixq_build::build()` does.
    println!("cargo::rerun-if-env-changed=MIXQ_DSP");
    let dsp = std::env::var("MIXQ_DSP").is_ok_and(|dsp| dsp == "true");
    let target = Target::of(&std::env::var("TARGET").expect("cargo sets it"), dsp);
    println!("cargo::rustc-env={VARIABLE}={}", target.name);
    // Where the linker finds memory.x: that of the board that the test asks for.
    println!("cargo::rerun-if-env-changed=MIXQ_MEMORY");
    let memory = std::env::var("MIXQ_MEMORY").unwrap_or_else(|_| "stm32f405.x".to_string());
    let memory = Path::new(env!("CARGO_MANIFEST_DIR")).join(memory);
    let folder = std::env::var("OUT_DIR").expect("cargo sets it");
    std::fs::copy(&memory, Path::new(&folder).join("memory.x")).expect("the linker script can be copied");
    println!("cargo::rustc-link-search={folder}");
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rerun-if-changed={}", memory.display());
}
