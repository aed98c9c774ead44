//! Programs that the system's package manager brings.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::process;

/// A program and how people get it.
pub struct Tool {
    /// What it is, as a sentence begins.
    what: &'static str,
    program: Program,
    /// Arguments with which it succeeds and does nothing.
    probe: &'static [&'static str],
    /// Package of Debian and Ubuntu.
    debian: &'static str,
    /// How others install it.
    elsewhere: &'static str,
}

enum Program {
    Named(&'static str),
    Chosen(OsString),
}

/// The emulated boards.
pub const QEMU: Tool = Tool {
    what: "QEMU for Arm (qemu-system-arm)",
    program: Program::Named("qemu-system-arm"),
    probe: &["--version"],
    debian: "qemu-system-arm",
    elsewhere: "Fedora: `dnf install qemu-system-arm`, Arch: `pacman -S qemu-system-arm`, macOS: `brew \
                install qemu`",
};

/// An emulated RISC-V microcontroller, for `cargo xtask bench`.
pub const QEMU_RISCV: Tool = Tool {
    what: "QEMU for RISC-V (qemu-system-riscv32)",
    program: Program::Named("qemu-system-riscv32"),
    probe: &["--version"],
    debian: "qemu-system-misc",
    elsewhere: "Fedora: `dnf install qemu-system-riscv`, Arch: `pacman -S qemu-system-riscv`, macOS: `brew \
                install qemu`",
};

/// Downloads libtorch, for `cargo mixq setup`.
pub const PIP: Tool = Tool {
    what: "Python's package installer (python3 -m pip)",
    program: Program::Named("python3"),
    probe: &["-m", "pip", "--version"],
    debian: "python3-pip",
    elsewhere: "Fedora: `dnf install python3-pip`, Arch: `pacman -S python-pip`, macOS: `brew install \
                python`",
};

/// Compiles the bindings to libtorch.
pub fn compiler() -> Tool {
    let chosen = std::env::var_os("CXX").filter(|program| !program.is_empty());
    Tool {
        what: "a C++ compiler",
        program: chosen.map_or(Program::Named("c++"), Program::Chosen),
        probe: &["--version"],
        debian: "g++",
        elsewhere: "Fedora: `dnf install gcc-c++`, Arch: `pacman -S gcc`, macOS: `xcode-select --install`",
    }
}

impl Tool {
    /// Installs it if it is missing, where that is possible: as root, on Debian and its relatives.
    ///
    /// # Errors
    /// What is missing, and how to install it.
    pub fn ensure(&self) -> Result<()> {
        if self.there() {
            return Ok(());
        }
        if Path::new("/usr/bin/apt-get").exists() && is_root() {
            eprintln!("installing {}", self.debian);
            process::run(&mut apt(&["update"]))?;
            process::run(&mut apt(&["install", "--yes", "--no-install-recommends", self.debian]))?;
            if self.there() {
                return Ok(());
            }
        }
        bail!(self.missing())
    }

    /// Whether it can be started.
    pub fn there(&self) -> bool {
        let mut command = match &self.program {
            Program::Named(name) => Command::new(name),
            Program::Chosen(program) => {
                // CXX may hold a wrapper or arguments: "ccache g++".
                let text = program.to_string_lossy();
                let mut words = text.split_whitespace();
                let mut command = Command::new(words.next().unwrap_or_default());
                command.args(words);
                command
            }
        };
        process::works(command.args(self.probe))
    }

    fn missing(&self) -> String {
        format!(
            "{} is missing; Debian, Ubuntu: `apt-get install {}` (as root), {}",
            self.what, self.debian, self.elsewhere
        )
    }
}

fn apt(arguments: &[&str]) -> Command {
    let mut apt = Command::new("apt-get");
    apt.arg("--quiet").args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    apt
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_says_how_to_get_it_on_each_system() {
        let message = PIP.missing();
        assert!(message.starts_with("Python's package installer (python3 -m pip) is missing; "), "{message}");
        for system in
            ["Debian, Ubuntu: `apt-get install python3-pip` (as root)", "Fedora: ", "Arch: ", "macOS: "]
        {
            assert!(message.contains(system), "{system} is not in: {message}");
        }
    }

    #[test]
    fn tools_are_found_by_running_them() {
        let tool =
            |program: &str, probe| Tool { program: Program::Chosen(program.into()), probe, ..compiler() };
        assert!(tool("rustc", &["--version"]).there());
        assert!(tool("rustc --print cfg", &["--version"]).there());
        assert!(!tool("rustc", &["--no-such-option"]).there());
        assert!(!tool("no-such-program", &["--version"]).there());
        assert!(!tool("", &["--version"]).there());
    }
}
