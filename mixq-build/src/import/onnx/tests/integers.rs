//! Networks of integers (NEMO, QuantLib, Deeploy), QONNX and FINN: as float networks they are at most half a
//! step off, rounded as they are.

use super::*;

/// Sums of products with a factor, a summand and a divisor: what integer networks have instead of scales.
fn sums(x: &[i64], w: &[i64]) -> [i64; 3] {
    [0, 1, 2].map(|row| (0..16).map(|at| x[at] * w[row * 16 + at]).sum())
}

#[test]
fn quotients_of_integers_are_half_a_step_less() {
    let w = whole(48, -60, 60, 1);
    let (factors, summands) = ([700, 900, 500], [120_000, 100_000, 250_000]);
    for floor in [false, true] {
        for seed in 0..20 {
            let x = whole(16, 0, 255, 100 + seed);
            let network = Network::new(&[1, 16])
                .opset(10)
                .floats("w", &[16, 3], &real(&transposed(&w)))
                .floats("k", &[1, 3], &real(&factors))
                .floats("l", &[1, 3], &real(&summands))
                .floats("d", &[], &[16384.0])
                .integers("e", INT64, &[], &[16384])
                .floats("one", &[3, 3], &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0])
                .node("MatMul", &["x", "w"], "p", &[])
                .node("Mul", &["k", "p"], "m", &[])
                .node("Add", &["m", "l"], "a", &[]);
            let network = if floor {
                network.node("Div", &["a", "d"], "q", &[]).node("Floor", &["q"], "f", &[])
            } else {
                network
                    .node("Cast", &["a"], "i", &[("to", Value::Int(7))])
                    .node("Div", &["i", "e"], "q", &[])
                    .node("Cast", &["q"], "f", &[("to", Value::Int(1))])
            };
            let network = network
                .node("Clip", &["f"], "c", &[("min", Value::Float(0.0)), ("max", Value::Float(255.0))])
                .node("MatMul", &["c", "one"], "y", &[]);
            let exact = sums(&x, &w);
            let exact: Vec<f32> = (0..3)
                .map(|row| (exact[row] * factors[row] + summands[row]).div_euclid(16384).clamp(0, 255) as f32)
                .collect();
            for (found, exact) in network.run(&real(&x)).iter().zip(&exact) {
                assert!((found - exact).abs() <= 0.51, "{found}, not {exact}");
            }
        }
    }
}

/// Rows of three as columns.
fn transposed(w: &[i64]) -> Vec<i64> {
    (0..48).map(|at| w[at % 3 * 16 + at / 3]).collect()
}

#[test]
fn requantisation_of_deeploy_is_rounded_to_the_nearest() {
    let w = whole(48, -60, 60, 2);
    for (signed, levels, least) in [(1, 256.0, -128), (0, 16.0, 0)] {
        for seed in 0..20 {
            let x = whole(16, -128, 127, 200 + seed);
            let network = Network::new(&[1, 16])
                .floats("w", &[16, 3], &real(&transposed(&w)))
                .floats("k", &[1, 3], &[500.0, 300.0, 250.0])
                .floats("l", &[1, 3], &[0.0, 1000.0, -2000.0])
                .floats("one", &[3, 3], &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0])
                .node("MatMul", &["x", "w"], "p", &[])
                .node(
                    "RequantShift",
                    &["p", "k", "l"],
                    "r",
                    &[
                        ("div", Value::Float(65536.0)),
                        ("n_levels_out", Value::Float(levels)),
                        ("signed", Value::Int(signed)),
                    ],
                )
                .node("MatMul", &["r", "one"], "y", &[]);
            let sums = sums(&x, &w);
            for (row, found) in network.run(&real(&x)).iter().enumerate() {
                let sum = sums[row] * [500, 300, 250][row] + [0, 1000, -2000][row];
                let exact = ((sum + 32768) >> 16).clamp(least, least + levels as i64 - 1) as f32;
                // Eight bits have a range, and no bound beyond it.
                let beyond = signed == 1 && (exact as i64 == least || exact as i64 == 127);
                assert!(beyond || (found - exact).abs() <= 0.51, "{found}, not {exact}");
            }
        }
    }
}

