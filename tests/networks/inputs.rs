//! Networks that read several inputs.

use mixq_format::{Artifact, Bits};

use super::{POINTWISE, SAME_3X3, Scheme};
use crate::random::{Builder, Quantised};
use crate::slide::Slide;

/// An image, a vector and a series of samples, the latter two with `x` bits; the series is read last, when
/// layers have worked in the rest of the arena.
pub(super) fn several(x: Bits) -> Artifact {
    let quantised = |output| Quantised { weights: Bits::B4, output, scheme: Scheme::PerChannel };
    let mut builder = Builder::new(900 + u64::from(u8::from(x)), [9, 7, 3]);
    let (vector, series) = (builder.input([1, 1, 11], x), builder.input([1, 20, 6], x));
    builder.conv(12, SAME_3X3, quantised(Bits::B8)).depthwise(SAME_3X3, quantised(x));
    builder.conv(16, POINTWISE, quantised(Bits::B8));
    let image = builder.read(vector);
    builder.linear(16, quantised(Bits::B8)).multiply(image, Bits::B8, false);
    builder.average_pool(Slide { kernel: [9, 7], stride: [1, 1], padding: [0; 4] });
    let joined = builder.read(series);
    builder.conv(8, Slide { kernel: [1, 5], stride: [1, 2], padding: [0; 4] }, quantised(Bits::B8));
    builder.linear(16, quantised(Bits::B8)).add(joined, Bits::B8, false);
    builder.linear(5, quantised(Bits::B32)).finish(&format!("several{}", u8::from(x)))
}
