//! MobileNetV2 against published figures, and the MobileNets' choice of padding.

use mixq_build::engine::graph::{Activation, Graph, Op, Shape, Source};
use mixq_build::engine::import::builtin::{Options, PaddingStyle, published};

use crate::builtin::{macs, network, parameters};

fn at(width: f64, resolution: usize) -> Graph {
    let usual = published("mobilenet_v2").unwrap();
    network("mobilenet_v2", &Options { width, resolution, ..usual })
}

/// torchvision's `mobilenet_v2` and Keras's `MobileNetV2` both have 3,504,872 trainable parameters;
/// torchvision's documentation gives 0.30 G multiply-accumulates.
#[test]
fn it_has_the_published_size() {
    let full = at(1.0, 224);
    assert_eq!(parameters(&full), 3_504_872);
    assert_eq!(macs(&full), 300_774_272);
    assert_eq!(full.nodes.iter().filter(|node| node.op.weighted()).count(), 53);
    assert_eq!(full.nodes.iter().filter(|node| matches!(node.op, Op::Add { .. })).count(), 10);
    assert_eq!(full.outputs(), 1000);
}

/// Millions of multiply-accumulates and parameters of the checkpoints in tensorflow/models,
/// research/slim/nets/mobilenet/README.md, rounded down or to the nearest there.
#[test]
fn widths_and_resolutions_have_the_published_sizes() {
    for (width, resolution, millions, million_parameters) in [
        (1.4, 224, 582, 6.06),
        (1.3, 224, 509, 5.34),
        (1.0, 224, 300, 3.47),
        (1.0, 192, 221, 3.47),
        (1.0, 160, 154, 3.47),
        (1.0, 128, 99, 3.47),
        (1.0, 96, 56, 3.47),
        (0.75, 224, 209, 2.61),
        (0.75, 192, 153, 2.61),
        (0.5, 224, 97, 1.95),
        (0.35, 224, 59, 1.66),
        (0.35, 96, 11, 1.66),
    ] {
        let graph = at(width, resolution);
        let off = macs(&graph) as f64 / 1e6 - f64::from(millions);
        assert!((-0.5..1.1).contains(&off), "{width} {resolution}: {}", macs(&graph));
        // The checkpoints count batch norm differently: within 2 %.
        let share = parameters(&graph) as f64 / 1e6 / million_parameters;
        assert!((0.98..1.02).contains(&share), "{width} {resolution}: {}", parameters(&graph));
    }
}

/// arXiv 1801.04381, figure 4d and table 2: linear bottlenecks, and additions wherever shapes allow.
#[test]
fn bottlenecks_are_linear() {
    let graph = at(1.0, 224);
    for (index, node) in graph.nodes.iter().enumerate() {
        let part = node.name.rsplit('_').next().unwrap();
        match part {
            "project" | "add" | "logits" | "pool" => {
                assert_eq!(node.activation, Activation::None, "{}", node.name)
            }
            _ => assert!(node.activation == Activation::Relu && node.norm, "{}", node.name),
        }
        if part == "project" {
            assert!(node.norm);
        }
        if part == "expand" {
            assert_eq!(node.output.channels, 6 * graph.input_shape(index, 0).channels, "{}", node.name);
        }
        if part == "add" {
            // What goes around the block is what the block reads.
            let [Source::Node(around), Source::Node(through)] = node.inputs[..] else { panic!("{node:?}") };
            assert_eq!(through + 1, index);
            assert_eq!(graph.nodes[index - 3].inputs, [Source::Node(around)], "{}", node.name);
        }
    }
    let shapes: Vec<(usize, usize)> = (graph.nodes.iter())
        .filter(|node| node.name.ends_with("_project"))
        .map(|node| (node.output.height, node.output.channels))
        .collect();
    let expected = [
        [(112, 16), (56, 24), (56, 24), (28, 32), (28, 32), (28, 32), (14, 64), (14, 64), (14, 64)]
            .as_slice(),
        &[(14, 64), (14, 96), (14, 96), (14, 96), (7, 160), (7, 160), (7, 160), (7, 320)],
    ]
    .concat();
    assert_eq!(shapes, expected);
    let head = graph.nodes.iter().find(|node| node.name == "head").unwrap();
    assert_eq!(head.output, Shape { height: 7, width: 7, channels: 1280 });
}

/// A width under 1 leaves the last convolution as it is, one over 1 widens it.
#[test]
fn the_head_never_gets_narrower() {
    let head = |width| {
        let graph = at(width, 96);
        graph.nodes.iter().find(|node| node.name == "head").unwrap().output.channels
    };
    assert_eq!([0.35, 1.0, 1.4].map(head), [1280, 1280, 1792]);
}

/// Small images: the usual change for CIFAR.
#[test]
fn a_stem_of_stride_1_keeps_small_images() {
    for name in ["mobilenet_v1", "mobilenet_v2"] {
        let usual = published(name).unwrap();
        let options = Options { resolution: 32, classes: 10, stem_stride: Some(1), ..usual };
        let graph = network(name, &options);
        assert_eq!(graph.nodes[0].output.height, 32, "{name}");
        let pool = graph.nodes.iter().position(|node| node.name == "pool").unwrap();
        assert_eq!(graph.input_shape(pool, 0).height, 2, "{name}");
    }
}

/// The same shapes, other pixels: TensorFlow pads 224 and 112 at the bottom and the right only where it
/// strides.
#[test]
fn padding_is_tensorflows_or_pytorchs() {
    for name in ["mobilenet_v1", "mobilenet_v2"] {
        let usual = published(name).unwrap();
        let padding = |style| {
            let graph = network(name, &Options { padding: style, ..usual });
            let strided = |op: &Op| op.window().is_some_and(|w| w.kernel == [3, 3] && w.stride == [2, 2]);
            let strided: Vec<_> = graph.nodes.iter().filter(|node| strided(&node.op)).collect();
            assert_eq!(strided.len(), 5, "{name}");
            let same = |op: &Op| op.window().is_some_and(|w| w.kernel == [3, 3] && w.stride == [1, 1]);
            for node in graph.nodes.iter().filter(|node| same(&node.op)) {
                assert_eq!(node.op.window().unwrap().padding, [1, 1, 1, 1], "{name}");
            }
            let paddings = strided.iter().map(|node| node.op.window().unwrap().padding);
            let outputs = graph.nodes.iter().map(|node| node.output);
            (paddings.collect::<Vec<_>>(), outputs.collect::<Vec<_>>())
        };
        let (tensorflow, shapes) = padding(PaddingStyle::Tensorflow);
        let (pytorch, same_shapes) = padding(PaddingStyle::Pytorch);
        assert_eq!(tensorflow, [[0, 1, 0, 1]; 5], "{name}");
        assert_eq!(pytorch, [[1, 1, 1, 1]; 5], "{name}");
        assert_eq!(shapes, same_shapes, "{name}");
    }
}
