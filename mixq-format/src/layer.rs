//! Layers of the integer network: plain tables of shapes and offsets.
//!
//! All are `repr(C)` with fields of fixed width, so their size, which counts as flash, is the same
//! on the host and on the device. Offsets count bytes from the start of the parameter block.

mod constants;
mod unweighted;

pub use constants::{Constants, Operation};
pub use unweighted::{Add, Elementwise, Multiply, Pool, Prelu};

use crate::{Bits, GroupedConv, Rearrange, Requant, Resize, Rest, Tensor, Window};

/// What a layer is, as tables and messages call it: "conv 3x3", "pointwise", "linear", "max pool 2x2".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The operator: "conv", "average pool".
    pub operator: &'static str,
    /// Height and width of its window, if it has one.
    pub kernel: Option<[usize; 2]>,
}

impl core::fmt::Display for Kind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match (self.operator, self.kernel) {
            ("conv", Some([1, 1])) => f.write_str("pointwise"),
            (operator, Some([height, width])) => write!(f, "{operator} {height}x{width}"),
            (operator, None) => f.write_str(operator),
        }
    }
}

/// A standard convolution (pointwise included).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "file", derive(serde::Serialize, serde::Deserialize))]
#[repr(C)]
pub struct Conv {
    /// What it reads.
    pub input: Tensor,
    /// What it writes; its channels are the filters.
    pub output: Tensor,
    /// The window; padding counts as the input's zero point.
    pub window: Window,
    /// Offset of the weights: rows of `input.channels` elements, in the order
    /// `[output channel][kernel row][kernel column]`.
    pub weights: u32,
    /// Width of a weight.
    pub weight_bits: Bits,
    /// From accumulators to codes.
    pub requant: Requant,
}

/// A depthwise convolution: output channel `c` sees input channel `c` alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "file", derive(serde::Serialize, serde::Deserialize))]
#[repr(C)]
pub struct Depthwise {
    /// What it reads.
    pub input: Tensor,
    /// What it writes; as many channels as the input.
    pub output: Tensor,
    /// The window; padding counts as the input's zero point.
    pub window: Window,
    /// Offset of the weights: rows of `channels` elements, in the order `[kernel row][kernel column]`.
    pub weights: u32,
    /// Width of a weight.
    pub weight_bits: Bits,
    /// From accumulators to codes.
    pub requant: Requant,
}

/// A fully connected layer over all pixels and channels of its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "file", derive(serde::Serialize, serde::Deserialize))]
#[repr(C)]
pub struct Linear {
    /// What it reads, in the order row, column, channel.
    pub input: Tensor,
    /// What it writes: one pixel.
    pub output: Tensor,
    /// Offset of the weights: rows of `input.channels` elements, in the order
    /// `[output channel][input row][input column]`.
    pub weights: u32,
    /// Width of a weight.
    pub weight_bits: Bits,
    /// From accumulators to codes.
    pub requant: Requant,
}

/// One step of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "file", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "file", serde(rename_all = "snake_case"))]
pub enum Layer {
    /// Standard convolution.
    Conv(Conv),
    /// Depthwise convolution.
    Depthwise(Depthwise),
    /// Fully connected.
    Linear(Linear),
    /// Average pool: the sum, divided with rounding half up.
    AveragePool(Pool),
    /// Maximum pool.
    MaxPool(Pool),
    /// Residual addition.
    Add(Add),
    /// Product of two tensors.
    Multiply(Multiply),
    /// A function of each element.
    Elementwise(Elementwise),
    /// ReLU with slopes.
    Prelu(Prelu),
    /// Elements at other places.
    Rearrange(Rearrange),
    /// An image of another size.
    Resize(Resize),
    /// Convolution in groups of channels, with gaps between taps.
    GroupedConv(GroupedConv),
    /// Sum or product of a tensor and constants.
    Constants(Constants),
}

