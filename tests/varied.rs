//! Random networks whose layers are of all operators, widths and shapes that networks for microcontrollers
//! have.

mod groups;

pub use groups::{grouped, of_channels};

use fastrand::Rng;
use mixq_build::engine::config::Scheme;
use mixq_build::engine::graph::op::{Coordinates, Interpolation, Rearrange, Resize};
use mixq_format::{Artifact, Bits, Operation};

use crate::random::{Builder, Quantised};
use crate::slide::Slide;

/// A network of some layers, the same for the same seed.
pub fn varied(seed: u64) -> Artifact {
    network(seed, false)
}

/// The same of layers that only the portable kernels take: numbers of filters are odd, depthwise windows have
/// up to 5x5 pixels.
pub fn portable(seed: u64) -> Artifact {
    network(seed, true)
}

/// A network of elementwise layers of all widths, with pointwise convolutions between.
pub fn functions(seed: u64) -> Artifact {
    let mut rng = Rng::with_seed(seed);
    let mut builder = Builder::new(seed, [rng.u16(1..=16), rng.u16(1..=16), rng.u16(1..=4)]);
    let same = Slide { kernel: [1, 1], stride: [1, 1], padding: [0; 4] };
    let bits = |rng: &mut Rng| Bits::QUANTISED[rng.usize(0..3)];
    for _ in 0..rng.usize(2..=5) {
        let (x, y) = (bits(&mut rng), bits(&mut rng));
        let y = if rng.bool() { x } else { y };
        let channels = if rng.bool() { rng.u16(1..=40) } else { 8 * rng.u16(1..=6) };
        let quantised = Quantised { weights: Bits::B8, output: x, scheme: Scheme::PerChannel };
        builder.conv(channels, same, quantised).elementwise(y);
    }
    let logits = Quantised { weights: Bits::B4, output: Bits::B32, scheme: Scheme::PerChannel };
    builder.linear(rng.u16(2..=12), logits).finish("functions")
}

/// A network of products, most often of 8 bits, and PReLUs, with pointwise convolutions between.
pub fn products(seed: u64) -> Artifact {
    let mut rng = Rng::with_seed(seed);
    let (height, width) = (rng.u16(1..=14), rng.u16(2..=14));
    let mut builder = Builder::new(seed, [height, width, rng.u16(1..=4)]);
    let same = Slide { kernel: [1, 1], stride: [1, 1], padding: [0; 4] };
    let whole = Slide { kernel: [height, width], ..same };
    for _ in 0..rng.usize(2..=5) {
        let narrow = rng.u8(0..4) == 0;
        let mut bits = || if narrow { Bits::QUANTISED[rng.usize(0..3)] } else { Bits::B8 };
        let [a, b, y] = [bits(), bits(), bits()];
        let channels = if rng.bool() { rng.u16(1..=40) } else { 4 * rng.u16(1..=12) };
        let quantised = |output| Quantised { weights: Bits::B8, output, scheme: Scheme::PerChannel };
        builder.conv(channels, same, quantised(a));
        if rng.u8(0..4) == 0 {
            builder.prelu(y);
            continue;
        }
        let kept = builder.keep();
        if rng.bool() {
            builder.average_pool(whole);
        }
        builder.conv(channels, same, quantised(b)).multiply(kept, y, a == y && rng.bool());
    }
    let logits = Quantised { weights: Bits::B4, output: Bits::B32, scheme: Scheme::PerChannel };
    builder.linear(rng.u16(2..=12), logits).finish("products")
}

/// A network of sums and products with constants of all widths, with pointwise convolutions between.
pub fn constants(seed: u64) -> Artifact {
    let mut rng = Rng::with_seed(seed);
    let size = [rng.u16(1..=14), rng.u16(1..=14), rng.u16(1..=4)];
    let mut builder = Builder::new(seed, size);
    let same = Slide { kernel: [1, 1], stride: [1, 1], padding: [0; 4] };
    for _ in 0..rng.usize(2..=5) {
        let [x, w, y] = [(); 3].map(|()| Bits::QUANTISED[rng.usize(0..3)]);
        let quantised = Quantised { weights: Bits::B8, output: x, scheme: Scheme::PerChannel };
        let operation = if rng.bool() { Operation::Sum } else { Operation::Product };
        builder.conv(rng.u16(1..=40), same, quantised).constants(operation, w, y);
    }
    let logits = Quantised { weights: Bits::B4, output: Bits::B32, scheme: Scheme::PerChannel };
    builder.linear(rng.u16(2..=12), logits).finish("constants")
}

