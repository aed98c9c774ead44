//! Random layers: shapes from proptest, numbers from a seed, tables and arena laid out at random.
//!
//! Each layer comes with its outputs, computed by plain arithmetic. `tests/random.rs` makes whole artifacts
//! instead, whose outputs the kernels compute. It depends on mixq-build, these tests do not.

use mixq_rt::format::{Bits, Layer, Requant, Rule, Tensor, Window as TableWindow};
use mixq_rt::run_layer;
use proptest::prelude::*;

pub use crate::numbers::Numbers;
use crate::reference::{self, Image, Window};
use crate::scales::Scales;

/// The 27 combinations of input, weight and output bits, and the 9 that write logits.
pub fn combinations() -> impl Iterator<Item = [Bits; 3]> {
    let outputs = [Bits::B2, Bits::B4, Bits::B8, Bits::B32];
    let pairs = Bits::QUANTISED.into_iter().flat_map(|x| Bits::QUANTISED.map(|w| [x, w]));
    pairs.flat_map(move |[x, w]| outputs.map(|y| [x, w, y]))
}

/// The shape of a layer with a window.
#[derive(Clone, Debug)]
pub struct Shape {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    pub filters: usize,
    pub window: Window,
}

/// Kernels of 1 to 4, strides of 1 to 3, any padding of less than the kernel, images that the padded
/// window meets; rows with and without tails.
pub fn shapes() -> impl Strategy<Value = Shape> {
    let axis = || {
        (1usize..=4, 1usize..=3, 1usize..=7).prop_flat_map(|(kernel, stride, size)| {
            // A kernel larger than image and padding together gets a larger image.
            let axis = move |(before, after)| {
                (kernel, stride, size.max(kernel.saturating_sub(before + after)), before, after)
            };
            (0..kernel, 0..kernel).prop_map(axis)
        })
    };
    let channels =
        prop_oneof![4 => 1usize..=19, 1 => Just(8), 1 => Just(16), 1 => Just(32), 1 => 60usize..=140];
    (axis(), axis(), channels, 1usize..=6).prop_map(|(y, x, channels, filters)| Shape {
        height: y.2,
        width: x.2,
        channels,
        filters,
        window: Window { kernel: [y.0, x.0], stride: [y.1, x.1], padding: [y.3, y.4, x.3, x.4] },
    })
}

impl Numbers {
    pub fn coin(&mut self) -> bool {
        self.next() & 1 == 1
    }

    /// Codes, now and then all of them at an end of their range.
    pub fn codes(&mut self, count: usize, bits: Bits, signed: bool) -> Vec<i64> {
        let low = if signed { -(1 << (bits.count() - 1)) } else { 0 };
        let high = low + i64::from(bits.max_code());
        let (low, high) = match self.within(0, 19) {
            0 => (low, low),
            1 => (high, high),
            _ => (low, high),
        };
        (0..count).map(|_| self.within(low, high)).collect()
    }

    /// A zero point for codes of this width; often 0, as it is for logits.
    pub fn zero_point(&mut self, bits: Bits) -> i64 {
        let coin = self.coin();
        if coin || bits == Bits::B32 { 0 } else { self.within(0, bits.max_code().into()) }
    }

    pub fn image(&mut self, height: usize, width: usize, channels: usize, bits: Bits) -> Image {
        let zero_point = self.zero_point(bits);
        Image {
            height,
            width,
            channels,
            zero_point,
            codes: self.codes(height * width * channels, bits, false),
        }
    }

    /// Weight zero points for all output channels: none, one for the layer, or one for each.
    pub fn weight_zero_points(&mut self, channels: usize, bits: Bits) -> (Vec<i64>, bool) {
        match self.within(0, 3) {
            0 => (vec![0; channels], self.coin()),
            1 => (vec![self.codes(1, bits, true)[0]; channels], false),
            _ => (self.codes(channels, bits, true), true),
        }
    }
}

/// A layer's weights: `filters[c]` are those of output channel `c`, in any order.
pub struct Weights {
    pub packed: Vec<u8>,
    pub filters: Vec<Vec<i64>>,
    pub zero_points: Vec<i64>,
    pub zero_point_per_channel: bool,
}

impl Weights {
    /// What the input's zero point adds to the sum of a full window, for each filter:
    /// `Z_x sum(s_w - Z_w)`.
    pub fn constants(&self, input_zero_point: i64) -> Vec<i64> {
        let constant = |(filter, zero_point): (&Vec<i64>, &i64)| {
            input_zero_point * filter.iter().map(|weight| weight - zero_point).sum::<i64>()
        };
        self.filters.iter().zip(&self.zero_points).map(constant).collect()
    }
}

/// A parameter block under construction; tables lie at odd offsets too.
#[derive(Default)]
pub struct Parameters(pub Vec<u8>);

impl Parameters {
    pub fn put(&mut self, bytes: impl IntoIterator<Item = u8>, numbers: &mut Numbers) -> u32 {
        for _ in 0..numbers.within(0, 3) {
            self.0.push(numbers.next() as u8);
        }
        let offset = self.0.len() as u32;
        self.0.extend(bytes);
        offset
    }

