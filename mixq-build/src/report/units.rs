//! What integers stand for: those that a network reads, and those that it writes.

use std::fmt::Write;

use mixq_format::{Header, Output, Tensor};
use serde::Serialize;

use super::activation_bits;
use crate::graph::{Input, Shape};

/// An output of a network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutputReport {
    /// The name of its layer.
    pub name: String,
    /// Height, width, channels.
    pub shape: [u16; 3],
    /// Bits of an element; 32 of logits.
    pub bits: u8,
    /// What one unit of it is worth: a value is `scale * (integer - zero_point)`.
    pub scale: f64,
    /// The integer that stands for 0.
    pub zero_point: u8,
}

/// An input of a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InputReport {
    /// The name by which layers read it.
    pub name: String,
    /// Height, width, channels.
    pub shape: [u16; 3],
    /// Bits of an element.
    pub bits: u8,
    /// Bytes in the arena.
    pub bytes: u64,
}

impl From<&Input> for InputReport {
    fn from(Input { name, shape, bits, order: _ }: &Input) -> InputReport {
        let Shape { height, width, channels } = *shape;
        let size = |size: usize| u16::try_from(size).expect("the graph bounds every axis");
        InputReport {
            name: name.clone(),
            shape: [height, width, channels].map(size),
            bits: (*bits).into(),
            bytes: (height * width * bits.row_bytes(channels)) as u64,
        }
    }
}

/// A channel of samples.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SamplesReport {
    /// The name of the input, of a network that has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// The channel, from 0; `None`: all channels.
    pub channel: Option<usize>,
    /// What a step of a 16-bit sample is worth, in the unit of the dataset.
    pub sample_unit: f64,
    /// What a step of a code is worth: a value is `scale * (code - zero_point)`.
    pub scale: f64,
    /// The code that stands for 0; codes begin with 0, and this may lie outside of them.
    pub zero_point: i32,
    /// The value of the code 0.
    pub least: f64,
    /// The value of the largest code.
    pub largest: f64,
}

/// All outputs of a network, that of the last layer first.
pub fn outputs(header: &Header) -> Vec<OutputReport> {
    let report = |name: &str, tensor: &Tensor, scale| OutputReport {
        name: name.to_string(),
        shape: [tensor.height, tensor.width, tensor.channels],
        bits: tensor.bits.into(),
        scale,
        zero_point: tensor.zero_point,
    };
    if header.outputs.is_empty() {
        let name = header.layers.last().map(|layer| &layer.name[..]).unwrap_or_default();
        return vec![report(name, &header.output, header.logit_scale)];
    }
    header.outputs.iter().map(|Output { name, tensor, scale }| report(name, tensor, *scale)).collect()
}

/// All inputs of a network.
pub fn inputs(header: &Header) -> Vec<InputReport> {
    let all = header.input_names().into_iter().zip(header.all_inputs());
    let report = |(name, (tensor, _)): (&str, (&Tensor, _))| InputReport {
        name: name.to_string(),
        shape: [tensor.height, tensor.width, tensor.channels],
        bits: tensor.bits.into(),
        bytes: tensor.bytes() as u64,
    };
    all.map(report).collect()
}

/// The channels of samples that a network reads, or one for all; none of an input of pixels.
pub fn samples(header: &Header) -> Vec<SamplesReport> {
    let all = header.input_names().into_iter().zip(header.all_inputs());
    let channels = all.flat_map(|(name, (tensor, samples))| {
        let is_one = samples.len() == 1;
        samples.iter().enumerate().map(move |(index, channel)| {
            let (scale, zero_point) = (channel.scale(), channel.codes.zero_point);
            let value = |code: i32| scale * f64::from(code - zero_point);
            SamplesReport {
                input: (!header.inputs.is_empty()).then(|| name.to_string()),
                channel: (!is_one).then_some(index),
                sample_unit: channel.unit,
                scale,
                zero_point,
                least: value(0),
                largest: value(tensor.bits.max_code()),
            }
        })
    });
    channels.collect()
}

