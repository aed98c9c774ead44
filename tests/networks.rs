//! Networks that together use every operator at every pair of widths, on awkward shapes.

mod groups;
mod inputs;

use fastrand::Rng;
use mixq_build::engine::config::Scheme;
use mixq_build::engine::graph::op::{Coordinates, Interpolation, Rearrange, Resize};
use mixq_format::{Artifact, Bits, Output, Task, Tensor};

use crate::random::{Builder, Quantised};
use crate::slide::Slide;
use groups::{constants, full_of_groups, grouped, resnext, samples};

const SAME_3X3: Slide = Slide { kernel: [3, 3], stride: [1, 1], padding: [1, 1, 1, 1] };
const POINTWISE: Slide = Slide { kernel: [1, 1], stride: [1, 1], padding: [0; 4] };

/// All of them. Their names are Rust identifiers.
pub fn all() -> Vec<Artifact> {
    let widths = Bits::QUANTISED;
    let mut networks: Vec<Artifact> =
        widths.iter().flat_map(|x| widths.iter().map(|w| weighted(*x, *w))).collect();
    networks.extend(widths.map(pooled));
    networks.push(residual());
    networks.push(elementwise());
    networks.push(rearranged());
    networks.push(resized());
    networks.extend([map(), channels(), codes()]);
    networks.extend([grouped(), constants(), resnext(), full_of_groups(16), full_of_groups(4)]);
    networks.extend([Bits::B4, Bits::B2].map(samples));
    networks.extend(Bits::QUANTISED.map(products));
    networks.extend(Bits::QUANTISED.map(inputs::several));
    networks.extend([
        scheme("folded", Bits::B4, Bits::B4, Scheme::PerLayerFolded),
        scheme("per_layer", Bits::B4, Bits::B4, Scheme::PerLayer),
        scheme("thresholds2", Bits::B2, Bits::B4, Scheme::PerChannelThresholds),
        scheme("thresholds4", Bits::B4, Bits::B8, Scheme::PerChannelThresholds),
    ]);
    for scheme in [Scheme::PerChannel, Scheme::PerLayerFolded] {
        networks.extend([3, 16, 6].map(|channels| full(channels, scheme)));
    }
    networks
}

/// Conv, depthwise, pointwise and linear with `x`-bit inputs and `w`-bit weights, but for the image of 8 bits
/// and one layer that writes 8 bits.
fn scheme(name: &str, x: Bits, w: Bits, scheme: Scheme) -> Artifact {
    let inner = Quantised { weights: w, output: x, scheme };
    let padded = Slide { kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1] };
    Builder::new(300 + name.len() as u64, [10, 9, 3])
        .conv(9, padded, inner)
        .depthwise(SAME_3X3, inner)
        .conv(14, POINTWISE, Quantised { output: Bits::B8, ..inner })
        .depthwise(padded, inner)
        .conv(11, POINTWISE, inner)
        .linear(12, inner)
        .linear(4, Quantised { output: Bits::B32, ..inner })
        .finish(name)
}

/// A convolution whose input and output fill the arena: its kernel works on the stack. `channels` decides the
/// size.
fn full(channels: u16, scheme: Scheme) -> Artifact {
    let quantised = |output| Quantised { weights: Bits::B4, output, scheme };
    let stem = Slide { stride: [2, 2], ..SAME_3X3 };
    let scheme = if scheme == Scheme::PerChannel { "" } else { "_folded" };
    Builder::new(400 + u64::from(channels), [9, 11, channels])
        .conv(18, stem, quantised(Bits::B8))
        .linear(4, quantised(Bits::B32))
        .finish(&format!("full{channels}{scheme}"))
}

/// Conv, depthwise, pointwise and linear with `x`-bit inputs and `w`-bit weights; one multiplier for a layer
/// if both have 8 or both have 4, else one for each channel.
pub fn weighted(x: Bits, w: Bits) -> Artifact {
    // One zero point for all channels would drown 2-bit images.
    let per_channel = x != w || x == Bits::B2;
    let scheme = if per_channel { Scheme::PerChannel } else { Scheme::PerLayerFolded };
    let inner = Quantised { weights: w, output: x, scheme };
    let stem = Slide { kernel: [3, 3], stride: [2, 2], padding: [0, 1, 0, 1] };
    let tall = Slide { kernel: [3, 2], stride: [2, 1], padding: [1, 0, 1, 0] };
    Builder::new((x.count() * 10 + w.count()) as u64, [12, 10, 3])
        .conv(13, stem, inner)
        .depthwise(SAME_3X3, inner)
        .conv(36, POINTWISE, inner)
        .conv(7, tall, inner)
        .depthwise(Slide { stride: [2, 3], ..SAME_3X3 }, inner)
        .linear(5, Quantised { output: Bits::B32, ..inner })
        .finish(&format!("x{}w{}", x.count(), w.count()))
}