    /// The tables of a layer, with the constants of the window folded into `B`: for a full window
    /// `sum((q_x - Z_x)(s_w - Z_w)) = A - Z_w X - Z_x sum(s_w) + n Z_x Z_w`.
    pub fn requant(
        &mut self,
        scales: &Scales,
        weights: &Weights,
        input_zero_point: i64,
        numbers: &mut Numbers,
    ) -> Requant {
        let constants = weights.constants(input_zero_point);
        let zero_points = if weights.zero_point_per_channel { weights.zero_points.len() } else { 1 };
        let zeros = weights.zero_points[..zero_points].iter().map(|zero_point| *zero_point as i8 as u8);
        let weight_zero_point = self.put(zeros, numbers);
        let zero_point_step = weights.zero_point_per_channel.into();
        match scales {
            Scales::Multipliers(all) => {
                let folded = all.biases.iter().zip(&constants);
                let folded = folded.map(|(bias, constant)| bias - (constant << all.fraction));
                let folded: Vec<_> =
                    folded.flat_map(|bias| i32::try_from(bias).unwrap().to_le_bytes()).collect();
                let multipliers = if all.per_channel { all.multipliers.len() } else { 1 };
                let words = all.multipliers[..multipliers].iter().flat_map(|m| m.to_le_bytes());
                let shifts = all.shifts[..multipliers].iter().map(|shift| *shift as u8);
                Requant {
                    bias: self.put(folded, numbers),
                    multiplier: self.put(words, numbers),
                    shift: self.put(shifts, numbers),
                    weight_zero_point,
                    rule: Rule::Multiplier,
                    multiplier_step: all.per_channel.into(),
                    zero_point_step,
                    fraction: all.fraction as u8,
                }
            }
            Scales::Thresholds(all) => {
                let shifted = all.iter().zip(&constants);
                let shifted = shifted.flat_map(|(all, constant)| all.iter().map(move |t| t + constant));
                let shifted: Vec<i64> = shifted.collect();
                let narrow: Result<Vec<i16>, _> = shifted.iter().map(|t| i16::try_from(*t)).collect();
                let (rule, bytes): (_, Vec<u8>) = match narrow {
                    Ok(narrow) if numbers.within(0, 3) > 0 => {
                        (Rule::Thresholds16, narrow.into_iter().flat_map(i16::to_le_bytes).collect())
                    }
                    _ => {
                        let wide = shifted.into_iter().map(|t| i32::try_from(t).unwrap());
                        (Rule::Thresholds32, wide.flat_map(i32::to_le_bytes).collect())
                    }
                };
                // What this rule does not read may be anything.
                Requant {
                    bias: u32::MAX,
                    multiplier: self.put(bytes, numbers),
                    shift: u32::MAX,
                    weight_zero_point,
                    rule,
                    multiplier_step: numbers.coin().into(),
                    zero_point_step,
                    fraction: 0,
                }
            }
        }
    }
}

/// The table of a tensor of an image's shape.
pub fn tensor(image: &Image, bits: Bits, offset: usize) -> Tensor {
    Tensor {
        height: image.height as u16,
        width: image.width as u16,
        channels: image.channels as u16,
        bits,
        zero_point: image.zero_point as u8,
        offset: offset as u32,
    }
}

pub fn table_window(window: &Window) -> TableWindow {
    TableWindow {
        kernel_height: window.kernel[0] as u16,
        kernel_width: window.kernel[1] as u16,
        stride_height: window.stride[0] as u16,
        stride_width: window.stride[1] as u16,
        pad_top: window.padding[0] as u16,
        pad_left: window.padding[2] as u16,
    }
}

/// An output yet to be computed, of the shape of a window's outputs.
pub fn output_of(input: &Image, window: &Window, channels: usize, zero_point: i64) -> Image {
    let [height, width] = window.outputs(input.height, input.width);
    Image { height, width, channels, zero_point, codes: Vec::new() }
}

/// Packed bytes of a tensor; logits as native words.
pub fn tensor_bytes(image: &Image, bits: Bits) -> Vec<u8> {
    match bits {
        Bits::B32 => {
            image.codes.iter().flat_map(|logit| i32::try_from(*logit).unwrap().to_ne_bytes()).collect()
        }
        _ => reference::pack(&image.codes, image.channels, bits.count()),
    }
}

/// Executes a layer in an arena full of garbage, with input and output in either order, and checks every
/// byte of it: the output as expected, all others untouched.
pub fn check(
    input: (&Image, Bits),
    output: (&Image, Bits),
    parameters: &[u8],
    numbers: &mut Numbers,
    layer: impl FnOnce(Tensor, Tensor) -> Layer,
) {
    let given = tensor_bytes(input.0, input.1);
    let expected = tensor_bytes(output.0, output.1);
    let gap = |numbers: &mut Numbers| 4 * numbers.within(0, 2) as usize;
    let before = gap(numbers);
    let (from, to) = if numbers.coin() {
        (before, (before + given.len()).next_multiple_of(4) + gap(numbers))
    } else {
        ((before + expected.len()).next_multiple_of(4) + gap(numbers), before)
    };
    let end = (from + given.len()).max(to + expected.len()) + gap(numbers);
    let mut arena: Vec<u8> = (0..end).map(|_| numbers.next() as u8).collect();
    arena[from..from + given.len()].copy_from_slice(&given);
    let mut wanted = arena.clone();
    wanted[to..to + expected.len()].copy_from_slice(&expected);

    let layer = layer(tensor(input.0, input.1, from), tensor(output.0, output.1, to));
    run_layer(&layer, parameters, &mut arena);
    assert!(arena == wanted, "{layer:?}\nfound    {arena:?}\nexpected {wanted:?}");
}
