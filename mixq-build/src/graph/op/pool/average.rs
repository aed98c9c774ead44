//! Average pool.

use super::{AxisPool, global, window, windowed};
use crate::graph::layer::{Input, Layer};
use crate::graph::op::{Form, Op, OpSpec, Operator, Output, Weights, Written};
use crate::graph::rules::too_large;
use crate::graph::shape::LARGEST_POOL;
use crate::graph::{Padding, Shape, Window};

pub(in crate::graph::op) static AVERAGE_POOL: Form = Form {
    optional: &["stride", "padding", "count_padding"],
    ..windowed("average_pool", |values| {
        let (kernel, stride, padding) = window(values)?;
        let count_padding = values.count_padding.unwrap_or(false);
        Some(OpSpec::AveragePool(AveragePoolSpec { kernel, stride, padding, count_padding }))
    })
};

pub(in crate::graph::op) static GLOBAL_AVERAGE_POOL: Form = global("global_average_pool", |values| {
    Some(match values.axis {
        Some(axis) => OpSpec::AxisPool(AxisPool { axis, max: false }),
        None => OpSpec::GlobalAveragePool(GlobalAveragePool),
    })
});

/// Average pool as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AveragePoolSpec {
    /// Height and width of the window, in pixels.
    pub kernel: [usize; 2],
    /// Step of the window down and to the right.
    pub stride: [usize; 2],
    /// What surrounds the input.
    pub padding: Padding,
    /// Whether pixels of padding count as zeros; else they are left out. Then a node before the pool pads.
    pub count_padding: bool,
}

/// Average over all pixels, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobalAveragePool;

/// Average pool; padding does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AveragePool {
    /// The window; of a global pool the whole input.
    pub window: Window,
}

impl Written for AveragePoolSpec {
    fn form(&self) -> &'static Form {
        &AVERAGE_POOL
    }

    fn resolve(&self, layer: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        let (window, [height, width]) = layer.window(inputs[0], self.kernel, self.stride, self.padding)?;
        let input = inputs[0].shape;
        let padded = input.padded(window.padding);
        if self.count_padding && too_large(padded) {
            let message = format!("layer {} counts padding of an image that is then {padded}", layer.me());
            layer.report(message, "no dimension may exceed 65,535, no tensor 4,294,967,295 elements");
            return None;
        }
        check_sum(layer, window, if self.count_padding { padded } else { input })?;
        Some((Op::AveragePool(AveragePool { window }), Shape { height, width, ..input }))
    }
}

impl Written for GlobalAveragePool {
    fn form(&self) -> &'static Form {
        &GLOBAL_AVERAGE_POOL
    }

    fn resolve(&self, layer: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        let kernel = [inputs[0].shape.height, inputs[0].shape.width];
        let (stride, padding, count_padding) = ([1, 1], Padding::Valid, false);
        AveragePoolSpec { kernel, stride, padding, count_padding }.resolve(layer, inputs)
    }
}

/// Average pools sum their windows in 32 bits, with a bit for rounding.
fn check_sum(layer: &mut Layer, window: Window, input: Shape) -> Option<()> {
    let [height, width] = [window.kernel[0].min(input.height), window.kernel[1].min(input.width)];
    if height * width <= LARGEST_POOL {
        return Some(());
    }
    let me = layer.me();
    let message = format!(
        "layer {me} averages {height}x{width} pixels, but sums of more than {LARGEST_POOL} may exceed 32 bits"
    );
    layer.report(message, "put a layer with a larger stride, or a smaller pool, before it");
    None
}

impl Operator for AveragePool {
    fn word(&self) -> &'static str {
        "average pool"
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
