//! Operators that mixq does not have.

use super::{Refusal, Value, refuse};
use crate::import::model::{Model, Node};

/// The refusal of an operator: what it is, and what could be done.
pub(super) fn unknown(node: &Node) -> Result<Vec<Value>, Refusal> {
    let what = match node.operator.as_str() {
        "LSTM" | "GRU" | "RNN" | "Loop" | "Scan" | "If" => "is recurrent, or has a network inside",
        operator if operator.contains('.') => "is a custom operator",
        _ => "is an operator that mixq does not have",
    };
    let help = match node.operator.as_str() {
        "LSTM" | "GRU" | "RNN" | "SVDF" | "UNIDIRECTIONAL_SEQUENCE_LSTM" | "VAR_HANDLE" => {
            "mixq has no recurrent networks: use convolutions along time"
        }
        "InstanceNormalization"
        | "GroupNormalization"
        | "LayerNormalization"
        | "LRN"
        | "LpNormalization"
        | "MeanVarianceNormalization"
        | "L2_NORMALIZATION"
        | "LOCAL_RESPONSE_NORMALIZATION" => "train the network with batch norm instead",
        "Softsign" | "Erf" => "use relu, hard_swish, silu, mish or gelu",
        "Einsum" | "BATCH_MATMUL" => "mixq has products with constant matrices only (no attention)",
        "MIRROR_PAD" => "mixq pads with zeros",
        "NonMaxSuppression" | "TFLite_Detection_PostProcess" => {
            "cut the model before this node: the firmware does what follows"
        }
        _ => "build the network with other operators, or cut the model before this node",
    };
    refuse(what, help)
}

/// The refusal of a tensor less its own mean, with which a layer norm or an instance norm in pieces begins.
pub(super) fn norm_in_pieces(model: &Model, node: &Node) -> Option<Refusal> {
    let [x, mean] = &node.inputs[..] else { return None };
    let is_mean = |before: &Node| {
        let averages = matches!(before.operator.as_str(), "ReduceMean" | "GlobalAveragePool");
        averages && before.outputs.first() == Some(mean) && before.inputs.first() == Some(x)
    };
    (node.operator == "Sub" && model.nodes.iter().any(is_mean)).then(|| Refusal {
        what: "subtracts the mean of a tensor from it, as a layer norm in pieces does".to_string(),
        help: "train the network with batch norm instead",
    })
}
