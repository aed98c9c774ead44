//! Operators around the inner loops for ARMv7E-M.

mod add;
mod conv;
mod depthwise;
mod fill;
mod linear;
mod pool;
mod runs;
mod source;

pub use add::add;
pub use conv::conv;
pub use depthwise::depthwise;
pub use linear::linear;
pub use pool::{average_pool, max_pool};

use mixq_format::Tensor;
use mixq_format::layout::Plan;

use crate::arch::armv7em::split as split_arena;

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
fn split<'a>(
    arena: &'a mut [u8],
    [input, output]: [&Tensor; 2],
    plan: &Plan,
    own: &'a mut [u32],
) -> (&'a [u8], &'a mut [u8], &'a mut [u32]) {
    let (input, output, memory) = split_arena(arena, input, output, [plan.scratch, plan.scratch_bytes]);
    (input, output, if own.is_empty() { memory } else { own })
}
