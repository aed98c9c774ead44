//! What moves numbers, and what joins tensors.

use super::*;

const PADS: (&str, Value) = ("pads", Value::Ints(&[1, 1, 1, 1]));

/// A convolution `c` of an image `x`, 2x4x4, in three channels, and what it writes.
fn base(x: &[f32]) -> (Network, Vec<f32>) {
    let w = numbers(54, 1);
    let sums = convolved(x, [2, 4, 4], &w, 3);
    let network =
        Network::new(&[1, 2, 4, 4]).floats("w", &[3, 2, 3, 3], &w).node("Conv", &["x", "w"], "c", &[PADS]);
    (network, sums)
}

#[test]
fn channels_are_padded_with_zeros() {
    let x = numbers(32, 2);
    let v = numbers(6 * 27, 3);
    let (network, sums) = base(&x);
    let network = network
        .floats("v", &[6, 3, 3, 3], &v)
        .integers("pads", INT64, &[2], &[1, 2])
        .integers("axes", INT64, &[1], &[1])
        .node("Conv", &["c", "v"], "d", &[PADS])
        .node("Pad", &["c", "pads", "", "axes"], "e", &[])
        .node("Add", &["d", "e"], "y", &[]);
    let mut expected = convolved(&sums, [3, 4, 4], &v, 6);
    for (at, value) in sums.iter().enumerate() {
        expected[16 + at] += value;
    }
    assert_near(&network.run(&x), &expected, 1e-5);
}

/// A ReLU in one of the layers that are joined, or behind the concatenation.
#[test]
fn joined_tensors_may_have_a_relu_or_none() {
    let x = numbers(32, 4);
    let v = numbers(54, 5);
    for (left, behind) in [(true, false), (false, true), (true, true), (false, false)] {
        let (network, sums) = base(&x);
        let mut network = network.floats("v", &[3, 2, 3, 3], &v).node("Conv", &["x", "v"], "d", &[PADS]);
        let mut expected = [sums, convolved(&x, [2, 4, 4], &v, 3)];
        network = network.node(if left { "Relu" } else { "Identity" }, &["c"], "a", &[]);
        if left {
            expected[0].iter_mut().for_each(|value| *value = value.max(0.0));
        }
        let pool = [("kernel_shape", Value::Ints(&[1, 1]))];
        network = network.node("MaxPool", &["a"], "m", &pool);
        network = network.node("Concat", &["m", "d"], "j", &[("axis", Value::Int(1))]);
        network = network.node(if behind { "Relu" } else { "Identity" }, &["j"], "r", &[]);
        let one: Vec<f32> = (0..6 * 6).map(|at| f32::from(u8::from(at / 6 == at % 6))).collect();
        network = network.floats("one", &[6, 6, 1, 1], &one).node("Conv", &["r", "one"], "y", &[]);
        let mut expected = expected.concat();
        if behind {
            expected.iter_mut().for_each(|value| *value = value.max(0.0));
        }
        assert_near(&network.run(&x), &expected, 1e-5);
    }
}

#[test]
fn functions_behind_the_last_layer_are_left_to_the_firmware() {
    let x = numbers(32, 6);
    let (network, sums) = base(&x);
    let shape = [1i64, -1, 3];
    let network = network
        .integers("shape", INT64, &[3], &shape)
        .integers("one", INT64, &[1], &[1])
        .node("Transpose", &["c"], "t", &[("perm", Value::Ints(&[0, 2, 3, 1]))])
        .node("Reshape", &["t", "shape"], "r", &[])
        .node("Sigmoid", &["r"], "s", &[])
        .nodes("TopK", &["r", "one"], &["largest", "index"], &[]);
    let foreign = network.read(&["s", "largest", "index"]).unwrap();
    assert_eq!(foreign.graph.nodes.len(), 1);
    let answers = foreign.execute(&x).unwrap();
    let at = |pixel: usize, channel: usize| sums[channel * 16 + pixel];
    let expected: Vec<f32> = (0..48).map(|place| 1.0 / (1.0 + (-at(place / 3, place % 3)).exp())).collect();
    assert_near(&answers[0].0.to_floats(), &expected, 1e-5);
    for pixel in 0..16 {
        let channels = [0, 1, 2].map(|channel| at(pixel, channel));
        let largest = channels.iter().copied().fold(f32::MIN, f32::max);
        assert_near(&[answers[1].0.to_floats()[pixel]], &[largest], 1e-5);
        assert_eq!(channels[answers[2].0.ints().unwrap()[pixel] as usize], largest);
    }
}

#[test]
fn sums_maxima_and_means_are_over_rows_and_columns() {
    let x = numbers(32, 7);
    type Reduce = fn(&mut dyn Iterator<Item = f32>) -> f32;
    let cases: [(&str, Reduce); 3] = [
        ("ReduceSum", |values| values.sum()),
        ("ReduceMean", |values| values.sum::<f32>() / 16.0),
        ("ReduceMax", |values| values.fold(f32::MIN, f32::max)),
    ];
    for (operator, reduce) in cases {
        for as_input in [false, true] {
            let (network, sums) = base(&x);
            let network = network.integers("axes", INT64, &[2], &[-1, 2]);
            let keeps = ("keepdims", Value::Int(0));
            let network = if as_input {
                network.node(operator, &["c", "axes"], "y", &[keeps])
            } else {
                network.node(operator, &["c"], "y", &[keeps, ("axes", Value::Ints(&[2, -1]))])
            };
            let expected = [0, 1, 2].map(|filter| reduce(&mut sums[filter * 16..][..16].iter().copied()));
            assert_near(&network.run(&x), &expected, 1e-5);
        }
    }
}

