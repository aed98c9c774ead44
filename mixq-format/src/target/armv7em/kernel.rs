//! Chooses the kernel of a layer, and its const parameters.

mod print;

use super::{
    LEAST_SCRATCH, Moves, Plan, SHIFTS, STACK_OF_LINEAR, STRIP, WORD_POOL, Windows, blocks_of, has_records,
    is_depthwise, whole, windows_of,
};
use crate::{
    Bits, Depthwise, Elementwise, Layer, Linear, Multiply, Operation, Requant, Rule, Tensor, Window,
};

/// Whether the kernels for ARMv7E-M can make several codes at once by these tables: if the rule is
/// [`Rule::Multiplier`], the fraction is below 8 bits, and all shifts are in [`SHIFTS`].
///
/// # Panics
/// If `parameters` are not those of the layer.
pub fn requantises(requant: &Requant, channels: usize, parameters: &[u8]) -> bool {
    let shifts = requant.multipliers(channels);
    requant.rule == Rule::Multiplier
        && requant.fraction < 8
        && parameters[requant.shift as usize..][..shifts].iter().all(|shift| SHIFTS.contains(shift))
}

/// Bits of the codes, if the kernel for ARMv7E-M makes them while the sums are in registers; else 0: then the
/// kernel stores the sums, and makes codes or logits of them later. Codes are made in registers
///
/// * in convolutions that [`has_records`];
/// * in fully connected layers of whole strips, if all elements are multiplied at once, each channel has a
///   multiplier, the fraction is [`Requant::FRACTION`], and [`requantises`] is true.
///
/// # Panics
/// If `parameters` are not those of the layer.
pub fn codes(layer: &Layer, parameters: &[u8], plan: &Plan) -> usize {
    let Tensor { bits, channels, .. } = *layer.output();
    let codes = match layer {
        Layer::Linear(Linear { input, requant, .. }) => {
            let elements = input.elements();
            let scratch = plan.scratch_bytes as usize;
            let room = if scratch < LEAST_SCRATCH { STACK_OF_LINEAR } else { scratch };
            bits != Bits::B32
                && usize::from(channels).is_multiple_of(STRIP)
                && elements <= plan.proof.chunk.into()
                && 2 * elements <= room
                && requant.multiplier_step == 1
                && requant.fraction == Requant::FRACTION
                && requantises(requant, channels.into(), parameters)
        }
        Layer::Conv(_) | Layer::GroupedConv(_) => has_records(layer, parameters),
        Layer::Depthwise(_)
        | Layer::AveragePool(_)
        | Layer::MaxPool(_)
        | Layer::Add(_)
        | Layer::Multiply(_)
        | Layer::Elementwise(_)
        | Layer::Rearrange(_)
        | Layer::Resize(_)
        | Layer::Constants(_)
        | Layer::Prelu(_) => false,
    };
    if codes { bits.count() } else { 0 }
}

/// Whether this instruction set has a kernel for a layer. It has kernels
///
/// * for convolutions, with groups and gaps or without, and fully connected layers that [`blocks_of`] gives
///   blocks for;
/// * for depthwise convolutions to codes, with windows of at most 3x3 and a horizontal stride of 1 or 2, with
///   any number of filters of a channel, with gaps between taps or without, if [`requantises`] is true;
/// * for all pools;
/// * for additions to codes, and for sums and products with constants;
/// * for multiplications of tensors of 8 bits: see `takes_product`;
/// * for elementwise layers whose input and output have the same width, or pixels of whole bytes;
/// * for rearrangements of whole bytes.
///
/// # Panics
/// If `parameters` are not those of the layer.
pub fn takes(layer: &Layer, parameters: &[u8]) -> bool {
    match layer {
        Layer::GroupedConv(grouped) if is_depthwise(grouped) => {
            requantises(&grouped.requant, grouped.output.channels.into(), parameters)
        }
        Layer::Conv(_) | Layer::GroupedConv(_) | Layer::Linear(_) => blocks_of(layer).is_some(),
        Layer::Depthwise(Depthwise { output, window, requant, .. }) => {
            takes_window(window)
                && output.bits != Bits::B32
                && requantises(requant, output.channels.into(), parameters)
        }
        Layer::AveragePool(_) | Layer::MaxPool(_) => true,
        Layer::Add(add) => add.output.bits != Bits::B32,
        Layer::Multiply(multiply) => takes_product(multiply),
        Layer::Elementwise(table) => takes_function(table),
        Layer::Rearrange(rearrange) => Moves::of(rearrange).is_some(),
        Layer::Constants(_) => true,
        Layer::Resize(_) | Layer::Prelu(_) => false,
    }
}

