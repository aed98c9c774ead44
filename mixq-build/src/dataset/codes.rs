//! Samples into codes: which range of values the codes of a channel stand for.

use std::ops::Range;

use bytes::Bytes;
use mixq_format::{Bits, SampleChannel, SampleCodes};

use super::histogram::Histogram;
use super::parts::{Parts, Values, Wanted};
use super::{Split, check};
use crate::config::InputConfig;
use crate::error::{Error, Problem};
use crate::graph::Input;

/// The values of an input of a split, as readers have them: 32-bit floats in these bytes of each image.
pub(super) fn values<'a>(split: &'a Split, column: &Range<usize>) -> impl Iterator<Item = f32> + use<'a> {
    let (row, column) = (split.elements().max(1), column.clone());
    let values = move |image: &'a [u8]| image[column.clone()].as_chunks().0;
    split.pixels.chunks_exact(row).flat_map(values).map(|bytes| f32::from_le_bytes(*bytes))
}

/// An input of images, as readers have it.
pub(super) struct Column<'a> {
    /// Its bytes in each image.
    pub bytes: Range<usize>,
    /// How samples become codes, for each channel or once for all; empty: they are pixels.
    pub samples: &'a [SampleChannel],
    /// Bits of a code.
    pub bits: Bits,
}

/// Replaces samples by their codes, a byte each.
pub(super) fn encode(split: &mut Split, columns: &[Column<'_>]) {
    if columns.iter().all(|column| column.samples.is_empty()) {
        return;
    }
    let mut codes = Vec::new();
    for image in split.pixels.chunks_exact(split.elements().max(1)) {
        for Column { bytes, samples, bits } in columns {
            let bytes = &image[bytes.clone()];
            if samples.is_empty() {
                codes.extend_from_slice(bytes);
                continue;
            }
            let pairs = bytes.as_chunks().0.iter().zip(samples.iter().cycle());
            codes.extend(pairs.map(|(bytes, channel)| channel.code_of(f32::from_le_bytes(*bytes), *bits)));
        }
    }
    split.pixels = Bytes::from(codes);
}

/// How the values of an input of the images to train with become codes: for each channel, or once for all.
/// `column` is where they are in each image.
///
/// Where layers read the axes in another order, the last axis has no channels: all values have one range.
pub(super) fn find(
    wanted: &Wanted<'_>,
    read: &Input,
    train: &Split,
    column: &Range<usize>,
) -> Result<Vec<SampleChannel>, Error> {
    let input = wanted.config.input.clone().unwrap_or_default();
    let (bits, channels) = (read.bits, if read.is_moved() { 1 } else { wanted.shape.channels });
    let mut problems: Vec<Problem> = lengths(wanted, &input, channels).into_iter().collect();
    let count = if input.per_tensor { 1 } else { channels };
    let of = |channel: usize| values(train, column).skip(channel).step_by(count);
    let is_whole = values(train, column).all(|value| value.fract() == 0.0);
    let mut found = Vec::new();
    for channel in 0..count {
        if !problems.is_empty() {
            break;
        }
        match Limits::of(wanted, &input, channel, of(channel), is_whole) {
            Ok(limits) => found.push(limits.channel(of(channel), bits)),
            Err((message, help)) => {
                let at = if count > 1 {
                    format!("channel {channel}, counted from 0")
                } else {
                    "its values".to_string()
                };
                let whose = wanted.input.map_or(String::new(), |name| format!("input `{name}`: "));
                let message = format!("{}: {whose}{at}: {message}", wanted.config.path.display());
                problems.push(Problem::new(message).help(help));
            }
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(Error { problems }) }
}

/// The same of all inputs: where the bytes of each are in an image, `columns` says. Of pixels there are none.
pub(super) fn of_inputs(
    wanted: &Wanted<'_>,
    parts: &Parts,
    columns: &[Range<usize>],
    train: &Split,
) -> Result<Vec<Vec<SampleChannel>>, Error> {
    let is_samples = |input: usize| parts.values_of(input) == Values::Samples;
    if (0..columns.len()).all(is_samples) {
        check::no_pixels(wanted.config)?;
    }
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for (index, input) in wanted.inputs.iter().enumerate() {
        if !is_samples(index) {
            found.push(Vec::new());
            continue;
        }
        let config = wanted.config_of(&input.name);
        match find(&wanted.of(input, &config), input, train, &columns[index]) {
            Ok(channels) => found.push(channels),
            Err(error) => problems.extend(error.problems),
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(Error { problems }) }
}

/// Numbers of `input` are one for all channels, or one for each.
fn lengths(wanted: &Wanted<'_>, input: &InputConfig, channels: usize) -> Option<Problem> {
    for (key, numbers) in [("min", &input.min), ("max", &input.max), ("unit", &input.unit)] {
        let found = numbers.as_ref().map_or(1, Vec::len);
        if found != 1 && found != channels {
            let message = format!(
                "`{key}` of `{}` has {found} numbers, but the network's input has {channels} channels",
                wanted.key()
            );
            return Some(Problem::new(message).help("give one number for all channels, or one for each"));
        }
    }
    None
}

/// What a channel's values are.
struct Limits {
    /// What a step of a sample is worth.
    unit: f64,
    /// The value of code 0 that Cargo.toml gives.
    min: Option<f64>,
    /// The value of the largest code that Cargo.toml gives.
    max: Option<f64>,
}

impl Limits {
    /// Of the values of a channel; `is_whole` says whether those of all channels are whole numbers. An error
    /// is what is wrong, and what would help.
    fn of(
        wanted: &Wanted<'_>,
        input: &InputConfig,
        channel: usize,
        values: impl Iterator<Item = f32>,
        is_whole: bool,
    ) -> Result<Limits, (String, String)> {
        let given = |numbers: &Option<Vec<f64>>| {
            numbers.as_ref().map(|numbers| numbers[channel.min(numbers.len() - 1)])
        };
        let (min, max) = (given(&input.min), given(&input.max));
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.map(f64::from).chain(min).chain(max) {
            (least, most) = (least.min(value), most.max(value));
        }
        let largest = least.abs().max(most.abs());
        // The smallest power of two that makes 16-bit samples of all values.
        let fit = (largest / f64::from(i16::MAX)).log2().ceil().max(-120.0).exp2();
        let unit = match given(&input.unit) {
            Some(unit) => unit,
            None if is_whole => 1.0,
            None => fit,
        };
        let is_outside =
            |value: f64| !(f64::from(i16::MIN)..=f64::from(i16::MAX)).contains(&(value / unit).round());
        if is_outside(least) || is_outside(most) {
            let message = format!(
                "values from {least} to {most} do not fit the 16 bits of samples whose step is worth {unit}"
            );
            let help = format!(
                "{} = {{ unit = {fit} }} in the dataset's table fits: what a step of the device's samples is \
                 worth",
                wanted.key()
            );
            return Err((message, help));
        }
        let (low, high) = (min.unwrap_or(least), max.unwrap_or(most));
        if min.is_some() != max.is_some() && low >= high {
            let message = format!("`{}` gives a range from {low} to {high}, which is empty", wanted.key());
            return Err((message, "give both `min` and `max`".to_string()));
        }
        Ok(Limits { unit, min, max })
    }

    /// The codes of the range, or of the range that suits the values best.
    fn channel(self, values: impl Iterator<Item = f32>, bits: Bits) -> SampleChannel {
        let Limits { unit, min, max } = self;
        let mut histogram = Histogram::default();
        values.for_each(|value| histogram.add(mixq_format::sample(value, unit)));
        let steps = |value: f64| value / unit;
        let codes = match (min, max) {
            (None, None) => histogram.lossless(bits).unwrap_or_else(|| {
                let (low, high) = histogram.best(bits);
                codes(low, high, bits)
            }),
            (low, high) => {
                let (least, most) = histogram.extremes();
                codes(low.map_or(least, steps), high.map_or(most, steps), bits)
            }
        };
        SampleChannel { unit, codes }
    }
}

/// The codes of a range of values, where that is known without data: `unit` is what a step of a sample is
/// worth; without one it is the smallest power of two that makes 16-bit samples of all values.
pub fn channel_of([low, high]: [f64; 2], unit: Option<f64>, bits: Bits) -> SampleChannel {
    let largest = low.abs().max(high.abs());
    let whole = low.fract() == 0.0 && high.fract() == 0.0;
    let fit = if whole { 1.0 } else { (largest / f64::from(i16::MAX)).log2().ceil().max(-120.0).exp2() };
    let unit = unit.unwrap_or(fit);
    SampleChannel { unit, codes: codes(low / unit, high / unit, bits) }
}

/// The codes whose first stands for the sample `low`, and whose last for `high`, nearly: multipliers have 15
/// bits, and the zero point is whole. All codes together are at least a step of a sample.
fn codes(low: f64, high: f64, bits: Bits) -> SampleCodes {
    const TOP: i32 = 14;
    let factor = f64::from(bits.max_code()) / (high - low).max(1.0);
    let mut shift = TOP - factor.log2().floor() as i32;
    let mut multiplier = (factor * f64::from(shift).exp2()).round();
    if multiplier > f64::from(SampleCodes::MULTIPLIER) {
        multiplier /= 2.0;
        shift -= 1;
    }
    let step = f64::from(shift).exp2() / multiplier;
    let (multiplier, shift) = (multiplier as u16, shift as u8);
    SampleCodes { multiplier, shift, zero_point: (-low / step).round() as i32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_a_range_are_the_first_and_the_last_code() {
        let ends = [-32768.0, -20000.0, -3.0, 0.0, 5.0, 30000.0, 32767.0];
        for (index, low) in ends.iter().enumerate() {
            for high in &ends[index + 1..] {
                for (bits, last) in [(Bits::B8, 255), (Bits::B4, 15), (Bits::B2, 3)] {
                    let found = codes(*low, *high, bits);
                    assert!(found.is_valid(), "{low} {high} {found:?}");
                    assert!(found.multiplier >= 1 << 14, "{found:?}");
                    let wanted = (high - low) / f64::from(last);
                    assert!((found.step() / wanted - 1.0).abs() < 1.0 / 16384.0, "{low} {high} {found:?}");
                    assert!(found.code_of(*low as i16, bits) <= 1, "{low} {high} {found:?}");
                    assert!(found.code_of(*high as i16, bits) >= last - 1, "{low} {high} {found:?}");
                }
            }
        }
    }

    #[test]
    fn a_range_of_one_value_has_codes() {
        assert!(codes(7.0, 7.0, Bits::B8).is_valid());
        assert!(codes(-32768.0, -32768.0, Bits::B2).is_valid());
    }
}
