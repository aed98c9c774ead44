//! Requantisation: from accumulators to codes or logits (section 4 of arXiv 1905.13082).
//!
//! Operators take the rule as a function, a [`RuleFn`], so that an image has only the rules that its networks
//! use.

use mixq_format::{Bits, Requant, Tensor};

use crate::target;
use crate::target::tensor::PixelWriter;

/// The smallest and the largest value that an element of a tensor may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Smallest value.
    pub min: i32,
    /// Largest value.
    pub max: i32,
}

impl Range {
    /// The range of a width: 0 to `2^b - 1` for codes of `b` bits, all values of 32 bits for logits.
    #[inline(always)]
    pub const fn of(bits: Bits) -> Range {
        match bits {
            Bits::B32 => Range { min: i32::MIN, max: i32::MAX },
            _ => Range { min: 0, max: bits.max_code() },
        }
    }

    /// The value of the range that is nearest to `value`.
    #[inline(always)]
    pub const fn clamp(self, value: i32) -> i32 {
        // Not `Ord::clamp`, which would check that `min <= max`.
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
    if shift >= 32 {
        // The usual case: the factor `multiplier / 2^shift` is below 1/2. The high word of the product is
        // enough. Its magnitude is at most 2^30, so that it does not overflow with the zero point.
        let high = target::high_word(accumulator, multiplier);
        range.clamp((high >> (shift - 32)) + zero_point)
    } else {
        requantise_wide(accumulator, multiplier, shift, zero_point, range)
    }
}

#[inline(never)]
fn requantise_wide(accumulator: i32, multiplier: i32, shift: u32, zero_point: i32, range: Range) -> i32 {
    let product = i64::from(accumulator) * i64::from(multiplier);
    let wide = (product >> shift) + i64::from(zero_point);
    wide.max(i64::from(range.min)).min(i64::from(range.max)) as i32
}

/// A rule of requantisation: writes the codes or the logits of output channels. The arguments are those of
/// [`Requantiser::write_all`].
pub type RuleFn = fn(&Requantiser, &mut PixelWriter, usize, &mut [i32], i32);

/// The function of the rule that a table names.
pub const fn rule(tables: &Requant) -> RuleFn {
    match tables.rule {
        mixq_format::Rule::Multiplier => multiplier,
        mixq_format::Rule::Thresholds16 => thresholds16,
        mixq_format::Rule::Thresholds32 => thresholds32,
    }
}

/// Writes the results by [`Rule::Multiplier`](mixq_format::Rule::Multiplier).
///
/// # Panics
/// If the tables have no such channel.
#[inline(never)]
pub fn multiplier(
    layer: &Requantiser,
    pixel: &mut PixelWriter,
    first: usize,
    dots: &mut [i32],
    input_sum: i32,
) {
    // Several simple loops: each needs few registers.
    let (tables, count) = (layer.tables, dots.len());
    let biases = &layer.words(tables.bias, first)[..count];
    let zero_point_step = if input_sum == 0 { 0 } else { usize::from(tables.zero_point_step) };
    if zero_point_step == 0 {
        let correction = layer.weight_zero_point(0).wrapping_mul(input_sum);
        for (dot, bias) in dots.iter_mut().zip(biases) {
            let accumulator = dot.wrapping_sub(correction).wrapping_shl(tables.fraction.into());
            *dot = accumulator.wrapping_add(target::word(bias));
        }
    } else {
        let zero_points = &layer.bytes(tables.weight_zero_point, first)[..count];
        for ((dot, bias), zero_point) in dots.iter_mut().zip(biases).zip(zero_points) {
            let correction = i32::from(*zero_point as i8).wrapping_mul(input_sum);
            let accumulator = dot.wrapping_sub(correction).wrapping_shl(tables.fraction.into());
            *dot = accumulator.wrapping_add(target::word(bias));
        }
    }
    let scale = |accumulator: &mut i32, multiplier: &[u8; 4], shift: &u8| {
        let multiplier = target::word(multiplier);
        *accumulator = requantise(*accumulator, multiplier, u32::from(*shift), layer.zero_point, layer.range);
    };
    if tables.multiplier_step == 0 {
        let (multiplier, shift) = (&layer.words(tables.multiplier, 0)[0], &layer.bytes(tables.shift, 0)[0]);
        dots.iter_mut().for_each(|dot| scale(dot, multiplier, shift));
    } else {
        let multipliers = &layer.words(tables.multiplier, first)[..count];
        let shifts = &layer.bytes(tables.shift, first)[..count];
        for ((dot, multiplier), shift) in dots.iter_mut().zip(multipliers).zip(shifts) {
            scale(dot, multiplier, shift);
        }
    }
    pixel.push_all(dots);
}

/// Writes the results by [`Rule::Thresholds16`](mixq_format::Rule::Thresholds16).
///
/// # Panics
/// If the tables have no such channel.
#[inline(never)]
pub fn thresholds16(
    layer: &Requantiser,
    pixel: &mut PixelWriter,
    first: usize,
    dots: &mut [i32],
    input_sum: i32,
) {
    layer.subtract_zero_points(first, dots, input_sum);
    for (channel, dot) in (first..).zip(dots) {
        let row = channel * layer.range.max as usize;
        let threshold = |index| i32::from(layer.half_word(layer.tables.multiplier, row + index));
        pixel.push(reached(*dot, layer.range, threshold));
    }
}

/// Writes the results by [`Rule::Thresholds32`](mixq_format::Rule::Thresholds32).
///
/// # Panics
/// If the tables have no such channel.
#[inline(never)]
pub fn thresholds32(
    layer: &Requantiser,
    pixel: &mut PixelWriter,
    first: usize,
    dots: &mut [i32],
    input_sum: i32,
) {
    layer.subtract_zero_points(first, dots, input_sum);
    for (channel, dot) in (first..).zip(dots) {
        let row = channel * layer.range.max as usize;
        let threshold = |index| layer.word(layer.tables.multiplier, row + index);
        pixel.push(reached(*dot, layer.range, threshold));
    }
}

/// The number of thresholds that an accumulator reaches, of `range.max` ascending ones (a power of two less
/// 1). A binary search, with a step for each bit.
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
    rule: RuleFn,
    parameters: &'a [u8],
    zero_point: i32,
    range: Range,
}