/// Both pools on codes of one width, overlapping and with padding; a convolution writes the logits.
pub fn pooled(x: Bits) -> Artifact {
    let quantised = Quantised { weights: Bits::B4, output: x, scheme: Scheme::PerChannel };
    let padded = Slide { kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1] };
    Builder::new(100 + x.count() as u64, [11, 9, 1])
        .conv(9, SAME_3X3, quantised)
        .max_pool(padded)
        .average_pool(Slide { kernel: [2, 3], stride: [2, 1], padding: [0, 0, 1, 1] })
        .average_pool(Slide { kernel: [3, 5], stride: [1, 1], padding: [0; 4] })
        .conv(4, POINTWISE, Quantised { output: Bits::B32, ..quantised })
        .finish(&format!("pooled{}", x.count()))
}

/// Residual additions of equal and of different widths, in place and not.
pub fn residual() -> Artifact {
    let quantised = |output| Quantised { weights: Bits::B8, output, scheme: Scheme::PerChannel };
    let mut builder = Builder::new(200, [7, 6, 2]);
    builder.conv(11, SAME_3X3, quantised(Bits::B4));
    let first = builder.keep();
    builder.conv(11, SAME_3X3, quantised(Bits::B8)).add(first, Bits::B4, true);
    let second = builder.keep();
    builder.depthwise(SAME_3X3, quantised(Bits::B2)).add(second, Bits::B8, false);
    let third = builder.keep();
    builder.conv(11, POINTWISE, quantised(Bits::B8)).add(third, Bits::B2, false);
    builder.linear(10, quantised(Bits::B32)).finish("residual")
}

/// Functions of elements by table: of every width to every width, in place and not, of pixels that end inside
/// bytes and that do not.
pub fn elementwise() -> Artifact {
    let quantised = |output| Quantised { weights: Bits::B8, output, scheme: Scheme::PerChannel };
    let mut builder = Builder::new(500, [9, 8, 3]);
    for (x, y) in Bits::QUANTISED.into_iter().flat_map(|x| Bits::QUANTISED.map(|y| (x, y))) {
        // Of an odd number, because pixels of 4 bits then end inside bytes.
        let channels = match y {
            Bits::B4 if x >= y => 11,
            _ if x >= y => 10,
            _ => 8,
        };
        builder.conv(channels, POINTWISE, quantised(x)).elementwise(y);
        builder.conv(16, POINTWISE, quantised(Bits::B8));
    }
    builder.conv(16, SAME_3X3, quantised(Bits::B4)).elementwise(Bits::B4);
    builder.linear(10, quantised(Bits::B32)).finish("elementwise")
}

/// Squeeze and excite, products of tensors of one shape, and PReLUs: of `x` bits to every width, in place and
/// not; and of 8 bits, for which there are kernels, with channels that end inside words.
pub fn products(x: Bits) -> Artifact {
    let quantised = |output| Quantised { weights: Bits::B8, output, scheme: Scheme::PerChannel };
    let mut builder = Builder::new(740 + x.count() as u64, [6, 7, 3]);
    let whole = Slide { kernel: [6, 7], stride: [1, 1], padding: [0; 4] };
    for y in Bits::QUANTISED {
        let channels = if x == y { 11 } else { 12 };
        builder.conv(channels, POINTWISE, quantised(x)).prelu(y);
        let kept = builder.keep();
        builder.average_pool(whole).conv(5, POINTWISE, quantised(y)).conv(channels, POINTWISE, quantised(x));
        builder.multiply(kept, y, true);
        let kept = builder.keep();
        builder.conv(channels, POINTWISE, quantised(x)).multiply(kept, Bits::B8, y == Bits::B8);
    }
    for channels in [16, 7] {
        builder.conv(channels, SAME_3X3, quantised(Bits::B8));
        let kept = builder.keep();
        builder.average_pool(whole).conv(channels, POINTWISE, quantised(Bits::B8));
        builder.multiply(kept, Bits::B8, channels == 16);
    }
    builder.linear(10, quantised(Bits::B32)).finish(&format!("products{}", x.count()))
}

