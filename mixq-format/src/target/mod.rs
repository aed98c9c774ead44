//! Instruction sets: the layout of weights and tables for the kernels of each set, and the kernel of each
//! layer.
//!
//! All of this is decided when firmware is compiled; artifacts are the same for all sets. An instruction set
//! is a file or a folder here, a file or a folder of the same name in mixq-rt, and an entry of [`ALL`].

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
mod stripes;

use crate::{Layer, Stage, Tensor};

#[cfg(feature = "file")]
pub use arena::Outline;
#[cfg(feature = "file")]
pub use cost::{Cost, Execution, Free, Piece, Tally};

/// All instruction sets. A Rust target gets the first one that it has. Every Rust target has the last one.
pub const ALL: &[&Target] = &[&armv7em::TARGET, &armv6m::TARGET, &portable::TARGET];

/// The environment variable by which `mixq_build::build()` tells `include_model!` the name of the [`Target`].
pub const VARIABLE: &str = "MIXQ_TARGET";

/// An instruction set that mixq-rt has kernels for.
#[derive(Debug)]
pub struct Target {
    /// The name of the instruction set: the name of its modules and of its `cfg` in mixq-rt, and the value of
    /// [`VARIABLE`].
    pub name: &'static str,
    /// Whether a Rust target, such as `thumbv7em-none-eabihf`, has the instruction set.
    has: fn(&str) -> bool,
    /// See [`Target::lay_out`].
    #[cfg(feature = "file")]
    lay_out: fn(Steps<'_>, &[u8], u32) -> LaidOut,
    /// How often a layer executes each piece of its kernel.
    #[cfg(feature = "file")]
    tally: fn(&Layer, &Execution<'_>) -> Tally,
    /// How often each layer of a network executes each piece of its kernel, in an arena of this number of
    /// bytes.
    #[cfg(feature = "file")]
    tallies: fn(&str, Steps<'_>, &[u8], u32) -> Vec<Tally>,
    /// Sizes of the scratch in bytes, ascending from 0, and what the layer costs there. They include all
    /// sizes at which it begins to take fewer instructions. Empty, if the layer does not work in scratch.
    #[cfg(feature = "file")]
    scratch_steps: fn(&Layer, &Execution<'_>) -> Vec<(u32, Cost)>,
}

impl Target {
    /// The instruction set of a Rust target. `dsp`: whether the processor has Arm's DSP extension. This
    /// counts only where [`dsp_is_optional`].
    pub fn of(rust_target: &str, dsp: bool) -> &'static Target {
        if dsp && dsp_is_optional(rust_target) {
            return &armv7em::TARGET;
        }
        ALL.iter().find(|target| (target.has)(rust_target)).unwrap_or(&&portable::TARGET)
    }

    /// The instruction set with this name.
    pub fn named(name: &str) -> Option<&'static Target> {
        ALL.iter().find(|target| target.name == name).copied()
    }
}

/// Whether some processors of a Rust target have Arm's DSP extension, and others do not. This is so for
/// ARMv8-M Mainline (Cortex-M33). The extension are the instructions that ARMv7E-M adds to ARMv7-M.
pub fn dsp_is_optional(rust_target: &str) -> bool {
    rust_target.starts_with("thumbv8m.main-")
}

/// The layers of a network in the order of execution, and what they must leave in the arena.
#[derive(Clone, Copy, Debug)]
pub struct Steps<'a> {
    /// The layers.
    pub layers: &'a [Layer],
    /// The layers with the rows that the arena holds of their tensors, as `held_layers` makes them.
    pub placed: &'a [Layer],
    /// Runs of them that are executed in stripes.
    pub stages: &'a [Stage],
    /// Tensors that are read when all is done: the outputs beside that of the last layer.
    pub kept: &'a [Tensor],
}

impl<'a> Steps<'a> {
    /// The stage that a layer is in.
    pub fn stage(&self, layer: usize) -> Option<&'a Stage> {
        self.stages.iter().find(|stage| stage.range().contains(&layer))
    }
}

/// Layers without stages that leave nothing but the output of the last one.
impl<'a, T: AsRef<[Layer]> + ?Sized> From<&'a T> for Steps<'a> {
    fn from(layers: &'a T) -> Steps<'a> {
        let layers = layers.as_ref();
        Steps { layers, placed: layers, stages: &[], kept: &[] }
    }
}

/// A network as the kernels of a target execute it.
#[cfg(feature = "file")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaidOut {
    /// The layers of the network, with the new offsets of their tables in the parameters.
    pub layers: Vec<Layer>,
    /// Weights and tables in the layout of the kernels: as many bytes as in the artifact.
    pub parameters: Vec<u8>,
    /// The kernel of each layer.
    pub kernels: Vec<Kernel>,
}

#[cfg(feature = "file")]
impl Target {
    /// Lays out the network of an artifact for the kernels of this target, in an arena of `arena_bytes`
    /// bytes. Bytes of the parameters that belong to no table are dropped.
    ///
    /// # Panics
    /// If `parameters` are not those of the layers.
    pub fn lay_out<'a>(&self, steps: impl Into<Steps<'a>>, parameters: &[u8], arena_bytes: u32) -> LaidOut {
        (self.lay_out)(steps.into(), parameters, arena_bytes)
    }
}

/// A kernel of mixq-rt, as Rust source code.
#[cfg(feature = "file")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// The module and the name of the kernel in `mixq_rt::export`, such as `armv7em::conv`.
    pub path: &'static str,
    /// The const parameters, as they stand between `::<` and `>`. Empty if the kernel has none.
    pub generics: String,
    /// The last argument of the kernel, if it has one: a plan or a rule of requantisation. Names in it are
    /// items of the kernel's module.
    pub plan: Option<String>,
    /// Bytes of the arena that the kernel works in, in addition to the tensors.
    pub scratch_bytes: u32,
}

#[cfg(feature = "file")]
impl Kernel {
    /// The call of the kernel, as a block of Rust. `table` is an expression: a reference to the layer's
    /// [`Checked`](crate::Checked) table. The block takes the variables `parameters` and `arena`: references
    /// to arrays whose sizes are those of the check.
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
