//! What stands at the end of a model: values that become outputs without a layer behind them.

use std::collections::HashSet;

use crate::import::model::{Model, Node};

/// Operators that may stand behind the last layer: the firmware computes them.
const BEHIND: [&str; 23] = [
    "Softmax",
    "LogSoftmax",
    "ArgMax",
    "TopK",
    "Log",
    "Concat",
    "Reshape",
    "Flatten",
    "Squeeze",
    "Unsqueeze",
    "Transpose",
    "Slice",
    "Split",
    "Gather",
    "Cast",
    "Identity",
    "Dropout",
    "mixq.Range",
    "QuantizeLinear",
    "DequantizeLinear",
    "Quant",
    "Round",
    "Floor",
];

/// The same, if they join a value with constants.
const WITH_CONSTANTS: [&str; 7] = ["Mul", "Add", "Sub", "Div", "Pow", "Max", "Min"];

/// The values of a model behind which layers follow: all others are outputs, or become outputs by operators
/// that the firmware may compute.
pub(super) fn followed(model: &Model) -> HashSet<&str> {
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
        joins || BEHIND.contains(&operator) || super::elementwise::is_function(operator)
    };
    for node in model.nodes.iter().rev() {
        if !behind(node) || node.outputs.iter().any(|output| followed.contains(output.as_str())) {
            followed.extend(node.inputs.iter().map(String::as_str));
        }
    }
    followed
}