impl<'a> Requantiser<'a> {
    /// The tables of a layer that writes `output`. `rule` is the rule that they name. The tables lie in the
    /// parameters: [`Checked`](mixq_format::Checked) has checked it.
    #[inline(always)]
    pub fn new(tables: &'a Requant, rule: RuleFn, output: &Tensor, parameters: &'a [u8]) -> Requantiser<'a> {
        let zero_point = i32::from(output.zero_point);
        Requantiser { tables, rule, parameters, zero_point, range: Range::of(output.bits) }
    }

    /// Whether any weight zero point is not 0. Only then the results depend on the sums of the input.
    ///
    /// # Panics
    /// If the zero points reach beyond the parameters.
    pub fn needs_input_sum(&self, channels: u16) -> bool {
        let count = self.tables.zero_points(usize::from(channels));
        self.parameters[self.tables.weight_zero_point as usize..][..count].iter().any(|z| *z != 0)
    }

    /// Writes the code or the logit of an output channel, from `dot = sum(q_x s_w)` and `input_sum =
    /// sum(q_x)` over the window. The build has proven that 32 bits hold `(dot - Z_w input_sum) 2^fraction +
    /// B`. Intermediate results may wrap.
    ///
    /// # Panics
    /// If the tables have no such channel.
    #[inline(always)]
    pub fn write(&self, pixel: &mut PixelWriter, channel: usize, dot: i32, input_sum: i32) {
        self.write_all(pixel, channel, &mut [dot], input_sum);
    }

    /// As [`write`](Self::write), for consecutive channels from `first` on with the same input. Overwrites
    /// `dots`.
    ///
    /// # Panics
    /// If the tables do not have these channels.
    #[inline(always)]
    pub fn write_all(&self, pixel: &mut PixelWriter, first: usize, dots: &mut [i32], input_sum: i32) {
        (self.rule)(self, pixel, first, dots, input_sum);
    }

    /// Replaces each dot product by `dot - Z_w input_sum`.
    #[inline(always)]
    fn subtract_zero_points(&self, first: usize, dots: &mut [i32], input_sum: i32) {
        if input_sum == 0 {
            return;
        }
        for (channel, dot) in (first..).zip(dots) {
            *dot = dot.wrapping_sub(self.weight_zero_point(channel).wrapping_mul(input_sum));
        }
    }

    /// `Z_w` of an output channel.
    #[inline(always)]
    pub(crate) fn weight_zero_point(&self, channel: usize) -> i32 {
        let entry = channel * usize::from(self.tables.zero_point_step);
        i32::from(self.byte(self.tables.weight_zero_point, entry) as i8)
    }

    #[inline(always)]
    fn byte(&self, offset: u32, entry: usize) -> u8 {
        self.bytes(offset, entry)[0]
    }

    #[inline(always)]
    fn half_word(&self, offset: u32, entry: usize) -> i16 {
        let bytes = self.bytes(offset, 2 * entry);
        i16::from_le_bytes(*bytes.first_chunk().expect("a table lies in the parameters"))
    }

    #[inline(always)]
    fn word(&self, offset: u32, entry: usize) -> i32 {
        target::word(&self.words(offset, entry)[0])
    }

    /// The parameters from byte `entry` of the table at `offset` on.
    #[inline(always)]
    fn bytes(&self, offset: u32, entry: usize) -> &'a [u8] {
        &self.parameters[offset as usize + entry..]
    }

    /// The parameters from word `entry` of the table at `offset` on, as words.
    #[inline(always)]
    fn words(&self, offset: u32, entry: usize) -> &'a [[u8; 4]] {
        self.bytes(offset, 4 * entry).as_chunks().0
    }
}
