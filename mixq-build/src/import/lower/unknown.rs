//! Operators that mixq does not have.

use super::{Refusal, Value, refuse};
use crate::import::model::Node;

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