impl Layer {
    /// Bytes of this layer's table in flash: the same on every target.
    pub const fn table_bytes(&self) -> usize {
        match self {
            Layer::Conv(_) => size_of::<Conv>(),
            Layer::Depthwise(_) => size_of::<Depthwise>(),
            Layer::Linear(_) => size_of::<Linear>(),
            Layer::AveragePool(_) | Layer::MaxPool(_) => size_of::<Pool>(),
            Layer::Add(_) => size_of::<Add>(),
            Layer::Multiply(_) => size_of::<Multiply>(),
            Layer::Elementwise(_) => size_of::<Elementwise>(),
            Layer::Prelu(_) => size_of::<Prelu>(),
            Layer::Rearrange(_) => size_of::<Rearrange>(),
            Layer::Resize(_) => size_of::<Resize>(),
            Layer::GroupedConv(_) => size_of::<GroupedConv>(),
            Layer::Constants(_) => size_of::<Constants>(),
        }
    }

    /// The layer's table. What `{:?}` prints of it is Rust: an expression of the type that it begins with.
    pub const fn table(&self) -> &dyn core::fmt::Debug {
        match self {
            Layer::Conv(table) => table,
            Layer::Depthwise(table) => table,
            Layer::Linear(table) => table,
            Layer::AveragePool(table) | Layer::MaxPool(table) => table,
            Layer::Add(table) => table,
            Layer::Multiply(table) => table,
            Layer::Elementwise(table) => table,
            Layer::Prelu(table) => table,
            Layer::Rearrange(table) => table,
            Layer::Resize(table) => table,
            Layer::GroupedConv(table) => table,
            Layer::Constants(table) => table,
        }
    }

    /// The tensor that the layer writes.
    pub const fn output(&self) -> &Tensor {
        match self {
            Layer::Conv(layer) => &layer.output,
            Layer::Depthwise(layer) => &layer.output,
            Layer::Linear(layer) => &layer.output,
            Layer::AveragePool(layer) | Layer::MaxPool(layer) => &layer.output,
            Layer::Add(layer) => &layer.output,
            Layer::Multiply(layer) => &layer.output,
            Layer::Elementwise(layer) => &layer.output,
            Layer::Prelu(layer) => &layer.output,
            Layer::Rearrange(layer) => &layer.output,
            Layer::Resize(layer) => &layer.output,
            Layer::GroupedConv(layer) => &layer.output,
            Layer::Constants(layer) => &layer.output,
        }
    }

    /// The first of the tensors that the layer reads; most layers read one.
    pub const fn first_input(&self) -> &Tensor {
        match self {
            Layer::Conv(layer) => &layer.input,
            Layer::Depthwise(layer) => &layer.input,
            Layer::Linear(layer) => &layer.input,
            Layer::AveragePool(layer) | Layer::MaxPool(layer) => &layer.input,
            Layer::Add(layer) => &layer.a,
            Layer::Multiply(layer) => &layer.a,
            Layer::Elementwise(layer) => &layer.input,
            Layer::Prelu(layer) => &layer.input,
            Layer::Rearrange(layer) => &layer.input,
            Layer::Resize(layer) => &layer.input,
            Layer::GroupedConv(layer) => &layer.input,
            Layer::Constants(layer) => &layer.input,
        }
    }

    /// The second of them, if there is one.
    pub(crate) const fn second_input(&self) -> Option<&Tensor> {
        match self {
            Layer::Add(layer) => Some(&layer.b),
            Layer::Multiply(layer) => Some(&layer.b),
            Layer::Rearrange(layer) if matches!(layer.rest, Rest::Kept) => Some(&layer.output),
            Layer::Conv(_)
            | Layer::Depthwise(_)
            | Layer::Linear(_)
            | Layer::AveragePool(_)
            | Layer::MaxPool(_)
            | Layer::Elementwise(_)
            | Layer::Rearrange(_)
            | Layer::Resize(_)
            | Layer::GroupedConv(_)
            | Layer::Constants(_)
            | Layer::Prelu(_) => None,
        }
    }

    /// All tensors that the layer reads, in its order: at least one.
    pub fn inputs(&self) -> impl Iterator<Item = &Tensor> + Clone {
        core::iter::once(self.first_input()).chain(self.second_input())
    }

