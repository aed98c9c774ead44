//! Functions of each element, with the parameters that ONNX has.

use super::*;

/// Behind a layer and before another one, so that it is a layer.
fn network(operator: &str, inputs: &[&str], attributes: &[(&str, Value)]) -> Network {
    let one: Vec<f32> = (0..64).map(|at| f32::from(u8::from(at / 8 == at % 8))).collect();
    Network::new(&[1, 8])
        .floats("one", &[8, 8], &one)
        .floats("least", &[], &[-0.75])
        .floats("most", &[], &[0.5])
        .node("MatMul", &["x", "one"], "a", &[])
        .node(operator, inputs, "b", attributes)
        .node("MatMul", &["b", "one"], "y", &[])
}

#[test]
fn functions_are_those_of_onnx() {
    let x: Vec<f32> = numbers(8, 1).iter().map(|x| x * 4.0).collect();
    let alpha = |value: f32| ("alpha", Value::Float(value));
    type Formula = fn(f32) -> f32;
    type Case<'a> = (&'a str, &'a [(&'a str, Value<'a>)], Formula);
    let cases: [Case; 14] = [
        ("Relu", &[], |x| if x > 0.0 { x } else { 0.0 }),
        ("ThresholdedRelu", &[alpha(0.0)], |x| if x > 0.0 { x } else { 0.0 }),
        ("LeakyRelu", &[], |x| if x > 0.0 { x } else { 0.01 * x }),
        ("LeakyRelu", &[alpha(0.2)], |x| if x > 0.0 { x } else { 0.2 * x }),
        ("Elu", &[alpha(2.0)], |x| if x > 0.0 { x } else { 2.0 * (x.exp() - 1.0) }),
        ("Celu", &[], |x| if x > 0.0 { x } else { x.exp() - 1.0 }),
        ("Selu", &[], |x| 1.050_701 * if x > 0.0 { x } else { 1.673_263_2 * (x.exp() - 1.0) }),
        ("HardSigmoid", &[], |x| (0.2 * x + 0.5).clamp(0.0, 1.0)),
        ("HardSigmoid", &[alpha(0.166_666_67)], |x| (x / 6.0 + 0.5).clamp(0.0, 1.0)),
        ("HardSwish", &[], |x| x * ((x + 3.0) / 6.0).clamp(0.0, 1.0)),
        ("Sigmoid", &[], |x| x.exp() / (x.exp() + 1.0)),
        ("Tanh", &[], |x| (x.exp() - (-x).exp()) / (x.exp() + (-x).exp())),
        ("Abs", &[], |x| if x < 0.0 { -x } else { x }),
        ("Sign", &[], |x| if x < 0.0 { -1.0 } else { 1.0 }),
    ];
    for (operator, attributes, formula) in cases {
        let expected: Vec<f32> = x.iter().map(|x| formula(*x)).collect();
        assert_near(&network(operator, &["a"], attributes).run(&x), &expected, 2e-6);
    }
}

#[test]
fn bounds_are_attributes_or_inputs() {
    let x = numbers(8, 2);
    let expected: Vec<f32> = x.iter().map(|x| x.clamp(-0.75, 0.5)).collect();
    assert_near(&network("Clip", &["a", "least", "most"], &[]).run(&x), &expected, 1e-6);
    let bounds = [("min", Value::Float(-0.75)), ("max", Value::Float(0.5))];
    assert_near(&network("Clip", &["a"], &bounds).opset(6).run(&x), &expected, 1e-6);
    let below: Vec<f32> = x.iter().map(|x| x.min(0.5)).collect();
    assert_near(&network("Clip", &["a", "", "most"], &[]).run(&x), &below, 1e-6);
}

/// A convolution with a function as its attribute, as ONNX Runtime writes it.
#[test]
fn fused_functions_are_nodes() {
    let (x, w) = (numbers(32, 3), numbers(54, 4));
    let sums = convolved(&x, [2, 4, 4], &w, 3);
    let fused = |activation: &str, parameters: &[f32]| {
        let attributes = [
            ("pads", Value::Ints(&[1, 1, 1, 1])),
            ("activation", Value::Text(activation)),
            ("activation_params", Value::Floats(parameters)),
        ];
        let one = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        Network::new(&[1, 2, 4, 4])
            .floats("w", &[3, 2, 3, 3], &w)
            .floats("one", &[3, 3, 1, 1], &one)
            .node("com.microsoft::FusedConv", &["x", "w"], "a", &attributes)
            .node("Conv", &["a", "one"], "y", &[])
            .run(&x)
    };
    let leaky: Vec<f32> = sums.iter().map(|x| x.max(0.0) + 0.1 * x.min(0.0)).collect();
    assert_near(&fused("LeakyRelu", &[0.1]), &leaky, 1e-5);
    let clipped: Vec<f32> = sums.iter().map(|x| x.clamp(-0.5, 0.25)).collect();
    assert_near(&fused("Clip", &[-0.5, 0.25]), &clipped, 1e-5);
}

#[test]
fn products_have_factors() {
    let (x, w) = (numbers(8, 5), numbers(24, 6));
    let network = Network::new(&[1, 8]).floats("w", &[3, 8], &w).floats("b", &[3], &[1.0, -2.0, 3.0]).node(
        "Gemm",
        &["x", "w", "b"],
        "y",
        &[("alpha", Value::Float(0.5)), ("beta", Value::Float(2.0)), ("transB", Value::Int(1))],
    );
    let row = |row: usize| {
        let sum: f32 = (0..8).map(|at| x[at] * w[row * 8 + at]).sum();
        0.5 * sum + 2.0 * [1.0, -2.0, 3.0][row]
    };
    assert_near(&network.run(&x), &[row(0), row(1), row(2)], 1e-5);
}
