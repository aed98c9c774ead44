//! Networks that move elements: libtorch and the device answer alike.

use mixq_format::Bits;

use super::both_answers;
use crate::settings::Rounding;

/// Images that get different answers, of all images. With 2 bits, logits are often equal: then the rounding
/// of libtorch's sums decides.
#[derive(Default)]
pub(super) struct Tally {
    different: usize,
    images: usize,
}

impl Tally {
    pub(super) fn compare(&mut self, layers: &str, bits: Bits, rounding: Rounding) {
        let network = format!("input = [6, 4, 2]\nlayer = [{layers}{{ op = \"linear\", features = 3 }}]");
        for seed in 0..3 {
            let [expected, found] = both_answers(&network, bits, rounding, seed);
            let different = expected.iter().zip(&found).filter(|(a, b)| a != b).count();
            let most = if bits == Bits::B2 { 8 } else { 0 };
            assert!(different <= most, "{bits:?} {rounding:?} {seed}: {different} images: {layers}");
            self.different += different;
            self.images += expected.len();
        }
    }

    pub(super) fn check(&self) {
        println!("{} of {} images get another answer", self.different, self.images);
        assert!(self.different * 500 <= self.images, "{} of {}", self.different, self.images);
    }
}

#[test]
fn elements_move_as_they_do_on_the_device() {
    let first = |activation: &str| {
        format!("{{ op = \"conv\", filters = 8, kernel = 3, activation = \"{activation}\" }},")
    };
    let mut tally = Tally::default();
    for layers in [
        "{ op = \"slice\", first = 3, channels = 4 },",
        "{ op = \"channel_shuffle\", groups = 4 },",
        "{ op = \"pad\", padding = [1, 0, 2, 1] },",
        "{ op = \"upsample\", factor = [1, 2] },",
        "{ op = \"depth_to_space\", block = 2 },",
        "{ op = \"reshape\", shape = [3, 4, 16] },",
        "{ op = \"pointwise\", filters = 6 }, { op = \"reshape\", shape = [3, 12, 4] },",
        "{ op = \"transpose\", order = [\"channels\", \"height\", \"width\"] },",
        "{ op = \"transposed_conv\", filters = 5, kernel = 3, stride = [2, 3] },",
        "{ op = \"resize\", size = [9, 5] },",
        "{ op = \"resize\", size = [4, 7], interpolation = \"nearest\" },",
        "{ op = \"space_to_depth\", block = 2 }, { op = \"pointwise\", filters = 5 },",
    ] {
        for activation in ["relu", "none"] {
            for bits in Bits::QUANTISED {
                tally.compare(&format!("{}{layers}", first(activation)), bits, Rounding::Nearest);
            }
        }
    }
    tally.check();
}

/// One with ReLU, whose codes libtorch keeps; one without; one with a sum and a pool among what is joined,
/// and what is joined joined again.
#[test]
fn joined_outputs_have_one_grid() {
    let fire = |activation: &str| {
        format!(
            "{{ op = \"conv\", name = \"squeeze\", filters = 3, kernel = 3 }},
             {{ op = \"pointwise\", name = \"a\", filters = 5, activation = \"{activation}\" }},
             {{ op = \"conv\", name = \"b\", filters = 6, kernel = 3, activation = \"{activation}\",
                inputs = [\"squeeze\"] }},
             {{ op = \"concat\", name = \"joined\", inputs = [\"a\", \"b\"] }},"
        )
    };
    let dense = "{ op = \"max_pool\", name = \"pool\", kernel = 3, stride = 1, padding = \"same\" },
                 { op = \"conv\", name = \"c\", filters = 11, kernel = 3 },
                 { op = \"add\", name = \"sum\", inputs = [\"c\", \"joined\"], activation = \"relu\" },
                 { op = \"concat\", inputs = [\"joined\", \"pool\", \"sum\"] },";
    let mut tally = Tally::default();
    for rounding in [Rounding::Nearest, Rounding::Floor] {
        for bits in Bits::QUANTISED {
            tally.compare(&fire("relu"), bits, rounding);
            tally.compare(&fire("none"), bits, rounding);
            tally.compare(&format!("{}{dense}", fire("relu")), bits, rounding);
        }
    }
    tally.check();
}
