//! What convolutions in groups and with gaps between taps, also depthwise ones, cost on a Cortex-M4, beside
//! others: instructions for each multiplication and addition, counted by QEMU.

use std::path::Path;

use mixq_build::engine::config::Scheme;
use mixq_format::{Artifact, Bits};
use mixq_tests::measure::{self, CORTEX_M4};
use mixq_tests::random::{Builder, Quantised};
use mixq_tests::slide::Slide;

/// Channels of input and output.
const CHANNELS: u16 = 64;

/// A convolution of 64 channels to 64, of 12x12 pixels.
#[derive(Clone, Copy, Debug)]
struct Case {
    /// Of an activation and of a weight.
    bits: [Bits; 2],
    kernel: u16,
    groups: u16,
    dilation: u16,
}

impl Case {
    /// The layer, after one that makes its input.
    fn network(&self) -> Artifact {
        let Case { bits: [x, w], kernel, groups, dilation } = *self;
        let quantised = Quantised { weights: w, output: x, scheme: Scheme::PerChannel };
        let mut builder = Builder::new(1, [12, 12, 4]);
        builder.usual_tables();
        builder.conv(CHANNELS, slide(1, 1), quantised);
        if groups * dilation == 1 {
            builder.conv(CHANNELS, slide(kernel, 1), quantised);
        } else {
            builder.grouped([CHANNELS, groups], [dilation; 2], slide(kernel, dilation), quantised);
        }
        let logits = Quantised { weights: Bits::B8, output: Bits::B32, scheme: Scheme::PerChannel };
        builder.linear(2, logits).finish("grouped")
    }

    fn multiplications(&self) -> f64 {
        let Case { kernel, groups, .. } = *self;
        f64::from(12 * 12 * u32::from(kernel * kernel) * u32::from(CHANNELS * CHANNELS / groups))
    }
}

/// As `same` pads.
fn slide(kernel: u16, dilation: u16) -> Slide {
    Slide { kernel: [kernel; 2], stride: [1; 2], padding: [kernel / 2 * dilation; 4] }
}

/// Convolutions with gaps, and in groups with windows of 3x3 or of 32 channels, take little more for each
/// multiplication than others. In the smallest groups, filling patches, beginning blocks and making codes
/// counts for more: docs/kernels.md says how much.
#[test]
fn groups_and_gaps_take_little_more_than_other_convolutions() {
    let kinds = [(3, 1, 1), (3, 1, 2), (3, 2, 1), (3, 4, 1), (3, 8, 1)];
    let pointwise = [(1, 1, 1), (1, 2, 1), (1, 4, 1)];
    let widths = [[Bits::B8, Bits::B8], [Bits::B8, Bits::B4], [Bits::B4, Bits::B4]];
    let cases: Vec<Case> = (widths.into_iter())
        .flat_map(|bits| kinds.into_iter().chain(pointwise).map(move |kind| (bits, kind)))
        .map(|(bits, (kernel, groups, dilation))| Case { bits, kernel, groups, dilation })
        .collect();
    let networks: Vec<_> = cases.iter().map(|case| (case.network(), vec![1 << 15])).collect();
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let measured = measure::measure(CORTEX_M4, &networks, &scratch.join("cost/grouped"), scratch);
    let mut plain = 0.0;
    let mut wrong = Vec::new();
    for (case, measured) in cases.iter().zip(measured) {
        let each = measured.layers[1] as f64 / case.multiplications();
        let Case { bits: [x, w], kernel, groups, dilation } = case;
        if groups * dilation == 1 {
            plain = each;
        }
        let line = format!(
            "{}-bit activations, {}-bit weights, {kernel}x{kernel}, {groups} groups of {} channels, dilation \
             {dilation}: {each:.3} instructions for each multiplication, {:.2} times the convolution",
            x.count(),
            w.count(),
            CHANNELS / groups,
            each / plain,
        );
        println!("{line}");
        let channels = CHANNELS / groups;
        let most = match (kernel, channels, x) {
            (3, 8, Bits::B8) if *w == Bits::B4 => 1.36,
            (3, 8, Bits::B4) => 1.52,
            (1, 16, Bits::B8) => 1.68,
            (1, 16, _) => 1.88,
            (1, 32, Bits::B4) => 1.33,
            _ => 1.3,
        };
        if each > most * plain {
            wrong.push(line);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A depthwise convolution of 64 channels, of 16x16 pixels: `multiplier` filters of each channel.
fn depthwise(bits: Bits, multiplier: u16, dilation: u16) -> Artifact {
    let quantised = Quantised { weights: bits, output: bits, scheme: Scheme::PerChannel };
    let mut builder = Builder::new(2, [16, 16, 4]);
    builder.usual_tables();
    builder.conv(CHANNELS, slide(1, 1), quantised);
    if multiplier * dilation == 1 {
        builder.depthwise(slide(3, 1), quantised);
    } else {
        let filters = [CHANNELS * multiplier, CHANNELS];
        builder.grouped(filters, [dilation; 2], slide(3, dilation), quantised);
    }
    let logits = Quantised { weights: Bits::B8, output: Bits::B32, scheme: Scheme::PerChannel };
    builder.linear(2, logits).finish("depthwise")
}

/// Depthwise convolutions with gaps between taps, or with several filters of each channel, take little more
/// for each multiplication than others.
#[test]
fn gaps_and_several_filters_cost_depthwise_convolutions_little() {
    let kinds = [(1, 1), (1, 2), (1, 3), (1, 4), (2, 1), (3, 1), (4, 1), (3, 2)];
    let cases: Vec<_> = (Bits::QUANTISED.into_iter())
        .flat_map(|bits| kinds.map(|(m, dilation)| (bits, m, dilation)))
        .collect();
    let network = |&(bits, m, dilation): &(Bits, u16, u16)| (depthwise(bits, m, dilation), vec![0]);
    let networks: Vec<_> = cases.iter().map(network).collect();
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let measured = measure::measure(CORTEX_M4, &networks, &scratch.join("cost/depthwise"), scratch);
    let mut plain = 0.0;
    let mut wrong = Vec::new();
    for ((bits, multiplier, dilation), measured) in cases.iter().zip(measured) {
        let each = measured.layers[1] as f64 / f64::from(16 * 16 * 9 * u32::from(CHANNELS * multiplier));
        if multiplier * dilation == 1 {
            plain = each;
        }
        let line = format!(
            "{} bits, multiplier {multiplier}, dilation {dilation}: {each:.3} instructions for each \
             multiplication, {:.2} times the usual convolution",
            bits.count(),
            each / plain,
        );
        println!("{line}");
        // Rows and weights are unpacked for each of the 4, 9 or 16 parts that see each other.
        let most = [1.1, 1.3, 1.7, 2.05][usize::from(*dilation) - 1];
        if each > most * plain {
            wrong.push(line);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
