//! Maximum pool.

use super::{AxisPool, global, window, windowed};
use crate::graph::layer::{Input, Layer};
use crate::graph::op::{Form, Op, OpSpec, Operator, Output, Weights, Written};
use crate::graph::{Padding, Shape, Window};

pub(in crate::graph::op) static MAX_POOL: Form = windowed("max_pool", |values| {
    let (kernel, stride, padding) = window(values)?;
    Some(OpSpec::MaxPool(MaxPoolSpec { kernel, stride, padding }))
});

pub(in crate::graph::op) static GLOBAL_MAX_POOL: Form = global("global_max_pool", |values| {
    Some(match values.axis {
        Some(axis) => OpSpec::AxisPool(AxisPool { axis, max: true }),
        None => OpSpec::GlobalMaxPool(GlobalMaxPool),
    })
});

/// Maximum pool as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPoolSpec {
    /// Height and width of the window, in pixels.
    pub kernel: [usize; 2],
    /// Step of the window down and to the right.
    pub stride: [usize; 2],
    /// What surrounds the input.
    pub padding: Padding,
}

/// Maximum over all pixels, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobalMaxPool;

/// Maximum pool; padding does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool {
    /// The window; of a global pool the whole input.
    pub window: Window,
}

impl Written for MaxPoolSpec {
    fn form(&self) -> &'static Form {
        &MAX_POOL
    }

    fn resolve(&self, layer: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        let (window, [height, width]) = layer.window(inputs[0], self.kernel, self.stride, self.padding)?;
        Some((Op::MaxPool(MaxPool { window }), Shape { height, width, ..inputs[0].shape }))
    }
}

impl Written for GlobalMaxPool {
    fn form(&self) -> &'static Form {
        &GLOBAL_MAX_POOL
    }

    fn resolve(&self, layer: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        let kernel = [inputs[0].shape.height, inputs[0].shape.width];
        MaxPoolSpec { kernel, stride: [1, 1], padding: Padding::Valid }.resolve(layer, inputs)
    }
}

impl Operator for MaxPool {
    fn word(&self) -> &'static str {
        "max pool"
    }

    fn window(&self) -> Option<&Window> {
        Some(&self.window)
    }

    fn weights(&self) -> Option<Weights> {
        None
    }

    fn output(&self) -> Output {
        Output::InputGrid
    }

    fn table_bytes(&self) -> usize {
        size_of::<mixq_format::Pool>()
    }
}
