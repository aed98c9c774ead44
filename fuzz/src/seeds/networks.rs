//! Networks, as layer lists and as artifacts, and the texts of a firmware crate.

use std::sync::LazyLock;

use fastrand::Rng;
use mixq_build::engine::config::Scheme;
use mixq_format::{Artifact, Bits, FORMAT_VERSION};
use mixq_tests::networks::{pooled, residual, weighted};
use mixq_tests::random::{Builder, Quantised};
use mixq_tests::slide::Slide;
use mixq_tests::{frames, stripes};
use sha2::{Digest, Sha256};

use crate::mutate::once_in;

/// Layer lists that together have every operator and every key.
pub const LAYER_LISTS: [&str; 3] = [
    include_str!("texts/every_layer.toml"),
    include_str!("texts/small.toml"),
    include_str!("texts/branches.toml"),
];
/// A Cargo.toml with every setting.
pub const MANIFEST: &str = include_str!("texts/Cargo.toml.txt");
/// A linker script.
pub const MEMORY_X: &str = include_str!("texts/memory.x");

/// A valid artifact, mostly a small one: its layers, their shapes, bits and tables are random.
pub fn artifact(rng: &mut Rng) -> Artifact {
    const WIDTHS: [Bits; 3] = Bits::QUANTISED;
    let bits = |rng: &mut Rng| WIDTHS[rng.usize(..3)];
    if once_in(rng, 20) {
        return match rng.u8(..3) {
            0 => weighted(bits(rng), bits(rng)),
            1 => pooled(bits(rng)),
            _ => residual(),
        };
    }
    if once_in(rng, 8) {
        static STRIPED: LazyLock<Vec<Artifact>> =
            LazyLock::new(|| [stripes::few(), frames::fed(), frames::sliding()].concat());
        return STRIPED[rng.usize(..STRIPED.len())].clone();
    }
    let schemes =
        [Scheme::PerChannel, Scheme::PerLayer, Scheme::PerLayerFolded, Scheme::PerChannelThresholds];
    let scheme = schemes[rng.usize(..4)];
    let (mut height, mut width) = (rng.u16(1..10), rng.u16(1..10));
    let mut builder = Builder::new(rng.u64(..), [height, width, rng.u16(1..20)]);
    for _ in 0..rng.usize(..4) {
        let quantised = Quantised { weights: bits(rng), output: bits(rng), scheme };
        let slide = slide(rng, height, width);
        let [top, bottom, left, right] = slide.padding;
        let sides = (
            (height + top + bottom - slide.kernel[0]) / slide.stride[0] + 1,
            (width + left + right - slide.kernel[1]) / slide.stride[1] + 1,
        );
        match rng.u8(..6) {
            0 | 1 => drop(builder.conv(rng.u16(1..16), slide, quantised)),
            2 => drop(builder.depthwise(slide, quantised)),
            3 => drop(builder.average_pool(slide)),
            4 => drop(builder.max_pool(slide)),
            _ => {
                let kept = builder.keep();
                let same = Slide { kernel: [1, 1], stride: [1, 1], padding: [0; 4] };
                let quantised = Quantised { output: kept.bits, ..quantised };
                builder.depthwise(same, quantised).add(kept, kept.bits, rng.bool());
                continue;
            }
        }
        (height, width) = sides;
    }
    let last = Quantised { weights: bits(rng), output: Bits::B32, scheme };
    builder.linear(rng.u16(1..12), last).finish("digits")
}

/// A window that meets the image at every position.
fn slide(rng: &mut Rng, height: u16, width: u16) -> Slide {
    let kernel = [rng.u16(1..=height.min(4)), rng.u16(1..=width.min(4))];
    let padding = [kernel[0], kernel[0], kernel[1], kernel[1]].map(|side| rng.u16(..side.min(2)));
    Slide { kernel, stride: [rng.u16(1..4), rng.u16(1..4)], padding }
}

/// An artifact's file from its parts, whatever these are, with the right lengths and checksum.
pub fn file(header: &[u8], parameters: &[u8]) -> Vec<u8> {
    let mut bytes = b"MIXQ".to_vec();
    for word in [FORMAT_VERSION, header.len() as u32, parameters.len() as u32] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(header);
    bytes.extend(parameters);
    bytes.extend([0; 32]);
    mend(&mut bytes);
    bytes
}

/// The header and the parameters in an artifact's file, if its lengths are right.
pub fn parts(file: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = u32::from_le_bytes(file.get(8..12)?.try_into().ok()?) as usize;
    file.get(16..file.len().checked_sub(32)?)?.split_at_checked(length)
}

/// Writes the checksum that an artifact's file should end in.
pub fn mend(bytes: &mut [u8]) {
    if let Some(length) = bytes.len().checked_sub(32) {
        let checksum = Sha256::digest(&bytes[..length]);
        bytes[length..].copy_from_slice(&checksum);
    }
}
