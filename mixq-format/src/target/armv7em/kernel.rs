//! Which kernel a layer gets, and with which const parameters.

use core::fmt;

use super::{LEAST_SCRATCH, Plan, SHIFTS, STRIP, WORD_POOL, Windows, blocks_of, has_records, whole};
use crate::{Bits, Depthwise, Layer, Linear, Requant, Rule, Tensor, Window};

/// Whether the kernels for ARMv7E-M take several codes at once by these tables: [`Rule::Multiplier`], a
/// fraction below 8 bits, all [`SHIFTS`].
///
/// # Panics
/// If `parameters` are not those of the layer.
pub fn requantises(requant: &Requant, channels: usize, parameters: &[u8]) -> bool {
    let shifts = requant.multipliers(channels);
    requant.rule == Rule::Multiplier
        && requant.fraction < 8
        && parameters[requant.shift as usize..][..shifts].iter().all(|shift| SHIFTS.contains(shift))
}

/// Bits of the codes that the kernels for ARMv7E-M make of sums while these are in registers: those of
/// convolutions by [`has_records`]; of fully connected layers of whole strips by the usual tables, with a
/// multiplier for each channel, if the elements are multiplied all at once. 0, if sums become codes or logits
/// later, by any tables.
///
/// # Panics
/// If `parameters` are not those of the layer.
pub fn codes(layer: &Layer, parameters: &[u8], plan: &Plan) -> usize {
    let Tensor { bits, channels, .. } = *layer.output();
    let codes = match layer {
        Layer::Linear(Linear { input, requant, .. }) => {
            let elements = input.elements();
            bits != Bits::B32
                && usize::from(channels).is_multiple_of(STRIP)
                && elements <= plan.proof.chunk.into()
                && 2 * elements <= LEAST_SCRATCH.max(plan.scratch_bytes as usize)
                && requant.multiplier_step == 1
                && requant.fraction == Requant::FRACTION
                && requantises(requant, channels.into(), parameters)
        }
        Layer::Conv(_) => has_records(layer, parameters),
        Layer::Depthwise(_) | Layer::AveragePool(_) | Layer::MaxPool(_) | Layer::Add(_) => false,
    };
    if codes { bits.count() } else { 0 }
}

/// Whether there is a kernel of this set for a layer: for weights that [`blocks_of`] takes; for depthwise
/// convolutions with windows of at most 3x3 whose stride is 1 or 2 and whose tables [`requantises`] takes;
/// for all pools; for additions that make codes.
///
/// # Panics
/// If `parameters` are not those of the layer.
pub fn takes(layer: &Layer, parameters: &[u8]) -> bool {
    match layer {
        Layer::Conv(_) | Layer::Linear(_) => blocks_of(layer).is_some(),
        Layer::Depthwise(Depthwise { output, window, requant, .. }) => {
            takes_window(window)
                && output.bits != Bits::B32
                && requantises(requant, output.channels.into(), parameters)
        }
        Layer::AveragePool(_) | Layer::MaxPool(_) => true,
        Layer::Add(add) => add.output.bits != Bits::B32,
    }
}

/// Whether the kernel for depthwise convolutions takes a window: of at most 3x3, with a stride of 1 or 2.
pub(super) const fn takes_window(window: &Window) -> bool {
    window.kernel_height <= 3 && window.kernel_width <= 3 && window.stride_width <= 2
}

/// Whether the kernels for ARMv7E-M read the codes of a pool by words: if a pixel has at least a word, and,
/// for an average, the window has at most [`WORD_POOL`] pixels.
pub const fn by_words(layer: &Layer) -> bool {
    let (Layer::AveragePool(pool) | Layer::MaxPool(pool)) = layer else { return false };
    let window = pool.window.kernel_height as usize * pool.window.kernel_width as usize;
    pool.input.pixel_bytes() >= 4 && (window <= WORD_POOL || matches!(layer, Layer::MaxPool(_)))
}

/// A kernel, with its const parameters in the order of the function in mixq-rt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// Standard convolution.
    Conv {
        /// Bits of the input.
        x: usize,
        /// Bits of the weights.
        w: usize,
        /// As [`codes`] has it.
        codes: usize,
        /// Bits of the biases below a unit.
        fraction: u8,
        /// Whether codes are made whose zero point is 0.
        zero: bool,
        /// How patches are filled.
        windows: Windows,
        /// Whether [`whole`] codes are made.
        whole: bool,
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
        /// As [`codes`] has it.
        codes: usize,
    },
    /// Average pool.
    AveragePool {
        /// Bits of the input.
        x: usize,
        /// As [`by_words`] has it.
        words: bool,
    },
    /// Maximum pool.
    MaxPool {
        /// Bits of the input.
        x: usize,
        /// As [`by_words`] has it.
        words: bool,
    },
    /// Residual addition.
    Add,
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

    /// The same for any layer, where it is known how many [`codes`] are made.
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
            Layer::Depthwise(Depthwise { output, window, weight_bits, .. }) => Kernel::Depthwise {
                x,
                w: weight_bits.count(),
                y: output.bits.count(),
                odd: !output.channels.is_multiple_of(2),
                small: (window.kernel_height, window.kernel_width) != (3, 3),
            },
            Layer::Linear(linear) => Kernel::Linear { x, w: linear.weight_bits.count(), codes },
            Layer::AveragePool(_) => Kernel::AveragePool { x, words: by_words(layer) },
            Layer::MaxPool(_) => Kernel::MaxPool { x, words: by_words(layer) },
            Layer::Add(_) => Kernel::Add,
        }
    }

    /// As Rust.
    #[cfg(feature = "file")]
    pub(super) fn print(self, plan: Option<Plan>) -> super::super::Kernel {
        let path = match self {
            Kernel::Conv { .. } => "armv7em::conv",
            Kernel::Depthwise { .. } => "armv7em::depthwise",
            Kernel::Linear { .. } => "armv7em::linear",
            Kernel::AveragePool { .. } => "armv7em::average_pool",
            Kernel::MaxPool { .. } => "armv7em::max_pool",
            Kernel::Add => "armv7em::add",
        };
        super::super::Kernel {
            path,
            generics: self.to_string(),
            plan: plan.map(|plan| format!("&{plan:?}")),
            scratch_bytes: plan.map_or(0, |plan| plan.scratch_bytes),
        }
    }
}

/// The const parameters, as they stand between `::<` and `>`.
impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Kernel::Conv { x, w, codes, fraction, zero, windows, whole } => {
                write!(f, "{x}, {w}, {codes}, {fraction}, {zero}, {}, {whole}", windows as u8)
            }
            Kernel::Depthwise { x, w, y, odd, small } => write!(f, "{x}, {w}, {y}, {odd}, {small}"),
            Kernel::Linear { x, w, codes } => write!(f, "{x}, {w}, {codes}"),
            Kernel::AveragePool { x, words } | Kernel::MaxPool { x, words } => write!(f, "{x}, {words}"),
            Kernel::Add => Ok(()),
        }
    }
}
