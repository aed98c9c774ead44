//! Operators that move elements, on tensors `[n, channels, height, width]`.

use tch::Tensor;

use crate::graph::Shape;
use crate::graph::op::Rearrange;

/// Moves elements; of a concatenation this is the first part, whose channels stay where they are. Zeros are
/// zeros also where the elements are codes: only codes with zero point 0 are kept as such.
pub fn apply(rearrange: Rearrange, x: &Tensor, output: Shape) -> Tensor {
    let size = |size: usize| size as i64;
    let (n, c, h, w) = x.size4().expect("four axes");
    match rearrange {
        Rearrange::Join { .. } => x.shallow_clone(),
        Rearrange::Slice { first, channels } => x.narrow(1, size(first), size(channels)),
        Rearrange::Shuffle { groups } => {
            let groups = size(groups);
            x.reshape([n, groups, c / groups, h, w]).transpose(1, 2).reshape([n, c, h, w])
        }
        Rearrange::Pad { padding } => {
            let [top, bottom, left, right] = padding.map(size);
            x.f_pad([left, right, top, bottom], "constant", 0.0).expect("padding is not negative")
        }
        Rearrange::Spread { stride: [down, right] } => {
            let (down, right) = (size(down), size(right));
            // Zeros behind each pixel, but for the last ones.
            let x = x.reshape([n, c, h, 1, w, 1]);
            let wide = x.f_pad([0, right - 1, 0, 0, 0, down - 1], "constant", 0.0);
            let wide = wide.expect("strides are not 0").reshape([n, c, h * down, w * right]);
            wide.narrow(2, 0, (h - 1) * down + 1).narrow(3, 0, (w - 1) * right + 1)
        }
        Rearrange::Upsample { factor: [down, right] } => {
            let (down, right) = (size(down), size(right));
            let wide = x.reshape([n, c, h, 1, w, 1]).expand([n, c, h, down, w, right], false);
            wide.reshape([n, c, h * down, w * right])
        }
        Rearrange::DepthToSpace { block } => {
            let s = size(block);
            let deep = x.reshape([n, s, s, c / (s * s), h, w]).permute([0, 3, 4, 1, 5, 2]);
            deep.reshape([n, c / (s * s), h * s, w * s])
        }
        Rearrange::SpaceToDepth { block } => {
            let s = size(block);
            let blocks = x.reshape([n, c, h / s, s, w / s, s]).permute([0, 3, 5, 1, 2, 4]);
            blocks.reshape([n, s * s * c, h / s, w / s])
        }
        Rearrange::Reshape => {
            let Shape { height, width, channels } = output;
            let rows = x.permute([0, 2, 3, 1]).reshape([n, size(height), size(width), size(channels)]);
            rows.permute([0, 3, 1, 2])
        }
        Rearrange::Transpose { order } => {
            let [height, width, channels] = order.map(|axis| size(axis) + 1);
            x.permute([0, 2, 3, 1]).permute([0, channels, height, width])
        }
    }
}
