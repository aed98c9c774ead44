//! Quantised forms become the float network of the numbers that their integers stand for.

use super::*;

const PADS: (&str, Value) = ("pads", Value::Ints(&[1, 1, 1, 1]));

/// Weights of three filters with a scale for each, as integers and as numbers.
fn weights() -> (Vec<i64>, [f32; 3], Vec<f32>) {
    let integers = whole(3 * 2 * 9, -127, 127, 5);
    let scales = [0.01, 0.02, 0.005];
    let real = integers.iter().enumerate().map(|(at, value)| *value as f32 * scales[at / 18]).collect();
    (integers, scales, real)
}

#[test]
fn quantise_and_dequantise_vanish() {
    let (integers, scales, weights) = weights();
    let x = numbers(32, 1);
    let network = Network::new(&[1, 2, 4, 4])
        .integers("w", INT8, &[3, 2, 3, 3], &integers)
        .floats("ws", &[3], &scales)
        .integers("wz", INT8, &[3], &[0, 0, 0])
        .floats("s", &[], &[0.01])
        .integers("z", INT8, &[], &[3])
        .floats("t", &[], &[0.5])
        .integers("u", INT8, &[], &[-7])
        .node("QuantizeLinear", &["x", "s", "z"], "q", &[])
        .node("DequantizeLinear", &["q", "s", "z"], "d", &[])
        .node("DequantizeLinear", &["w", "ws", "wz"], "v", &[("axis", Value::Int(0))])
        .node("Conv", &["d", "v"], "c", &[PADS])
        .node("QuantizeLinear", &["c", "t", "u"], "y", &[]);
    let answers = network.answers(&["y"], &x);
    assert_near(&answers[0].0.to_floats(), &convolved(&x, [2, 4, 4], &weights, 3), 1e-5);
    // The file answers integers: what they stand for is known.
    let grid = answers[0].1.as_ref().unwrap();
    assert_eq!((&grid.scales[..], &grid.zero_points[..]), (&[0.5][..], &[-7][..]));
}

#[test]
fn integers_are_given_with_their_scale() {
    let (integers, _, _) = weights();
    let x = whole(32, 0, 255, 2);
    let given: Vec<f32> = x.iter().map(|x| (*x as f32 - 100.0) * 0.25).collect();
    let network = Network::of(UINT8, &[1, 2, 4, 4])
        .floats("w", &[3, 2, 3, 3], &real(&integers))
        .floats("s", &[], &[0.25])
        .integers("z", UINT8, &[], &[100])
        .node("DequantizeLinear", &["x", "s", "z"], "d", &[])
        .node("Conv", &["d", "w"], "y", &[PADS]);
    assert_near(&network.run(&real(&x)), &convolved(&given, [2, 4, 4], &real(&integers), 3), 1e-4);
}

/// Padding is the zero point in the integers, and so 0 in the numbers.
#[test]
fn integer_convolutions_lose_their_scales() {
    let (integers, _, _) = weights();
    let centred: Vec<f32> = integers.iter().map(|value| *value as f32 - 4.0).collect();
    let x = numbers(32, 3);
    let step = 0.125 * 0.5;
    let sums = convolved(&x, [2, 4, 4], &centred, 3);
    let expected: Vec<f32> = sums.iter().map(|sum| sum * step).collect();
    for dynamic in [false, true] {
        let network = Network::new(&[1, 2, 4, 4])
            .integers("w", INT8, &[3, 2, 3, 3], &integers)
            .integers("wz", INT8, &[], &[4])
            .floats("ws", &[], &[step])
            .floats("s", &[], &[0.02])
            .integers("z", UINT8, &[], &[113]);
        let network = if dynamic {
            network.nodes("DynamicQuantizeLinear", &["x"], &["q", "xs", "xz"], &[])
        } else {
            network
                .node("QuantizeLinear", &["x", "s", "z"], "q", &[])
                .node("Identity", &["s"], "xs", &[])
                .node("Identity", &["z"], "xz", &[])
        };
        let network = network
            .node("ConvInteger", &["q", "w", "xz", "wz"], "c", &[PADS])
            .node("Cast", &["c"], "f", &[("to", Value::Int(1))])
            .node("Mul", &["xs", "ws"], "ss", &[])
            .node("Mul", &["f", "ss"], "y", &[]);
        let foreign = network.read(&["y"]).unwrap();
        assert_eq!(foreign.graph.nodes.len(), 1, "factors are in the weights");
        assert_near(&foreign.execute(&x).unwrap()[0].0.to_floats(), &expected, 1e-4);
    }
}

