//! Functions of elements, as layers and as activations.

use std::path::Path;

use mixq_build::engine::graph::op::{Elementwise, Function, Number};
use mixq_build::engine::graph::{Activation, Graph, Op, Source};

use mixq_build::engine::import::layers;
use mixq_build::engine::task::Task;

use super::list::{STEM, check, list};
use super::resolve;

fn number(value: f64) -> Number {
    Number::new(value).unwrap()
}

fn graph(middle: &str) -> Graph {
    resolve(&list(middle)).unwrap_or_else(|e| panic!("{e}"))
}

/// The function of a layer list whose second layer it is.
fn function(keys: &str) -> Function {
    match graph(&format!("{STEM}[[layer]]\n{keys}\n")).nodes[1].op {
        Op::Elementwise(Elementwise { function }) => function,
        op => panic!("{op:?}"),
    }
}

#[test]
fn every_function_is_a_layer_and_an_activation() {
    let slope = |value| Function::LeakyRelu { slope: number(value) };
    let clip = |min, max| Function::Clip { min: number(min), max: number(max) };
    let hard = |slope, offset| Function::HardSigmoid { slope: number(slope), offset: number(offset) };
    for (keys, activation, expected) in [
        ("op = \"sigmoid\"", "\"sigmoid\"", Function::Sigmoid),
        ("op = \"tanh\"", "\"tanh\"", Function::Tanh),
        ("op = \"hard_sigmoid\"", "\"hard_sigmoid\"", hard(1.0 / 6.0, 0.5)),
        ("op = \"hard_sigmoid\"\nslope = 0.2\noffset = 0.4", "{ hard_sigmoid = [0.2, 0.4] }", hard(0.2, 0.4)),
        ("op = \"hard_swish\"", "\"hard_swish\"", Function::HardSwish),
        ("op = \"silu\"", "\"silu\"", Function::Silu),
        ("op = \"gelu\"", "\"gelu\"", Function::Gelu),
        ("op = \"gelu_tanh\"", "\"gelu_tanh\"", Function::GeluTanh),
        ("op = \"softplus\"", "\"softplus\"", Function::Softplus),
        ("op = \"mish\"", "\"mish\"", Function::Mish),
        ("op = \"power\"", "\"power\"", Function::Power { exponent: number(2.0) }),
        ("op = \"power\"\nexponent = 0.5", "{ power = 0.5 }", Function::Power { exponent: number(0.5) }),
        ("op = \"signum\"", "\"signum\"", Function::Signum),
        ("op = \"leaky_relu\"", "\"leaky_relu\"", slope(0.01)),
        ("op = \"leaky_relu\"\nslope = 0.1", "{ leaky_relu = 0.1 }", slope(0.1)),
        ("op = \"elu\"", "\"elu\"", Function::Elu { alpha: number(1.0) }),
        ("op = \"elu\"\nalpha = 2", "{ elu = [2] }", Function::Elu { alpha: number(2.0) }),
        ("op = \"selu\"", "\"selu\"", Function::Selu),
        ("op = \"clip\"\nmin = -1\nmax = 1", "{ clip = [-1, 1] }", clip(-1.0, 1.0)),
        ("op = \"exp\"", "\"exp\"", Function::Exp),
        ("op = \"log\"", "\"log\"", Function::Log { least: number(1.0 / 256.0) }),
        ("op = \"log\"\nleast = 0.5", "{ log = 0.5 }", Function::Log { least: number(0.5) }),
        ("op = \"sqrt\"", "\"sqrt\"", Function::Sqrt),
        ("op = \"abs\"", "\"abs\"", Function::Abs),
        ("op = \"sign\"", "\"sign\"", Function::Sign { value: number(1.0) }),
        ("op = \"sign\"\nvalue = 0.5", "{ sign = 0.5 }", Function::Sign { value: number(0.5) }),
        ("op = \"neg\"", "\"neg\"", Function::Neg),
        ("op = \"min\"\nvalue = 0.5", "{ min = 0.5 }", Function::Min { value: number(0.5) }),
        ("op = \"max\"\nvalue = -2", "{ max = -2 }", Function::Max { value: number(-2.0) }),
    ] {
        assert_eq!(function(keys), expected);
        let graph = graph(&format!("{STEM}activation = {activation}\n"));
        assert_eq!(graph.nodes[1].op, Op::Elementwise(Elementwise { function: expected }), "{activation}");
        assert_eq!(graph.nodes[1].name, format!("stem.{}", expected.name()));
    }
}

