//! Operators around the inner loops for ARMv7E-M.

mod conv;
mod depthwise;
mod linear;
mod source;

pub use conv::conv;
pub use depthwise::depthwise;
pub use linear::linear;

use mixq_format::Tensor;
use mixq_format::layout::Plan;

use crate::arch::armv7em::Scratch;
use crate::tensor::split_with;

/// What a kernel works on: input, output, and memory of at least [`Scratch::LEAST`] bytes.
type Work<'a> = &'a mut dyn FnMut(&[u8], &mut [u8], &mut [u32]);

/// Calls `work` with memory from the arena if the plan has enough there, else from the stack.
///
/// # Panics
/// If the plan is not for these tensors.
#[inline(never)]
fn with_scratch(arena: &mut [u8], [input, output]: [&Tensor; 2], plan: &Plan, work: Work) {
    let range = plan.scratch as usize..(plan.scratch + plan.scratch_bytes) as usize;
    let (input, output, memory) = split_with(arena, input, output, range);
    if memory.len() < Scratch::LEAST {
        on_the_stack(input, output, work);
    } else {
        work(input, output, bytemuck::cast_slice_mut(memory));
    }
}

/// Apart, so that the stack has room for it only where it is needed.
#[inline(never)]
fn on_the_stack(input: &[u8], output: &mut [u8], work: Work) {
    work(input, output, &mut [0; Scratch::LEAST / 4]);
}
