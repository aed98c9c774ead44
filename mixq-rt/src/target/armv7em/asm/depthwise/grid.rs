//! Depthwise convolutions, and the parts of them that have no gaps between taps.

use mixq_format::{Bits, Depthwise, GroupedConv, Window};

use super::super::layer::Weighted;

/// A table of a layer whose filters see one channel each.
pub(crate) trait ByChannel: Weighted {
    fn window(&self) -> &Window;
    fn weight_bits(&self) -> Bits;
    /// Offset of the weights.
    fn weights(&self) -> u32;
    /// Bytes from the weight of a tap to that of the next one.
    fn tap_bytes(&self) -> usize;
    /// Bits from the first weight to the first one of a filter.
    fn first_bit(&self, filter: usize) -> usize;
    /// Whether a filter sees one channel.
    fn sees_one_channel(&self) -> bool;
    /// Filters of a channel, at least 1.
    fn multiplier(&self) -> usize;
    /// Rows and columns from a tap to the next one, at least 1.
    fn dilation(&self) -> [usize; 2];
    /// Rows and columns of the output, counted from the first one, that grids begin with.
    fn grids(&self) -> [usize; 2];
    /// The grid that begins with this row and column of the output.
    fn grid(&self, from: [usize; 2]) -> Grid;
}

/// The outputs in every `d`th row or column, for a dilation of `d`, and the inputs that they see: these lie
/// in every `d`th row or column, too.
pub(crate) struct Grid {
    pub(super) y: Axis,
    pub(super) x: Axis,
}

/// The rows or columns of a grid.
pub(crate) struct Axis {
    /// The first one of the input.
    pub(super) first: usize,
    /// How many the input has.
    pub(super) size: usize,
    /// How many of padding are before the first one.
    pub(super) pad: usize,
    /// How many the output has.
    pub(super) outputs: usize,
}

impl ByChannel for Depthwise {
    #[inline(always)]
    fn window(&self) -> &Window {
        &self.window
    }

    #[inline(always)]
    fn weight_bits(&self) -> Bits {
        self.weight_bits
    }

    #[inline(always)]
    fn weights(&self) -> u32 {
        self.weights
    }

    #[inline(always)]
    fn tap_bytes(&self) -> usize {
        self.weight_bits.row_bytes(self.output.channels.into())
    }

    #[inline(always)]
    fn first_bit(&self, filter: usize) -> usize {
        filter * self.weight_bits.count()
    }

    #[inline(always)]
    fn sees_one_channel(&self) -> bool {
        true
    }

    #[inline(always)]
    fn multiplier(&self) -> usize {
        1
    }

    #[inline(always)]
    fn dilation(&self) -> [usize; 2] {
        [1; 2]
    }

    #[inline(always)]
    fn grids(&self) -> [usize; 2] {
        [1; 2]
    }

    #[inline(always)]
    fn grid(&self, _: [usize; 2]) -> Grid {
        let Depthwise { input, output, window, .. } = self;
        let axis = |size: u16, pad: u16, outputs: u16| Axis {
            first: 0,
            size: size.into(),
            pad: pad.into(),
            outputs: outputs.into(),
        };
        Grid {
            y: axis(input.height, window.pad_top, output.height),
            x: axis(input.width, window.pad_left, output.width),
        }
    }
}

impl ByChannel for GroupedConv {
    #[inline(always)]
    fn window(&self) -> &Window {
        &self.window
    }

    #[inline(always)]
    fn weight_bits(&self) -> Bits {
        self.weight_bits
    }

    #[inline(always)]
    fn weights(&self) -> u32 {
        self.weights
    }

    #[inline(always)]
    fn tap_bytes(&self) -> usize {
        1
    }

    #[inline(always)]
    fn first_bit(&self, filter: usize) -> usize {
        8 * filter * self.window.taps()
    }

    #[inline(always)]
    fn sees_one_channel(&self) -> bool {
        self.groups == self.input.channels
    }

    #[inline(always)]
    fn multiplier(&self) -> usize {
        self.group_filters().max(1)
    }

    #[inline(always)]
    fn dilation(&self) -> [usize; 2] {
        [self.dilation_height, self.dilation_width].map(|dilation| usize::from(dilation).max(1))
    }

    #[inline(always)]
    fn grids(&self) -> [usize; 2] {
        let [rows, columns] = self.dilation();
        [rows.min(self.output.height.into()), columns.min(self.output.width.into())]
    }

    #[inline(always)]
    fn grid(&self, [row, column]: [usize; 2]) -> Grid {
        let GroupedConv { input, output, window, dilation_height, dilation_width, .. } = self;
        Grid {
            y: Axis::new(
                row,
                [window.stride_height, window.pad_top, *dilation_height, input.height, output.height],
            ),
            x: Axis::new(
                column,
                [window.stride_width, window.pad_left, *dilation_width, input.width, output.width],
            ),
        }
    }
}

impl Axis {
    /// Those that the outputs see in every `dilation`th row or column from `from` on.
    #[inline(never)]
    fn new(from: usize, sizes: [u16; 5]) -> Axis {
        let [stride, padding, dilation, size, outputs] = sizes.map(usize::from);
        let (dilation, start) = (dilation.max(1), from * stride);
        let pad = padding.saturating_sub(start).div_ceil(dilation);
        let first = start + pad * dilation - padding;
        Axis {
            first,
            size: size.saturating_sub(first).div_ceil(dilation),
            pad,
            outputs: (outputs - from).div_ceil(dilation),
        }
    }
}