#[test]
fn quant_rounds_weights_and_bounds_activations() {
    let (x, w) = (numbers(8, 3), numbers(24, 4));
    let network = Network::new(&[1, 8])
        .floats("w", &[3, 8], &w)
        .floats("ws", &[3, 1], &[0.25, 0.1, 0.3])
        .floats("zero", &[], &[0.0])
        .floats("three", &[], &[3.0])
        .floats("s", &[], &[0.25])
        .floats("one", &[3, 3], &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0])
        .node(
            "onnx.brevitas::Quant",
            &["w", "ws", "zero", "three"],
            "v",
            &[("narrow", Value::Int(1)), ("signed", Value::Int(1))],
        )
        .node("Transpose", &["v"], "t", &[])
        .node("MatMul", &["x", "t"], "p", &[])
        .node(
            "qonnx.custom_op.general::Quant",
            &["p", "s", "zero", "three"],
            "a",
            &[("narrow", Value::Int(0)), ("signed", Value::Int(1))],
        )
        .node("MatMul", &["a", "one"], "y", &[]);
    let row = |row: usize| {
        let scale = [0.25f32, 0.1, 0.3][row];
        let weight = |at: usize| (w[row * 8 + at] / scale).round().clamp(-3.0, 3.0) * scale;
        // Three bits: -4 to 3 steps of a quarter.
        (0..8).map(|at| x[at] * weight(at)).sum::<f32>().clamp(-1.0, 0.75)
    };
    assert_near(&network.run(&x), &[row(0), row(1), row(2)], 1e-5);
}

/// Signs of weights and of activations, and thresholds that are the same.
#[test]
fn two_values_are_a_sign() {
    let (x, w) = (numbers(8, 5), numbers(24, 6));
    let sign = |value: f32| if value < 0.0 { -1.0 } else { 1.0 };
    let sums = [0, 1, 2].map(|row| (0..8).map(|at| x[at] * sign(w[row * 8 + at])).sum::<f32>());
    let base = || {
        Network::new(&[1, 8])
            .floats("w", &[3, 8], &w)
            .floats("s", &[], &[1.0])
            .floats("half", &[], &[0.5])
            .floats("thresholds", &[3, 1], &[0.25, -0.5, 1.0])
            .floats("one", &[3, 3], &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0])
            .node("onnx.brevitas::BipolarQuant", &["w", "s"], "v", &[])
            .node("Transpose", &["v"], "t", &[])
            .node("MatMul", &["x", "t"], "p", &[])
    };
    let network = base().node("onnx.brevitas::BipolarQuant", &["p", "half"], "a", &[]).node(
        "MatMul",
        &["a", "one"],
        "y",
        &[],
    );
    assert_near(&network.run(&x), &sums.map(|sum| sign(sum) * 0.5), 1e-6);
    let scale = [("out_scale", Value::Float(2.0)), ("out_bias", Value::Float(-1.0))];
    let network = base()
        .node("finn.custom_op.general::MultiThreshold", &["p", "thresholds"], "a", &scale)
        .node("MatMul", &["a", "one"], "y", &[]);
    let distances = [sums[0] - 0.25, sums[1] + 0.5, sums[2] - 1.0];
    assert_near(&network.run(&x), &distances.map(sign), 1e-6);
}

#[test]
fn thresholds_at_equal_distances_are_a_quantisation() {
    let w = numbers(24, 7);
    let network = |table: &[f32]| {
        Network::new(&[1, 8])
            .floats("w", &[8, 3], &w)
            .floats("thresholds", &[1, 3], table)
            .floats("one", &[3, 3], &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0])
            .node("MatMul", &["x", "w"], "p", &[])
            .node(
                "finn.custom_op.general::MultiThreshold",
                &["p", "thresholds"],
                "a",
                &[("out_scale", Value::Float(0.5)), ("out_bias", Value::Float(-1.0))],
            )
            .node("MatMul", &["a", "one"], "y", &[])
    };
    for seed in 0..20 {
        let x = numbers(8, 300 + seed);
        let exact = |column: usize| {
            let sum: f32 = (0..8).map(|row| x[row] * w[row * 3 + column]).sum();
            [-0.5, 0.0, 0.5].iter().filter(|threshold| sum >= **threshold).count() as f32 * 0.5 - 1.0
        };
        let found = network(&[-0.5, 0.0, 0.5]).run(&x);
        for (column, found) in found.iter().enumerate() {
            assert!((found - exact(column)).abs() <= 0.2501, "{found}, not {}", exact(column));
        }
    }
    let refused = network(&[-0.5, 0.0, 0.9]).refusals(&["y"]);
    assert!(refused[0].contains("thresholds at unequal distances"), "{refused:?}");
}
