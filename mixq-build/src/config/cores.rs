//! Processors, by the names that compilers have for them.

use crate::error::{Problem, unknown};

/// A processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Core {
    /// What compilers call it. `+nodsp`, as GCC writes it: made without Arm's DSP extension.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// Whether it has Arm's DSP extension.
    pub dsp: bool,
    /// The beginnings of Rust targets whose code it executes.
    executes: &'static [&'static str],
}

/// Rust targets of Arm's profiles, each with those before it whose code it executes.
const V6M: &[&str] = &["thumbv6m-"];
const V7M: &[&str] = &["thumbv6m-", "thumbv7m-"];
const V7EM: &[&str] = &["thumbv6m-", "thumbv7m-", "thumbv7em-"];
const V8M_BASE: &[&str] = &["thumbv6m-", "thumbv8m.base-"];
const V8M_MAIN: &[&str] = &["thumbv6m-", "thumbv7m-", "thumbv8m.base-", "thumbv8m.main-"];
const V8M_DSP: &[&str] = &["thumbv6m-", "thumbv7m-", "thumbv7em-", "thumbv8m.base-", "thumbv8m.main-"];
const IMC: &[&str] = &["riscv32i-", "riscv32im-", "riscv32imc-"];
const IMAC: &[&str] = &["riscv32i-", "riscv32im-", "riscv32imc-", "riscv32imac-"];

pub(super) const CORTEX_M0: Core = core("cortex-m0", "Cortex-M0", false, V6M);
pub(super) const CORTEX_M0_PLUS: Core = core("cortex-m0plus", "Cortex-M0+", false, V6M);
pub(super) const CORTEX_M3: Core = core("cortex-m3", "Cortex-M3", false, V7M);
pub(super) const CORTEX_M4: Core = core("cortex-m4", "Cortex-M4F", true, V7EM);
pub(super) const CORTEX_M7: Core = core("cortex-m7", "Cortex-M7", true, V7EM);
pub(super) const CORTEX_M33: Core = core("cortex-m33", "Cortex-M33", true, V8M_DSP);
pub(super) const CORTEX_M33_NO_DSP: Core =
    core("cortex-m33+nodsp", "Cortex-M33 without DSP", false, V8M_MAIN);
pub(super) const RV32IMC: Core = core("rv32imc", "RV32IMC", false, IMC);
pub(super) const RV32IMAC: Core = core("rv32imac", "RV32IMAC", false, IMAC);

/// All that have a name here.
pub const CORES: &[Core] = &[
    CORTEX_M0,
    CORTEX_M0_PLUS,
    CORTEX_M3,
    CORTEX_M4,
    CORTEX_M7,
    core("cortex-m23", "Cortex-M23", false, V8M_BASE),
    CORTEX_M33,
    CORTEX_M33_NO_DSP,
    core("cortex-m35p", "Cortex-M35P", true, V8M_DSP),
    core("cortex-m35p+nodsp", "Cortex-M35P without DSP", false, V8M_MAIN),
    core("cortex-m52", "Cortex-M52", true, V8M_DSP),
    core("cortex-m55", "Cortex-M55", true, V8M_DSP),
    core("cortex-m85", "Cortex-M85", true, V8M_DSP),
    RV32IMC,
    RV32IMAC,
];

const fn core(name: &'static str, title: &'static str, dsp: bool, executes: &'static [&'static str]) -> Core {
    Core { name, title, dsp, executes }
}

impl Core {
    /// The one that compilers call so, in lower case.
    pub fn named(name: &str) -> Option<&'static Core> {
        CORES.iter().find(|core| core.name == name)
    }

    /// The one that a person names, in any case: `Cortex-M33`, `cortex-m0+`.
    ///
    /// # Errors
    /// There is none.
    pub fn find(name: &str) -> Result<&'static Core, Problem> {
        let same =
            |core: &&Core| [core.name, core.title].iter().any(|known| known.eq_ignore_ascii_case(name));
        let names: Vec<&str> = CORES.iter().map(|core| core.name).collect();
        CORES.iter().find(same).ok_or_else(|| unknown("core", &name.to_lowercase(), &names))
    }

    /// Whether it executes code for a Rust target, such as `thumbv8m.main-none-eabihf`.
    pub fn executes(&self, rust_target: &str) -> bool {
        self.executes.iter().any(|beginning| rust_target.starts_with(beginning))
    }

    /// The Rust target that it is usually compiled for; with a floating-point unit where most chips have
    /// one. (mixq's kernels use none.)
    pub fn rust_target(&self) -> &'static str {
        match self.executes.last().copied().unwrap_or_default() {
            "thumbv6m-" => "thumbv6m-none-eabi",
            "thumbv7m-" => "thumbv7m-none-eabi",
            "thumbv7em-" => "thumbv7em-none-eabihf",
            "thumbv8m.base-" => "thumbv8m.base-none-eabi",
            "thumbv8m.main-" => "thumbv8m.main-none-eabihf",
            "riscv32imc-" => "riscv32imc-unknown-none-elf",
            _ => "riscv32imac-unknown-none-elf",
        }
    }

    /// Whether it is one of Arm's.
    pub fn is_arm(&self) -> bool {
        self.executes("thumbv6m-none-eabi")
    }

    /// Whether it is `other`, made without the DSP extension.
    pub fn lacks_dsp_of(&self, other: &Core) -> bool {
        self.name.strip_suffix("+nodsp") == Some(other.name)
    }
}
