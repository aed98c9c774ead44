//! The emulated machines.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process::{self, cargo};

/// A processor, and the board that QEMU emulates it on.
pub struct Cpu {
    pub name: &'static str,
    target: &'static str,
    qemu: &'static str,
    board: &'static [&'static str],
    /// Virtual nanoseconds of an instruction, as a power of two.
    shift: u8,
    /// Whether there is a model of its cycles.
    pub cycles: bool,
    /// Whether its kernels work in the arena, where there is room.
    pub scratch: bool,
    /// Whether it executes the same code as one before it.
    pub same: bool,
}

/// Cortex-M0+ code runs on a board with a Cortex-M3, which has room for the workloads and executes the same
/// instructions.
pub const CPUS: &[Cpu] = &[
    Cpu {
        name: "cortex-m4",
        target: "thumbv7em-none-eabihf",
        qemu: "qemu-system-arm",
        board: &["-machine", "mps2-an386"],
        shift: 6,
        cycles: true,
        scratch: true,
        same: false,
    },
    Cpu {
        name: "cortex-m7",
        target: "thumbv7em-none-eabihf",
        qemu: "qemu-system-arm",
        board: &["-machine", "mps2-an500"],
        shift: 6,
        cycles: false,
        scratch: true,
        same: true,
    },
    Cpu {
        name: "cortex-m33",
        target: "thumbv8m.main-none-eabihf",
        qemu: "qemu-system-arm",
        board: &["-machine", "mps2-an505"],
        shift: 6,
        cycles: false,
        scratch: true,
        same: true,
    },
    Cpu {
        name: "cortex-m0+",
        target: "thumbv6m-none-eabi",
        qemu: "qemu-system-arm",
        board: &["-machine", "mps2-an385"],
        shift: 6,
        cycles: false,
        scratch: false,
        same: false,
    },
    Cpu {
        name: "riscv32imac",
        target: "riscv32imac-unknown-none-elf",
        qemu: "qemu-system-riscv32",
        board: &["-machine", "virt", "-bios", "none"],
        shift: 0,
        cycles: false,
        scratch: false,
        same: false,
    },
];

impl Cpu {
    /// Compiles the firmware for one pair of widths (activation, weight), with all workloads; the ELF.
    /// `spare`: whether arenas have more bytes than tensors.
    ///
    /// # Errors
    /// If it does not compile.
    pub fn build(&self, bits: (u8, u8), spare: bool) -> Result<PathBuf> {
        self.build_with(bits, "", "3", spare)
    }

    /// The same with some workloads (names between commas) at an optimisation level.
    ///
    /// # Errors
    /// If it does not compile.
    pub fn build_with(
        &self,
        (activation, weight): (u8, u8),
        workloads: &str,
        level: &str,
        spare: bool,
    ) -> Result<PathBuf> {
        let mut cargo = cargo("tests/bench");
        cargo.args(["build", "--release", "--bin", "bench", "--target", self.target]);
        cargo.env("MIXQ_BENCH_BITS", format!("{activation}x{weight}"));
        cargo.env("MIXQ_BENCH_SPARE", if spare { "yes" } else { "no" });
        cargo.env("MIXQ_BENCH_WORKLOADS", workloads).env("CARGO_PROFILE_RELEASE_OPT_LEVEL", level);
        process::build(&mut cargo, "bench")
    }

    /// Compiles the firmware that holds the networks of a folder; the ELF.
    ///
    /// # Errors
    /// If it does not compile.
    pub fn build_networks(&self, folder: &Path) -> Result<PathBuf> {
        let mut cargo = cargo("tests/bench");
        cargo.args(["build", "--release", "--bin", "networks", "--target", self.target]);
        process::build(cargo.env("MIXQ_BENCH_NETWORKS", folder), "networks")
    }

    /// The emulator with a workload.
    pub fn emulator(&self, elf: &Path, workload: &str) -> Command {
        let mut qemu = Command::new(self.qemu);
        qemu.args(self.board);
        qemu.args(["-icount", &format!("shift={},align=off,sleep=off", self.shift), "-nographic"]);
        qemu.args(["-semihosting-config", &format!("enable=on,target=native,arg=bench,arg={workload}")]);
        qemu.arg("-kernel").arg(elf).stdin(Stdio::null());
        qemu
    }

    /// Executes a workload; what it prints.
    ///
    /// # Errors
    /// If it fails, as it does if an answer is wrong.
    pub fn run(&self, elf: &Path, workload: &str) -> Result<String> {
        let mut qemu = self.emulator(elf, workload);
        let output = qemu.output().with_context(|| format!("cannot start {}", self.qemu))?;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            bail!(
                "{workload} on {} failed:\n{printed}{}",
                self.name,
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(printed)
    }
}