/// Whether the kernel for multiplications takes one: all tensors have 8 bits, and the second one is a pixel,
/// or `m / 2^s` is below a half, so that 16 bits hold the results.
pub(super) fn takes_product(multiply: &Multiply) -> bool {
    let tensors = [&multiply.a, &multiply.b, &multiply.output];
    tensors.iter().all(|tensor| tensor.bits == Bits::B8) && (multiply.by_channel() || multiply.shift >= 16)
}

/// Whether the kernel for elementwise layers takes one: input and output have the same width, or pixels of
/// whole bytes.
pub(super) fn takes_function(table: &Elementwise) -> bool {
    let Elementwise { input, output, .. } = table;
    let whole = |tensor: &Tensor| (usize::from(tensor.channels) * tensor.bits.count()).is_multiple_of(8);
    input.bits == output.bits || (whole(input) && whole(output))
}

/// Whether the kernel for depthwise convolutions takes a window: of at most 3x3, with a stride of 1 or 2.
pub(super) const fn takes_window(window: &Window) -> bool {
    window.kernel_height <= 3 && window.kernel_width <= 3 && window.stride_width <= 2
}

const fn is_small(window: &Window) -> bool {
    window.kernel_height != 3 || window.kernel_width != 3
}

/// Whether the kernels for ARMv7E-M read the codes of a pool by words. They do if a pixel has at least a
/// word. For an average pool, the window must also have at most [`WORD_POOL`] pixels.
pub const fn by_words(layer: &Layer) -> bool {
    let (Layer::AveragePool(pool) | Layer::MaxPool(pool)) = layer else { return false };
    let window = pool.window.kernel_height as usize * pool.window.kernel_width as usize;
    pool.input.pixel_bytes() >= 4 && (window <= WORD_POOL || matches!(layer, Layer::MaxPool(_)))
}

/// A kernel with its const parameters, in the order of those of the function in mixq-rt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// Standard convolution.
    Conv {
        /// Bits of the input.
        x: usize,
        /// Bits of the weights.
        w: usize,
        /// Bits of the codes that are made in registers: see [`codes`].
        codes: usize,
        /// Bits of the biases below a unit.
        fraction: u8,
        /// Whether codes are made in registers, and the zero point of the output is 0.
        zero: bool,
        /// How windows lie in the input.
        windows: Windows,
        /// Whether the codes of a group are made by one call: see [`whole`].
        whole: bool,
    },
    /// Convolution in groups of channels, or with gaps between taps.
    GroupedConv {
        /// Bits of the input.
        x: usize,
        /// Bits of the weights.
        w: usize,
        /// Bits of the codes that are made in registers: see [`codes`].
        codes: usize,
        /// Bits of the biases below a unit.
        fraction: u8,
        /// Whether codes are made in registers, and the zero point of the output is 0.
        zero: bool,
        /// Whether the codes of a group fill whole words: see [`windows_of`].
        words: bool,
    },
    /// Convolution whose filters see one channel each: see [`is_depthwise`].
    GroupedDepthwise {
        /// Bits of the input.
        x: usize,
        /// Bits of the weights.
        w: usize,
        /// Bits of the output.
        y: usize,
        /// Whether the window is smaller than 3x3.
        small: bool,
    },
    /// Depthwise convolution.
    Depthwise {
        /// Bits of the input.
        x: usize,
        /// Bits of the weights.
        w: usize,
        /// Bits of the output.
        y: usize,
        /// Whether the number of channels is odd.
        odd: bool,
        /// Whether the window is smaller than 3x3.
        small: bool,
    },
    /// Fully connected.
    Linear {
        /// Bits of the input.
        x: usize,
        /// Bits of the weights.
        w: usize,
        /// Bits of the codes that are made in registers: see [`codes`].
        codes: usize,
    },
    /// Average pool.
    AveragePool {
        /// Bits of the input.
        x: usize,
        /// Whether codes are read by words: see [`by_words`].
        words: bool,
    },
    /// Maximum pool.
    MaxPool {
        /// Bits of the input.
        x: usize,
        /// Whether codes are read by words: see [`by_words`].
        words: bool,
    },
    /// Residual addition.
    Add,
    /// Sum or product of a tensor and constants.
    Constants {
        /// Whether it is a product.
        product: bool,
    },
    /// Product of two tensors of one shape, or of a tensor and one pixel.
    Multiply {
        /// Whether it is one pixel that multiplies several.
        by_channel: bool,
    },
    /// A function of each element.
    Elementwise {
        /// Bits of the input.
        x: usize,
        /// Bits of the output.
        y: usize,
    },
    /// Elements that move.
    Rearrange {
        /// Bits of the elements of two groups that are interleaved, 0 if there are none: see [`Moves`].
        interleaved: usize,
    },
}

