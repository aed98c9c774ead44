//! Products, differences, constants, numbers by channel, and pools that are expanded.

use mixq_build::engine::graph::op::{
    Addition, AveragePool, Constants, Depthwise, Multiply, Prelu, Rearrange,
};
use mixq_build::engine::graph::{Activation, Graph, Node, Op, Shape, Source, Window};

use mixq_format::Operation;

use super::list::{STEM, check, list};
use super::resolve;

/// The nodes after the stem of a list, which reads 8x8x4, without its linear layer.
fn nodes(middle: &str) -> Vec<Node> {
    let Graph { nodes, .. } = resolve(&list(&format!("{STEM}{middle}"))).unwrap_or_else(|e| panic!("{e}"));
    nodes[1..nodes.len() - 1].to_vec()
}

const EXCITE: &str = "[[layer]]\nop = \"global_average_pool\"\n[[layer]]\nop = \"pointwise\"\n\
                      name = \"gate\"\nfilters = 4\n";

#[test]
fn the_pixel_that_multiplies_each_comes_second() {
    for inputs in ["[\"stem\", \"gate\"]", "[\"gate\", \"stem\"]"] {
        let nodes = nodes(&format!("{EXCITE}[[layer]]\nop = \"multiply\"\ninputs = {inputs}\n"));
        let product = &nodes[2];
        assert_eq!(
            (product.op, product.inputs.clone()),
            (Op::Multiply(Multiply), [0, 2].map(Source::Node).into())
        );
        assert_eq!(product.output, Shape { height: 8, width: 8, channels: 4 });
    }
    // A square.
    let nodes = nodes("[[layer]]\nop = \"multiply\"\ninputs = [\"stem\", \"stem\"]\nactivation = \"relu\"\n");
    assert_eq!((nodes[0].op, nodes[0].activation), (Op::Multiply(Multiply), Activation::Relu));
}

#[test]
fn shapes_that_do_not_fit_are_said() {
    let pool = "[[layer]]\nop = \"max_pool\"\nname = \"pool\"\nkernel = 2\n";
    check(
        &list(&format!("{STEM}{pool}[[layer]]\nop = \"multiply\"\ninputs = [\"stem\", \"pool\"]\n")),
        &["net.toml:12:6: layer `multiply1` multiplies `stem` (8x8x4) and `pool` (4x4x4), whose shapes do \
           not fit; both need one shape, or one of them is a pixel with as many channels as the other has, \
           as a global pool writes it | op = \"multiply\""],
    );
    check(
        &list(&format!("{STEM}{pool}[[layer]]\nop = \"subtract\"\ninputs = [\"stem\", \"pool\"]\n")),
        &["net.toml:12:6: layer `subtract1` subtracts `stem` (8x8x4) and `pool` (4x4x4), whose shapes \
           differ; both need one shape: match strides and filters, for instance by a pointwise layer | op = \
           \"subtract\""],
    );
}

#[test]
fn a_difference_keeps_the_order_of_its_inputs() {
    let gate = "[[layer]]\nop = \"pointwise\"\nname = \"b\"\nfilters = 4\n";
    let nodes = nodes(&format!("{gate}[[layer]]\nop = \"subtract\"\ninputs = [\"b\", \"stem\"]\n"));
    assert_eq!(nodes[1].op, Op::Add(Addition { subtracts: true }));
    assert_eq!(nodes[1].inputs, [1, 0].map(Source::Node));
}

/// A depthwise convolution of one pixel.
fn scales(node: &Node) -> bool {
    let window = Window { kernel: [1, 1], stride: [1, 1], padding: [0; 4] };
    node.op == Op::Depthwise(Depthwise { window })
}

#[test]
fn numbers_by_channel_are_depthwise_layers_and_slopes() {
    let affine = nodes("[[layer]]\nop = \"affine\"\n");
    assert!(scales(&affine[0]) && !affine[0].norm && affine[0].activation == Activation::None);
    let graph = resolve(&list(&format!("{STEM}[[layer]]\nop = \"prelu\"\n"))).unwrap();
    assert_eq!((graph.nodes[1].op, graph.parameters(1)), (Op::Prelu(Prelu), 4));
    assert!(!graph.nodes[0].norm && graph.nodes[0].activation == Activation::None);
}

