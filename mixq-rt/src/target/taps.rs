//! Which part of a window meets the input.

/// The taps of a window's axis that meet the input; the others lie in the padding.
#[derive(Clone, Copy)]
pub(crate) struct Taps {
    /// The first that does; there is one.
    pub(crate) start: usize,
    /// The first after them that does not.
    pub(crate) end: usize,
    /// The input row or column that tap `start` sees.
    pub(crate) first: usize,
}

impl Taps {
    /// Those of the window at a position. At least one meets the input, as
    /// [`Checked`](mixq_format::Checked) has it.
    #[inline(always)]
    pub(crate) fn new(position: usize, stride: u16, pad: u16, kernel: u16, size: u16) -> Taps {
        let (origin, pad) = (position * usize::from(stride), usize::from(pad));
        let start = pad.saturating_sub(origin);
        let end = usize::from(kernel).min((usize::from(size) + pad).saturating_sub(origin));
        Taps { start, end, first: origin + start - pad }
    }

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