impl Kernel {
    /// The kernel of a layer that this set [`takes`], with the layer's [`plan`](super::plan()) if it has one;
    /// `None` for other layers.
    ///
    /// # Panics
    /// If `parameters` are not those of the layer.
    pub fn of(layer: &Layer, parameters: &[u8], plan: Option<&Plan>) -> Option<Kernel> {
        let codes = plan.map_or(0, |plan| codes(layer, parameters, plan));
        takes(layer, parameters).then(|| Kernel::with_codes(layer, plan, codes))
    }

    /// The kernel of a layer that this set takes, if the result of [`codes`] is known.
    pub fn with_codes(layer: &Layer, plan: Option<&Plan>, codes: usize) -> Kernel {
        let x = layer.first_input().bits.count();
        match layer {
            Layer::Conv(conv) => Kernel::Conv {
                x,
                w: conv.weight_bits.count(),
                codes,
                fraction: conv.requant.fraction,
                zero: codes > 0 && conv.output.zero_point == 0,
                windows: Windows::of(conv),
                whole: codes > 0 && plan.is_some_and(|plan| whole(conv, plan)),
            },
            Layer::GroupedConv(grouped) if is_depthwise(grouped) => Kernel::GroupedDepthwise {
                x,
                w: grouped.weight_bits.count(),
                y: grouped.output.bits.count(),
                small: is_small(&grouped.window),
            },
            Layer::GroupedConv(grouped) => Kernel::GroupedConv {
                x,
                w: grouped.weight_bits.count(),
                codes,
                fraction: grouped.requant.fraction,
                zero: codes > 0 && grouped.output.zero_point == 0,
                words: !windows_of(grouped).staged(),
            },
            Layer::Depthwise(Depthwise { output, window, weight_bits, .. }) => Kernel::Depthwise {
                x,
                w: weight_bits.count(),
                y: output.bits.count(),
                odd: !output.channels.is_multiple_of(2),
                small: is_small(window),
            },
            Layer::Linear(linear) => Kernel::Linear { x, w: linear.weight_bits.count(), codes },
            Layer::AveragePool(_) => Kernel::AveragePool { x, words: by_words(layer) },
            Layer::MaxPool(_) => Kernel::MaxPool { x, words: by_words(layer) },
            Layer::Add(_) => Kernel::Add,
            Layer::Multiply(multiply) => Kernel::Multiply { by_channel: multiply.by_channel() },
            Layer::Elementwise(table) => Kernel::Elementwise { x, y: table.output.bits.count() },
            Layer::Rearrange(table) => Kernel::Rearrange {
                interleaved: if Moves::of(table) == Some(Moves::Interleave) { x } else { 0 },
            },
            Layer::Constants(table) => {
                Kernel::Constants { product: matches!(table.operation, Operation::Product) }
            }
            Layer::Prelu(_) | Layer::Resize(_) => unreachable!("this set does not take them"),
        }
    }
}
