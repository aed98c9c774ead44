//! Kernels for the DSP instructions of ARMv7E-M (Cortex-M4, M7). Some processors of ARMv8-M Mainline
//! (Cortex-M33) have these instructions, too. The kernels execute the layers for which
//! [`takes`](mixq_format::target::armv7em::takes) is true, with weights that
//! [`rearrange`](mixq_format::target::armv7em::rearrange) has laid out. Each operator has a file; the
//! assembly is in `asm`, behind safe functions.
//!
//! No kernel accesses memory other than parameters, arena and its stack, with any arguments.
//! [`Operands`] proves that table, parameters and arena fit together. A kernel panics
//! if plan or const parameters do not fit these. If they fit, but are those of another layer, the result may
//! be wrong. A width other than 8, 4 or 2 bits does not compile.

mod add;
#[allow(unsafe_code)]
mod asm;
mod check;
mod conv;
mod depthwise;
mod elementwise;
mod grouped;
mod linear;
mod multiply;
mod pool;
mod rearrange;

pub use add::{add, constants};
pub use conv::conv;
pub use depthwise::{depthwise, grouped_depthwise};
pub use elementwise::elementwise;
pub use grouped::grouped_conv;
pub use linear::linear;
pub use multiply::multiply;
pub use pool::{average_pool, max_pool};
pub use rearrange::rearrange;

pub use mixq_format::target::armv7em::{Plan, Proof};

use mixq_format::Operands;
use mixq_format::target::armv7em::LEAST_SCRATCH;

use asm::Parts;
use asm::layer::OneInput;

/// Calls `work` with `WORDS` words of the stack, if the plan has less than [`LEAST_SCRATCH`] in the arena;
/// else with an empty slice.
// The words are on the stack of a function of their own, so that only layers that need them take the stack.
#[inline(always)]
fn with_memory<const WORDS: usize>(plan: &Plan, mut work: impl FnMut(&mut [u32])) {
    #[inline(never)]
    fn on_the_stack<const WORDS: usize>(work: &mut dyn FnMut(&mut [u32])) {
        work(&mut [0; WORDS]);
    }
    if plan.scratch_bytes as usize >= LEAST_SCRATCH {
        work(&mut [])
    } else {
        on_the_stack::<WORDS>(&mut work)
    }
}

/// Input, output, and the memory to work in: `own`, or, if that is empty, the plan's part of the arena.
///
/// # Panics
/// If the plan's part reaches beyond the arena or into a tensor.
#[inline(always)]
fn split<'a, T: OneInput>(operands: Operands<'a, T>, plan: &Plan, own: &'a mut [u32]) -> Parts<'a, T> {
    let mut parts = asm::split(operands, [plan.scratch, plan.scratch_bytes]);
    if !own.is_empty() {
        parts.memory = own;
    }
    parts
}
