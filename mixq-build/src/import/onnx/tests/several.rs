//! Networks of several inputs.

use super::*;
use crate::import::lower::Reading;

/// A photo of two channels and three measurements, with what is computed of them.
fn network(photo: &[i64], w: &[f32], v: &[f32]) -> Network {
    let axes = if photo[1] == 2 { [2, 3] } else { [1, 2] };
    Network::new(photo)
        .input("serving_default_Meta.1:0", &[1, 3])
        .floats("w", &[2, 4], w)
        .floats("v", &[4, 3], v)
        .node("ReduceMean", &["x"], "m", &[("axes", Value::Ints(&axes)), ("keepdims", Value::Int(0))])
        .node("MatMul", &["m", "w"], "a", &[])
        .node("Gemm", &["serving_default_Meta.1:0", "v"], "b", &[("transB", Value::Int(1))])
        .node("Add", &["a", "b"], "y", &[])
}

#[test]
fn each_input_has_its_own_order_and_name() {
    let (x, meta) = (numbers(2 * 5 * 4, 1), numbers(3, 2));
    let (w, v) = (numbers(8, 3), numbers(12, 4));
    for (photo, channels_last) in [([1, 2, 5, 4], false), ([1, 5, 4, 2], true)] {
        let foreign = network(&photo, &w, &v).read(&["y"]).unwrap();
        let names: Vec<&str> = foreign.lowered.spec.inputs.iter().map(|input| input.name.as_str()).collect();
        assert_eq!(names, ["x", "meta_1"]);
        assert_eq!(foreign.inputs[1].name, "serving_default_Meta.1:0");
        let shapes: Vec<String> = foreign.graph.inputs.iter().map(|input| input.shape.to_string()).collect();
        assert_eq!(shapes[1], "1x1x3");
        let mean = |channel: usize| {
            let own = |at: usize| if channels_last { x[at * 2 + channel] } else { x[channel * 20 + at] };
            (0..20).map(own).sum::<f32>() / 20.0
        };
        let expected: Vec<f32> = (0..4)
            .map(|at| {
                let rest: f32 = (0..3).map(|from| meta[from] * v[at * 3 + from]).sum();
                mean(0) * w[at] + mean(1) * w[4 + at] + rest
            })
            .collect();
        let answers = foreign.execute(&[&x[..], &meta].concat()).unwrap();
        assert_near(&answers[0].0.to_floats(), &expected, 1e-5);
    }
}

#[test]
fn a_factor_on_an_input_is_that_of_its_own() {
    let (x, other) = (numbers(6, 5), numbers(6, 6));
    let foreign = Network::new(&[1, 6])
        .input("other", &[1, 6])
        .floats("half", &[], &[0.5])
        .floats("w", &[6, 6], &numbers(36, 7))
        .node("Mul", &["other", "half"], "scaled", &[])
        .node("MatMul", &["x", "w"], "a", &[])
        .node("MatMul", &["scaled", "w"], "b", &[])
        .node("Sub", &["a", "b"], "y", &[])
        .read(&["y"])
        .unwrap();
    assert!(foreign.inputs[0].normalisation.is_none());
    assert_eq!(foreign.inputs[1].normalisation.as_ref().unwrap().std, [2.0; 6]);
    let difference: Vec<f32> = x.iter().zip(&other).map(|(x, other)| x - 0.5 * other).collect();
    let w = numbers(36, 7);
    let expected: Vec<f32> =
        (0..6).map(|at| (0..6).map(|from| difference[from] * w[from * 6 + at]).sum()).collect();
    assert_near(&foreign.execute(&[x, other].concat()).unwrap()[0].0.to_floats(), &expected, 1e-5);
}

#[test]
fn what_is_wrong_with_inputs_is_named() {
    let open = Network::new(&[1, 4]).input("five", &[1, 2, 3, 4, 5]).node("Add", &["x", "five"], "y", &[]);
    let refusals = open.refusals(&["y"]);
    assert!(refusals.iter().any(|it| it.contains("input `five` has 5 dimensions")), "{refusals:?}");
    let two = Network::new(&[1, 4]).input("z", &[1, 4]).node("Add", &["x", "z"], "y", &[]);
    let bytes = two.bytes(&["y"]);
    let refused = foreign::parse_as(Path::new("two.onnx"), &bytes, Reading::AS_IT_IS);
    let error = Error::from(refused.map(drop).unwrap_err());
    assert!(error.problems[0].message.contains("the model reads 2 inputs (x, z)"), "{error:?}");
}