/// What a person wants to know of all; nothing of one image of pixels and a single output of logits.
pub fn text(inputs: &[InputReport], outputs: &[OutputReport], samples: &[SamplesReport]) -> String {
    let mut text = String::new();
    if inputs.len() > 1 {
        let width = inputs.iter().map(|input| input.name.chars().count() + 2).max().unwrap_or(0).max(16);
        let titles = ["shape", "bits", "bytes"].map(|title| format!("{title:>12}"));
        let _ = writeln!(text, "\n{:<width$}{}", "input", titles.concat());
        for InputReport { name, shape: [height, width_, channels], bits, bytes } in inputs {
            let shape = format!("{height}x{width_}x{channels}");
            let _ = writeln!(text, "{name:<width$}{shape:>12}{bits:>12}{bytes:>12}");
        }
    }
    if !samples.is_empty() {
        let titles = ["scale", "zero point", "16-bit step", "from", "to"].map(|title| format!("{title:>12}"));
        let _ = writeln!(text, "\n{:<16}{}", "samples", titles.concat());
    }
    for channel in samples {
        let name = channel.channel.map_or("all channels".to_string(), |index| format!("channel {index}"));
        let name = channel.input.iter().map(|input| format!("{input} ")).collect::<String>() + &name;
        let SamplesReport { sample_unit, scale, zero_point, least, largest, .. } = channel;
        let [scale, unit, least, largest] = [scale, sample_unit, least, largest].map(|value| short(*value));
        let _ = writeln!(text, "{name:<16}{scale:>12}{zero_point:>12}{unit:>12}{least:>12}{largest:>12}");
    }
    let is_told = outputs.len() > 1 || outputs.iter().any(|output| output.bits < 32);
    if is_told {
        let width = outputs.iter().map(|output| output.name.chars().count() + 2).max().unwrap_or(0).max(16);
        let titles = ["shape", "bits", "scale", "zero point"].map(|title| format!("{title:>12}"));
        let _ = writeln!(text, "\n{:<width$}{}", "output", titles.concat());
        for OutputReport { name, shape: [height, width_, channels], bits, scale, zero_point } in outputs {
            let (shape, bits) = (format!("{height}x{width_}x{channels}"), activation_bits(*bits));
            let scale = short(*scale);
            let _ = writeln!(text, "{name:<width$}{shape:>12}{bits:>12}{scale:>12}{zero_point:>12}");
        }
    }
    text
}

/// Four digits that count: "135.4", "0.0001221", "3.5e-7".
pub fn short(value: f64) -> String {
    let rounded: f64 = format!("{value:.3e}").parse().unwrap_or(value);
    if rounded == 0.0 || (1e-4..1e7).contains(&rounded.abs()) {
        rounded.to_string()
    } else {
        format!("{rounded:e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits() {
        let shown = [135.379287, 0.000_122_070_3, 1.0, -0.5, 20_000.0, 0.0, 3.5004e-7].map(short);
        assert_eq!(shown, ["135.4", "0.0001221", "1", "-0.5", "20000", "0", "3.5e-7"]);
    }

    #[test]
    fn pixels_and_logits_need_no_words() {
        let logits = OutputReport {
            name: "scores".to_string(),
            shape: [1, 1, 10],
            bits: 32,
            scale: 0.25,
            zero_point: 0,
        };
        let image = InputReport { name: "image".to_string(), shape: [8, 8, 1], bits: 8, bytes: 64 };
        assert_eq!(text(std::slice::from_ref(&image), std::slice::from_ref(&logits), &[]), "");
        let codes = OutputReport { name: "map".to_string(), bits: 8, zero_point: 7, ..logits.clone() };
        let channel = SamplesReport {
            input: None,
            channel: None,
            sample_unit: 0.5,
            scale: 2.0,
            zero_point: 128,
            least: -256.0,
            largest: 254.0,
        };
        let expected = "
samples                scale  zero point 16-bit step        from          to
all channels               2         128         0.5        -256         254

output                 shape        bits       scale  zero point
scores                1x1x10 32 (logits)        0.25           0
map                   1x1x10           8        0.25           7
";
        let one = std::slice::from_ref(&channel);
        assert_eq!(text(std::slice::from_ref(&image), &[logits.clone(), codes], one), expected);
        let meta = InputReport { name: "meta".to_string(), shape: [1, 1, 3], bits: 4, bytes: 2 };
        let channel = SamplesReport { input: Some("meta".to_string()), channel: Some(2), ..channel };
        let expected = "
input                  shape        bits       bytes
image                  8x8x1           8          64
meta                   1x1x3           4           2

samples                scale  zero point 16-bit step        from          to
meta channel 2             2         128         0.5        -256         254
";
        assert_eq!(text(&[image, meta], &[logits], &[channel]), expected);
    }
}