/// Each value lies in the range, and comes near both of its ends.
#[test]
fn the_range_of_a_function_is_that_of_its_values() {
    let clip = Function::Clip { min: number(-2.0), max: number(0.5) };
    let hard = Function::HardSigmoid { slope: number(0.2), offset: number(0.4) };
    for function in [
        Function::Sigmoid,
        Function::Tanh,
        hard,
        Function::HardSwish,
        Function::Silu,
        Function::Gelu,
        Function::GeluTanh,
        Function::Softplus,
        Function::Mish,
        Function::Power { exponent: number(2.0) },
        Function::Power { exponent: number(3.0) },
        Function::Power { exponent: number(0.5) },
        Function::Signum,
        Function::LeakyRelu { slope: number(0.1) },
        Function::LeakyRelu { slope: number(-0.1) },
        Function::Elu { alpha: number(2.0) },
        Function::Elu { alpha: number(-0.5) },
        Function::Selu,
        clip,
        Function::Exp,
        Function::Log { least: number(0.25) },
        Function::Sqrt,
        Function::Abs,
        Function::Sign { value: number(0.5) },
        Function::Neg,
        Function::Min { value: number(0.5) },
        Function::Max { value: number(-2.0) },
    ] {
        let [least, most] = function.range();
        let inputs = (-100_000..=100_000).map(|at| f64::from(at) / 1000.0).chain([-1e9, 1e9]);
        let values: Vec<f64> = inputs.map(|x| function.value(x)).collect();
        assert!(values.iter().all(|value| (least..=most).contains(value)), "{function:?}");
        let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        assert!(if least.is_finite() { lowest < least + 0.002 } else { lowest < -1e6 }, "{function:?}");
        // The largest values of logarithm and square root grow slowly.
        assert!(if most.is_finite() { highest > most - 0.002 } else { highest > 20.0 }, "{function:?}");
    }
}

/// What moves and pools values keeps their range; layers with weights do not.
#[test]
fn a_network_writes_the_range_of_its_last_function() {
    let any = [f64::NEG_INFINITY, f64::INFINITY];
    let range = |end: &str| {
        let text =
            format!("input = [4, 4, 2]\nlayer = [\n{{ op = \"conv\", filters = 8, kernel = 1 {end}]\n");
        let spec = layers::parse(Path::new("net.toml"), &text).unwrap_or_else(|error| panic!("{error}"));
        let graph = Graph::resolve_for(&spec, Task::Reconstruction);
        let graph = graph.or_else(|_| Graph::resolve_for(&spec, Task::Regression));
        graph.unwrap_or_else(|error| panic!("{error}")).output_range()
    };
    let pooled = "}, { op = \"tanh\" }, { op = \"global_average_pool\" }, { op = \"flatten\" }";
    assert_eq!(range(pooled), [-1.0, 1.0]);
    let moved = ", activation = \"sigmoid\" }, { op = \"slice\", channels = 2 }";
    assert_eq!(range(moved), [0.0, 1.0]);
    assert_eq!(range("}, { op = \"tanh\" }, { op = \"linear\", features = 32 }"), any);
    let pool = "{ op = \"global_max_pool\" }";
    assert_eq!(range(&format!(", activation = \"relu6\" }}, {pool}")), [0.0, 6.0]);
    assert_eq!(range(&format!(", activation = \"none\" }}, {pool}")), any);
    let joined = ", name = \"a\", activation = \"sigmoid\" }, \
                  { op = \"conv\", name = \"b\", filters = 8, kernel = 1, activation = \"none\", \
                    inputs = [\"a\"] }, { op = \"tanh\", name = \"t\" }, \
                  { op = \"concat\", inputs = [\"a\", \"t\"] }, { op = \"global_max_pool\" }";
    assert_eq!(range(joined), [-1.0, 1.0]);
}

#[test]
fn an_activation_is_a_node_after_its_layer_and_before_all_that_read_that() {
    let with = |name: &str| {
        graph(&format!(
            "{STEM}activation = \"hard_swish\"\n[[layer]]\nop = \"conv\"\nname = \"{name}\"\nfilters = \
             4\nkernel = 3\n[[layer]]\nop = \"add\"\nactivation = \"tanh\"\ninputs = [\"stem\", \
             \"{name}\"]\n"
        ))
    };
    let graph = with("b");
    let nodes: Vec<_> = graph.nodes.iter().map(|node| (&node.name[..], &node.inputs[..])).collect();
    let node = Source::Node;
    assert_eq!(
        nodes,
        [
            ("stem", &[Source::Input(0)][..]),
            ("stem.hard_swish", &[node(0)]),
            ("b", &[node(1)]),
            ("add1", &[node(1), node(2)]),
            ("add1.tanh", &[node(3)]),
            ("linear1", &[node(4)]),
        ]
    );
    assert!(graph.nodes[0].norm && graph.nodes[0].activation == Activation::None);
    assert_eq!(graph.nodes[1].output, graph.nodes[0].output);
    // A name that another layer has is not taken.
    assert_eq!(with("stem.hard_swish").nodes[1].name, "stem.hard_swish'");
}

