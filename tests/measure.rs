//! Counts the instructions of every layer of networks on an emulated processor, by the firmware `networks` in
//! `tests/bench`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use mixq_format::Artifact;
use mixq_format::target::Target;

use crate::firmware::turn;

/// A processor that QEMU emulates and counts the instructions of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Processor {
    /// The Rust target that is compiled for it.
    pub target: &'static str,
    machine: &'static [&'static str],
    /// Virtual nanoseconds of an instruction, as a power of two.
    shift: u8,
    /// Whether it has DSP instructions, where the Rust target leaves these open.
    dsp: bool,
}

/// With the kernels for ARMv7E-M.
pub const CORTEX_M4: Processor = Processor {
    target: "thumbv7em-none-eabihf",
    machine: &["qemu-system-arm", "-machine", "mps2-an386"],
    shift: 6,
    dsp: true,
};

/// With the kernels for ARMv6-M, on a board with a Cortex-M3: it executes the same instructions.
pub const CORTEX_M0: Processor = Processor {
    target: "thumbv6m-none-eabi",
    machine: &["qemu-system-arm", "-machine", "mps2-an385"],
    shift: 6,
    dsp: false,
};

/// A Cortex-M33, with the kernels for ARMv7E-M.
pub const CORTEX_M33: Processor = Processor {
    target: "thumbv8m.main-none-eabihf",
    machine: &["qemu-system-arm", "-machine", "mps2-an505"],
    shift: 6,
    dsp: true,
};

/// The same without DSP instructions, with the portable kernels.
pub const CORTEX_M33_WITHOUT_DSP: Processor = Processor {
    target: "thumbv8m.main-none-eabihf",
    machine: &["qemu-system-arm", "-machine", "mps2-an505", "-global", "iotkit.CPU0_DSP=off"],
    dsp: false,
    ..CORTEX_M33
};

/// With the portable kernels.
pub const RISCV: Processor = Processor {
    target: "riscv32imac-unknown-none-elf",
    machine: &["qemu-system-riscv32", "-machine", "virt", "-bios", "none"],
    shift: 0,
    dsp: false,
};

impl Processor {
    /// Whose kernels it executes.
    pub fn kernels(&self) -> &'static Target {
        Target::of(self.target, self.dsp)
    }
}

/// Instructions of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Which of the networks.
    pub network: usize,
    /// Bytes of the arena beyond what the artifact says.
    pub spare: u32,
    /// Instructions of each layer.
    pub layers: Vec<u64>,
}

/// Measures each network in arenas that have these numbers of bytes more than it needs. Writes to `folder`,
/// and compiles in `scratch`, which is `CARGO_TARGET_TMPDIR`.
///
/// # Panics
/// If firmware does not compile or fails, as it does if an answer is wrong.
pub fn measure(
    processor: Processor,
    networks: &[(Artifact, Vec<u32>)],
    folder: &Path,
    scratch: &Path,
) -> Vec<Measured> {
    let elf = build(processor, networks, folder, scratch);
    let output = emulator(processor, &elf).output();
    let output = output.unwrap_or_else(|e| panic!("cannot start QEMU ({e}): run `cargo xtask setup`"));
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    let line = |line: &str| {
        let mut words = line.split(' ');
        let name = words.next().expect("a line begins with a name");
        let mut figures = words.map(|word| word.trim().parse::<u64>().expect("a figure"));
        let network = name.trim_start_matches("network").parse().expect("a number");
        Measured { network, spare: figures.next().expect("bytes") as u32, layers: figures.collect() }
    };
    printed.lines().map(line).collect()
}

/// Compiles the firmware around networks; the ELF, which lies in `folder`.
///
/// # Panics
/// If it does not compile.
pub fn build(
    processor: Processor,
    networks: &[(Artifact, Vec<u32>)],
    folder: &Path,
    scratch: &Path,
) -> PathBuf {
    let models = folder.join("networks");
    let write = |file: &str, bytes: &[u8]| {
        let path = models.join(file);
        if fs::read(&path).ok().as_deref() != Some(bytes) {
            fs::write(&path, bytes).unwrap_or_else(|e| panic!("cannot write {}: {e}", path.display()));
        }
    };
    fs::create_dir_all(&models).unwrap_or_else(|e| panic!("cannot create {}: {e}", models.display()));
    let mut list = String::new();
    for (index, (artifact, spares)) in networks.iter().enumerate() {
        write(&format!("network{index}.mixq"), &artifact.to_bytes());
        spares.iter().for_each(|spare| list += &format!("network{index} {spare}\n"));
    }
    write("networks", list.as_bytes());
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // Of all tests that build this package: what build scripts need is compiled once.
    let target_folder = scratch.join("bench");
    let _turn = turn(&target_folder);
    let output = Command::new(cargo)
        .args(["build", "--release", "--bin", "networks", "--target", processor.target, "--target-dir"])
        .arg(&target_folder)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("bench"))
        .env("MIXQ_BENCH_NETWORKS", &models)
        .env("MIXQ_BENCH_DSP", if processor.dsp { "yes" } else { "no" })
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let elf = folder.join("firmware");
    let made = target_folder.join(processor.target).join("release").join("networks");
    fs::copy(made, &elf).expect("firmware can be copied");
    elf
}

/// QEMU with the firmware.
pub fn emulator(processor: Processor, elf: &Path) -> Command {
    let mut qemu = Command::new(processor.machine[0]);
    qemu.args(&processor.machine[1..]).arg("-nographic");
    qemu.args(["-icount", &format!("shift={},align=off,sleep=off", processor.shift)]);
    qemu.args(["-semihosting-config", "enable=on,target=native"]);
    qemu.arg("-kernel").arg(elf).stdin(Stdio::null());
    qemu
}