/// Elements that move, of every width: whole bytes, elements within bytes, pixels that end inside bytes.
pub fn rearranged() -> Artifact {
    let quantised = |output| Quantised { weights: Bits::B8, output, scheme: Scheme::PerChannel };
    let mut builder = Builder::new(600, [6, 8, 3]);
    for bits in Bits::QUANTISED {
        for channels in [12, 9] {
            builder.conv(channels, POINTWISE, quantised(bits));
            let joined = builder.keep();
            builder.rearrange(Rearrange::Shuffle { groups: 3 }, [6, 8, channels]).join(joined);
            builder.rearrange(Rearrange::Slice { first: 3, channels: 8 }, [6, 8, 8]);
            builder.rearrange(Rearrange::SpaceToDepth { block: 2 }, [3, 4, 32]);
            builder.rearrange(Rearrange::Transpose { order: [1, 0, 2] }, [4, 3, 32]);
            builder.rearrange(Rearrange::Reshape, [3, 2, 64]).rearrange(Rearrange::Reshape, [3, 4, 32]);
            builder.rearrange(Rearrange::Pad { padding: [1, 0, 2, 1] }, [4, 7, 32]);
            builder.rearrange(Rearrange::DepthToSpace { block: 4 }, [16, 28, 2]);
            let smaller = Slide { kernel: [6, 10], stride: [5, 9], padding: [0; 4] };
            builder.conv(5, smaller, quantised(bits));
            builder.rearrange(Rearrange::Upsample { factor: [2, 8] }, [6, 24, 5]);
            builder.conv(6, Slide { kernel: [1, 3], stride: [1, 3], padding: [0; 4] }, quantised(bits));
        }
    }
    builder.linear(10, quantised(Bits::B32)).finish("rearranged")
}

/// Images of other sizes, larger and smaller, of every width; pixels that end inside bytes.
pub fn resized() -> Artifact {
    let quantised = |output| Quantised { weights: Bits::B8, output, scheme: Scheme::PerChannel };
    let mut builder = Builder::new(710, [5, 6, 3]);
    for (bits, coordinates) in Bits::QUANTISED.into_iter().zip(Coordinates::CHOICES) {
        let resize = |size, interpolation| Resize { size, interpolation, coordinates: coordinates.1 };
        builder.conv(11, POINTWISE, quantised(bits));
        builder.resize(resize([10, 12], Interpolation::Bilinear));
        builder.conv(8, SAME_3X3, quantised(bits)).resize(resize([7, 4], Interpolation::Bilinear));
        builder.resize(resize([9, 5], Interpolation::Nearest));
        builder.conv(16, SAME_3X3, quantised(bits)).resize(resize([5, 6], Interpolation::Bilinear));
    }
    builder.linear(10, quantised(Bits::B32)).finish("resized")
}

/// Logits of many pixels, which a convolution writes where its input leaves little room.
pub fn map() -> Artifact {
    let quantised = |output| Quantised { weights: Bits::B4, output, scheme: Scheme::PerChannel };
    let mut builder = Builder::new(700, [9, 7, 3]);
    builder.conv(21, SAME_3X3, quantised(Bits::B8)).conv(6, SAME_3X3, quantised(Bits::B32));
    dense(builder.finish("map"))
}

/// Logits of many pixels from a depthwise convolution.
pub fn channels() -> Artifact {
    let quantised = |output| Quantised { weights: Bits::B8, output, scheme: Scheme::PerLayerFolded };
    let mut builder = Builder::new(701, [8, 9, 1]);
    builder.conv(5, SAME_3X3, quantised(Bits::B4)).depthwise(SAME_3X3, quantised(Bits::B32));
    dense(builder.finish("channels"))
}

