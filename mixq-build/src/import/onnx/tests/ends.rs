//! Functions at the end of a network: layers where values are answered, else left to the firmware.

use super::*;
use crate::graph::Op;
use crate::import::lower::Reading;
use crate::task::Task;

type Formula = fn(f32) -> f32;

fn read_for(network: Network, task: Option<Task>) -> Foreign {
    let reading = Reading { task, ..Reading::NUMBERS };
    foreign::parse_as(Path::new("model.onnx"), &network.bytes(&["y"]), reading)
        .unwrap_or_else(|refused| panic!("{}", Error::from(refused)))
}

/// An actor of reinforcement learning: actions from -2 to 2.
fn actor(w: &[f32]) -> Network {
    let two = Network::new(&[1, 6]).floats("w", &[6, 3], w).floats("two", &[], &[2.0]);
    let tanh = two.node("MatMul", &["x", "w"], "a", &[]).node("Tanh", &["a"], "t", &[]);
    tanh.node("Mul", &["t", "two"], "y", &[])
}

#[test]
fn values_are_what_the_whole_network_computes() {
    let (w, x) = (numbers(18, 1), numbers(6, 2));
    let expected: Vec<f32> =
        (0..3).map(|at| 2.0 * (0..6).map(|from| x[from] * w[3 * from + at]).sum::<f32>().tanh()).collect();
    for (task, functions) in [(None, 0), (Some(Task::Classification), 0), (Some(Task::Regression), 1)] {
        let foreign = read_for(actor(&w), task);
        let is_function = |op: &Op| matches!(op, Op::Elementwise(_));
        let found = foreign.graph.nodes.iter().filter(|node| is_function(&node.op)).count();
        assert_eq!(found, functions, "{task:?}");
        assert_eq!(foreign.lowered.tail.operators().is_empty(), functions == 1, "{task:?}");
        // Whoever computes the end: the answers are those of the file.
        assert_near(&foreign.execute(&x).unwrap()[0].0.to_floats(), &expected, 1e-5);
    }
}

#[test]
fn every_function_may_be_the_end() {
    let (w, x) = (numbers(18, 3), numbers(6, 4));
    let sum = |at: usize| (0..6).map(|from| x[from] * w[3 * from + at]).sum::<f32>();
    let cases: [(&str, &[&str], Formula); 7] = [
        ("Sigmoid", &["a"], |x| 1.0 / (1.0 + (-x).exp())),
        ("Relu", &["a"], |x| x.max(0.0)),
        ("Clip", &["a", "least", "most"], |x| x.clamp(-0.25, 0.5)),
        ("Softplus", &["a"], |x| x.exp().ln_1p()),
        ("Abs", &["a"], f32::abs),
        ("Max", &["a", "least"], |x| x.max(-0.25)),
        ("Pow", &["a", "two"], |x| x * x),
    ];
    for (operator, inputs, function) in cases {
        let network = Network::new(&[1, 6])
            .floats("w", &[6, 3], &w)
            .floats("least", &[], &[-0.25])
            .floats("most", &[], &[0.5])
            .floats("two", &[], &[2.0])
            .node("MatMul", &["x", "w"], "a", &[])
            .node(operator, inputs, "y", &[]);
        let foreign = read_for(network, Some(Task::Regression));
        assert!(foreign.lowered.tail.is_empty(), "{operator}");
        let last = foreign.graph.output_node();
        assert!(!foreign.graph.is_logits(last), "{operator}: the function is the end");
        let expected: Vec<f32> = (0..3).map(|at| function(sum(at))).collect();
        assert_near(&foreign.execute(&x).unwrap()[0].0.to_floats(), &expected, 1e-5);
    }
}
