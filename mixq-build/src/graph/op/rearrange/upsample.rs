//! Nearest-neighbour upsampling.

use super::{Form, Input, Layer, Op, OpSpec, Rearrange, Shape, Written, form};

pub(in super::super) static UPSAMPLE: Form =
    form("upsample", &["factor"], &[], |values| Some(OpSpec::Upsample(Upsample { factor: values.factor? })));

/// Each pixel several times, down and to the right: a resize by whole factors to the nearest neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upsample {
    /// How often: down, to the right.
    pub factor: [usize; 2],
}

impl Written for Upsample {
    fn form(&self) -> &'static Form {
        &UPSAMPLE
    }

    fn resolve(&self, layer: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        let [down, right] = self.factor;
        let Shape { height, width, channels } = inputs[0].shape;
        let sides = height.checked_mul(down).zip(width.checked_mul(right));
        let Some((height, width)) = sides.filter(|_| down > 0 && right > 0) else {
            let message = format!("layer {} has a `factor` of {down}x{right}", layer.me());
            layer.report(message, "each side is 1 or more");
            return None;
        };
        let factor = self.factor;
        Some((Op::Rearrange(Rearrange::Upsample { factor }), Shape { height, width, channels }))
    }
}
