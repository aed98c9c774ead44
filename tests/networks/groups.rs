//! Networks of convolutions in groups, of constants, and of samples that have few bits.

use mixq_build::engine::config::Scheme;
use mixq_format::{Artifact, Bits, Operation};

use super::{POINTWISE, SAME_3X3};
use crate::random::{Builder, Quantised};
use crate::slide::Slide;

/// Groups of channels, several filters for each channel, and gaps between taps, at all widths.
pub(super) fn grouped() -> Artifact {
    let quantised = |weights, output| Quantised { weights, output, scheme: Scheme::PerChannel };
    let mut builder = Builder::new(450, [12, 11, 3]);
    let one_row = Slide { kernel: [1, 3], stride: [1, 1], padding: [0, 0, 2, 2] };
    let strided = Slide { kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1] };
    let wide = Slide { kernel: [3, 3], stride: [1, 1], padding: [2, 2, 2, 2] };
    builder
        .grouped([6, 3], [1, 1], strided, quantised(Bits::B8, Bits::B8))
        .grouped([12, 2], [2, 2], wide, quantised(Bits::B4, Bits::B4))
        .grouped([9, 3], [1, 2], one_row, quantised(Bits::B2, Bits::B8))
        .grouped([10, 1], [2, 1], Slide { kernel: [2, 1], ..POINTWISE }, quantised(Bits::B8, Bits::B2))
        .grouped([10, 10], [3, 3], Slide { padding: [3; 4], ..wide }, quantised(Bits::B4, Bits::B2))
        .grouped(
            [20, 5],
            [1, 1],
            POINTWISE,
            Quantised { scheme: Scheme::PerChannelThresholds, ..quantised(Bits::B2, Bits::B4) },
        )
        .linear(6, quantised(Bits::B8, Bits::B32))
        .finish("grouped")
}

/// Groups of whole blocks, which kernels of instruction sets take, with little room to work in.
pub(super) fn resnext() -> Artifact {
    let quantised = |weights, output| Quantised { weights, output, scheme: Scheme::PerChannel };
    let mut builder = Builder::new(451, [11, 10, 8]);
    builder.usual_tables();
    let wide = Slide { padding: [2; 4], ..SAME_3X3 };
    let one_row = Slide { kernel: [1, 3], padding: [0, 0, 4, 4], ..POINTWISE };
    builder
        .grouped([32, 2], [1, 1], SAME_3X3, quantised(Bits::B8, Bits::B8))
        .grouped([32, 4], [2, 2], wide, quantised(Bits::B4, Bits::B4))
        .grouped([16, 2], [1, 1], POINTWISE, quantised(Bits::B8, Bits::B2))
        .grouped([40, 2], [1, 1], Slide { stride: [2, 2], ..SAME_3X3 }, quantised(Bits::B2, Bits::B4))
        .grouped([24, 1], [1, 4], one_row, quantised(Bits::B4, Bits::B8))
        .grouped([48, 3], [1, 1], SAME_3X3, quantised(Bits::B2, Bits::B8))
        .linear(6, quantised(Bits::B8, Bits::B32))
        .finish("resnext")
}

/// The same of a convolution in two groups.
pub(super) fn full_of_groups(channels: u16) -> Artifact {
    let quantised = |output| Quantised { weights: Bits::B4, output, scheme: Scheme::PerChannel };
    Builder::new(420 + u64::from(channels), [9, 11, channels])
        .grouped([24, 2], [1, 1], Slide { stride: [2, 2], ..SAME_3X3 }, quantised(Bits::B8))
        .linear(8, quantised(Bits::B32))
        .finish(&format!("full_of_groups{channels}"))
}

/// Sums and products with constants, of every width to every width, in place and not, with pixels that end
/// inside bytes.
pub(super) fn constants() -> Artifact {
    let quantised = |output| Quantised { weights: Bits::B8, output, scheme: Scheme::PerChannel };
    let mut builder = Builder::new(460, [5, 7, 3]);
    for (x, y) in Bits::QUANTISED.into_iter().flat_map(|x| Bits::QUANTISED.map(|y| (x, y))) {
        builder.conv(7, SAME_3X3, quantised(x)).constants(Operation::Sum, y, y);
        builder.conv(6, POINTWISE, quantised(x)).constants(Operation::Product, x, y);
    }
    builder.linear(6, quantised(Bits::B32)).finish("constants")
}

/// Samples of few bits, which convolutions and depthwise convolutions read, and keep in memory.
pub(super) fn samples(x: Bits) -> Artifact {
    let quantised = |output| Quantised { weights: Bits::B8, output, scheme: Scheme::PerChannel };
    let stem = Slide { kernel: [1, 3], stride: [1, 2], padding: [0, 0, 1, 1] };
    Builder::of_codes(470 + x.count() as u64, [1, 40, 5], x)
        .depthwise(Slide { stride: [1, 1], ..stem }, quantised(x))
        .conv(12, stem, quantised(Bits::B8))
        .linear(6, quantised(Bits::B32))
        .finish(&format!("samples{}", x.count()))
}