    /// What the layer is, in words.
    pub fn kind(&self) -> Kind {
        let operator = match self {
            Layer::Conv(_) => "conv",
            Layer::Depthwise(_) => "depthwise",
            Layer::Linear(_) => "linear",
            Layer::AveragePool(_) => "average pool",
            Layer::MaxPool(_) => "max pool",
            Layer::Add(_) => "add",
            Layer::Multiply(_) => "multiply",
            Layer::Elementwise(_) => "elementwise",
            Layer::Prelu(_) => "prelu",
            Layer::Rearrange(_) => "rearrange",
            Layer::Resize(_) => "resize",
            Layer::GroupedConv(_) => "grouped conv",
            Layer::Constants(layer) => layer.word(),
        };
        let size = |window: &Window| [window.kernel_height.into(), window.kernel_width.into()];
        Kind { operator, kernel: self.window().map(size) }
    }

    /// The packed weights: offset in the parameter block, rows (the largest `usize` if that is too small),
    /// elements of a row, width. `None` for a layer without weights.
    pub const fn weights(&self) -> Option<(u32, usize, usize, Bits)> {
        match self {
            Layer::Conv(l) => {
                let rows = l.window.taps().saturating_mul(l.output.channels as usize);
                Some((l.weights, rows, l.input.channels as usize, l.weight_bits))
            }
            Layer::Depthwise(l) => {
                Some((l.weights, l.window.taps(), l.input.channels as usize, l.weight_bits))
            }
            Layer::Linear(l) => {
                let rows = l.input.pixels().saturating_mul(l.output.channels as usize);
                Some((l.weights, rows, l.input.channels as usize, l.weight_bits))
            }
            Layer::GroupedConv(l) => {
                let rows = l.window.taps().saturating_mul(l.output.channels as usize);
                Some((l.weights, rows, l.group_channels(), l.weight_bits))
            }
            Layer::Constants(l) => {
                Some((l.weights, l.input.pixels(), l.input.channels as usize, l.weight_bits))
            }
            Layer::AveragePool(_)
            | Layer::MaxPool(_)
            | Layer::Add(_)
            | Layer::Multiply(_)
            | Layer::Elementwise(_)
            | Layer::Rearrange(_)
            | Layer::Resize(_)
            | Layer::Prelu(_) => None,
        }
    }

    /// The requantisation of a layer with weights.
    pub const fn requant(&self) -> Option<&Requant> {
        match self {
            Layer::Conv(layer) => Some(&layer.requant),
            Layer::Depthwise(layer) => Some(&layer.requant),
            Layer::Linear(layer) => Some(&layer.requant),
            Layer::GroupedConv(layer) => Some(&layer.requant),
            Layer::Constants(_)
            | Layer::AveragePool(_)
            | Layer::MaxPool(_)
            | Layer::Add(_)
            | Layer::Multiply(_)
            | Layer::Elementwise(_)
            | Layer::Rearrange(_)
            | Layer::Resize(_)
            | Layer::Prelu(_) => None,
        }
    }

    /// The sliding window, of a layer that has one.
    pub const fn window(&self) -> Option<&Window> {
        match self {
            Layer::Conv(layer) => Some(&layer.window),
            Layer::Depthwise(layer) => Some(&layer.window),
            Layer::GroupedConv(layer) => Some(&layer.window),
            Layer::AveragePool(layer) | Layer::MaxPool(layer) => Some(&layer.window),
            Layer::Linear(_)
            | Layer::Add(_)
            | Layer::Constants(_)
            | Layer::Elementwise(_)
            | Layer::Rearrange(_)
            | Layer::Resize(_)
            | Layer::Multiply(_)
            | Layer::Prelu(_) => None,
        }
    }
}

// The flash figures of the report rest on these sizes.
const _: () = {
    assert!(size_of::<Tensor>() == 12);
    assert!(size_of::<Window>() == 12);
    assert!(size_of::<Requant>() == 20);
    assert!(size_of::<Conv>() == 64 && size_of::<Depthwise>() == 64);
    assert!(size_of::<Linear>() == 52 && size_of::<Pool>() == 36 && size_of::<Add>() == 48);
    assert!(size_of::<Elementwise>() == 28 && size_of::<Rearrange>() == 84);
    assert!(size_of::<Resize>() == 52);
    assert!(size_of::<GroupedConv>() == 68 && size_of::<Constants>() == 44);
    assert!(size_of::<Multiply>() == 44 && size_of::<Prelu>() == 36);
};
