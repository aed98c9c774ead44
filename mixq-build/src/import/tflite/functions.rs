//! Functions of each element, and the operators that ONNX has by another name.

use crate::import::model::{Attribute, Attributes};

/// The attributes of a clip.
pub(super) fn bounds(min: f32, max: f32) -> Attributes {
    Attributes::of([("min", Attribute::Float(min)), ("max", Attribute::Float(max))])
}

/// The function of an operator's activation; `None` if it has none.
pub(super) fn activation_of(number: u8) -> Option<(&'static str, Attributes)> {
    Some(match number {
        0 => return None,
        1 => ("Relu", Attributes::default()),
        2 => ("Clip", bounds(-1.0, 1.0)),
        3 => ("Clip", bounds(0.0, 6.0)),
        4 => ("Tanh", Attributes::default()),
        _ => ("SIGN_BIT", Attributes::default()),
    })
}

/// The operator of ONNX that does the same.
pub(super) fn plain(name: &str) -> Option<&'static str> {
    Some(match name {
        "RELU" => "Relu",
        "LOGISTIC" => "Sigmoid",
        "TANH" => "Tanh",
        "HARD_SWISH" => "HardSwish",
        "ELU" => "Elu",
        "GELU" => "Gelu",
        "EXP" => "Exp",
        "LOG" => "Log",
        "SQRT" => "Sqrt",
        "ABS" => "Abs",
        "NEG" => "Neg",
        "MAXIMUM" => "Max",
        "MINIMUM" => "Min",
        "POW" => "Pow",
        "SHAPE" => "Shape",
        "RANGE" => "Range",
        "ADD_N" => "Sum",
        "FLOOR" => "Floor",
        "CEIL" => "Ceil",
        "ROUND" => "Round",
        "TILE" => "Tile",
        "BROADCAST_TO" => "Expand",
        "TOPK_V2" => "TopK",
        "SIGN" => "Sign",
        "CAST" | "DEQUANTIZE" | "QUANTIZE" | "DENSIFY" | "FAKE_QUANT" => "Identity",
        _ => return None,
    })
}
