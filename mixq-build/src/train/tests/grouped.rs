//! Convolutions in groups of channels, with gaps between taps: libtorch and the device answer alike.

use mixq_format::Bits;

use super::both_answers;
use crate::settings::Rounding;

/// The first layer reads the image, whose channels have gains of their own.
#[test]
fn groups_and_gaps_give_the_answers_of_the_device() {
    let (mut different, mut images) = (0, 0);
    for layers in [
        "{ op = \"conv\", filters = 6, kernel = 3, groups = 2 },
         { op = \"conv\", filters = 9, kernel = [3, 2], groups = 3, stride = 2 },",
        "{ op = \"conv\", filters = 6, kernel = 3, dilation = [2, 1], padding = \"same\" },
         { op = \"conv\", filters = 4, kernel = 2, dilation = 2, padding = [0, 1, 2, 1], groups = 2 },",
        "{ op = \"depthwise\", kernel = 3, multiplier = 3, activation = \"none\" },
         { op = \"depthwise\", kernel = 3, dilation = 2, padding = \"symmetric\" },
         { op = \"pointwise\", filters = 5 },",
    ] {
        let network = format!("input = [7, 6, 2]\nlayer = [{layers}{{ op = \"linear\", features = 3 }}]");
        for bits in Bits::QUANTISED {
            for rounding in [Rounding::Nearest, Rounding::Floor] {
                for seed in 0..3 {
                    let [expected, found] = both_answers(&network, bits, rounding, seed);
                    different += expected.iter().zip(&found).filter(|(a, b)| a != b).count();
                    images += expected.len();
                }
            }
        }
    }
    // With 2 bits, logits are often equal: then the rounding of libtorch's sums decides.
    println!("{different} of {images} images get another answer");
    assert!(different * 500 <= images, "{different} of {images}");
}
