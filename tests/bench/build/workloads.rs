//! The workloads of the published comparison, at one pair of widths: activations (input and output) x
//! weights.

use mixq_format::Bits;

use crate::network::Network;
use crate::reference::Window;

const POINTWISE: Window = Window { kernel: [1, 1], stride: [1, 1], padding: [0; 4] };
const SAME: Window = Window { kernel: [3, 3], stride: [1, 1], padding: [1; 4] };
/// On even sizes: the window starts at the border.
const HALVING: Window = Window { kernel: [3, 3], stride: [2, 2], padding: [0, 1, 0, 1] };

/// Filters and stride of MobileNetV1's blocks at width 0.25.
const BLOCKS: [(usize, bool); 13] = [
    (16, false),
    (32, true),
    (32, false),
    (64, true),
    (64, false),
    (128, true),
    (128, false),
    (128, false),
    (128, false),
    (128, false),
    (128, false),
    (256, true),
    (256, false),
];

/// Name and layers of each.
pub fn all(x: Bits, w: Bits) -> Vec<(&'static str, Network)> {
    vec![
        // 1x1 convolution.
        ("W1", Network::new(1, [16, 16, 64], x).conv(128, POINTWISE, w, x)),
        // Depthwise.
        ("W2", Network::new(2, [16, 16, 64], x).depthwise(SAME, w, x)),
        // First layer of an image network.
        ("W3", Network::new(3, [96, 96, 3], x).conv(8, HALVING, w, x)),
        // 3x3 convolution.
        ("W4", Network::new(4, [16, 16, 32], x).conv(32, SAME, w, x)),
        // Fully connected.
        ("W5", Network::new(5, [1, 1, 256], x).linear(128, w, x)),
        ("W6", mobilenet(x, w)),
    ]
}

/// MobileNetV1 0.25 at 128x128x3, 1000 classes: the image has 8 bits, the logits 32.
fn mobilenet(x: Bits, w: Bits) -> Network {
    let mut network = Network::new(6, [128, 128, 3], Bits::B8).conv(8, HALVING, w, x);
    for (filters, halves) in BLOCKS {
        let window = if halves { HALVING } else { SAME };
        network = network.depthwise(window, w, x).conv(filters, POINTWISE, w, x);
    }
    network.average_pool().linear(1000, w, Bits::B32)
}
