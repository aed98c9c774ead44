//! The part of a window that meets the input.

/// The taps that meet the input, along one axis of a window. The other taps lie in the padding.
#[derive(Clone, Copy)]
pub(crate) struct Taps {
    /// The first tap that meets the input.
    pub(crate) start: usize,
    /// The tap after the last one that meets the input.
    pub(crate) end: usize,
    /// The input row or column that tap `start` sees.
    pub(crate) first: usize,
}

impl Taps {
    /// The taps of the window of output row or column `position`, along an axis of the input of `size` rows
    /// or columns. At least one tap meets the input: [`Checked`](mixq_format::Checked) has checked it.
    #[inline(always)]
    pub(crate) fn new(position: usize, stride: u16, pad: u16, kernel: u16, size: u16) -> Taps {
        let (origin, pad) = (position * usize::from(stride), usize::from(pad));
        let start = pad.saturating_sub(origin);
        let end = usize::from(kernel).min((usize::from(size) + pad).saturating_sub(origin));
        Taps { start, end, first: origin + start - pad }
    }

    /// Number of taps that meet the input.
    #[inline(always)]
    pub(crate) fn count(self) -> usize {
        self.end - self.start
    }

    /// The input row or column that a tap sees, unless it lies in the padding.
    #[inline(always)]
    pub(crate) fn see(self, tap: usize) -> Option<usize> {
        (self.start..self.end).contains(&tap).then(|| self.first + tap - self.start)
    }
}
