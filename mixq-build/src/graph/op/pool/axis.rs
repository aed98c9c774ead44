//! Pools along one axis.

use super::{AveragePoolSpec, GLOBAL_AVERAGE_POOL, GLOBAL_MAX_POOL, MaxPoolSpec};
use crate::graph::layer::{Input, Layer};
use crate::graph::op::{Form, Op, Written};
use crate::graph::{Padding, Shape};

/// An axis of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Rows: a pool along it makes one row of all.
    Height,
    /// Columns: a pool along it makes one column of all.
    Width,
}

impl Axis {
    /// Both by their names.
    pub const CHOICES: [(&str, Axis); 2] = [("height", Axis::Height), ("width", Axis::Width)];
}

/// Average or maximum over all pixels along one axis, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AxisPool {
    /// The axis.
    pub axis: Axis,
    /// Whether it is the maximum.
    pub max: bool,
}

impl Written for AxisPool {
    fn form(&self) -> &'static Form {
        if self.max { &GLOBAL_MAX_POOL } else { &GLOBAL_AVERAGE_POOL }
    }

    fn resolve(&self, layer: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        let Shape { height, width, .. } = inputs[0].shape;
        let kernel = match self.axis {
            Axis::Height => [height, 1],
            Axis::Width => [1, width],
        };
        let (stride, padding) = ([1, 1], Padding::Valid);
        match self.max {
            true => MaxPoolSpec { kernel, stride, padding }.resolve(layer, inputs),
            false => {
                let count_padding = false;
                AveragePoolSpec { kernel, stride, padding, count_padding }.resolve(layer, inputs)
            }
        }
    }
}
