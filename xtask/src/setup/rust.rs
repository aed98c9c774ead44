//! Standard libraries of the microcontrollers' targets.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;

/// Cortex-M4F and M7F, Cortex-M33F and M55F, Cortex-M0, and a RISC-V microcontroller.
pub const TARGETS: [&str; 4] = [
    "thumbv7em-none-eabihf",
    "thumbv8m.main-none-eabihf",
    "thumbv6m-none-eabi",
    "riscv32imac-unknown-none-elf",
];

/// Adds the targets that are missing.
///
/// # Errors
/// If rustup is missing or fails.
pub fn ensure() -> Result<()> {
    let missing: Vec<&str> = TARGETS.into_iter().filter(|target| !installed(target)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    process::run(Command::new("rustup").args(["target", "add"]).args(&missing)).with_context(|| {
        format!(
            "the Rust targets {} are missing: with rustup (https://rustup.rs) they come by \
             `rustup target add`, otherwise from where your Rust comes from",
            missing.join(", ")
        )
    })
}

/// Whether rustc has the target's standard library, wherever it comes from: there are toolchains without
/// rustup.
fn installed(target: &str) -> bool {
    let output = Command::new("rustc").args(["--print", "target-libdir", "--target", target]).output();
    output.is_ok_and(|output| {
        output.status.success() && Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_installed_and_nonsense_is_not() {
        let version = Command::new("rustc").arg("-vV").output().unwrap().stdout;
        let version = String::from_utf8(version).unwrap();
        let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        assert!(installed(host));
        assert!(!installed("thumbv9-none-nonsense"));
    }
}
