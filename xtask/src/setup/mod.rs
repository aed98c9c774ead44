//! `cargo xtask setup`: what mixq needs beside cargo.

pub mod libtorch;
mod rust;
mod system;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, anyhow};
use serde_json::json;

use crate::mixq::Profile;
use libtorch::Libtorch;
pub use rust::TARGETS as RUST_TARGETS;

/// Installs what is missing and says what there is.
///
/// # Errors
/// Everything that is missing and cannot be installed.
pub fn run(json: bool) -> Result<ExitCode> {
    let start = Instant::now();
    let libtorch = everything(Profile::Dev)?;
    println!("Rust targets  {}", RUST_TARGETS.join(", "));
    println!("libtorch      {}", libtorch.folder.display());
    println!("programs      qemu-system-arm, qemu-system-riscv32, a C++ compiler");
    if json {
        let object = json!({
            "targets": RUST_TARGETS,
            "libtorch": libtorch.folder,
            "libtorch_version": libtorch.version,
            "libtorch_fetched": libtorch.fetched,
            "seconds": start.elapsed().as_secs_f64(),
        });
        println!("{object}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes sure of all that demo and tests need. The profile is that of cargo-mixq, which finds or fetches
/// libtorch.
///
/// # Errors
/// Everything that is missing and cannot be installed.
pub fn everything(profile: Profile) -> Result<Libtorch> {
    let emulators = emulators();
    together(with_libtorch(profile), [emulators])
}

/// Makes sure of what runs firmware: Rust's targets and the emulated boards.
///
/// # Errors
/// As [`everything`].
pub fn emulators() -> Result<()> {
    let (arm, riscv) = (system::QEMU.ensure(), system::QEMU_RISCV.ensure());
    together(rust::ensure(), [arm, riscv])
}

/// Makes sure of what training needs.
///
/// # Errors
/// As [`everything`].
pub fn training() -> Result<Libtorch> {
    with_libtorch(Profile::Release)
}

fn with_libtorch(profile: Profile) -> Result<Libtorch> {
    let compiler = system::compiler().ensure();
    together(libtorch::ensure(profile), [compiler])
}

/// All errors in one, each on its own line.
fn together<T, const N: usize>(result: Result<T>, others: [Result<()>; N]) -> Result<T> {
    let failed = others.into_iter().filter_map(Result::err);
    let (value, errors): (_, Vec<_>) = match result {
        Ok(value) => (Some(value), failed.collect()),
        Err(error) => (None, failed.chain([error]).collect()),
    };
    match value {
        Some(value) if errors.is_empty() => Ok(value),
        _ => {
            let messages: Vec<String> = errors.iter().map(|error| format!("{error:#}")).collect();
            Err(anyhow!(messages.join("\nerror: ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_missing_is_said_at_once() {
        let error = together(Err::<(), _>(anyhow!("c")), [Err(anyhow!("a")), Ok(()), Err(anyhow!("b"))]);
        assert_eq!(error.unwrap_err().to_string(), "a\nerror: b\nerror: c");
        assert_eq!(together(Ok(1), [Err(anyhow!("a"))]).unwrap_err().to_string(), "a");
        assert_eq!(together(Ok(1), [Ok(())]).unwrap(), 1);
    }
}
