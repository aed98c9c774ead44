//! Layers that move elements, and images of another size.

use mixq_build::engine::graph::Shape;
use mixq_build::engine::graph::op::{Coordinates, Interpolation, Rearrange, Resize};

use super::{Codes, Exact, positions};

/// By the element that each element of the output is, where the kernel goes through the input.
pub(super) fn rearranged(rearrange: Rearrange, shape: Shape, inputs: &[&Codes]) -> Vec<Exact> {
    let input = inputs[0];
    let Shape { height, width, channels } = input.shape;
    let steps = |tensor: &Codes, y: usize, x: usize, c: usize| {
        (tensor.code(y, x, c) - i64::from(tensor.grid.zero_point)) as f64
    };
    let element = |(y, x, c): (usize, usize, usize)| match rearrange {
        Rearrange::Join { first } if c < first => steps(inputs[1], y, x, c),
        Rearrange::Join { first } if c < first + channels => steps(input, y, x, c - first),
        // A later part writes it: until then it may be anything.
        Rearrange::Join { .. } => f64::INFINITY,
        Rearrange::Slice { first, .. } => steps(input, y, x, first + c),
        Rearrange::Shuffle { groups } => steps(input, y, x, c % groups * (channels / groups) + c / groups),
        Rearrange::Pad { padding: [top, _, left, _] } => {
            let inside = y >= top && y < top + height && x >= left && x < left + width;
            if inside { steps(input, y - top, x - left, c) } else { 0.0 }
        }
        Rearrange::Spread { stride: [down, right] } => {
            let there = y.is_multiple_of(down) && x.is_multiple_of(right);
            if there { steps(input, y / down, x / right, c) } else { 0.0 }
        }
        Rearrange::Upsample { factor: [down, right] } => steps(input, y / down, x / right, c),
        Rearrange::DepthToSpace { block } => {
            let within = y % block * block + x % block;
            steps(input, y / block, x / block, within * shape.channels + c)
        }
        Rearrange::SpaceToDepth { block } => {
            let within = c / channels;
            steps(input, y * block + within / block, x * block + within % block, c % channels)
        }
        Rearrange::Reshape => {
            let index = (y * shape.width + x) * shape.channels + c;
            steps(input, index / channels / width, index / channels % width, index % channels)
        }
        Rearrange::Transpose { order } => {
            let mut place = [0; 3];
            for (axis, at) in order.into_iter().zip([y, x, c]) {
                place[axis] = at;
            }
            steps(input, place[0], place[1], place[2])
        }
    };
    let exact = |steps: f64| match steps.is_finite() {
        true => Exact { steps, slack: 0.0 },
        false => Exact { steps: 0.0, slack: 1e6 },
    };
    positions(shape).map(|place| exact(element(place))).collect()
}

/// By positions in floats, whose fractions are rounded as the device does.
pub(super) fn resized(resize: Resize, shape: Shape, input: &Codes) -> Vec<Exact> {
    let position = |index: usize, inputs: usize, outputs: usize| {
        let (i, n, m) = (index as f64, inputs as f64, outputs as f64);
        let exact = match resize.coordinates {
            Coordinates::HalfPixel => (i + 0.5) * n / m - 0.5,
            Coordinates::AlignCorners if outputs > 1 => i * (n - 1.0) / (m - 1.0),
            Coordinates::AlignCorners => 0.0,
            Coordinates::Asymmetric => i * n / m,
        };
        let (exact, unit) = match (resize.interpolation, resize.coordinates) {
            (Interpolation::Bilinear, _) => (exact, 256.0),
            (Interpolation::Nearest, Coordinates::Asymmetric) => ((exact + 1e-9).floor(), 1.0),
            (Interpolation::Nearest, _) => ((exact + 0.5 + 1e-9).floor(), 1.0),
        };
        let fixed = (exact.clamp(0.0, n - 1.0) * unit + 0.5 + 1e-9).floor() / unit;
        (fixed.floor() as usize, fixed.fract())
    };
    let Shape { height, width, .. } = input.shape;
    let steps = |y: usize, x: usize, c: usize| {
        (input.code(y.min(height - 1), x.min(width - 1), c) - i64::from(input.grid.zero_point)) as f64
    };
    let element = |(y, x, c): (usize, usize, usize)| {
        let ((y, down), (x, right)) = (position(y, height, shape.height), position(x, width, shape.width));
        let row = |y| steps(y, x, c) * (1.0 - right) + steps(y, x + 1, c) * right;
        Exact { steps: row(y) * (1.0 - down) + row(y + 1) * down, slack: 0.0 }
    };
    positions(shape).map(element).collect()
}
