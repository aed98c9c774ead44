//! Sums that fit 32 bits are known from shapes and bits, before anything is trained.

use std::path::Path;

use mixq_build::engine::config::{Rounding, Scheme};
use mixq_build::engine::convert::{Grid, TrainedLayer, TrainedNetwork, convert};
use mixq_build::engine::graph::Graph;
use mixq_build::engine::import::layers;
use mixq_build::engine::memory::accumulator::largest_sum;
use mixq_build::engine::memory::{Losses, allocate, allocate_by_losses, allocate_uniformly};
use mixq_build::engine::prepare::Prepared;
use mixq_format::Bits;
use mixq_tests::package::Package;

fn graph(text: &str) -> Graph {
    Graph::resolve(&layers::parse(Path::new("net.toml"), text).unwrap()).unwrap()
}

/// A linear layer that reads an image of this number of pixels.
fn linear(height: usize, width: usize) -> Graph {
    graph(&format!("input = [{height}, {width}, 1]\n[[layer]]\nop = \"linear\"\nfeatures = 2\n"))
}

const ANY: u64 = u64::MAX;

/// What the kernel's registers come to at the most, with weights and zero points at the ends of their ranges:
/// the products of either sign, the input's sum times the zero point, and what the conversion folds into the
/// bias; in 128 bits.
fn exact(elements: usize, weights: Bits) -> i128 {
    let half = 1i128 << (weights.count() - 1);
    let (ends, n) = ([-half, half - 1], elements as i128);
    let mut most = 0;
    for code in ends {
        for weight_zero_point in ends {
            for input_zero_point in [0, 255] {
                let products = n * code.abs() * 255;
                let inputs = n * 255 * weight_zero_point.abs();
                let folded = input_zero_point * n * (weight_zero_point - code);
                most = most.max(products + inputs + folded.abs());
            }
        }
    }
    most
}

/// Whether all networks convert whose weights and zero points lie at the ends of their ranges.
fn all_convert(graph: &Graph, weights: Bits) -> bool {
    let half = 1i32 << (weights.count() - 1);
    let count = graph.weight_count(0);
    let ends = [-half, half - 1];
    let cases = ends.into_iter().flat_map(|code| ends.map(|zero_point| (code, zero_point)));
    let mut cases = cases.flat_map(|(code, zero_point)| [0, 255].map(|input| (code, zero_point, input)));
    cases.all(|(code, zero_point, input)| {
        let layer = TrainedLayer {
            codes: vec![code as i8; count],
            grids: vec![Grid { scale: 0.01, zero_point }],
            multiplier: vec![1.0; 2],
            offset: vec![0.0; 2],
        };
        let trained = TrainedNetwork {
            inputs: vec![Grid { scale: 0.01, zero_point: input }],
            layers: vec![Some(layer)],
            activations: vec![None],
            rounding: Rounding::Nearest,
        };
        let allocation = allocate_uniformly(graph, weights, ANY, ANY, Scheme::PerLayer).unwrap();
        convert(graph, &allocation, Scheme::PerLayer, &trained).is_ok()
    })
}

/// 16,512 products of 255 and 255, twice, are 2,147,385,600; one more is over 2^31.
#[test]
fn the_bound_is_that_of_the_conversion_to_the_last_element() {
    for bits in Bits::QUANTISED {
        let graph = linear(129, 128);
        assert_eq!(i128::from(largest_sum(&graph, 0, bits, Bits::B8)), exact(16_512, bits), "{bits:?}");
    }
    let (fits, exceeds) = (linear(129, 128), linear(49, 337));
    assert!(all_convert(&fits, Bits::B8) && !all_convert(&exceeds, Bits::B8));
    assert!(all_convert(&exceeds, Bits::B4));
    let bits = |graph: &Graph| allocate(graph, ANY, ANY, Scheme::PerChannel).unwrap().weights[0];
    assert_eq!((bits(&fits), bits(&exceeds)), (Some(Bits::B8), Some(Bits::B4)));
}

/// Codes of a ReLU begin at 0: nothing is folded into the bias.
#[test]
fn behind_a_relu_there_is_room_for_twice_as_much() {
    let behind = |activation: &str| {
        let stem =
            format!("[[layer]]\nop = \"conv\"\nfilters = 1\nkernel = 1\nactivation = \"{activation}\"\n");
        let graph = graph(&format!("input = [49, 337, 1]\n{stem}[[layer]]\nop = \"linear\"\nfeatures = 2\n"));
        allocate(&graph, ANY, ANY, Scheme::PerChannel).unwrap().weights[1]
    };
    assert_eq!((behind("relu"), behind("none")), (Some(Bits::B8), Some(Bits::B4)));
}

#[test]
fn every_policy_keeps_to_it_or_says_so() {
    // Two times 49,152 rows of four weights, of two bytes with 4 bits and one byte with 2.
    let wide = graph("input = [256, 192, 4]\n[[layer]]\nop = \"linear\"\nfeatures = 2\n");
    for scheme in [Scheme::PerChannel, Scheme::PerLayer] {
        assert_eq!(allocate(&wide, ANY, ANY, scheme).unwrap().weights[0], Some(Bits::B4));
        let losses = Losses { weights: vec![[0.0, 1.0, 2.0]], activations: vec![[0.0; 3]] };
        let allocation = allocate_by_losses(&wide, ANY, ANY, scheme, &losses).unwrap();
        assert_eq!(allocation.weights[0], Some(Bits::B4));
        // 4 bits where flash allows them, else 2.
        let allocation = allocate_by_losses(&wide, 150_000, ANY, scheme, &losses).unwrap();
        assert_eq!(allocation.weights[0], Some(Bits::B2));
    }
}

fn package(input: &str, policy: &str) -> Package {
    let package = Package::new();
    package.write("net.toml", &format!("input = {input}\n[[layer]]\nop = \"linear\"\nfeatures = 2\n"));
    package.replace("Cargo.toml", "48 KiB", "64 MiB");
    package.replace("Cargo.toml", "6 KiB", "64 MiB");
    package.replace("Cargo.toml", "scheme =", &format!("policy = {policy:?}\nscheme ="));
    package
}

#[test]
fn a_width_that_was_asked_for_and_does_not_fit_is_an_error_before_training() {
    let package = package("[256, 256, 3]", "uniform-8");
    let config = package.config();
    let error = Prepared::new(&config.models[0], None).unwrap().allocate().unwrap_err().to_string();
    // 196,608 * 255 * 255 * 2.
    let expected = "model `tiny`: layer 1 `linear1` (linear) sums 196,608 products of 8-bit codes and \
                    8-bit weights, which may come to 25,568,870,400, but an accumulator of 32 bits holds \
                    2,147,483,647; give its weights 4 bits, or put a pool";
    assert!(error.contains(expected), "{error}");
    assert!(error.contains("Cargo.toml:"), "{error}");
}

#[test]
fn sums_that_no_width_keeps_small_are_an_error() {
    // 2 * 255 * 3 * 1,500,000 is over 2^31, with the fewest bits.
    let package = package("[1000, 1500, 1]", "rules");
    let config = package.config();
    let error = Prepared::new(&config.models[0], None).unwrap().allocate().unwrap_err().to_string();
    assert!(error.contains("1,500,000 products of 8-bit codes and 2-bit weights"), "{error}");
    assert!(error.contains("2,295,000,000, but"), "{error}");
    assert!(error.contains("; put a pool or a convolution with a larger stride before it"), "{error}");
}