#[test]
fn constants_have_the_shape_of_what_they_join() {
    let resolved = |layer: &str| resolve(&list(&format!("{STEM}[[layer]]\n{layer}\n"))).unwrap();
    for (name, operation) in [("add_constant", Operation::Sum), ("multiply_constant", Operation::Product)] {
        let graph = resolved(&format!("op = \"{name}\"\nactivation = \"relu\""));
        assert_eq!(graph.nodes[1].op, Op::Constants(Constants { operation, trained: true }));
        assert_eq!(graph.nodes[1].activation, Activation::Relu);
        assert_eq!(graph.weight_shape(1), [8, 8, 4]);
        // No bias, no multiply-accumulates.
        assert_eq!((graph.parameters(1), graph.macs(1)), (256, 0));
    }
    check(
        &list(&format!("{STEM}[[layer]]\nop = \"add_constant\"\ntrained = false\n")),
        &["net.toml:8:6: a layer has `trained` = false, but the network has no `weights`: its \
           constants have no values; add weights = \"...\" before the layers, or leave `trained` out | op = \
           \"add_constant\""],
    );
    check(
        &list("[[layer]]\nop = \"add_constant\"\n"),
        &["net.toml:3:6: layer `add_constant1` with the operator add_constant reads the image, which only \
           conv, depthwise, pointwise, linear, affine and transpose layers may: quantised activations begin \
           at their outputs; put a conv or depthwise layer before it | op = \"add_constant\""],
    );
}

#[test]
fn a_batch_norm_that_cannot_be_folded_is_a_layer() {
    let norm = "[[layer]]\nop = \"batch_norm\"\n";
    let relu = "[[layer]]\nop = \"relu\"\n";
    for before in [
        "[[layer]]\nop = \"max_pool\"\nkernel = 2\n",
        "activation = \"relu\"\n",
        "[[layer]]\nop = \"relu\"\n",
        "[[layer]]\nop = \"batch_norm\"\n",
        "[[layer]]\nop = \"sigmoid\"\n",
    ] {
        let all = nodes(&format!("{before}{norm}{relu}"));
        let last = all.last().unwrap();
        assert!(scales(last) && last.norm && last.activation == Activation::Relu, "{before}: {all:?}");
        assert_eq!(last.name, if before.contains("norm") { "batch_norm2" } else { "batch_norm1" });
    }
    // Another layer reads what it reads.
    let shared = nodes(&format!("{norm}[[layer]]\nop = \"add\"\ninputs = [\"stem\", \"batch_norm1\"]\n"));
    assert!(scales(&shared[0]) && shared[1].inputs == [0, 1].map(Source::Node));
    let first =
        resolve(&format!("input = [8, 8, 2]\n{norm}{STEM}[[layer]]\nop = \"linear\"\nfeatures = 2\n"));
    let first = first.unwrap();
    assert!(scales(&first.nodes[0]) && first.nodes[0].inputs == [Source::Input(0)]);
}

#[test]
fn padding_that_counts_is_a_layer_before_the_pool() {
    let pool =
        "[[layer]]\nop = \"average_pool\"\nname = \"mean\"\nkernel = 3\nstride = 2\ncount_padding = true\n";
    let nodes = nodes(&format!("{pool}padding = [1, 0, 2, 1]\n"));
    let names: Vec<&str> = nodes.iter().map(|node| &node.name[..]).collect();
    assert_eq!(names, ["mean.pad", "mean"]);
    assert_eq!(nodes[0].op, Op::Rearrange(Rearrange::Pad { padding: [1, 0, 2, 1] }));
    assert_eq!(nodes[0].output, Shape { height: 9, width: 11, channels: 4 });
    let window = Window { kernel: [3, 3], stride: [2, 2], padding: [0; 4] };
    assert_eq!(
        (nodes[1].op, nodes[1].inputs.clone()),
        (Op::AveragePool(AveragePool { window }), vec![Source::Node(1)])
    );
    assert_eq!(nodes[1].output, Shape { height: 4, width: 5, channels: 4 });
}

#[test]
fn padding_that_is_not_there_needs_no_layer() {
    let pool = "[[layer]]\nop = \"average_pool\"\nkernel = 2\ncount_padding = true\n";
    assert_eq!(nodes(pool).len(), 1);
}

#[test]
fn global_pools_may_go_along_one_axis() {
    for (op, axis, shape) in [
        ("global_average_pool", "height", [1, 8]),
        ("global_average_pool", "width", [8, 1]),
        ("global_max_pool", "height", [1, 8]),
        ("global_max_pool", "width", [8, 1]),
    ] {
        let nodes = nodes(&format!("[[layer]]\nop = \"{op}\"\naxis = \"{axis}\"\n"));
        let Shape { height, width, channels } = nodes[0].output;
        assert_eq!(([height, width], channels), (shape, 4), "{op} {axis}");
        assert_eq!(matches!(nodes[0].op, Op::MaxPool(_)), op == "global_max_pool");
    }
    check(
        &list(&format!("{STEM}[[layer]]\nop = \"global_max_pool\"\naxis = \"channels\"\n")),
        &["net.toml:9:8: `axis` is \"channels\", it must be \"height\" or \"width\" | axis = \"channels\""],
    );
}
