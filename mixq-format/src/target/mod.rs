//! Instruction sets: how each wants weights and tables laid out, and which kernel a layer gets.
//!
//! All of this happens when firmware is compiled; artifacts do not know of it. Every set is a file or a
//! folder here, a file or a folder of the same name in mixq-rt, and a line in [`ALL`].

#[cfg(feature = "file")]
mod arena;
mod armv6m;
pub mod armv7em;
#[cfg(feature = "file")]
mod cost;
mod free;
mod portable;
#[cfg(feature = "file")]
mod relocate;

#[cfg(feature = "file")]
use crate::Layer;

#[cfg(feature = "file")]
pub use arena::Outline;
#[cfg(feature = "file")]
pub use cost::{Cost, Execution, Piece, Tally};

/// All instruction sets. A Rust target gets the first one of them that it has; every target has the last.
pub const ALL: &[&Target] = &[&armv7em::TARGET, &armv6m::TARGET, &portable::TARGET];

/// The variable by which `mixq_build::build()` names the [`Target`] to `include_model!`.
pub const VARIABLE: &str = "MIXQ_TARGET";

/// An instruction set that mixq-rt has kernels for.
#[derive(Debug)]
pub struct Target {
    /// Its name: that of its modules, of its `cfg` in mixq-rt, and the value of [`VARIABLE`].
    pub name: &'static str,
    /// Whether a Rust target, such as `thumbv7em-none-eabihf`, has it.
    has: fn(&str) -> bool,
    #[cfg(feature = "file")]
    lay_out: fn(&[Layer], &[u8], u32) -> LaidOut,
    /// How often a layer executes each piece of its kernel.
    #[cfg(feature = "file")]
    tally: fn(&Layer, &Execution<'_>) -> Tally,
    /// The same for all layers of a network that is laid out in an arena of this number of bytes.
    #[cfg(feature = "file")]
    tallies: fn(&str, &[Layer], &[u8], u32) -> Vec<Tally>,
    /// Sizes of the scratch, ascending, among which are all from which on a layer takes fewer instructions.
    #[cfg(feature = "file")]
    scratch_steps: fn(&Layer, &Execution<'_>) -> Vec<u32>,
}

impl Target {
    /// The one of a Rust target, on processors with Arm's DSP extension or without. That counts only where
    /// [`dsp_is_optional`].
    pub fn of(rust_target: &str, dsp: bool) -> &'static Target {
        if dsp && dsp_is_optional(rust_target) {
            return &armv7em::TARGET;
        }
        ALL.iter().find(|target| (target.has)(rust_target)).unwrap_or(&&portable::TARGET)
    }

    /// The one of a name.
    pub fn named(name: &str) -> Option<&'static Target> {
        ALL.iter().find(|target| target.name == name).copied()
    }
}

/// Whether some processors of a Rust target have Arm's DSP extension, which are the instructions that
/// ARMv7E-M adds to ARMv7-M, and others do not: so for ARMv8-M Mainline (Cortex-M33).
pub fn dsp_is_optional(rust_target: &str) -> bool {
    rust_target.starts_with("thumbv8m.main-")
}

/// A network as a target executes it.
#[cfg(feature = "file")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaidOut {
    /// The same layers; their tables may be elsewhere in the parameters.
    pub layers: Vec<Layer>,
    /// Weights and tables as the kernels want them: as many bytes as before.
    pub parameters: Vec<u8>,
    /// The kernel of each layer.
    pub kernels: Vec<Kernel>,
}

#[cfg(feature = "file")]
impl Target {
    /// A network of an artifact, whose arena has `arena_bytes` bytes, as the kernels of this target want it.
    /// Parameters that belong to no table are lost.
    ///
    /// # Panics
    /// If `parameters` are not those of the layers.
    pub fn lay_out(&self, layers: &[Layer], parameters: &[u8], arena_bytes: u32) -> LaidOut {
        (self.lay_out)(layers, parameters, arena_bytes)
    }
}

/// A kernel of mixq-rt, as Rust.
#[cfg(feature = "file")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Its module and its name in `mixq_rt::export`: `armv7em::conv`.
    pub path: &'static str,
    /// Its const parameters, as they stand between `::<` and `>`. Empty if it has none.
    pub generics: String,
    /// What is decided when firmware is compiled: the last argument. It names items of the kernel's module.
    pub plan: Option<String>,
    /// Bytes of the arena that it works in, beside the tensors.
    pub scratch_bytes: u32,
}

#[cfg(feature = "file")]
impl Kernel {
    /// The call of the kernel, as a block of Rust. `table` is an expression, a reference to the layer's
    /// [`Checked`](crate::Checked) table; `parameters` and `arena` are variables at the place of the call,
    /// references to arrays of the sizes of the check.
    pub fn call(&self, table: &str) -> String {
        let Kernel { path, generics, plan, .. } = self;
        let (module, name) = path.split_once("::").unwrap_or(("", path));
        let generics = if generics.is_empty() { String::new() } else { format!("::<{generics}>") };
        let plan = plan.as_ref().map_or(String::new(), |plan| format!(", {plan}"));
        let operands = format!("::mixq_rt::format::Operands::new({table}, parameters, arena)");
        format!("{{ use ::mixq_rt::export::{module}::*; {name}{generics}({operands}{plan}); }}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rust_target_has_one_set() {
        for (rust_target, set) in [
            ("thumbv7em-none-eabihf", "armv7em"),
            ("thumbv7em-none-eabi", "armv7em"),
            ("thumbv6m-none-eabi", "armv6m"),
            ("thumbv7m-none-eabi", "portable"),
            ("thumbv8m.base-none-eabi", "portable"),
            ("riscv32imac-unknown-none-elf", "portable"),
            ("x86_64-unknown-linux-gnu", "portable"),
        ] {
            assert_eq!([false, true].map(|dsp| Target::of(rust_target, dsp).name), [set; 2], "{rust_target}");
        }
    }

    #[test]
    fn a_cortex_m33_has_the_set_of_the_m4_if_it_has_dsp() {
        for rust_target in ["thumbv8m.main-none-eabi", "thumbv8m.main-none-eabihf"] {
            assert_eq!(Target::of(rust_target, true).name, "armv7em");
            assert_eq!(Target::of(rust_target, false).name, "portable");
        }
    }

    #[test]
    fn every_set_has_a_name_of_its_own() {
        for target in ALL {
            assert_eq!(ALL.iter().filter(|other| other.name == target.name).count(), 1);
            assert_eq!(Target::named(target.name).map(|found| found.name), Some(target.name));
        }
        assert!(Target::named("mips").is_none());
    }

    #[cfg(feature = "file")]
    #[test]
    fn a_call_names_what_the_kernel_takes() {
        let kernel = Kernel {
            path: "portable::conv",
            generics: "8, 4".to_string(),
            plan: Some("multiplier".to_string()),
            scratch_bytes: 0,
        };
        assert_eq!(
            kernel.call("&layers.l0"),
            "{ use ::mixq_rt::export::portable::*; \
             conv::<8, 4>(::mixq_rt::format::Operands::new(&layers.l0, parameters, arena), multiplier); }"
        );
        let kernel = Kernel { path: "armv7em::add", generics: String::new(), plan: None, ..kernel };
        assert_eq!(
            kernel.call("&TABLE"),
            "{ use ::mixq_rt::export::armv7em::*; \
             add(::mixq_rt::format::Operands::new(&TABLE, parameters, arena)); }"
        );
    }
}
