//! MobileNetV3-Small against published figures.

use mixq_build::engine::graph::op::{Elementwise, Function};
use mixq_build::engine::graph::{Graph, Op, Shape, Source};
use mixq_build::engine::import::builtin::{Options, published};

use crate::builtin::{macs, network, parameters};

fn at(width: f64, resolution: usize) -> Graph {
    let usual = published("mobilenet_v3_small").unwrap();
    network("mobilenet_v3_small", &Options { width, resolution, ..usual })
}

/// torchvision's `mobilenet_v3_small` and Keras's `MobileNetV3Small` both have 2,542,856 trainable
/// parameters; torchvision's documentation gives 0.06 G multiply-accumulates, the paper 56 million.
#[test]
fn it_has_the_published_size() {
    let full = at(1.0, 224);
    assert_eq!(parameters(&full), 2_542_856);
    assert_eq!(macs(&full) / 1_000_000, 56);
    let products = full.nodes.iter().filter(|node| matches!(node.op, Op::Multiply(_))).count();
    assert_eq!((products, full.outputs()), (9, 1000));
    assert_eq!(full.nodes.iter().filter(|node| matches!(node.op, Op::Add(_))).count(), 6);
    // Keras's documentation: 44 million and 2.0 million of alpha 0.75.
    let narrow = at(0.75, 224);
    let off = macs(&narrow) as f64 / 1e6 - 44.0;
    assert!(off.abs() < 1.0, "{}", macs(&narrow));
    assert_eq!((parameters(&narrow) + 50_000) / 100_000, 20);
}

/// arXiv 1905.02244, figure 4 and table 2.
#[test]
fn squeeze_and_excite_multiplies_what_the_activation_makes_of_a_block() {
    let graph = at(1.0, 224);
    let place = |name: &str| graph.nodes.iter().position(|node| node.name == name).expect(name);
    let scale = &graph.nodes[place("block4_scale")];
    let [swish, gate] = ["block4_depthwise.hard_swish", "block4_excite.hard_sigmoid"].map(place);
    assert_eq!(scale.inputs, [swish, gate].map(Source::Node));
    assert_eq!(graph.nodes[gate].output, Shape { height: 1, width: 1, channels: 96 });
    assert_eq!(graph.nodes[place("block4_reduce")].output.channels, 24);
    assert_eq!(graph.nodes[place("block4_depthwise")].op.window().unwrap().kernel, [5, 5]);
    let is_swish = |index: usize| {
        matches!(graph.nodes[index].op, Op::Elementwise(Elementwise { function: Function::HardSwish }))
    };
    assert!(is_swish(swish) && is_swish(place("stem.hard_swish")) && is_swish(place("head.hard_swish")));
}

#[test]
fn it_suits_small_images() {
    let usual = published("mobilenet_v3_small").unwrap();
    let options = Options { width: 0.5, resolution: 32, classes: 10, stem_stride: Some(1), ..usual };
    let graph = network("mobilenet_v3_small", &options);
    let last = graph.nodes.iter().find(|node| node.name == "last").unwrap();
    assert_eq!([last.output.height, last.output.width], [2, 2]);
}
