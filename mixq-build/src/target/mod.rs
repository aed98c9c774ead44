//! Which kernels a firmware gets: those of its Rust target, where DSP instructions are optional by what
//! Cargo.toml says of the processor, or else by what rustc is told of it.

mod flags;
mod optimisation;
mod platform;

use mixq_format::target::{Target, dsp_is_optional};

use crate::config::Processor;
use crate::error::Problem;
pub use flags::Flags;
pub use optimisation::Levels;
pub use platform::{Placed, Platform, Speed, place};

/// The table that names the processor.
const TABLE: &str = "[package.metadata.mixq.device]";

/// An instruction set, and how it was found.
#[derive(Debug)]
pub struct Choice {
    /// The set.
    pub target: &'static Target,
    /// A warning, if its kernels may be slow only because Cargo.toml does not name the processor.
    pub warning: Option<String>,
}

/// The instruction set of firmware for a Rust target, on a processor that Cargo.toml names, compiled with
/// these flags of rustc.
///
/// # Errors
/// The processor does not execute code for the Rust target, or flags say something else of it.
pub fn choose(rust_target: &str, processor: Option<&Processor>, flags: &Flags) -> Result<Choice, Problem> {
    if let Some(processor) = processor {
        executes(rust_target, processor)?;
    }
    if !dsp_is_optional(rust_target) {
        return Ok(Choice { target: Target::of(rust_target, false), warning: None });
    }
    let dsp = match (processor, &flags.dsp) {
        (Some(processor), Some((dsp, flag))) if processor.core.dsp != *dsp => {
            return Err(conflict(processor, *dsp, flag));
        }
        (Some(processor), _) => Some(processor.core.dsp),
        (None, flag) => flag.as_ref().map(|(dsp, _)| *dsp),
    };
    let warning = dsp.is_none().then(|| {
        format!(
            "mixq does not know whether the processor has DSP instructions, which {rust_target} leaves open, \
             and takes kernels without: they are up to six times slower; write core = \"cortex-m33\" into \
             {TABLE}, or \"cortex-m33+nodsp\" if it has none, or the `chip`"
        )
    });
    Ok(Choice { target: Target::of(rust_target, dsp.unwrap_or(false)), warning })
}

/// What a message calls the processor.
fn shown(processor: &Processor) -> String {
    match processor.chip {
        Some(chip) => format!("the chip {} has a {}", chip.name, chip.core.title),
        None => format!("`core` is {}", processor.core.name),
    }
}

/// # Errors
/// The processor does not execute code for the Rust target. A chip may have others of another architecture
/// beside the one that is known here.
fn executes(rust_target: &str, processor: &Processor) -> Result<(), Problem> {
    let arm = rust_target.starts_with("thumb");
    let known = arm || rust_target.starts_with("riscv32");
    let is_meant = processor.chip.is_none() || processor.core.is_arm() == arm;
    if !known || !is_meant || processor.core.executes(rust_target) {
        return Ok(());
    }
    let message = format!("{}, which does not execute code for {rust_target}", shown(processor));
    let help = match processor.chip {
        Some(_) => {
            "compile for another target; or if the chip has another processor beside it, name that \
                    one by `core`"
        }
        None => "compile for another target, or name another `core`",
    };
    Err(Problem::new(message).help(help).at(processor.at.clone()))
}

/// An error if the flags give the processor DSP instructions that it does not have, or take away those that
/// it has.
fn conflict(processor: &Processor, dsp: bool, flag: &str) -> Problem {
    let core = processor.core.name;
    let (has, help) = if dsp {
        let other = core.trim_end_matches("+nodsp");
        let help = format!("add `-C target-feature=-dsp` to rustc's flags, or write core = \"{other}\"");
        ("DSP instructions", help)
    } else {
        ("none", format!("take the flag out, or write core = \"{core}+nodsp\" for kernels without"))
    };
    let message = format!("{}, but by rustc's flag `{flag}` the processor has {has}", shown(processor));
    Problem::new(message).help(help).at(processor.at.clone())
}