#[test]
fn channels_become_blocks_in_both_orders() {
    let x = numbers(16, 8);
    let w = numbers(8 * 9, 9);
    for mode in ["DCR", "CRD"] {
        let network = Network::new(&[1, 1, 4, 4])
            .floats("w", &[8, 1, 3, 3], &w)
            .node("Conv", &["x", "w"], "c", &[PADS])
            .node("DepthToSpace", &["c"], "y", &[("blocksize", Value::Int(2)), ("mode", Value::Text(mode))]);
        let sums = convolved(&x, [1, 4, 4], &w, 8);
        let expected: Vec<f32> = (0..2 * 8 * 8)
            .map(|place| {
                let (channel, row, column) = (place / 64, place % 64 / 8, place % 8);
                let cell = row % 2 * 2 + column % 2;
                let from = if mode == "DCR" { cell * 2 + channel } else { channel * 4 + cell };
                sums[from * 16 + row / 2 * 4 + column / 2]
            })
            .collect();
        assert_near(&network.run(&x), &expected, 1e-5);
    }
}

#[test]
fn splits_are_given_or_equal() {
    let x = numbers(16, 10);
    let w = numbers(5 * 9, 11);
    let sums = convolved(&x, [1, 4, 4], &w, 5);
    for given in [false, true] {
        let network = Network::new(&[1, 1, 4, 4])
            .floats("w", &[5, 1, 3, 3], &w)
            .integers("parts", INT64, &[2], &[3, 2])
            .node("Conv", &["x", "w"], "c", &[PADS]);
        let axis = ("axis", Value::Int(1));
        let network = if given {
            network.nodes("Split", &["c", "parts"], &["a", "b"], &[axis])
        } else {
            network.nodes("Split", &["c"], &["a", "b"], &[axis, ("num_outputs", Value::Int(2))])
        };
        let network = network.node("Concat", &["b", "a"], "y", &[("axis", Value::Int(1))]);
        assert_near(&network.run(&x), &[&sums[48..], &sums[..48]].concat(), 1e-5);
    }
}

/// What an exporter computes of shapes, with a batch of 1.
#[test]
fn chains_of_constants_are_folded() {
    let x = numbers(32, 12);
    let (network, sums) = base(&x);
    let network = network
        .integers("zero", INT64, &[], &[0])
        .integers("rest", INT64, &[1], &[-1])
        .integers("two", INT64, &[1], &[2])
        .integers("axes", INT64, &[1], &[0])
        .node("Shape", &["c"], "shape", &[])
        .node("Gather", &["shape", "zero"], "batch", &[])
        .node("Unsqueeze", &["batch", "axes"], "first", &[])
        .node("Concat", &["first", "rest"], "both", &[("axis", Value::Int(0))])
        .node("Equal", &["both", "rest"], "open", &[])
        .node("Tile", &["rest", "two"], "rests", &[])
        .node("Where", &["open", "rests", "both"], "wanted", &[])
        .node("Reshape", &["c", "wanted"], "r", &[])
        .node("Expand", &["r", "first"], "y", &[]);
    assert_near(&network.run(&x), &sums, 1e-5);
}

#[test]
fn images_are_resized_by_the_axes_that_are_named() {
    let x = numbers(32, 13);
    let (network, sums) = base(&x);
    let network = network.opset(18).floats("factors", &[2], &[2.0, 1.0]).node(
        "Resize",
        &["c", "", "factors"],
        "y",
        &[
            ("axes", Value::Ints(&[2, 3])),
            ("mode", Value::Text("nearest")),
            ("coordinate_transformation_mode", Value::Text("asymmetric")),
            ("nearest_mode", Value::Text("floor")),
        ],
    );
    let expected: Vec<f32> = (0..3 * 8 * 4).map(|at| sums[at / 32 * 16 + at % 32 / 8 * 4 + at % 4]).collect();
    assert_near(&network.run(&x), &expected, 1e-5);
}

/// Functions, pools and joins read no images: a layer that changes nothing stands before them.
#[test]
fn what_cannot_read_the_input_reads_a_copy() {
    let x = numbers(32, 14);
    let w = numbers(54, 15);
    let network = Network::new(&[1, 2, 4, 4])
        .floats("w", &[3, 2, 3, 3], &w)
        .node("Tanh", &["x"], "t", &[])
        .node("Add", &["t", "x"], "a", &[])
        .node("Conv", &["a", "w"], "y", &[PADS]);
    let seen: Vec<f32> = x.iter().map(|x| x.tanh() + x).collect();
    assert_near(&network.run(&x), &convolved(&seen, [2, 4, 4], &w, 3), 1e-5);
}
