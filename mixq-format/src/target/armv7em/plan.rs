//! The part of the arena that a kernel works in.

use super::super::Steps;
use super::super::free::{between, free, spent};
use super::proof::proof;
use super::{Blocks, Proof, Windows, filters_of, is_depthwise, of_group, windows_of};
use crate::{Bits, Conv, Layer, Linear};

/// How the kernel for ARMv7E-M executes one layer. It is decided when firmware is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Bytes from the start of the arena to the scratch, the part that the kernel works in: a multiple of 4.
    /// No tensor needs this part while the layer is executed.
    pub scratch: u32,
    /// Bytes of the scratch, a multiple of 4. If they are too few, the kernel works on the stack.
    pub scratch_bytes: u32,
    /// Whether the kernel may overwrite what it has read of the input: no later layer reads it.
    pub spent: bool,
    /// Whether the scratch is all that lies between input and output, so that it grows by the parts of both
    /// that are free while the kernel works. Then the kernel also works on the stack.
    pub joined: bool,
    /// How many elements the kernel may multiply at once.
    pub proof: Proof,
}

/// The plan of layer `index`. The scratch is the largest free part of the arena, but not larger than
/// [`useful`]; where that is too small, for convolutions, what lies between input and output. `None` if
/// [`rearrange`](super::rearrange) does not change the layer's weights.
///
/// # Panics
/// If there is no layer `index`, or `parameters` are not those of the network.
pub fn plan<'a>(
    steps: impl Into<Steps<'a>>,
    index: usize,
    parameters: &[u8],
    arena_bytes: u32,
) -> Option<Plan> {
    let steps = steps.into();
    let layer = &steps.layers[index];
    let proof = proof(layer, parameters)?;
    let (start, bytes) = free(steps, index, arena_bytes);
    let most = useful(layer);
    let spent = spent(steps, index);
    if let Some((start, between)) = joined(steps, index, bytes) {
        let (scratch, scratch_bytes) = (start as u32, between as u32);
        return Some(Plan { scratch, scratch_bytes, spent, joined: true, proof });
    }
    let bytes = bytes.min(most);
    // On the stack there may be more.
    let bytes = match layer {
        Layer::Linear(_) if bytes < most.min(STACK_OF_LINEAR) => 0,
        _ => bytes,
    };
    let (scratch, scratch_bytes) = if bytes == 0 { (0, 0) } else { (start as u32, bytes as u32) };
    Some(Plan { scratch, scratch_bytes, spent, joined: false, proof })
}

/// What lies between input and output of a convolution, if that is the best part of the arena to work in:
/// its first byte and its number of bytes. `largest`: bytes of the largest free part.
pub(in super::super) fn joined(steps: Steps<'_>, index: usize, largest: usize) -> Option<(usize, usize)> {
    let layer = &steps.layers[index];
    between(steps, index).filter(|(_, bytes)| joins(layer, *bytes, largest))
}

/// Whether `between` bytes between input and output are the best part of the arena for a layer to work in,
/// where the largest free part has `largest` bytes.
pub(in super::super) fn joins(layer: &Layer, between: usize, largest: usize) -> bool {
    let Some(conv) = filters_of(layer) else { return false };
    // The windows of an image of three channels are small enough for the stack.
    let is_small = Windows::of(&conv) == Windows::Rgb3x3;
    largest < useful(layer) && !is_small && (between >= largest || largest < LEAST_SCRATCH)
}

/// Bytes of scratch that a layer needs: for 16 elements of four pixels as 16-bit halves (128), the codes of
/// these elements of one pixel (16), and the sums of four channels and four pixels (64).
pub const LEAST_SCRATCH: usize = 208;

/// Bytes of the stack that a fully connected layer works in, if there is less scratch than that, and less
/// than it can use: for 256 elements as 16-bit halves.
pub const STACK_OF_LINEAR: usize = 512;

/// Bytes of scratch that a layer with [`Blocks::rgb3x3`] needs: for all elements of four windows as 16-bit
/// halves (224), and the codes of three rows that two windows see (48).
pub const LEAST_SCRATCH_OF_RGB3X3: usize = 272;

/// Bytes of scratch that a layer with [`Blocks::rgb3x3`] needs if it stores sums: for all elements of four
/// windows (224), and the sums of four channels and four pixels (64).
pub const LEAST_SCRATCH_OF_RGB3X3_AND_SUMS: usize = 288;

/// Bytes of scratch that a layer needs.
fn least_scratch(layer: &Layer) -> usize {
    match layer {
        Layer::Conv(conv) if Blocks::of_conv(conv).rgb3x3 => LEAST_SCRATCH_OF_RGB3X3_AND_SUMS,
        Layer::Conv(_)
        | Layer::Depthwise(_)
        | Layer::Linear(_)
        | Layer::AveragePool(_)
        | Layer::MaxPool(_)
        | Layer::Add(_)
        | Layer::Multiply(_)
        | Layer::Elementwise(_)
        | Layer::Rearrange(_)
        | Layer::Resize(_)
        | Layer::GroupedConv(_)
        | Layer::Constants(_)
        | Layer::Prelu(_) => LEAST_SCRATCH,
    }
}

