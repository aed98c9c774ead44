//! Products, differences, constants, PReLUs, affine layers and batch norms that stand alone: libtorch and the
//! device answer alike.

use mixq_format::Bits;

use super::rearranged::Tally;
use crate::settings::Rounding;

const FIRST: &str = "{ op = \"conv\", name = \"a\", filters = 8, kernel = 3, ";

fn compare(layers: &[String]) {
    let mut tally = Tally::default();
    for layers in layers {
        for bits in Bits::QUANTISED {
            for rounding in [Rounding::Nearest, Rounding::Floor] {
                tally.compare(layers, bits, rounding);
            }
        }
    }
    tally.check();
}

#[test]
fn products_are_those_of_the_device() {
    let excite = "{ op = \"global_average_pool\" },
                  { op = \"pointwise\", filters = 4, batch_norm = false, activation = \"relu\" },
                  { op = \"pointwise\", name = \"gate\", filters = 8, batch_norm = false,
                    activation = \"hard_sigmoid\" },";
    let second = "{ op = \"pointwise\", name = \"b\", filters = 8 },";
    let layers = ["activation = \"hard_swish\" },", "},"].into_iter().flat_map(|activation| {
        [
            format!("{FIRST}{activation}{excite}{{ op = \"multiply\", inputs = [\"a\", \"gate\"] }},"),
            format!("{FIRST}{activation}{excite}{{ op = \"multiply\", inputs = [\"gate\", \"a\"] }},"),
            format!("{FIRST}{activation}{second}{{ op = \"multiply\", inputs = [\"a\", \"b\"] }},"),
            format!(
                "{FIRST}{activation}{{ op = \"multiply\", inputs = [\"a\", \"a\"], activation = \"relu\" }},"
            ),
        ]
    });
    compare(&layers.collect::<Vec<_>>());
}

#[test]
fn sums_and_products_with_constants_are_those_of_the_device() {
    let layers = ["activation = \"none\" },", "},"].into_iter().flat_map(|activation| {
        ["add_constant", "multiply_constant"].into_iter().flat_map(move |op| {
            ["none", "relu"]
                .map(|follows| format!("{FIRST}{activation}{{ op = \"{op}\", activation = \"{follows}\" }},"))
        })
    });
    compare(&layers.collect::<Vec<_>>());
}

#[test]
fn differences_and_numbers_by_channel_are_those_of_the_device() {
    let second = "{ op = \"pointwise\", name = \"b\", filters = 8 },";
    let layers = ["activation = \"none\" },", "},"].into_iter().flat_map(|activation| {
        [
            format!("{FIRST}{activation}{second}{{ op = \"subtract\", inputs = [\"a\", \"b\"] }},"),
            format!("{FIRST}{activation}{{ op = \"affine\", activation = \"relu\" }},"),
            format!("{FIRST}{activation}{{ op = \"max_pool\", kernel = 2 }}, {{ op = \"batch_norm\" }},"),
            format!(
                "{FIRST}{activation}{{ op = \"average_pool\", kernel = 3, stride = 1, padding = 1,
                     count_padding = true }},"
            ),
            format!("{FIRST}{activation}{{ op = \"global_average_pool\", axis = \"width\" }},"),
        ]
    });
    let prelu = format!("{FIRST}activation = \"none\" }}, {{ op = \"prelu\" }},");
    compare(&layers.chain([prelu]).collect::<Vec<_>>());
}
