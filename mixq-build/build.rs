//! With feature `train`: lets whatever links this crate find libtorch when it runs.
//!
//! Cargo puts link-search folders into the library path of what it runs (build scripts, tests, `cargo run`),
//! but only those inside its target folder: hence a link to libtorch's folder in OUT_DIR. Binaries that run
//! without cargo get an rpath.
//!
//! With feature `cli`: tells the tool what it is made from.

#[cfg(feature = "cli")]
#[path = "src/cli/setup/sources.rs"]
mod sources;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "cli")]
    name_sources();
    // Set by torch-sys, which found libtorch and has `links = "tch"`.
    println!("cargo::rerun-if-env-changed=DEP_TCH_LIBTORCH_LIB");
    #[cfg(feature = "train")]
    if let Err(error) = link_libtorch() {
        println!("cargo::warning=libtorch may not be found when a build script trains: {error}");
    }
}

#[cfg(feature = "cli")]
fn name_sources() {
    let package = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in sources::folders(package) {
        println!("cargo::rerun-if-changed={}", folder.display());
    }
    match sources::digest(package) {
        Ok(digest) => println!("cargo::rustc-env=MIXQ_SOURCES={digest}"),
        Err(error) => println!("cargo::error=cannot read the sources of mixq: {error}"),
    }
}

#[cfg(feature = "train")]
fn link_libtorch() -> Result<(), Box<dyn std::error::Error>> {
    use std::path::{Path, PathBuf};

    let libraries = PathBuf::from(std::env::var("DEP_TCH_LIBTORCH_LIB")?);
    let link = Path::new(&std::env::var("OUT_DIR")?).join("libtorch");
    if link.symlink_metadata().is_ok() {
        std::fs::remove_file(&link)?;
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink(&libraries, &link)?;
    #[cfg(windows)]
    std::os::windows::fs::symlink_dir(&libraries, &link)?;
    println!("cargo::rustc-link-search=native={}", link.display());
    #[cfg(unix)]
    println!("cargo::rustc-link-arg-bins=-Wl,-rpath,{}", libraries.display());
    Ok(())
}
