//! Windows over inputs: padding in pixels and the number of positions.

use super::{Padding, Shape, Window};

/// The largest height, width, number of channels, kernel, stride or padding: the device keeps them in 16
/// bits.
pub(crate) const LARGEST: usize = u16::MAX as usize;

/// The largest number of elements of a tensor, and of weights of a layer: offsets have 32 bits.
pub(super) const MOST: u64 = u32::MAX as u64;

/// The most pixels that an average pool may have: the device computes `(2 sum + n) / 2n` in 32 bits.
pub(super) const LARGEST_POOL: usize = (1 << 23) - 1;

impl Padding {
    /// The padding at top, bottom, left, right of an input of `[height, width]`; strides are not 0.
    ///
    /// `Same` is TensorFlow's: `max((ceil(input / stride) - 1) stride + kernel - input, 0)`, the smaller half
    /// first.
    pub fn pixels(self, input: [usize; 2], kernel: [usize; 2], stride: [usize; 2]) -> [usize; 4] {
        match self {
            Padding::Valid => [0; 4],
            Padding::Symmetric => [kernel[0] / 2, kernel[0] / 2, kernel[1] / 2, kernel[1] / 2],
            Padding::Explicit(pixels) => pixels,
            Padding::Same => {
                let axis = |axis: usize| {
                    let positions = input[axis].div_ceil(stride[axis]);
                    let covered = positions.saturating_sub(1) * stride[axis] + kernel[axis];
                    let padding = covered.saturating_sub(input[axis]);
                    [padding / 2, padding - padding / 2]
                };
                let ([top, bottom], [left, right]) = (axis(0), axis(1));
                [top, bottom, left, right]
            }
        }
    }
}

impl Window {
    /// How often the window fits into an input of this height and width: rows, columns; strides are not 0.
    pub fn positions(&self, input: Shape) -> [usize; 2] {
        let [top, bottom, left, right] = self.padding;
        let axis = |axis: usize, padded: usize| {
            padded.checked_sub(self.kernel[axis]).map_or(0, |room| room / self.stride[axis] + 1)
        };
        [axis(0, input.height + top + bottom), axis(1, input.width + left + right)]
    }
}
