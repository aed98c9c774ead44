//! `cargo xtask bindings`: what Rust knows of the C functions in `mixq-c10d/c10d/shim.h`.
//!
//! bindgen is a dependency only with feature `bindgen`, and only of this program: people who build mixq-c10d
//! need neither it nor libclang, and libtorch's bindings are not compiled again for it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

const HEADER: &str = "mixq-c10d/c10d/shim.h";
const BINDINGS: &str = "mixq-c10d/src/bindings.rs";

/// Arguments of the command line.
#[derive(Args)]
pub struct Arguments {
    /// Write nothing: fail if the file is not what bindgen would write; without libclang, say so
    #[arg(long)]
    check: bool,
}

/// Starts this program again, with bindgen.
///
/// # Errors
/// If libclang is not there and the file is to be written; what fails is in the exit code.
#[cfg(not(feature = "bindgen"))]
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    if !folders().iter().any(|folder| has_libclang(folder)) {
        let text = "libclang is not here: install it (Debian: libclang1), or set LIBCLANG_PATH to its folder";
        if arguments.check {
            println!("skipped: {BINDINGS} is not compared with {HEADER}. {text}");
            return Ok(ExitCode::SUCCESS);
        }
        anyhow::bail!(text);
    }
    let mut cargo = crate::process::cargo("");
    cargo.args(["run", "--quiet", "--package", "xtask", "--features", "bindgen", "--", "bindings"]);
    cargo.args(arguments.check.then_some("--check"));
    let status = cargo.status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Makes the declarations, and writes or compares them.
///
/// # Errors
/// If bindgen fails, or the file is another.
#[cfg(feature = "bindgen")]
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    use crate::process::repository;
    use anyhow::{Context, bail, ensure};

    if !folders().iter().any(|folder| has_libclang(folder)) {
        bail!("libclang is not here");
    }
    let bindings = bindgen::Builder::default()
        .header(repository(HEADER).to_string_lossy())
        .allowlist_item("mixq_c10d_.*")
        .layout_tests(false)
        .disable_header_comment()
        .raw_line(format!("// bindgen has made this of {HEADER}: `cargo xtask bindings`."))
        .generate()
        .with_context(|| format!("bindgen does not understand {HEADER}"))?
        .to_string();
    let file = repository(BINDINGS);
    if !arguments.check {
        std::fs::write(&file, bindings).with_context(|| format!("cannot write {}", file.display()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let found = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    ensure!(found == bindings, "{BINDINGS} is not what {HEADER} says: run `cargo xtask bindings`");
    println!("{BINDINGS} is what {HEADER} says");
    Ok(ExitCode::SUCCESS)
}

/// Where bindgen looks for libclang, as far as it is likely to find it.
fn folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        std::env::var_os("LIBCLANG_PATH").map(PathBuf::from).into_iter().collect();
    let usual = ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/opt/homebrew/opt/llvm/lib"];
    folders.extend(usual.map(PathBuf::from));
    folders.extend(["x86_64", "aarch64"].map(|name| PathBuf::from(format!("/usr/lib/{name}-linux-gnu"))));
    let versions = Path::new("/usr/lib").read_dir().into_iter().flatten().flatten();
    folders.extend(versions.map(|entry| entry.path().join("lib")));
    folders
}

/// Whether a folder has a file of libclang; libclang-cpp is another library.
fn has_libclang(folder: &Path) -> bool {
    let is_it = |name: &str| name.starts_with("libclang.") || name.starts_with("libclang-1");
    let mut entries = folder.read_dir().into_iter().flatten().flatten();
    entries.any(|entry| is_it(&entry.file_name().to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::repository;

    #[test]
    fn libclang_is_told_from_libraries_with_such_a_name() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("libclang-cpp.so.14"), "").unwrap();
        assert!(!has_libclang(folder.path()));
        std::fs::write(folder.path().join("libclang-14.so.1"), "").unwrap();
        assert!(has_libclang(folder.path()));
        assert!(!has_libclang(&folder.path().join("nothing")));
    }

    /// The header and the file have the same functions, also where libclang is not at hand.
    #[test]
    fn the_bindings_have_the_functions_of_the_header() {
        let functions = |file: &str, before: &str| {
            let text = std::fs::read_to_string(repository(file)).unwrap();
            let mut names: Vec<String> = text
                .lines()
                .filter(|line| !line.starts_with(" *") && line.contains('('))
                .filter_map(|line| {
                    let (start, _) = line.split_once('(')?;
                    let name = start.rsplit([' ', '*']).next()?;
                    (start.starts_with(before) && name.starts_with("mixq_c10d_")).then(|| name.to_string())
                })
                .collect();
            names.sort();
            names
        };
        let mut declared = functions(HEADER, "char *");
        ["void ", "int "].iter().for_each(|returns| declared.extend(functions(HEADER, returns)));
        declared.sort();
        assert_eq!(declared.len(), 16);
        assert_eq!(functions(BINDINGS, "    pub fn "), declared);
    }
}