/// Bytes of the largest scratch that a layer can use. For convolutions: all elements of four windows as
/// 16-bit halves; if codes are staged, those of one window; if the output are logits, the sums of all output
/// channels for four pixels. For fully connected layers: all elements as 16-bit halves.
pub fn useful(layer: &Layer) -> usize {
    let bytes = match layer {
        Layer::Conv(conv) => useful_of(conv, Windows::of(conv), conv.output.channels.into()),
        Layer::GroupedConv(grouped) if is_depthwise(grouped) => return 0,
        Layer::GroupedConv(grouped) => {
            useful_of(&of_group(grouped), windows_of(grouped), grouped.group_filters())
        }
        Layer::Linear(Linear { input, .. }) => 2 * input.pixels() * usize::from(input.channels),
        Layer::Depthwise(_)
        | Layer::AveragePool(_)
        | Layer::MaxPool(_)
        | Layer::Add(_)
        | Layer::Multiply(_)
        | Layer::Elementwise(_)
        | Layer::Rearrange(_)
        | Layer::Resize(_)
        | Layer::Constants(_)
        | Layer::Prelu(_) => return 0,
    };
    bytes.max(least_scratch(layer))
}

/// Bytes for all elements of four windows of a convolution, for what is staged of one, and for the sums of
/// `filters` output channels, if the output are logits.
fn useful_of(conv: &Conv, windows: Windows, filters: usize) -> usize {
    let Conv { input, output, window, .. } = conv;
    let sums = output.bits == Bits::B32;
    let taps = usize::from(window.kernel_height) * usize::from(window.kernel_width);
    let elements = (taps * usize::from(input.channels)).next_multiple_of(16);
    let staged = if windows.staged() { elements } else { 0 };
    let channels = if sums { filters.next_multiple_of(4) } else { 0 };
    4 * 2 * elements + staged + 4 * 4 * channels
}

/// Whether a convolution that [`has_records`](super::has_records) makes the codes of a group by one call: the
/// scratch has room for all elements of four windows, and the proof allows to multiply them at once.
pub fn whole(conv: &Conv, plan: &Plan) -> bool {
    let Conv { input, window, .. } = conv;
    let windows = Windows::of(conv);
    let taps = usize::from(window.kernel_height) * usize::from(window.kernel_width);
    let elements = (taps * usize::from(input.channels)).next_multiple_of(16);
    let each = 4 * 2 + usize::from(windows.staged());
    let bytes = LEAST_SCRATCH.max(plan.scratch_bytes as usize);
    windows == Windows::Rgb3x3 || (elements <= plan.proof.chunk.into() && each * elements <= bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Add, Bits, Conv, Requant, Rule, Tensor, Window};

    fn tensor(offset: u32, bytes: u16) -> Tensor {
        Tensor { height: 1, width: bytes, channels: 1, bits: Bits::B8, zero_point: 0, offset }
    }

    fn conv(input: Tensor, output: Tensor) -> Layer {
        let window = Window {
            kernel_height: 1,
            kernel_width: 1,
            stride_height: 1,
            stride_width: 1,
            pad_top: 0,
            pad_left: 0,
        };
        let requant = Requant {
            bias: 0,
            multiplier: 0,
            shift: 0,
            weight_zero_point: 0,
            rule: Rule::Multiplier,
            multiplier_step: 1,
            zero_point_step: 1,
            fraction: 0,
        };
        let output = Tensor { channels: 2, width: output.width / 2, ..output };
        Layer::Conv(Conv { input, output, window, weights: 0, weight_bits: Bits::B8, requant })
    }

    #[test]
    fn scratch_is_the_largest_part_that_nothing_needs() {
        // The first output is read again by the addition at the end.
        let (image, a, b) = (tensor(0, 100), tensor(400, 100), tensor(200, 50));
        let sum = Add { a, b, output: a, multiplier_a: 1, multiplier_b: 1, shift: 1 };
        let layers = [conv(image, a), conv(a, b), Layer::Add(sum)];
        let parameters = [40; 64];
        let plan = |index, arena| plan(&layers, index, &parameters, arena);
        let scratch = |index, arena| plan(index, arena).map(|plan| (plan.scratch, plan.scratch_bytes));
        assert_eq!(scratch(0, 500), Some((100, LEAST_SCRATCH as u32)), "between image and first output");
        assert_eq!(scratch(0, 1000), Some((500, LEAST_SCRATCH as u32)), "behind both, as much as is of use");
        // Where the image was is more, but too little for a kernel that uses no byte of its output.
        assert_eq!(scratch(1, 500), Some((252, 148)), "between input and output");
        assert_eq!(scratch(2, 500), None, "an addition needs none");
        let full = [conv(tensor(0, 100), tensor(100, 100))];
        assert_eq!(super::plan(&full, 0, &parameters, 200).map(|plan| plan.scratch_bytes), Some(0));
        // What is kept is not free when it was read for the last time.
        let kept = Steps { kept: &[*layers[0].output()], ..Steps::from(&layers[..2]) };
        let found = super::plan(kept, 1, &parameters, 500).unwrap();
        assert_eq!((found.scratch, found.scratch_bytes, found.spent), (252, 148, false));
        let found = super::plan(&layers[..2], 1, &parameters, 500).unwrap();
        assert_eq!((found.scratch_bytes, found.spent), (148, true));
        // Before it is written its place is.
        let found = super::plan(
            Steps { kept: &[*layers[1].output()], ..Steps::from(&layers[..2]) },
            0,
            &parameters,
            500,
        )
        .unwrap();
        assert_eq!((found.scratch, found.scratch_bytes), (100, LEAST_SCRATCH as u32));
        // A tensor of an earlier layer that a later one reads stays.
        let later = [conv(image, a), conv(image, b), Layer::Add(sum)];
        let found = super::plan(&later, 1, &parameters, 500).unwrap();
        assert_eq!((found.scratch, found.scratch_bytes), (100, 100));
    }
}