#[test]
fn a_layer_that_a_function_reads_has_no_relu_by_default() {
    let read = graph(&format!("{STEM}[[layer]]\nop = \"silu\"\n"));
    assert!(!read.nodes[0].norm && read.nodes[0].activation == Activation::None);
    let both = graph(&format!("{STEM}batch_norm = true\nactivation = \"relu\"\n[[layer]]\nop = \"silu\"\n"));
    assert!(both.nodes[0].norm && both.nodes[0].activation == Activation::Relu);
    let norm = graph(&format!("{STEM}[[layer]]\nop = \"batch_norm\"\n[[layer]]\nop = \"silu\"\n"));
    assert!(norm.nodes[0].norm && norm.nodes.len() == 3);
}

#[test]
fn clips_from_0_are_relus_with_a_bound() {
    for (relu6, other) in [
        ("activation = \"relu6\"\n", "activation = { clip = [0, 2.5] }\n"),
        ("[[layer]]\nop = \"relu6\"\n", "[[layer]]\nop = \"clip\"\nmin = 0\nmax = 2.5\n"),
    ] {
        let found = [relu6, other].map(|keys| {
            let graph = graph(&format!("{STEM}{keys}"));
            assert_eq!(graph.nodes.len(), 2, "no node of its own");
            graph.nodes[0].activation
        });
        assert_eq!(found, [6.0, 2.5].map(|bound| Activation::ReluUpTo(number(bound))));
    }
    check(
        &list(&format!("{STEM}[[layer]]\nop = \"max_pool\"\nkernel = 2\n[[layer]]\nop = \"relu6\"\n")),
        &["net.toml:11:6: layer `relu61` follows `max_pool1`, whose operator is max_pool; ReLU6 can be \
             folded into conv, depthwise, pointwise, transposed_conv, linear, add, subtract, multiply, \
             affine, add_constant and multiply_constant layers only: put it before the pool or the flatten \
             | op = \"relu6\""],
    );
}

#[test]
fn fingerprints_tell_functions_apart() {
    let text = |middle: &str| serde_json::to_string(&graph(&format!("{STEM}{middle}"))).unwrap();
    let texts = [
        "activation = \"relu\"\n",
        "activation = \"relu6\"\n",
        "activation = { clip = [0, 5] }\n",
        "activation = \"elu\"\n",
        "activation = { elu = 2 }\n",
        "activation = \"none\"\n",
    ]
    .map(text);
    for (index, one) in texts.iter().enumerate() {
        assert!(!texts[..index].contains(one), "{one}");
    }
}

#[test]
fn what_is_wrong_with_parameters_is_said_with_its_range() {
    let activation = |value: &str| list(&format!("{STEM}activation = {value}\n"));
    let of = |value: &str, message: &str| {
        check(&activation(value), &[&format!("net.toml:{message} | activation = {value}")]);
    };
    of(
        "\"clip\"",
        "7:14: `activation` is \"clip\", which needs `min`; write activation = { clip = [min, max] }",
    );
    of("{ clip = 3 }", "7:23: `clip` is 3, it must be [min, max]; write activation = { clip = [min, max] }");
    of(
        "{ leaky_relu = 3 }",
        "7:29: `leaky_relu` has `slope` 3, it must be a number of 0 to 1; write activation = { \
         leaky_relu = 0.01 }",
    );
    of("{ hard_swish = 1 }", "7:29: `hard_swish` has no parameters; write activation = \"hard_swish\"");
    of("{ relu = 6 }", "7:23: `relu` has no parameters; write activation = \"relu\"");
    of(
        "{ elu = 1, selu = 1 }",
        "7:14: `activation` is a table that does not have exactly one name; write for example activation = { \
         leaky_relu = 0.1 }",
    );
    check(
        &list(&format!("{STEM}[[layer]]\nop = \"elu\"\nalpha = 0\nslope = 1\n[[layer]]\nop = \"min\"\n")),
        &[
            "net.toml:9:9: `alpha` is 0, it must be a number of 0.000001 to 1,000,000 | alpha = 0",
            "net.toml:10:1: unknown key `slope` in an elu layer; known are `alpha`, `op`, `name`, \
             `inputs`, `output` | slope = 1",
            "net.toml:12:6: a min layer needs `value`; add value = ... to this layer | op = \"min\"",
        ],
    );
    check(
        &activation("{ clip = [1, 1] }"),
        &["net.toml:3:6: the clip of layer `stem` has `min` 1 and `max` 1: `min` must be less than \
             `max` | op = \"conv\""],
    );
    check(
        &list("[[layer]]\nop = \"abs\"\n"),
        &["net.toml:3:6: layer `abs1` with the operator abs reads the image, which only conv, depthwise, \
           pointwise, linear, affine and transpose layers may: quantised activations begin at their \
           outputs; put a conv or depthwise layer before it | op = \"abs\""],
    );
    check(
        &format!(
            "input = [8, 8, 1]\n{STEM}[[layer]]\nop = \"linear\"\nfeatures = 3\nactivation = \"sigmoid\"\n"
        ),
        &["net.toml:8:6: the last layer `linear1` ends in a sigmoid, but writes the logits; remove the \
             sigmoid | op = \"linear\""],
    );
}
