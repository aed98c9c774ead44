//! What stands at the end of a model: values that become outputs without a layer behind them.

use std::collections::HashSet;

use super::elementwise::is_function;
use crate::import::model::{Model, Node};

/// Operators that move numbers, or choose some of them.
pub(super) const MOVES: [&str; 11] = [
    "Identity",
    "Dropout",
    "Reshape",
    "Flatten",
    "Squeeze",
    "Unsqueeze",
    "Transpose",
    "Slice",
    "Split",
    "Gather",
    "Concat",
];

/// Other operators that may stand behind the last layer: the firmware computes them.
const BEHIND: [&str; 12] = [
    "Softmax",
    "LogSoftmax",
    "ArgMax",
    "TopK",
    "Log",
    "Cast",
    "mixq.Range",
    "QuantizeLinear",
    "DequantizeLinear",
    "Quant",
    "Round",
    "Floor",
];

/// The same, if they join a value with constants.
const WITH_CONSTANTS: [&str; 7] = ["Mul", "Add", "Sub", "Div", "Pow", "Max", "Min"];

/// Whether an operator may stand behind the last layer, whatever it reads.
fn is_behind(operator: &str) -> bool {
    MOVES.contains(&operator) || BEHIND.contains(&operator) || is_function(operator)
}

/// Whether an operator computes a function of each number, alone or with constants.
pub(super) fn computes_function(operator: &str) -> bool {
    is_function(operator) || ["Max", "Min", "Pow"].contains(&operator)
}

/// Whether an operator is left to the firmware: mixq has no layers for it, and only such operators follow.
pub(super) fn is_left(operator: &str) -> bool {
    is_behind(operator) || WITH_CONSTANTS.contains(&operator) || ["Shape", "Expand"].contains(&operator)
}

/// The values of a model behind which layers follow: all others are outputs, or become outputs by operators
/// that the firmware may compute. If the network keeps functions, they are layers.
pub(super) fn followed(model: &Model, keeps_functions: bool) -> HashSet<&str> {
    let mut followed: HashSet<&str> = HashSet::new();
    let made: HashSet<&str> = (model.nodes.iter().filter(|node| node.operator == "Constant"))
        .flat_map(|node| node.outputs.iter().map(String::as_str))
        .collect();
    let is_constant =
        |name: &String| name.is_empty() || model.constants.contains_key(name) || made.contains(name.as_str());
    let behind = |node: &Node| {
        let operator = node.operator.as_str();
        let joins = WITH_CONSTANTS.contains(&operator)
            && node.inputs.iter().filter(|name| !is_constant(name)).count() == 1;
        let is_kept = keeps_functions && computes_function(operator);
        !is_kept && (joins || is_behind(operator))
    };
    for node in model.nodes.iter().rev() {
        if !behind(node) || node.outputs.iter().any(|output| followed.contains(output.as_str())) {
            followed.extend(node.inputs.iter().map(String::as_str));
        }
    }
    followed
}
