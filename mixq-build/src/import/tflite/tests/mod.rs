//! Small networks written as TFLite files here, read, executed in floats, and compared with plain formulas.

mod sparse;
mod stored;
mod writer;

use std::path::Path;

use crate::error::Error;
use crate::import::foreign::{self, Foreign};
use crate::import::testing::{assert_near, damage, numbers};
use writer::{FLOAT32, INT8, Network, Value};

const ADD: i32 = 0;
const CONV_2D: i32 = 3;
const DEQUANTIZE: i32 = 6;
const QUANTIZE: i32 = 114;
const RESIZE_BILINEAR: i32 = 23;
const SPACE_TO_BATCH: i32 = 38;
const BATCH_TO_SPACE: i32 = 37;
const MEAN: i32 = 40;
const TRANSPOSE_CONV: i32 = 67;
const SUM: i32 = 74;
const SPLIT_V: i32 = 102;

const SAME: (usize, Value) = (0, Value::Byte(0));
const VALID: (usize, Value) = (0, Value::Byte(1));

fn read(network: Network, outputs: &[i32]) -> Result<Foreign, Error> {
    Ok(foreign::parse(Path::new("model.tflite"), &network.bytes(outputs))?)
}

fn run(network: Network, output: i32, input: &[f32]) -> Vec<f32> {
    let foreign = read(network, &[output]).unwrap_or_else(|error| panic!("{error:?}"));
    foreign.execute(input).expect("the end of the network is known").remove(0).0.to_floats()
}

/// A convolution with a window of three and gaps, so much padding that the image keeps its size, pixel after
/// pixel. Weights are `[filter, row, column, channel]`.
fn convolved(x: &[f32], [side, inputs]: [usize; 2], weights: &[f32], filters: usize, gap: usize) -> Vec<f32> {
    let mut sums = Vec::new();
    for (row, column) in (0..side).flat_map(|row| (0..side).map(move |column| (row, column))) {
        for filter in 0..filters {
            let mut sum = 0.0f64;
            for (tap, channel) in (0..9).flat_map(|tap| (0..inputs).map(move |channel| (tap, channel))) {
                let (y, x_at) = (row + tap / 3 * gap, column + tap % 3 * gap);
                if (gap..side + gap).contains(&y) && (gap..side + gap).contains(&x_at) {
                    let value = x[((y - gap) * side + x_at - gap) * inputs + channel];
                    sum += f64::from(value) * f64::from(weights[(filter * 9 + tap) * inputs + channel]);
                }
            }
            sums.push(sum as f32);
        }
    }
    sums
}

/// Every second pixel as an image of its own, a convolution, and all together again: with an addition between
/// or without one.
#[test]
fn blocks_around_a_convolution_are_its_dilation() {
    let (x, w) = (numbers(25 * 2, 1), numbers(54, 2));
    for adds in [false, true] {
        let mut network = Network::new(&[1, 5, 5, 2]);
        let weight = network.floats(&[3, 3, 3, 2], &w);
        let bias = network.floats(&[3], &[0.5, -0.5, 1.0]);
        let block = network.ints(&[2], &[2, 2]);
        // Five pixels and two on each side, and one more for an even number.
        let padding = network.ints(&[2, 2], &[2, 3, 2, 3]);
        let crops = network.ints(&[2, 2], &[0, 1, 0, 1]);
        let apart = network.operator(SPACE_TO_BATCH, &[0, block, padding], &[4, 5, 5, 2], &[]);
        let steps = [VALID, (1, Value::Int(1)), (2, Value::Int(1))];
        let inputs: &[i32] = if adds { &[apart, weight] } else { &[apart, weight, bias] };
        let mut made = network.operator(CONV_2D, inputs, &[4, 3, 3, 3], &steps);
        if adds {
            made = network.operator(ADD, &[made, bias], &[4, 3, 3, 3], &[]);
        }
        let whole = network.operator(BATCH_TO_SPACE, &[made, block, crops], &[1, 5, 5, 3], &[]);
        let mut expected = convolved(&x, [5, 2], &w, 3, 2);
        for (at, value) in expected.iter_mut().enumerate() {
            *value += [0.5, -0.5, 1.0][at % 3];
        }
        assert_near(&run(network, whole, &x), &expected, 1e-5);
    }
}

