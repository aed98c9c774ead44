//! Convolutions, fully connected layers and pools in floats.

use crate::graph::{Shape, Window};

/// Products of all elements with each row of a matrix.
pub(super) fn products(x: &[f32], weights: &[f32], outputs: usize) -> Vec<f32> {
    let row = |row: &[f32]| -> f32 { dot(x, row) };
    weights.chunks(x.len()).take(outputs).map(row).collect()
}

/// A sum in several lanes, which a processor computes at once.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16;
    let (a, rest_a) = a.as_chunks::<LANES>();
    let (b, rest_b) = b.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

/// The taps of a window at an output pixel that lie on the input: number of the tap, and the input pixel.
fn taps(
    window: &Window,
    dilation: [usize; 2],
    input: Shape,
    row: usize,
    column: usize,
) -> impl Iterator<Item = (usize, usize)> {
    let [height, width] = window.kernel;
    let [top, _, left, _] = window.padding;
    let (first_row, first_column) = (row * window.stride[0], column * window.stride[1]);
    (0..height * width).filter_map(move |tap| {
        let y = (first_row + tap / width * dilation[0]).checked_sub(top)?;
        let x = (first_column + tap % width * dilation[1]).checked_sub(left)?;
        (y < input.height && x < input.width).then_some((tap, y * input.width + x))
    })
}

/// Sums of a convolution in groups, with weights `[out, in, height, width]`.
pub(super) fn convolved(
    x: &[f32],
    input: Shape,
    weights: &[f32],
    window: &Window,
    dilation: [usize; 2],
    groups: usize,
    output: Shape,
) -> Vec<f32> {
    let (each, filters) = (input.channels / groups, output.channels / groups);
    let area = window.kernel[0] * window.kernel[1];
    // By tap, input channel of all groups, output channel of its group: the innermost loop goes over outputs.
    let mut ordered = vec![0.0; weights.len()];
    for (place, weight) in weights.iter().enumerate() {
        let (out, inner) = (place / (each * area), place % (each * area));
        let (channel, tap) = (inner / area, inner % area);
        let group = out / filters;
        ordered[(tap * input.channels + group * each + channel) * filters + out % filters] = *weight;
    }
    let mut sums = vec![0.0; output.elements()];
    for (pixel, sums) in sums.chunks_mut(output.channels).enumerate() {
        for (tap, at) in taps(window, dilation, input, pixel / output.width, pixel % output.width) {
            let values = &x[at * input.channels..][..input.channels];
            for (channel, value) in values.iter().enumerate() {
                let weights = &ordered[(tap * input.channels + channel) * filters..][..filters];
                let sums = &mut sums[channel / each * filters..][..filters];
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    *sum += value * weight;
                }
            }
        }
    }
    sums
}

/// A pool: what `joined` makes of the values of a channel under the window.
pub(super) fn pooled(
    x: &[f32],
    input: Shape,
    window: &Window,
    output: Shape,
    joined: fn(&mut dyn Iterator<Item = f32>) -> f32,
) -> Vec<f32> {
    let mut values = Vec::with_capacity(output.elements());
    for pixel in 0..output.height * output.width {
        let under: Vec<usize> = taps(window, [1, 1], input, pixel / output.width, pixel % output.width)
            .map(|(_, at)| at * input.channels)
            .collect();
        for channel in 0..output.channels {
            values.push(joined(&mut under.iter().map(|at| x[at + channel])));
        }
    }
    values
}

/// The mean of numbers.
pub(super) fn average(values: &mut dyn Iterator<Item = f32>) -> f32 {
    let (count, sum) = values.fold((0u32, 0.0f64), |(count, sum), value| (count + 1, sum + f64::from(value)));
    (sum / f64::from(count.max(1))) as f32
}

/// The largest of numbers.
pub(super) fn maximum(values: &mut dyn Iterator<Item = f32>) -> f32 {
    values.fold(f32::NEG_INFINITY, f32::max)
}
