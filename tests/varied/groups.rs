//! Convolutions in groups of channels.

use fastrand::Rng;
use mixq_build::engine::config::Scheme;
use mixq_format::{Artifact, Bits};

use crate::random::{Builder, Quantised};
use crate::slide::Slide;

/// A network of convolutions whose filters see one channel each, with gaps between taps or without.
pub fn of_channels(seed: u64) -> Artifact {
    let mut rng = Rng::with_seed(seed);
    let (mut channels, mut size) = (rng.u16(1..=24), [rng.u16(7..=30), rng.u16(7..=30)]);
    let mut builder = Builder::new(seed, [size[0], size[1], channels]);
    builder.usual_tables();
    for _ in 0..rng.usize(1..=3) {
        let kernel = if rng.bool() { [3; 2] } else { [rng.u16(1..=3), rng.u16(1..=3)] };
        let dilation = [rng.u16(1..=3), rng.u16(1..=3)];
        let stride = [[1, 1, 2][rng.usize(0..3)]; 2];
        // As `same` pads.
        let [y, x] = [0, 1].map(|axis| (kernel[axis] - 1) * dilation[axis] / 2);
        let slide = Slide { kernel, stride, padding: [y, y, x, x] };
        let filters = channels * if channels < 20 { rng.u16(1..=4) } else { 1 };
        let [weights, output] = [(); 2].map(|()| Bits::QUANTISED[rng.usize(0..3)]);
        let quantised = Quantised { weights, output, scheme: Scheme::PerChannel };
        builder.grouped([filters, channels], dilation, slide, quantised);
        channels = filters;
        size = [0, 1].map(|axis| {
            let span = (kernel[axis] - 1) * dilation[axis];
            (size[axis] + span / 2 * 2 - span - 1) / stride[axis] + 1
        });
        if size[0] < 7 || size[1] < 7 {
            break;
        }
    }
    // Less for the last layer to read: firmware holds the weights of all networks that are fitted.
    builder.average_pool(Slide { kernel: size, stride: [1, 1], padding: [0; 4] });
    let logits = Quantised { weights: Bits::B8, output: Bits::B32, scheme: Scheme::PerChannel };
    builder.linear(rng.u16(2..=12), logits).finish("of_channels")
}

/// A network of convolutions in groups, with gaps between taps; a third have windows and groups as networks
/// that people use.
pub fn grouped(seed: u64) -> Artifact {
    let mut rng = Rng::with_seed(seed);
    let usual = rng.u8(0..3) == 0;
    let mut channels = match usual {
        true => 16 * rng.u16(1..=3),
        false => [1, 2, 4, 8][rng.usize(0..4)] * rng.u16(1..=12),
    };
    let mut size = if usual { [rng.u16(1..=9), rng.u16(4..=13)] } else { [rng.u16(1..=12), rng.u16(4..=16)] };
    let mut builder = Builder::new(seed, [size[0], size[1], channels]);
    if rng.u8(0..5) > 0 {
        builder.usual_tables();
    }
    let bits = |rng: &mut Rng| Bits::QUANTISED[rng.usize(0..3)];
    for _ in 0..rng.usize(1..=4) {
        let most = if rng.bool() { channels } else { channels.div_ceil(4) };
        let divisors: Vec<u16> = (1..=most).filter(|groups| channels.is_multiple_of(*groups)).collect();
        let groups =
            if usual { [1, 2, 2, 4][rng.usize(0..4)] } else { divisors[rng.usize(0..divisors.len())] };
        // Kernels of instruction sets take whole blocks.
        let block = if usual { 4 } else { [1, 4, 4][rng.usize(0..3)] };
        let filters = groups * block * rng.u16(1..=(48 / groups / block).max(1));
        let filters = if usual { filters.next_multiple_of(16) } else { filters };
        let dilation = if usual { [1; 2] } else { [rng.u16(1..=3), rng.u16(1..=3)] };
        let usual_kernel = [1, 3, 3][rng.usize(0..3)];
        let axis = |rng: &mut Rng, axis: usize| {
            let kernel = if usual { usual_kernel } else { rng.u16(1..=4) };
            let span = (kernel - 1) * dilation[axis] + 1;
            // As `same` pads, or where the window fits without.
            if span > size[axis] || rng.bool() { (kernel, span / 2) } else { (kernel, 0) }
        };
        let (y, x) = (axis(&mut rng, 0), axis(&mut rng, 1));
        let fits =
            |axis: usize, (kernel, pad): (u16, u16)| size[axis] + 2 * pad > (kernel - 1) * dilation[axis];
        if !fits(0, y) || !fits(1, x) {
            continue;
        }
        let stride = if usual { [1; 2] } else { [rng.u16(1..=2), rng.u16(1..=2)] };
        let slide = Slide { kernel: [y.0, x.0], stride, padding: [y.1, y.1, x.1, x.1] };
        let scheme = match rng.u8(0..8) {
            0 => Scheme::PerLayerFolded,
            1 => Scheme::PerChannelThresholds,
            _ => Scheme::PerChannel,
        };
        let quantised = Quantised { weights: bits(&mut rng), output: bits(&mut rng), scheme };
        builder.grouped([filters, groups], dilation, slide, quantised);
        let after = |axis: usize, (kernel, pad): (u16, u16)| {
            (size[axis] + 2 * pad - (kernel - 1) * dilation[axis] - 1) / stride[axis] + 1
        };
        (channels, size) = (filters, [after(0, y), after(1, x)]);
    }
    if usual {
        // As in `of_channels`.
        builder.average_pool(Slide { kernel: size, stride: [1, 1], padding: [0; 4] });
    }
    let logits = Quantised { weights: bits(&mut rng), output: Bits::B32, scheme: Scheme::PerChannel };
    builder.linear(rng.u16(2..=12), logits).finish("grouped")
}