/// A scale for each filter; activations are floats (hybrid), or integers with scales, too.
#[test]
fn integer_weights_are_the_numbers_that_they_stand_for() {
    let x = numbers(25 * 2, 3);
    let integers: Vec<i8> = numbers(54, 4).iter().map(|it| (it * 127.0) as i8).collect();
    let scales = [0.01, 0.02, 0.005];
    let real: Vec<f32> =
        integers.iter().enumerate().map(|(at, it)| f32::from(*it) * scales[at / 18]).collect();
    let bytes: Vec<u8> = integers.iter().map(|it| *it as u8).collect();
    for hybrid in [true, false] {
        let mut network = Network::new(&[1, 5, 5, 2]);
        let grid = Some((&scales[..], &[0i64, 0, 0][..], 0));
        let weight = network.tensor(INT8, &[3, 3, 3, 2], &bytes, grid);
        let steps = [SAME, (1, Value::Int(1)), (2, Value::Int(1))];
        let (kind, grid) = if hybrid { (FLOAT32, None) } else { (INT8, Some((&[0.05][..], &[4i64][..], 0))) };
        let output = network.tensor(kind, &[1, 5, 5, 3], &[], grid);
        network.writes(CONV_2D, &[0, weight], &[output], &steps);
        assert_near(&run(network, output, &x), &convolved(&x, [5, 2], &real, 3, 1), 1e-5);
    }
}

/// Each pixel adds its window, two apart, to a larger image.
#[test]
fn transposed_convolutions_have_biases() {
    let (x, w) = (numbers(9 * 2, 7), numbers(3 * 9 * 2, 8));
    let mut network = Network::new(&[1, 3, 3, 2]);
    let shape = network.ints(&[4], &[1, 7, 7, 3]);
    let weight = network.floats(&[3, 3, 3, 2], &w);
    let bias = network.floats(&[3], &[0.5, -0.5, 1.0]);
    let steps = [VALID, (1, Value::Int(2)), (2, Value::Int(2))];
    let output = network.operator(TRANSPOSE_CONV, &[shape, weight, 0, bias], &[1, 7, 7, 3], &steps);
    let mut expected: Vec<f32> = (0..7 * 7 * 3).map(|at| [0.5, -0.5, 1.0][at % 3]).collect();
    for (pixel, tap) in (0..9).flat_map(|pixel| (0..9).map(move |tap| (pixel, tap))) {
        let (row, column) = (pixel / 3 * 2 + tap / 3, pixel % 3 * 2 + tap % 3);
        for (filter, channel) in (0..3).flat_map(|filter| (0..2).map(move |channel| (filter, channel))) {
            let product = x[pixel * 2 + channel] * w[(filter * 9 + tap) * 2 + channel];
            expected[(row * 7 + column) * 3 + filter] += product;
        }
    }
    assert_near(&run(network, output, &x), &expected, 1e-5);
}

#[test]
fn images_are_resized_by_the_corners_or_the_centres() {
    let (x, w) = (numbers(9, 9), [1.0f32]);
    for (corners, halves) in [(1, 0), (0, 1), (0, 0)] {
        let mut network = Network::new(&[1, 3, 3, 1]);
        let weight = network.floats(&[1, 1, 1, 1], &w);
        let size = network.ints(&[2], &[6, 6]);
        let steps = [SAME, (1, Value::Int(1)), (2, Value::Int(1))];
        let same = network.operator(CONV_2D, &[0, weight], &[1, 3, 3, 1], &steps);
        let options = [(2, Value::Byte(corners)), (3, Value::Byte(halves))];
        let output = network.operator(RESIZE_BILINEAR, &[same, size], &[1, 6, 6, 1], &options);
        let place = |at: usize| {
            let at = at as f32;
            match (corners, halves) {
                (1, _) => at * 2.0 / 5.0,
                (_, 1) => ((at + 0.5) / 2.0 - 0.5).clamp(0.0, 2.0),
                _ => (at / 2.0).clamp(0.0, 2.0),
            }
        };
        let pixel = |row: usize, column: usize| x[row.min(2) * 3 + column.min(2)];
        let value = |at: usize| {
            let (y, x) = (place(at / 6), place(at % 6));
            let (row, column) = (y.floor() as usize, x.floor() as usize);
            let across =
                |row: usize| pixel(row, column) * (1.0 - x.fract()) + pixel(row, column + 1) * x.fract();
            across(row) * (1.0 - y.fract()) + across(row + 1) * y.fract()
        };
        let expected: Vec<f32> = (0..36).map(value).collect();
        assert_near(&run(network, output, &x), &expected, 1e-4);
    }
}

