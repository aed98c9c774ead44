//! Unpacks the codes that the windows of two neighbouring output pixels see.

use mixq_format::Conv;

use super::{Loops, Pair, SEGMENT};
use crate::target::Taps;
use crate::target::tensor::CHUNK;

/// The input of a convolution.
pub(super) struct ConvInput<'a> {
    layer: &'a Conv,
    input: &'a [u8],
    loops: &'a Loops,
    /// Elements of a tap whose weights fill whole bytes: the channels, and those that the last byte of the
    /// tap's weights has room for.
    tap: usize,
}

impl<'a> ConvInput<'a> {
    pub(super) fn new(layer: &'a Conv, input: &'a [u8], loops: &'a Loops) -> ConvInput<'a> {
        let tap = layer.weight_bits.row_bytes(layer.input.channels.into()) * 8 / layer.weight_bits.count();
        ConvInput { layer, input, loops, tap }
    }

    /// Bytes of the weights of `elements` elements.
    pub(super) fn weight_bytes(&self, elements: usize) -> usize {
        elements * self.layer.weight_bits.count() / 8
    }

    /// Bytes of a filter.
    pub(super) fn filter_bytes(&self) -> usize {
        let Conv { window, input, weight_bits, .. } = self.layer;
        window.taps() * weight_bits.row_bytes(input.channels.into())
    }
}

/// The place of an element in a window: the next element to be unpacked.
#[derive(Clone, Copy, Default)]
pub(super) struct Cursor {
    row: usize,
    column: usize,
    channel: usize,
}

/// The windows of one or two neighbouring output pixels.
pub(super) struct WindowPair<'a> {
    pub(super) source: &'a ConvInput<'a>,
    pub(super) rows: Taps,
    /// The columns of each pixel's window.
    pub(super) columns: [Taps; 2],
    /// Whether there are two pixels.
    pub(super) both: bool,
}

impl WindowPair<'_> {
    /// Unpacks elements from the cursor on, in the order of the weights, and advances the cursor. Returns
    /// their number. Codes of the padding are the input's zero point. Elements without a weight, and those
    /// after the last one in its chunk, are 0.
    #[inline(always)]
    pub(super) fn unpack(&self, cursor: &mut Cursor, codes: &mut [Pair; SEGMENT]) -> usize {
        let start = *cursor;
        let mut elements = self.unpack_pixel(cursor, codes, false);
        if self.both {
            *cursor = start;
            elements = self.unpack_pixel(cursor, codes, true);
        }
        let unused = &mut codes[elements..elements.next_multiple_of(CHUNK)];
        unused.iter_mut().for_each(|pair| *pair = Pair([0; 2]));
        elements
    }

    fn unpack_pixel(&self, cursor: &mut Cursor, codes: &mut [Pair; SEGMENT], second: bool) -> usize {
        let ConvInput { layer, input, loops, tap } = *self.source;
        let (bits, channels) = (layer.input.bits.count(), usize::from(layer.input.channels));
        let pixel_bytes = layer.input.pixel_bytes();
        let columns = self.columns[usize::from(second)];
        let mut filled = 0;
        while cursor.row < usize::from(layer.window.kernel_height) {
            // A tap that does not fit in the rest of the segment is left for the next one. A tap that is
            // larger than a segment is divided.
            let count = (tap - cursor.channel).min(SEGMENT);
            let Some(to) = codes[filled..].get_mut(..count) else { break };
            let (to, unused) = to.split_at_mut(count.min(channels - cursor.channel));
            if let (Some(y), Some(x)) = (self.rows.see(cursor.row), columns.see(cursor.column)) {
                let pixel = &input[(y * usize::from(layer.input.width) + x) * pixel_bytes..][..pixel_bytes];
                (loops.unpack)(&pixel[cursor.channel * bits / 8..], to, second);
            } else {
                to.iter_mut().for_each(|pair| pair.0[usize::from(second)] = layer.input.zero_point.into());
            }
            unused.iter_mut().for_each(|pair| pair.0[usize::from(second)] = 0);
            filled += count;
            cursor.channel += count;
            if cursor.channel == tap {
                cursor.channel = 0;
                cursor.column += 1;
            }
            if cursor.column == usize::from(layer.window.kernel_width) {
                cursor.column = 0;
                cursor.row += 1;
            }
        }
        filled
    }
}
