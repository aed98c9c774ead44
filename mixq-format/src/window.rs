//! Sliding windows of convolutions and pools.

/// A sliding window over the input.
///
/// Output pixel `(y, x)` sees input rows `y * stride_height - pad_top ..` and columns
/// `x * stride_width - pad_left ..`. Padding at the bottom and the right follows from the output's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "file", derive(serde::Serialize, serde::Deserialize))]
#[repr(C)]
pub struct Window {
    /// Height in pixels.
    pub kernel_height: u16,
    /// Width in pixels.
    pub kernel_width: u16,
    /// Rows from one output row to the next.
    pub stride_height: u16,
    /// Columns from one output column to the next.
    pub stride_width: u16,
    /// Rows of padding above the input.
    pub pad_top: u16,
    /// Columns of padding left of the input.
    pub pad_left: u16,
}

impl Window {
    /// Input pixels that the window covers, padding included.
    pub const fn taps(&self) -> usize {
        // 65,535 squared is below 2^32, the least that a `usize` holds here.
        self.kernel_height as usize * self.kernel_width as usize
    }
}
