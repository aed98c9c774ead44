//! With feature `train`: lets whatever links this crate find libtorch when cargo runs it.
//!
//! Cargo puts link-search folders into the library path of what it runs (build scripts, tests, `cargo run`),
//! but only those inside its target folder: hence a link to libtorch's folder in OUT_DIR. Programs that run
//! without cargo need an rpath, which the build script of `cargo-mixq` gives.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Set by torch-sys, which found libtorch and has `links = "tch"`.
    println!("cargo::rerun-if-env-changed=DEP_TCH_LIBTORCH_LIB");
    #[cfg(feature = "train")]
    if let Err(error) = link_libtorch() {
        println!("cargo::warning=libtorch may not be found when a build script trains: {error}");
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
    Ok(())
}