#[test]
fn integer_products_have_a_zero_point_for_each_column() {
    let x = numbers(4, 4);
    let w = whole(12, 0, 255, 6);
    let zeros = [120, 130, 125];
    let network = Network::new(&[1, 4])
        .integers("w", UINT8, &[4, 3], &w)
        .integers("wz", UINT8, &[3], &zeros)
        .floats("ws", &[3], &[0.1, 0.2, 0.3])
        .nodes("DynamicQuantizeLinear", &["x"], &["q", "xs", "xz"], &[])
        .node("MatMulInteger", &["q", "w", "xz", "wz"], "c", &[])
        .node("Cast", &["c"], "f", &[("to", Value::Int(1))])
        .node("Mul", &["f", "xs"], "g", &[])
        .node("Mul", &["g", "ws"], "y", &[]);
    let column = |column: usize| {
        let sum = |row: usize| x[row] * (w[row * 3 + column] - zeros[column]) as f32;
        (0..4).map(sum).sum::<f32>() * [0.1, 0.2, 0.3][column]
    };
    assert_near(&network.run(&x), &[column(0), column(1), column(2)], 1e-5);
}

#[test]
fn operators_of_integers_are_those_of_numbers() {
    let (integers, scales, weights) = weights();
    let x = numbers(32, 7);
    let network = Network::new(&[1, 2, 4, 4])
        .integers("w", INT8, &[3, 2, 3, 3], &integers)
        .floats("ws", &[3], &scales)
        .integers("wz", INT8, &[3], &[0, 0, 0])
        .floats("s", &[], &[0.01])
        .integers("z", UINT8, &[], &[128])
        .floats("t", &[], &[0.5])
        .integers("b", INT32, &[3], &[100, -200, 300])
        .node("QuantizeLinear", &["x", "s", "z"], "q", &[])
        .node("QLinearConv", &["q", "s", "z", "w", "ws", "wz", "t", "z", "b"], "c", &[PADS])
        .node("com.microsoft::QLinearAdd", &["c", "t", "z", "c", "t", "z", "t", "z"], "a", &[])
        .node("com.microsoft::QLinearGlobalAveragePool", &["a", "t", "z", "t", "z"], "g", &[])
        .node("DequantizeLinear", &["g", "t", "z"], "y", &[]);
    let sums = convolved(&x, [2, 4, 4], &weights, 3);
    let mean = |filter: usize| {
        let bias = [100.0, -200.0, 300.0][filter] * 0.01 * scales[filter];
        2.0 * (sums[filter * 16..][..16].iter().sum::<f32>() / 16.0 + bias)
    };
    assert_near(&network.run(&x), &[mean(0), mean(1), mean(2)], 1e-4);
}

#[test]
fn matrices_of_integers_are_those_of_numbers() {
    let (x, w) = (numbers(4, 8), whole(12, -100, 100, 9));
    let network = |operator: &str, inputs: &[&str]| {
        Network::new(&[1, 4])
            .integers("w", INT8, &[4, 3], &w)
            .floats("ws", &[], &[0.1])
            .integers("wz", INT8, &[], &[5])
            .floats("s", &[], &[0.01])
            .integers("z", UINT8, &[], &[128])
            .node("QuantizeLinear", &["x", "s", "z"], "q", &[])
            .node(operator, inputs, "y", &[])
    };
    let column =
        |column: usize| (0..4).map(|row| x[row] * (w[row * 3 + column] - 5) as f32 * 0.1).sum::<f32>();
    let expected = [column(0), column(1), column(2)];
    for (operator, inputs) in [
        ("QLinearMatMul", &["q", "s", "z", "w", "ws", "wz", "s", "z"][..]),
        ("com.microsoft::QGemm", &["q", "s", "z", "w", "ws", "wz", "", "s", "z"][..]),
        ("com.microsoft::QGemm", &["q", "s", "z", "w", "ws", "wz"][..]),
        ("com.microsoft::DynamicQuantizeMatMul", &["x", "w", "ws", "wz"][..]),
        ("com.microsoft::MatMulIntegerToFloat", &["q", "w", "s", "ws", "z", "wz"][..]),
    ] {
        assert_near(&network(operator, inputs).run(&x), &expected, 1e-4);
    }
}

/// A tensor of integers is moved as one, and computed with as integers.
#[test]
fn integers_behind_a_quantisation_are_integers() {
    let x = numbers(32, 10);
    let w = numbers(3 * 2 * 9, 11);
    let network = Network::new(&[1, 2, 4, 4])
        .floats("w", &[3, 2, 3, 3], &w)
        .floats("s", &[], &[0.5])
        .integers("z", UINT8, &[], &[10])
        .floats("two", &[], &[2.0])
        .node("Conv", &["x", "w"], "c", &[PADS])
        .node("QuantizeLinear", &["c", "s", "z"], "q", &[])
        .node("Transpose", &["q"], "t", &[("perm", Value::Ints(&[0, 2, 3, 1]))])
        .node("Cast", &["t"], "f", &[("to", Value::Int(1))])
        .node("Mul", &["f", "two"], "y", &[]);
    let sums = convolved(&x, [2, 4, 4], &w, 3);
    let expected: Vec<f32> = (0..48).map(|at| (sums[at % 3 * 16 + at / 3] / 0.5 + 10.0) * 2.0).collect();
    assert_near(&network.run(&x), &expected, 1e-4);
}
