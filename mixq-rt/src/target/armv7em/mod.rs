//! Kernels for the DSP instructions of ARMv7E-M (Cortex-M4, M7), which ARMv8-M Mainline may have, too
//! (Cortex-M33), for layers that [`takes`](mixq_format::target::armv7em::takes) names and weights as
//! [`rearrange`](mixq_format::target::armv7em::rearrange) lays them out. One file an operator; the assembly
//! is in `asm`, behind safe functions.
//!
//! No kernel touches memory other than parameters, arena and its stack, whatever it is given. That tables,
//! parameters and arena fit together is proven by [`Operands`](mixq_format::Operands); a kernel panics if plan
//! or const parameters do not fit to these. If they fit, but are those of another layer, it may answer
//! wrongly. A width other than 8, 4 or 2 bits does not compile.

mod add;
#[allow(unsafe_code)]
mod asm;
mod check;
mod conv;
mod depthwise;
mod linear;
mod pool;

pub use add::add;
pub use conv::conv;
pub use depthwise::depthwise;
pub use linear::linear;
pub use pool::{average_pool, max_pool};

pub use mixq_format::target::armv7em::{Plan, Proof};

use mixq_format::Operands;

use asm::Parts;
use asm::layer::OneInput;

/// Calls `work` with `WORDS` words from the stack if the plan has fewer in the arena, else with none: apart,
/// so that the stack has room for it only where it is needed.
#[inline(always)]
fn with_memory<const WORDS: usize>(plan: &Plan, mut work: impl FnMut(&mut [u32])) {
    #[inline(never)]
    fn on_the_stack<const WORDS: usize>(work: &mut dyn FnMut(&mut [u32])) {
        work(&mut [0; WORDS]);
    }
    if plan.scratch_bytes as usize >= 4 * WORDS { work(&mut []) } else { on_the_stack::<WORDS>(&mut work) }
}

/// Input, output and memory to work in: `own`, or where the plan has it.
///
/// # Panics
/// If the plan is not for these tensors.
#[inline(always)]
fn split<'a, T: OneInput>(operands: Operands<'a, T>, plan: &Plan, own: &'a mut [u32]) -> Parts<'a, T> {
    let mut parts = asm::split(operands, [plan.scratch, plan.scratch_bytes]);
    if !own.is_empty() {
        parts.memory = own;
    }
    parts
}
