//! Elements at other places, and images of another size, in floats.

use crate::graph::Shape;
use crate::graph::op::Rearrange;

/// What a node writes that moves elements; `before` is what it keeps of a concatenation.
pub(super) fn rearranged(op: Rearrange, x: &[f32], input: Shape, before: &[f32], output: Shape) -> Vec<f32> {
    let mut values = if before.is_empty() { vec![0.0; output.elements()] } else { before.to_vec() };
    let at =
        |row: usize, column: usize, channel: usize| (row * output.width + column) * output.channels + channel;
    for (place, value) in x.iter().enumerate() {
        let (pixel, channel) = (place / input.channels, place % input.channels);
        let (row, column) = (pixel / input.width, pixel % input.width);
        let target = match op {
            Rearrange::Join { first } => at(row, column, first + channel),
            Rearrange::Slice { first, channels } => {
                match channel.checked_sub(first).filter(|channel| *channel < channels) {
                    Some(channel) => at(row, column, channel),
                    None => continue,
                }
            }
            Rearrange::Shuffle { groups } => {
                let each = input.channels / groups;
                at(row, column, channel % each * groups + channel / each)
            }
            Rearrange::Pad { padding: [top, _, left, _] } => at(row + top, column + left, channel),
            Rearrange::Spread { stride } => at(row * stride[0], column * stride[1], channel),
            Rearrange::Upsample { factor: [down, right] } => {
                for copy in 0..down * right {
                    let (row, column) = (row * down + copy / right, column * right + copy % right);
                    values[at(row, column, channel)] = *value;
                }
                continue;
            }
            Rearrange::DepthToSpace { block } => {
                let cell = channel / output.channels;
                at(row * block + cell / block, column * block + cell % block, channel % output.channels)
            }
            Rearrange::SpaceToDepth { block } => {
                let cell = row % block * block + column % block;
                at(row / block, column / block, cell * input.channels + channel)
            }
            Rearrange::Reshape => place,
            Rearrange::Transpose { order } => {
                let [row, column, channel] = order.map(|axis| [row, column, channel][axis]);
                at(row, column, channel)
            }
        };
        values[target] = *value;
    }
    values
}

/// An image of another size: each row and column of the output has the pixel before it, and its share of the
/// next one.
pub(super) fn interpolated(
    x: &[f32],
    input: Shape,
    rows: &[(usize, f32)],
    columns: &[(usize, f32)],
) -> Vec<f32> {
    let Shape { height, width, channels } = input;
    let mut values = Vec::with_capacity(rows.len() * columns.len() * channels);
    for (row, down) in rows {
        for (column, right) in columns {
            let (below, beside) = ((row + 1).min(height - 1), (column + 1).min(width - 1));
            for channel in 0..channels {
                let pixel = |row: usize, column: usize| x[(row * width + column) * channels + channel];
                let above = pixel(*row, *column) * (1.0 - right) + pixel(*row, beside) * right;
                let under = pixel(below, *column) * (1.0 - right) + pixel(below, beside) * right;
                values.push(above * (1.0 - down) + under * down);
            }
        }
    }
    values
}
