//! The input of a convolution, and where windows lie in it.

use core::ops::Range;

use mixq_format::Conv;
use mixq_format::target::armv7em::{Division, Proof, Windows};

use super::super::asm::conv::{Filters, MoreGroups, Patch, Scratch};
use super::super::asm::{Layer, PIXELS};
use super::Instance;
use crate::target::armv7em::check::after;

/// The input of a convolution.
pub(super) struct Source<'a> {
    pub(super) filters: Filters<'a, Conv>,
    /// The codes of the input tensor, without those of the first `seen` pixels.
    pub(super) input: &'a [u8],
    /// Pixels of the input that have been cut off: no window sees them any more.
    pub(super) seen: usize,
    /// Elements of a window.
    pub(super) elements: usize,
    pub(super) windows: Windows,
    /// Rows and columns of the output whose windows see no padding.
    inner: [Range<u16>; 2],
    /// Bytes of input from the window of an output pixel to the window of the next one in its row.
    pub(super) pitch: usize,
    /// Bytes of input from the window of an output pixel to the window of the pixel below it.
    row_pitch: usize,
    /// Bytes from where the first window would begin, in the padding, to the start of the input that is left.
    before: usize,
    /// Whether each output pixel sees the input pixel of the same number: then rows do not matter.
    pub(super) seamless: bool,
}

impl<'a> Source<'a> {
    // Not inlined: its stack frame is gone when the layer is executed.
    #[inline(never)]
    pub(super) fn new(
        layer: Layer<'a, Conv>,
        proof: &'a Proof,
        instance: &'a Instance,
        codes: &'a [u8],
        seen: usize,
    ) -> Source<'a> {
        let Conv { window, input, output, .. } = layer.table();
        let taps = window.taps();
        let channels = usize::from(input.channels);
        let inner = [
            inner([window.stride_height, window.pad_top, window.kernel_height, input.height], output.height),
            inner([window.stride_width, window.pad_left, window.kernel_width, input.width], output.width),
        ];
        Source {
            filters: Filters { kernels: &instance.kernels, layer, proof },
            input: codes,
            seen,
            elements: taps * channels,
            windows: instance.windows,
            inner,
            pitch: usize::from(window.stride_width) * input.pixel_bytes(),
            row_pitch: usize::from(window.stride_height) * usize::from(input.width) * input.pixel_bytes(),
            before: (usize::from(window.pad_top) * usize::from(input.width)
                + usize::from(window.pad_left)
                + seen)
                * input.pixel_bytes(),
            seamless: taps == 1
                && input.width == output.width
                && (window.stride_width, window.stride_height) == (1, 1),
        }
    }

    /// Divides memory into patch, stage and accumulators. `apart`: memory for the accumulators; empty, if
    /// they are to lie in the same. `sums`: with accumulators even if the patch holds all elements.
    #[inline(always)]
    pub(super) fn scratch<'m>(&self, memory: &'m mut [u32], apart: &'m mut [u32], sums: bool) -> Scratch<'m> {
        match self.windows {
            Windows::Rgb3x3 => Scratch::of_rgb3x3(memory),
            windows => {
                let (table, most) = (self.filters.layer.table(), self.filters.proof.chunk.into());
                let division = Division::of(table, windows, most, sums);
                Scratch::new(memory, apart, &division, windows.staged())
            }
        }
    }

    /// Begins a chunk of elements with `element`, with as many elements as the patch has room for. Returns
    /// the patch and the stage.
    #[inline(never)]
    pub(super) fn begin<'m>(&self, scratch: &'m mut Scratch, element: usize) -> (Patch<'m>, &'m mut [u8]) {
        scratch.begin(scratch.chunk().min(self.elements - element))
    }

    /// Output pixels among which the pixels of a group lie: a row, where two windows are staged together;
    /// else all pixels.
    #[inline(always)]
    pub(super) fn row(&self) -> usize {
        let output = &self.filters.layer.table().output;
        if self.windows == Windows::Rgb3x3 { output.width.into() } else { output.pixels() }
    }

    /// The groups of output pixels from `first` on for which the loop itself can fill the patch, with all
    /// elements of their windows. `None` if there are no such groups.
    #[inline(never)]
    pub(super) fn groups(&self, first: usize) -> Option<MoreGroups<'a>> {
        let Filters { layer, kernels, .. } = self.filters;
        let fill = match self.windows {
            Windows::Rgb3x3 => kernels.rgb3x3.as_ref()?.fill(self.input_row()),
            Windows::PointwiseWords => kernels.widen.fill(kernels.widen.words(self.elements)),
            _ => return None,
        };
        let place = self.place(first);
        let pixels = match self.seamless {
            true => layer.table().output.pixels() - first,
            false => self.inside(place, layer.table().output.width.into()),
        };
        let groups = pixels / PIXELS;
        (groups > 0).then(|| MoreGroups {
            fill,
            codes: after(self.input, self.offset(place)),
            pitch: self.pitch,
            groups,
        })
    }

    /// The input from an element on of an output pixel's window. The window sees no padding, and the element
    /// begins a byte.
    #[inline(never)]
    pub(super) fn codes(&self, pixel: usize, element: usize) -> &'a [u8] {
        after(self.input, self.offset(self.place(pixel)) + element * self.filters.kernels.widen.bits / 8)
    }

    /// Bytes from a row of the input to the next.
    #[inline(always)]
    pub(super) fn input_row(&self) -> usize {
        let input = &self.filters.layer.table().input;
        usize::from(input.width) * input.pixel_bytes()
    }

    /// A byte of padding: each of its codes is the input's zero point.
    #[inline(always)]
    pub(super) fn padding(&self) -> u8 {
        self.filters.layer.table().input.zero_point * self.filters.kernels.widen.codes
    }

    /// Row and column of an output pixel.
    #[inline(always)]
    pub(super) fn place(&self, pixel: usize) -> [usize; 2] {
        // The width is at least 1: `max` tells the compiler that the division does not panic.
        let width = usize::from(self.filters.layer.table().output.width).max(1);
        [pixel / width, pixel % width]
    }

    /// Bytes from the start of the input that is left to the window of an output pixel. The window
    /// sees no padding.
    #[inline(always)]
    pub(super) fn offset(&self, [y, x]: [usize; 2]) -> usize {
        y * self.row_pitch + x * self.pitch - self.before
    }

    /// The number of output pixels from a place on, at most `count`, that are in its row and see no padding.
    // Not inlined: its values would take stack in the loops over pixels.
    #[inline(never)]
    pub(super) fn inside(&self, [y, x]: [usize; 2], count: usize) -> usize {
        let [rows, columns] = &self.inner;
        let inside = rows.contains(&(y as u16)) && columns.contains(&(x as u16));
        if inside { count.min(usize::from(columns.end) - x) } else { 0 }
    }
}

/// The rows or columns of the output whose windows see no padding. `axis`: stride, padding, size of the
/// kernel and size of the input along this axis.
#[inline(never)]
pub(crate) fn inner(axis: [u16; 4], outputs: u16) -> Range<u16> {
    let [stride, pad, kernel, size] = axis.map(u32::from);
    let stride = stride.max(1);
    // The last such window begins at `size + pad - kernel` or before, counted from the start of the padding.
    let end = if size + pad < kernel { 0 } else { (size + pad - kernel) / stride + 1 };
    // 16 bits hold both, because they hold `pad` and `outputs`.
    pad.div_ceil(stride) as u16..end.min(outputs.into()) as u16
}