/// A network of layers that move elements, with pointwise convolutions between.
pub fn moves(seed: u64) -> Artifact {
    let mut rng = Rng::with_seed(seed);
    let (height, width) = (2 * rng.u16(1..=6), 2 * rng.u16(1..=6));
    let mut builder = Builder::new(seed, [height, width, rng.u16(1..=4)]);
    let same = Slide { kernel: [1, 1], stride: [1, 1], padding: [0; 4] };
    let (mut h, mut w) = (height, width);
    for _ in 0..rng.usize(2..=5) {
        let bits = Bits::QUANTISED[rng.usize(0..3)];
        let channels = if rng.bool() { 4 * rng.u16(1..=9) } else { 8 * rng.u16(1..=8) };
        let quantised = Quantised { weights: Bits::B8, output: bits, scheme: Scheme::PerChannel };
        builder.conv(channels, same, quantised);
        match rng.u8(0..8) {
            0 => {
                let kept = builder.keep();
                let odd = rng.u16(1..=channels);
                let first = usize::from(channels - odd);
                let slice = Rearrange::Slice { first, channels: odd.into() };
                builder.rearrange(slice, [h, w, odd]).join(kept);
            }
            1 => {
                let groups = if rng.u8(0..4) == 0 { 4 } else { 2 };
                builder.rearrange(Rearrange::Shuffle { groups }, [h, w, channels]);
            }
            2 if h < 12 && w < 12 => {
                builder.rearrange(Rearrange::Pad { padding: [1; 4] }, [h + 2, w + 2, channels]);
                (h, w) = (h + 2, w + 2);
            }
            3 if h < 10 && w < 10 => {
                builder.rearrange(Rearrange::Upsample { factor: [2, 2] }, [2 * h, 2 * w, channels]);
                (h, w) = (2 * h, 2 * w);
            }
            4 if h < 10 && w < 10 => {
                let block = Rearrange::DepthToSpace { block: 2 };
                builder.rearrange(block, [2 * h, 2 * w, channels / 4]);
                (h, w) = (2 * h, 2 * w);
            }
            6 | 7 => {
                let size = [rng.u16(1..=16), rng.u16(1..=16)];
                let interpolation = Interpolation::CHOICES[usize::from(rng.u8(0..4) == 0)].1;
                let coordinates = Coordinates::CHOICES[rng.usize(0..3)].1;
                builder.resize(Resize { size: size.map(usize::from), interpolation, coordinates });
                [h, w] = size;
            }
            _ if h % 2 == 0 && w % 2 == 0 => {
                let block = Rearrange::SpaceToDepth { block: 2 };
                builder.rearrange(block, [h / 2, w / 2, 4 * channels]);
                (h, w) = (h / 2, w / 2);
            }
            _ => {
                let slice = Rearrange::Slice { first: 1, channels: 3 };
                builder.rearrange(slice, [h, w, 3]);
            }
        }
    }
    let logits = Quantised { weights: Bits::B4, output: Bits::B32, scheme: Scheme::PerChannel };
    builder.linear(rng.u16(2..=12), logits).finish("moves")
}

