//! Requantisation: from accumulators to codes or logits (ICN, section 3 of arXiv 1905.13082).

use mixq_format::{Bits, Requant, Tensor};

use crate::tensor::PixelWriter;

/// What the values of a tensor may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Smallest value.
    pub min: i32,
    /// Largest value.
    pub max: i32,
}

impl Range {
    /// 0 to `2^b - 1` for codes; all of 32 bits for logits.
    #[inline(always)]
    pub const fn of(bits: Bits) -> Range {
        match bits {
            Bits::B32 => Range { min: i32::MIN, max: i32::MAX },
            _ => Range { min: 0, max: bits.max_code() },
        }
    }

    /// The nearest value within.
    #[inline(always)]
    pub const fn clamp(self, value: i32) -> i32 {
        // Not `Ord::clamp`, which would check that the range is none the wrong way round.
        if value < self.min {
            self.min
        } else if value > self.max {
            self.max
        } else {
            value
        }
    }
}

/// `clamp(zero_point + floor(accumulator * multiplier / 2^shift), range)`, exact for all accumulators
/// and multipliers, shifts of 0 to 63 and zero points of 0 to 255.
#[inline(always)]
pub fn requantise(accumulator: i32, multiplier: i32, shift: u32, zero_point: i32, range: Range) -> i32 {
    let product = i64::from(accumulator) * i64::from(multiplier);
    if shift >= 32 {
        // The usual case, a multiplier below 1/2: the high word alone decides, and is at most
        // 2^30, so that the zero point cannot carry it out of 32 bits.
        let high = (product >> 32) as i32;
        range.clamp((high >> (shift - 32)) + zero_point)
    } else {
        let wide = (product >> shift) + i64::from(zero_point);
        wide.max(i64::from(range.min)).min(i64::from(range.max)) as i32
    }
}

/// The requantisation tables of a layer, in its parameter block.
#[derive(Clone, Copy)]
pub struct Requantiser<'a> {
    tables: &'a Requant,
    parameters: &'a [u8],
    zero_point: i32,
    range: Range,
}

impl<'a> Requantiser<'a> {
    /// The tables of a layer that writes `output`.
    #[inline(always)]
    pub fn new(tables: &'a Requant, output: &Tensor, parameters: &'a [u8]) -> Requantiser<'a> {
        let zero_point = i32::from(output.zero_point);
        Requantiser { tables, parameters, zero_point, range: Range::of(output.bits) }
    }

    /// Whether any weight zero point is not 0: only then do the sums of the input matter.
    ///
    /// # Panics
    /// If the zero points reach beyond the parameters.
    pub fn needs_input_sum(&self, channels: u16) -> bool {
        let count = if self.tables.zero_point_step == 0 { 1 } else { usize::from(channels) };
        self.parameters[self.tables.weight_zero_point as usize..][..count].iter().any(|z| *z != 0)
    }

    /// Writes the code or the logit of an output channel, from `dot = sum(q_x s_w)` and `input_sum = sum(q_x)`
    /// over the window. That `dot - Z_w input_sum + B` fits 32 bits is proven by the build; its
    /// terms may wrap on the way.
    ///
    /// # Panics
    /// If the tables have no such channel.
    #[inline(never)]
    pub fn write(&self, pixel: &mut PixelWriter, channel: usize, dot: i32, input_sum: i32) {
        let tables = self.tables;
        let entry = channel * usize::from(tables.multiplier_step);
        let weight_zero_point =
            self.byte(tables.weight_zero_point, channel * usize::from(tables.zero_point_step));
        let accumulator = dot
            .wrapping_sub(i32::from(weight_zero_point as i8).wrapping_mul(input_sum))
            .wrapping_add(self.word(tables.bias, channel));
        let multiplier = self.word(tables.multiplier, entry);
        let shift = u32::from(self.byte(tables.shift, entry));
        pixel.push(requantise(accumulator, multiplier, shift, self.zero_point, self.range));
    }

    #[inline(always)]
    fn byte(&self, offset: u32, entry: usize) -> u8 {
        self.parameters[offset as usize + entry]
    }

    #[inline(always)]
    fn word(&self, offset: u32, entry: usize) -> i32 {
        let bytes = &self.parameters[offset as usize + 4 * entry..];
        i32::from_le_bytes(*bytes.first_chunk().expect("a table lies in the parameters"))
    }
}
