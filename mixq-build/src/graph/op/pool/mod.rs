//! Pools over a window, or over the whole input.

mod average;
mod axis;
mod max;

pub use average::*;
pub use axis::*;
pub use max::*;

use super::{Arity, Follows, Form, OpSpec, Values};
use crate::graph::Padding;

/// How a pool is written that has a window.
const fn windowed(name: &'static str, read: fn(&Values) -> Option<OpSpec>) -> Form {
    Form { required: &["kernel"], optional: &["stride", "padding"], ..global(name, read) }
}

/// How a pool is written whose window is the whole input, or the whole of one axis.
const fn global(name: &'static str, read: fn(&Values) -> Option<OpSpec>) -> Form {
    Form {
        name,
        required: &[],
        optional: &["axis"],
        parameters: &[],
        read,
        arity: Arity::One,
        reads_image: Err("put a conv or depthwise layer before it"),
        reads_any_shape: false,
        follows: Follows::NOTHING,
        folds: None,
    }
}

/// Kernel, stride and padding: by default windows stand side by side, without padding.
fn window(values: &Values) -> Option<([usize; 2], [usize; 2], Padding)> {
    let kernel = values.kernel?;
    Some((kernel, values.stride.unwrap_or(kernel), values.padding.unwrap_or(Padding::Valid)))
}