fn network(seed: u64, portable: bool) -> Artifact {
    let mut rng = Rng::with_seed(seed);
    let kind = rng.u8(0..10);
    let size = [rng.u16(1..=20), rng.u16(2..=20), [1, 3, 3, 4, 2][rng.usize(0..5)]];
    let size = match kind {
        0 => [1, 1, 8 * rng.u16(1..=40)],
        1 | 2 => [rng.u16(6..=30), rng.u16(6..=30), 3],
        // As samples of a sensor.
        3 => [1, rng.u16(8..=64), size[2]],
        _ => size,
    };
    let mut builder = Builder::new(seed, size);
    if rng.u8(0..5) > 0 {
        builder.usual_tables();
    }
    let mut shape = size;
    let bits = |rng: &mut Rng| Bits::QUANTISED[rng.usize(0..3)];
    for index in 0..rng.usize(1..=5) {
        let scheme = match rng.u8(0..if portable { 6 } else { 20 }) {
            0 => Scheme::PerLayerFolded,
            1 => Scheme::PerChannelThresholds,
            _ => Scheme::PerChannel,
        };
        let quantised = Quantised { weights: bits(&mut rng), output: bits(&mut rng), scheme };
        let channels = match rng.u8(0..8) {
            0 => rng.u16(1..=40),
            1..=3 => 4 * rng.u16(1..=12),
            _ => 8 * rng.u16(1..=8),
        };
        let channels = if portable { channels | 1 } else { channels };
        let slide = slide(&mut rng, shape);
        let image = index == 0 && (kind == 1 || kind == 2);
        match if image { 0 } else { rng.u8(0..12) } {
            _ if kind == 0 => {
                builder.linear(channels, quantised);
                shape = [1, 1, channels];
                continue;
            }
            0..=2 => {
                // As a first layer sees an image.
                let slide = match shape[2] {
                    3 if shape[0] > 2 && shape[1] > 2 => {
                        Slide { kernel: [3, 3], stride: [rng.u16(1..=2); 2], padding: [1, 1, 1, 1] }
                    }
                    _ => slide,
                };
                let elements = slide.kernel[0] * slide.kernel[1] * shape[2];
                let channels = if elements > 300 { channels.min(16) } else { channels };
                builder.conv(channels, slide, quantised);
                shape = after(shape, slide, channels);
                continue;
            }
            3..=5 => {
                let stride = if rng.u8(0..4) == 0 { [2, 2] } else { [1, 1] };
                let slide = Slide { kernel: [1, 1], stride, padding: [0; 4] };
                builder.conv(channels, slide, quantised);
                shape = [shape[0].div_ceil(stride[0]), shape[1].div_ceil(stride[1]), channels];
                continue;
            }
            6..=8 if portable => {
                builder.depthwise(slide, quantised);
            }
            6 => {
                let kernel = [rng.u16(1..=shape[0].min(3)), rng.u16(1..=shape[1].min(3))];
                let slide = around(&mut rng, kernel);
                builder.depthwise(slide, quantised);
                shape = after(shape, slide, shape[2]);
                continue;
            }
            7 | 8 => {
                let stride = if rng.bool() { 1 } else { 2 };
                let small = shape[0] < 2 || shape[1] < 2;
                let before = if stride == 2 && !small && rng.bool() { 0 } else { 1 };
                let slide = Slide { kernel: [3, 3], stride: [stride; 2], padding: [before, 1, before, 1] };
                builder.depthwise(slide, quantised);
                let side = |size: u16| (size + before + 1 - 3) / stride + 1;
                shape = [side(shape[0]), side(shape[1]), shape[2]];
                continue;
            }
            9 => {
                builder.average_pool(slide);
            }
            10 => {
                builder.max_pool(slide);
            }
            _ => {
                let kept = builder.keep();
                // What 2 bits are worth in 8 is beyond a multiplier.
                let narrow = kept.bits.min(quantised.output) == Bits::B2;
                let sum = if narrow { bits(&mut rng).min(Bits::B4) } else { bits(&mut rng) };
                let same = Slide { kernel: [1, 1], stride: [1, 1], padding: [0; 4] };
                builder.conv(shape[2], same, quantised).add(kept, sum, sum == kept.bits && rng.bool());
                continue;
            }
        }
        shape = after(shape, slide, shape[2]);
    }
    let logits = Quantised { weights: bits(&mut rng), output: Bits::B32, scheme: Scheme::PerChannel };
    builder.linear(rng.u16(2..=12), logits).finish("varied")
}

/// What a window makes of a shape.
fn after(shape: [u16; 3], slide: Slide, channels: u16) -> [u16; 3] {
    let axis = |axis: usize| {
        let padding = slide.padding[2 * axis] + slide.padding[2 * axis + 1];
        (shape[axis] + padding - slide.kernel[axis]) / slide.stride[axis] + 1
    };
    [axis(0), axis(1), channels]
}

/// A window that fits a shape.
fn slide(rng: &mut Rng, shape: [u16; 3]) -> Slide {
    let common = shape[0] > 2 && shape[1] > 2 && rng.bool();
    let kernel = match common {
        true => [3, 3],
        false => [rng.u16(1..=shape[0].min(5)), rng.u16(1..=shape[1].min(5))],
    };
    around(rng, kernel)
}

/// A stride, and as much padding as leaves no window without an input.
fn around(rng: &mut Rng, kernel: [u16; 2]) -> Slide {
    let stride = if rng.bool() { [1, 1] } else { [rng.u16(1..=2), rng.u16(1..=2)] };
    let side = |rng: &mut Rng, kernel: u16| if rng.bool() { kernel / 2 } else { 0 };
    let padding = [kernel[0], kernel[0], kernel[1], kernel[1]].map(|kernel| side(rng, kernel));
    Slide { kernel, stride, padding }
}
