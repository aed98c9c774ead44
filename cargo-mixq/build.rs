//! Tells the program what it is made from. With feature `train`: lets it find libtorch where it runs without
//! cargo.

#[path = "src/setup/sources.rs"]
mod sources;

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    name_sources(Path::new(env!("CARGO_MANIFEST_DIR")));
    // Set by torch-sys, which found libtorch and has `links = "tch"`.
    println!("cargo::rerun-if-env-changed=DEP_TCH_LIBTORCH_LIB");
    #[cfg(all(feature = "train", unix))]
    match std::env::var("DEP_TCH_LIBTORCH_LIB") {
        Ok(libraries) => println!("cargo::rustc-link-arg-bins=-Wl,-rpath,{libraries}"),
        Err(error) => println!("cargo::warning=cargo-mixq may not find libtorch when it trains: {error}"),
    }
}

fn name_sources(package: &Path) {
    for folder in sources::folders(package) {
        println!("cargo::rerun-if-changed={}", folder.display());
    }
    match sources::digest(package) {
        Ok(digest) => println!("cargo::rustc-env=MIXQ_SOURCES={digest}"),
        Err(error) => println!("cargo::error=cannot read the sources of mixq: {error}"),
    }
}
