//! Batch norm and ReLU as layers of their own.

use mixq_build::engine::graph::{Activation, Node};

use super::resolve;

const HEAD: &str = "input = [4, 4, 1]\n";
const CONV: &str = "[[layer]]\nop = \"conv\"\nfilters = 8\nkernel = 3\n";
const CLASSES: &str = "[[layer]]\nop = \"linear\"\nfeatures = 3\n";

fn layer(op: &str) -> String {
    format!("[[layer]]\nop = \"{op}\"\n")
}

/// Names with batch norm and ReLU of all nodes of a list that begins and ends as above.
fn nodes(middle: &str) -> Vec<(String, bool, bool)> {
    let graph = resolve(&format!("{HEAD}{CONV}{middle}{CLASSES}")).unwrap();
    graph.nodes.iter().map(|node| (node.name.clone(), node.norm, relu(node))).collect()
}

fn relu(node: &Node) -> bool {
    node.activation == Activation::Relu
}

fn expected(batch_norm: bool, relu: bool) -> Vec<(String, bool, bool)> {
    vec![("conv1".into(), batch_norm, relu), ("linear1".into(), false, false)]
}

#[test]
fn layers_fold_into_the_one_before() {
    let (norm, relu) = (layer("batch_norm"), layer("relu"));
    assert_eq!(nodes(""), expected(true, true));
    assert_eq!(nodes(&norm), expected(true, false));
    assert_eq!(nodes(&relu), expected(false, true));
    assert_eq!(nodes(&format!("{norm}{relu}")), expected(true, true));
    assert_eq!(nodes(&format!("batch_norm = true\n{relu}")), expected(true, true));
    assert_eq!(nodes(&format!("activation = \"none\"\nbatch_norm = false\n{norm}")), expected(true, false));
}

#[test]
fn readers_of_a_folded_layer_read_its_host() {
    let graph = resolve(&format!(
        "{HEAD}{CONV}{}{CONV}activation = \"none\"\ninputs = [\"relu1\"]\n{}inputs = \
         [\"relu1\", \"conv2\"]\n{}{CLASSES}",
        layer("relu"),
        layer("add"),
        layer("relu"),
    ))
    .unwrap();
    use mixq_build::engine::graph::Source::{Input, Node};
    let links: Vec<_> = graph.nodes.iter().map(|node| (node.name.as_str(), node.inputs.clone())).collect();
    assert_eq!(
        links,
        [
            ("conv1", vec![Input(0)]),
            ("conv2", vec![Node(0)]),
            ("add1", vec![Node(0), Node(1)]),
            ("linear1", vec![Node(2)])
        ]
    );
    assert!(relu(&graph.nodes[2]) && !relu(&graph.nodes[1]));
    assert_eq!(graph.readers(Node(0)), [1, 2]);
    assert_eq!(graph.readers(Input(0)), [0]);
}

#[test]
fn batch_norm_folds_into_the_last_layer() {
    let graph = resolve(&format!("{HEAD}{CONV}{CLASSES}{}", layer("batch_norm"))).unwrap();
    assert!(graph.nodes[1].norm && !relu(&graph.nodes[1]));
}

/// The only problem of a list.
fn problem(text: &str) -> String {
    let problems = resolve(text).unwrap_err().problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems[0].to_string()
}

#[test]
fn what_cannot_be_folded_is_a_problem() {
    let (relu, why) = (layer("relu"), "ICN folds ReLU and clips from 0 into the layer before them");
    let pool = "[[layer]]\nop = \"max_pool\"\nkernel = 2\n";
    assert_eq!(
        problem(&format!("{HEAD}{CONV}{relu}{}inputs = [\"conv1\", \"relu1\"]\n{CLASSES}", layer("add"))),
        format!(
            "net.toml:7:6: layer `relu1` cannot be folded into `conv1`, which `add1` also reads; {why} | op \
             = \"relu\""
        )
    );
    assert_eq!(
        problem(&format!("{HEAD}{CONV}{pool}{relu}{CLASSES}")),
        "net.toml:10:6: layer `relu1` follows `max_pool1`, whose operator is max_pool; ReLU can be folded \
         into conv, depthwise, pointwise, transposed_conv, linear, add, subtract, multiply, affine, \
         add_constant and multiply_constant layers only: put it before the pool or the flatten | op = \
         \"relu\""
    );
    assert_eq!(
        problem(&format!("{HEAD}{CONV}activation = \"relu\"\n{relu}{CLASSES}")),
        "net.toml:8:6: layer `relu1` is a second ReLU of `conv1`; remove one of them | op = \"relu\""
    );
}
