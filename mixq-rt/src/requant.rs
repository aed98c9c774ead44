//! Requantisation: from accumulators to codes or logits (section 4 of arXiv 1905.13082).
//!
//! Operators take the [`Rule`] as a function: an image holds those alone that its networks use.

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

/// Writes the code or the logit of an output channel; the arguments are those of [`Requantiser::write`].
pub type Rule = fn(&Requantiser, &mut PixelWriter, usize, i32, i32);

/// The rule that a table names.
pub const fn rule(tables: &Requant) -> Rule {
    match tables.rule {
        mixq_format::Rule::Multiplier => multiplier,
        mixq_format::Rule::Thresholds16 => thresholds16,
        mixq_format::Rule::Thresholds32 => thresholds32,
    }
}

/// [`Rule::Multiplier`](mixq_format::Rule::Multiplier).
///
/// # Panics
/// If the tables have no such channel.
#[inline(never)]
pub fn multiplier(layer: &Requantiser, pixel: &mut PixelWriter, channel: usize, dot: i32, input_sum: i32) {
    let tables = layer.tables;
    let entry = channel * usize::from(tables.multiplier_step);
    let scaled = layer.accumulator(channel, dot, input_sum).wrapping_shl(tables.fraction.into());
    let accumulator = scaled.wrapping_add(layer.word(tables.bias, channel));
    let multiplier = layer.word(tables.multiplier, entry);
    let shift = u32::from(layer.byte(tables.shift, entry));
    pixel.push(requantise(accumulator, multiplier, shift, layer.zero_point, layer.range));
}

/// [`Rule::Thresholds16`](mixq_format::Rule::Thresholds16).
///
/// # Panics
/// If the tables have no such channel.
#[inline(never)]
pub fn thresholds16(layer: &Requantiser, pixel: &mut PixelWriter, channel: usize, dot: i32, input_sum: i32) {
    let first = channel * layer.range.max as usize;
    let threshold = |index| i32::from(layer.half_word(layer.tables.multiplier, first + index));
    pixel.push(reached(layer.accumulator(channel, dot, input_sum), layer.range, threshold));
}

/// [`Rule::Thresholds32`](mixq_format::Rule::Thresholds32).
///
/// # Panics
/// If the tables have no such channel.
#[inline(never)]
pub fn thresholds32(layer: &Requantiser, pixel: &mut PixelWriter, channel: usize, dot: i32, input_sum: i32) {
    let first = channel * layer.range.max as usize;
    let threshold = |index| layer.word(layer.tables.multiplier, first + index);
    pixel.push(reached(layer.accumulator(channel, dot, input_sum), layer.range, threshold));
}

/// How many of the `range.max` (a power of two less 1) ascending thresholds an accumulator reaches: a binary
/// search, one step for each bit.
#[inline(always)]
fn reached(accumulator: i32, range: Range, threshold: impl Fn(usize) -> i32) -> i32 {
    let mut reached = 0;
    let mut step = (range.max + 1) / 2;
    while step > 0 {
        if accumulator >= threshold((reached + step - 1) as usize) {
            reached += step;
        }
        step /= 2;
    }
    reached
}

/// The requantisation tables of a layer, in its parameter block.
#[derive(Clone, Copy)]
pub struct Requantiser<'a> {
    tables: &'a Requant,
    rule: Rule,
    parameters: &'a [u8],
    zero_point: i32,
    range: Range,
}

impl<'a> Requantiser<'a> {
    /// The tables of a layer that writes `output`; `rule` is the one that they name.
    #[inline(always)]
    pub fn new(tables: &'a Requant, rule: Rule, output: &Tensor, parameters: &'a [u8]) -> Requantiser<'a> {
        let zero_point = i32::from(output.zero_point);
        Requantiser { tables, rule, parameters, zero_point, range: Range::of(output.bits) }
    }

    /// Whether any weight zero point is not 0: only then do the sums of the input matter.
    ///
    /// # Panics
    /// If the zero points reach beyond the parameters.
    pub fn needs_input_sum(&self, channels: u16) -> bool {
        let count = self.tables.zero_points(usize::from(channels));
        self.parameters[self.tables.weight_zero_point as usize..][..count].iter().any(|z| *z != 0)
    }

    /// Writes the code or the logit of an output channel, from `dot = sum(q_x s_w)` and `input_sum = sum(q_x)`
    /// over the window. That `(dot - Z_w input_sum) 2^fraction + B` fits 32 bits is proven by the build; its
    /// terms may wrap on the way.
    ///
    /// # Panics
    /// If the tables have no such channel.
    #[inline(always)]
    pub fn write(&self, pixel: &mut PixelWriter, channel: usize, dot: i32, input_sum: i32) {
        (self.rule)(self, pixel, channel, dot, input_sum);
    }

    /// `dot - Z_w input_sum`.
    #[inline(always)]
    fn accumulator(&self, channel: usize, dot: i32, input_sum: i32) -> i32 {
        let entry = channel * usize::from(self.tables.zero_point_step);
        let zero_point = self.byte(self.tables.weight_zero_point, entry) as i8;
        dot.wrapping_sub(i32::from(zero_point).wrapping_mul(input_sum))
    }

    #[inline(always)]
    fn byte(&self, offset: u32, entry: usize) -> u8 {
        self.parameters[offset as usize + entry]
    }

    #[inline(always)]
    fn half_word(&self, offset: u32, entry: usize) -> i16 {
        let bytes = &self.parameters[offset as usize + 2 * entry..];
        i16::from_le_bytes(*bytes.first_chunk().expect("a table lies in the parameters"))
    }

    #[inline(always)]
    fn word(&self, offset: u32, entry: usize) -> i32 {
        let bytes = &self.parameters[offset as usize + 4 * entry..];
        i32::from_le_bytes(*bytes.first_chunk().expect("a table lies in the parameters"))
    }
}