#[test]
fn means_and_sums_are_over_the_image() {
    let (x, w) = (numbers(25 * 2, 10), numbers(54, 11));
    for (operator, share) in [(MEAN, 25.0), (SUM, 1.0)] {
        let mut network = Network::new(&[1, 5, 5, 2]);
        let weight = network.floats(&[3, 3, 3, 2], &w);
        let axes = network.ints(&[2], &[1, 2]);
        let steps = [SAME, (1, Value::Int(1)), (2, Value::Int(1))];
        let made = network.operator(CONV_2D, &[0, weight], &[1, 5, 5, 3], &steps);
        let output = network.operator(operator, &[made, axes], &[1, 3], &[]);
        let sums = convolved(&x, [5, 2], &w, 3, 1);
        let expected = [0, 1, 2].map(|at| sums.iter().skip(at).step_by(3).sum::<f32>() / share);
        assert_near(&run(network, output, &x), &expected, 1e-4);
    }
}

#[test]
fn channels_are_split_as_given() {
    let (x, w) = (numbers(25 * 2, 12), numbers(54, 13));
    let mut network = Network::new(&[1, 5, 5, 2]);
    let weight = network.floats(&[3, 3, 3, 2], &w);
    let (sizes, axis) = (network.ints(&[2], &[1, 2]), network.ints(&[], &[3]));
    let steps = [SAME, (1, Value::Int(1)), (2, Value::Int(1))];
    let made = network.operator(CONV_2D, &[0, weight], &[1, 5, 5, 3], &steps);
    let first = network.tensor(FLOAT32, &[1, 5, 5, 1], &[], None);
    let second = network.tensor(FLOAT32, &[1, 5, 5, 2], &[], None);
    network.writes(SPLIT_V, &[made, sizes, axis], &[first, second], &[]);
    let sums = convolved(&x, [5, 2], &w, 3, 1);
    let expected: Vec<f32> = sums.chunks(3).flat_map(|pixel| pixel[1..].to_vec()).collect();
    assert_near(&run(network, second, &x), &expected, 1e-5);
}

/// Operators that mixq does not have, each with its place.
#[test]
fn everything_unsupported_is_named_at_once() {
    let mut network = Network::new(&[1, 5, 5, 2]);
    let padding = network.ints(&[4, 2], &[0, 0, 1, 1, 1, 1, 0, 0]);
    let mirrored = network.operator(100, &[0, padding], &[1, 7, 7, 2], &[]);
    let normal = network.operator(11, &[0], &[1, 5, 5, 2], &[]);
    let local = network.operator(13, &[0], &[1, 5, 5, 2], &[]);
    let Err(error) = read(network, &[mirrored, normal, local]) else { panic!("it was read") };
    let refused: Vec<String> = error.problems.into_iter().map(|problem| problem.message).collect();
    for (index, name) in ["MIRROR_PAD", "L2_NORMALIZATION", "LOCAL_RESPONSE_NORMALIZATION"].iter().enumerate()
    {
        let shown = format!("operator {index} ({name}");
        assert!(refused.iter().any(|what| what.contains(&shown)), "{shown} in {refused:?}");
    }
}

/// Each byte of a small file changed in several ways, and the file cut off behind each byte.
#[test]
fn damaged_files_are_no_reason_to_panic() {
    let mut network = Network::new(&[1, 5, 5, 2]);
    let weight = network.tensor(INT8, &[3, 3, 3, 2], &[7; 54], Some((&[0.1, 0.2, 0.3], &[0; 3], 0)));
    let block = network.ints(&[2], &[2, 2]);
    let padding = network.ints(&[2, 2], &[2, 3, 2, 3]);
    let crops = network.ints(&[2, 2], &[0, 1, 0, 1]);
    let axes = network.ints(&[2], &[1, 2]);
    let apart = network.operator(SPACE_TO_BATCH, &[0, block, padding], &[4, 5, 5, 2], &[]);
    let steps = [VALID, (1, Value::Int(1)), (2, Value::Int(1)), (3, Value::Byte(1))];
    let made = network.operator(CONV_2D, &[apart, weight], &[4, 3, 3, 3], &steps);
    let whole = network.operator(BATCH_TO_SPACE, &[made, block, crops], &[1, 5, 5, 3], &[]);
    let output = network.operator(MEAN, &[whole, axes], &[1, 3], &[]);
    let file = network.bytes(&[output]);
    damage("model.tflite", &file);
}
