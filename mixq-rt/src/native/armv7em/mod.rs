//! Operators around the inner loops for ARMv7E-M.

mod conv;
mod depthwise;
mod linear;
mod source;

pub use conv::conv;
pub use depthwise::depthwise;
pub use linear::linear;

use mixq_format::Tensor;
use mixq_format::layout::{LEAST_SCRATCH, Plan};

use crate::tensor::split_with;

/// Calls `work` with memory from the stack if the plan has too little in the arena, else with none: apart, so that the stack has room for it
/// only where it is needed.
#[inline(always)]
fn with_memory(plan: &Plan, mut work: impl FnMut(&mut [u32])) {
    #[inline(never)]
    fn on_the_stack(work: &mut dyn FnMut(&mut [u32])) {
        work(&mut [0; LEAST_SCRATCH / 4]);
    }
    if (plan.scratch_bytes as usize) < LEAST_SCRATCH {
        on_the_stack(&mut work);
    } else {
        work(&mut []);
    }
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
    let range = plan.scratch as usize..(plan.scratch + plan.scratch_bytes) as usize;
    let (input, output, memory) = split_with(arena, input, output, range);
    (input, output, if own.is_empty() { bytemuck::cast_slice_mut(memory) } else { own })
}
