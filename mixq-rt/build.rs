//! Says which instruction set the kernels are for, and whether code shall be small: stable Rust does not.

use mixq_format::target::{ALL, Target, VARIABLE};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let names: Vec<&str> = ALL.iter().map(|target| target.name).collect();
    println!("cargo::rustc-check-cfg=cfg({}, small)", names.join(", "));
    let target = Target::of(&std::env::var("TARGET").expect("cargo sets it")).name;
    println!("cargo::rustc-cfg={target}");
    println!("cargo::rustc-env={VARIABLE}={target}");
    if std::env::var("OPT_LEVEL").is_ok_and(|level| level == "s" || level == "z") {
        println!("cargo::rustc-cfg=small");
    }
}
