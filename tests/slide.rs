//! Sliding windows with padding on all sides, from which the shape of the output follows.

use mixq_format::{Tensor, Window};

/// A sliding window; sizes in pixels.
#[derive(Clone, Copy)]
pub struct Slide {
    /// Height and width.
    pub kernel: [u16; 2],
    /// Step down and to the right.
    pub stride: [u16; 2],
    /// Padding at top, bottom, left, right.
    pub padding: [u16; 4],
}

impl Slide {
    /// As a layer's table holds it.
    pub fn window(self) -> Window {
        Window {
            kernel_height: self.kernel[0],
            kernel_width: self.kernel[1],
            stride_height: self.stride[0],
            stride_width: self.stride[1],
            pad_top: self.padding[0],
            pad_left: self.padding[2],
        }
    }

    /// Height and width of what it makes of an input.
    pub fn over(self, input: Tensor) -> (u16, u16) {
        let [top, bottom, left, right] = self.padding;
        let height = (input.height + top + bottom - self.kernel[0]) / self.stride[0] + 1;
        let width = (input.width + left + right - self.kernel[1]) / self.stride[1] + 1;
        (height, width)
    }
}