/// Codes of many pixels; and the codes that a layer in the middle writes, which a convolution reads last.
pub fn codes() -> Artifact {
    let quantised = |output| Quantised { weights: Bits::B8, output, scheme: Scheme::PerChannel };
    let mut builder = Builder::new(702, [10, 8, 4]);
    builder.conv(9, SAME_3X3, quantised(Bits::B8));
    let middle = builder.keep();
    builder.conv(12, SAME_3X3, quantised(Bits::B8));
    builder.rearrange(Rearrange::Upsample { factor: [2, 1] }, [20, 8, 12]);
    let mut artifact = dense(builder.finish("codes"));
    let output = |name: &str, tensor, scale| Output { name: name.to_string(), tensor, scale };
    let header = &mut artifact.header;
    header.outputs = vec![output("last", header.output, header.logit_scale), output("middle", middle, 0.5)];
    artifact
}

fn dense(mut artifact: Artifact) -> Artifact {
    artifact.header.task = Task::Dense;
    artifact
}

/// Images for a network, each the bytes of all inputs, one after the other: random ones, all black and all
/// white.
pub fn images(artifact: &Artifact) -> Vec<Vec<u8>> {
    let mut rng = Rng::with_seed(artifact.parameters.len() as u64);
    let bytes = artifact.header.all_inputs().iter().map(|(tensor, _)| tensor.bytes()).sum();
    let random = (0..3).map(|_| (0..bytes).map(|_| rng.u8(..)).collect()).collect::<Vec<_>>();
    [random, vec![vec![0; bytes], vec![255; bytes]]].concat()
}

/// The logits or codes of all outputs for an image, by the kernels of mixq-rt on this machine.
pub fn logits(artifact: &Artifact, image: &[u8]) -> Vec<i32> {
    let layers = artifact.layers();
    let network = artifact.network(&layers);
    let mut arena = vec![0; network.arena_bytes as usize];
    mixq_rt::infer(&network, image, &mut arena);
    outputs(artifact, &arena)
}

/// The logits or codes of all outputs, as they lie in an arena.
pub fn outputs(artifact: &Artifact, arena: &[u8]) -> Vec<i32> {
    let read = |tensor: &Tensor| -> Vec<i32> {
        let bytes = &arena[tensor.range()];
        match tensor.bits {
            Bits::B32 => bytes.as_chunks().0.iter().map(|word| i32::from_ne_bytes(*word)).collect(),
            Bits::B2 | Bits::B4 | Bits::B8 => bytes.iter().map(|code| i32::from(*code)).collect(),
        }
    };
    [vec![artifact.header.output], artifact.kept()].concat().iter().flat_map(read).collect()
}

/// What firmware prints of the [`images`] of these networks, computed on this machine.
pub fn expected(artifacts: &[Artifact]) -> Vec<String> {
    let line = |artifact: &Artifact, image: &Vec<u8>| {
        let logits: Vec<String> = logits(artifact, image).iter().map(i32::to_string).collect();
        format!("{}: {}", artifact.header.name, logits.join(","))
    };
    let lines = |artifact| images(artifact).iter().map(|i| line(artifact, i)).collect::<Vec<_>>();
    artifacts.iter().flat_map(lines).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use mixq_format::{Layer, Rule};

    use super::*;

    #[test]
    fn every_random_image_has_its_own_logits() {
        for artifact in all() {
            let mut seen: Vec<Vec<i32>> = images(&artifact).iter().map(|i| logits(&artifact, i)).collect();
            seen.sort();
            seen.dedup();
            assert!(seen.len() >= 4, "{} answers the same to all images", artifact.header.name);
        }
    }

    #[test]
    fn all_rules_are_there() {
        let layers: Vec<Layer> = all().iter().flat_map(|artifact| artifact.layers().to_vec()).collect();
        let requants = || layers.iter().filter_map(Layer::requant);
        for rule in [Rule::Multiplier, Rule::Thresholds16, Rule::Thresholds32] {
            assert!(requants().any(|requant| requant.rule == rule), "{rule:?}");
        }
        let steps: BTreeSet<_> = requants().map(|r| (r.multiplier_step, r.zero_point_step)).collect();
        assert_eq!(steps, BTreeSet::from([(0, 0), (0, 1), (1, 0), (1, 1)]));
    }

    #[test]
    fn the_same_seed_gives_the_same_network() {
        assert_eq!(all(), all());
    }
}
