//! The layer list in TOML: keys, defaults, what is read.

use std::path::Path;

use mixq_build::engine::graph::op::{
    Add, AveragePool, AveragePoolSpec, BatchNorm, ConvSpec, DepthwiseSpec, Flatten, GlobalAveragePool,
    GlobalMaxPool, LinearSpec, MaxPoolSpec, PointwiseSpec, Relu,
};
use mixq_build::engine::graph::{
    Activation, Graph, LayerSpec, Op, OpSpec, Padding, Shape, Source, Spec, Window,
};
use mixq_build::engine::import::layers;

use super::resolve;

fn parse(text: &str) -> Spec {
    layers::parse(Path::new("net.toml"), text).unwrap()
}

/// Operators with what is written of batch norm and activation.
fn ops(text: &str) -> Vec<(OpSpec, Option<bool>, Option<Activation>)> {
    parse(text).layers.into_iter().map(|layer| (layer.op, layer.norm, layer.activation)).collect()
}

#[test]
fn every_operator_and_key_is_read() {
    let found = ops(r#"
input = [8, 9, 2]
[[layer]]
op = "conv"
filters = 4
kernel = [3, 5]
stride = [2, 1]
padding = [1, 0, 2, 3]
batch_norm = false
activation = "none"
[[layer]]
op = "depthwise"
kernel = 3
stride = 2
padding = 1
[[layer]]
op = "pointwise"
filters = 6
stride = [1, 2]
activation = "relu"
[[layer]]
op = "average_pool"
kernel = [2, 3]
[[layer]]
op = "max_pool"
kernel = 3
stride = 1
padding = "symmetric"
[[layer]]
op = "global_average_pool"
[[layer]]
op = "global_max_pool"
[[layer]]
op = "add"
inputs = ["a", "b"]
activation = "relu"
[[layer]]
op = "flatten"
[[layer]]
op = "batch_norm"
[[layer]]
op = "relu"
[[layer]]
op = "linear"
features = 10
batch_norm = true
"#);
    let (none, relu) = (Some(Activation::None), Some(Activation::Relu));
    let padding = Padding::Explicit([1, 0, 2, 3]);
    let conv = ConvSpec { filters: 4, kernel: [3, 5], stride: [2, 1], padding };
    let padding = Padding::Explicit([1; 4]);
    let depthwise = DepthwiseSpec { kernel: [3, 3], stride: [2, 2], padding };
    let (kernel, stride, padding, count_padding) = ([2, 3], [2, 3], Padding::Valid, false);
    let average = AveragePoolSpec { kernel, stride, padding, count_padding };
    let max = MaxPoolSpec { kernel: [3, 3], stride: [1, 1], padding: Padding::Symmetric };
    let expected: [(OpSpec, Option<bool>, Option<Activation>); 12] = [
        (conv.into(), Some(false), none),
        (depthwise.into(), None, None),
        (PointwiseSpec { filters: 6, stride: [1, 2] }.into(), None, relu),
        (average.into(), None, None),
        (max.into(), None, None),
        (GlobalAveragePool.into(), None, None),
        (GlobalMaxPool.into(), None, None),
        (Add.into(), None, relu),
        (Flatten.into(), None, None),
        (BatchNorm.into(), None, None),
        (Relu.into(), None, None),
        (LinearSpec { features: 10 }.into(), Some(true), None),
    ];
    assert_eq!(found, expected);
}

const RESIDUAL: &str = r#"
input = [8, 8, 1]
[[layer]]
op = "conv"
filters = 16
kernel = 3
stride = 2
[[layer]]
op = "depthwise"
kernel = 3
[[layer]]
op = "conv"
name = "wide"
filters = 16
kernel = [1, 1]
activation = "none"
[[layer]]
op = "add"
inputs = ["conv1", "wide"]
[[layer]]
op = "average_pool"
kernel = 2
[[layer]]
op = "conv"
filters = 4
kernel = 2
padding = "valid"
"#;

#[test]
fn defaults_are_as_documented() {
    let graph = resolve(RESIDUAL).unwrap();
    let all: Vec<_> = (0..graph.nodes.len())
        .map(|index| {
            let node = &graph.nodes[index];
            let figures = (graph.weight_shape(index), graph.parameters(index), graph.macs(index));
            let relu = node.activation == Activation::Relu;
            (node.name.as_str(), node.op.kind().to_string(), node.norm, relu, node.output, figures)
        })
        .collect();
    let shape = |height, width, channels| Shape { height, width, channels };
    let kind = String::from;
    let expected = [
        ("conv1", kind("conv 3x3"), true, true, shape(4, 4, 16), (vec![16, 3, 3, 1], 144 + 32, 16 * 144)),
        (
            "depthwise1",
            kind("depthwise 3x3"),
            true,
            true,
            shape(4, 4, 16),
            (vec![3, 3, 16], 144 + 32, 16 * 144),
        ),
        ("wide", kind("pointwise"), true, false, shape(4, 4, 16), (vec![16, 1, 1, 16], 256 + 32, 16 * 256)),
        ("add1", kind("add"), false, false, shape(4, 4, 16), (vec![], 0, 0)),
        ("average_pool1", kind("average pool 2x2"), false, false, shape(2, 2, 16), (vec![], 0, 0)),
        // The last: no batch norm, no ReLU. It is the third conv.
        ("conv3", kind("conv 2x2"), false, false, shape(1, 1, 4), (vec![4, 2, 2, 16], 256 + 4, 256)),
    ];
    assert_eq!(all, expected);
    assert_eq!(graph.outputs(), 4);
    assert_eq!(graph.input_shape(0, 0), shape(8, 8, 1));
    assert_eq!(graph.input_shape(3, 1), shape(4, 4, 16));
    // TensorFlow: an even input with stride 2 has its padding at the bottom and the right alone.
    let padded = graph.nodes[0].op.window().map(|window| window.padding);
    assert_eq!(padded, Some([0, 1, 0, 1]));
    let window = Window { kernel: [2, 2], stride: [2, 2], padding: [0; 4] };
    assert_eq!(graph.nodes[4].op, Op::AveragePool(AveragePool { window }));
}

#[test]
fn linear_layers_read_any_shape() {
    let list = |flatten: &str| {
        format!(
            "input = [5, 4, 3]\n[[layer]]\nop = \"conv\"\nfilters = 2\nkernel = 3\n{flatten}[[layer]]\nop \
             = \"linear\"\nfeatures = 7\n"
        )
    };
    let direct = resolve(&list("")).unwrap();
    let flat = resolve(&list("[[layer]]\nop = \"flatten\"\n")).unwrap();
    assert_eq!(flat.nodes[1].output, Shape { height: 1, width: 1, channels: 40 });
    assert_eq!(flat.input_shape(2, 0).elements(), 40);
    for (graph, index) in [(&direct, 1), (&flat, 2)] {
        assert_eq!(graph.weight_shape(index), [7, 20, 2]);
        assert_eq!((graph.weight_count(index), graph.macs(index)), (280, 280));
        assert_eq!(graph.parameters(index), 287);
        assert_eq!(graph.storage(graph.nodes[index].inputs[0]), Source::Node(0));
    }
    assert_eq!(flat.nodes[1].op.kind().to_string(), "flatten");
    assert_eq!(direct.storage(Source::Input(0)), Source::Input(0));
}

#[test]
fn anyone_may_read_a_flattened_pixel() {
    let text = "input = [4, 4, 1]\nlayer = [\n{ op = \"conv\", filters = 8, kernel = 3 },\n{ op \
                = \"global_average_pool\" },\n\
                { op = \"flatten\" },\n{ op = \"pointwise\", filters = 2 },\n]\n";
    let graph = resolve(text).unwrap();
    assert_eq!(graph.outputs(), 2);
    assert_eq!(graph.nodes[1].op.kind().to_string(), "average pool 4x4");
}

#[test]
fn equal_networks_have_equal_text() {
    let commented = RESIDUAL.replace("kernel = [1, 1]", "kernel = 1 # pointwise").replace("op =", "  op  =");
    let text = |list: &str| serde_json::to_string(&resolve(list).unwrap()).unwrap();
    assert_eq!(text(RESIDUAL), text(&commented));
    assert_ne!(text(RESIDUAL), text(&RESIDUAL.replace("filters = 4", "filters = 5")));
    assert_ne!(text(RESIDUAL), text(&RESIDUAL.replace("stride = 2", "stride = 2\nactivation = \"none\"")));
    assert!(
        text(RESIDUAL)
            .starts_with(r#"{"input":{"height":8,"width":8,"channels":1},"nodes":[{"name":"conv1""#)
    );
}

#[test]
fn lists_can_be_made_without_a_file() {
    let conv = PointwiseSpec { filters: 3, stride: [1, 1] };
    let linear = LinearSpec { features: 2 };
    let layers = vec![LayerSpec::new("a", conv).reads(["image"]), LayerSpec::new("b", linear)];
    let spec = Spec::new(Shape { height: 2, width: 2, channels: 1 }, layers);
    let graph = Graph::resolve(&spec).unwrap();
    assert_eq!(graph.nodes[1].inputs, [Source::Node(0)]);
    assert_eq!((graph.name(Source::Node(1)), graph.name(Source::Input(0))), ("b", "image"));
    assert_eq!(graph.shape(Source::Node(0)), Shape { height: 2, width: 2, channels: 3 });
}

#[test]
fn files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.toml");
    std::fs::write(&path, RESIDUAL).unwrap();
    assert_eq!(Graph::resolve(&layers::read(&path).unwrap().spec), resolve(RESIDUAL));
    let missing = folder.path().join("missing.toml");
    let message = layers::read(&missing).unwrap_err().to_string();
    assert!(message.starts_with(&format!("cannot read {}: ", missing.display())), "{message}");
    std::fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(layers::read(&path).unwrap_err().to_string().contains("UTF-8"));
}
