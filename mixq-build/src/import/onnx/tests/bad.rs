//! Files that are damaged, or ask for what cannot be: messages, and no panics.

use super::*;

const PADS: (&str, Value) = ("pads", Value::Ints(&[1, 1, 1, 1]));

fn base() -> Network {
    Network::new(&[1, 2, 4, 4]).floats("w", &[3, 2, 3, 3], &numbers(54, 1)).node(
        "Conv",
        &["x", "w"],
        "c",
        &[PADS],
    )
}

#[test]
fn everything_unsupported_is_named_at_once() {
    let network = base()
        .node("LRN", &["c"], "a", &[])
        .node("InstanceNormalization", &["c", "w", "w"], "b", &[])
        .node("Hardmax", &["c"], "d", &[])
        .node("Concat", &["a", "b", "d"], "e", &[("axis", Value::Int(1))])
        .node("Conv", &["e", "w"], "y", &[PADS]);
    let refused = network.refusals(&["y"]);
    for operator in ["LRN", "InstanceNormalization", "Hardmax"] {
        assert!(refused.iter().any(|what| what.contains(operator)), "{operator} in {refused:?}");
    }
    assert_eq!(refused.len(), 3, "{refused:?}");
}

#[test]
fn numbers_beyond_all_bounds_are_refused() {
    let far = i64::MAX;
    let cases = [
        base().node("Conv", &["c", "w"], "y", &[("pads", Value::Ints(&[far, far, far, far]))]),
        base().node("Conv", &["c", "w"], "y", &[("strides", Value::Ints(&[0, far]))]),
        base().node("Conv", &["c", "w"], "y", &[("dilations", Value::Ints(&[far, far]))]),
        base().node("MaxPool", &["c"], "y", &[("kernel_shape", Value::Ints(&[far, far])), PADS]),
        base().node("Pad", &["c"], "y", &[("pads", Value::Ints(&[0, far, far, 0, 0, far, far, 0]))]),
        base().node("Pad", &["c"], "y", &[("pads", Value::Ints(&[0, 65_000, 0, 0, 0, 65_000, 0, 0]))]),
        base().node("DepthToSpace", &["c"], "y", &[("blocksize", Value::Int(far))]),
        base().node("SpaceToDepth", &["c"], "y", &[("blocksize", Value::Int(far))]),
        base().integers("s", INT64, &[4], &[far, far, far, far]).node("Expand", &["c", "s"], "y", &[]),
        base().integers("s", INT64, &[4], &[far, far, far, far]).node("Tile", &["c", "s"], "y", &[]),
        base().integers("s", INT64, &[4], &[far, far, 0, -1]).node("Reshape", &["c", "s"], "y", &[]),
        base().floats("f", &[4], &[1.0, 1.0, 1e30, f32::NAN]).node("Resize", &["c", "", "f"], "y", &[]),
        base().node("Concat", &[], "y", &[]),
        base().node("Transpose", &["c"], "y", &[("perm", Value::Ints(&[0, 1, 2, 9]))]),
        base().nodes("Split", &["c"], &["y", "z"], &[("split", Value::Ints(&[far, far]))]),
        base().node("Gather", &["c", "w"], "y", &[("axis", Value::Int(far))]),
        base().node("Add", &["c", "y"], "y", &[]),
        base().node("Add", &["c", "missing"], "y", &[]),
        base().node("QuantizeLinear", &["c"], "y", &[]),
        base().node("ConvInteger", &["c"], "y", &[]),
        base().node("RequantShift", &["c", "w", "w"], "y", &[]),
        base().node("finn.custom_op.general::MultiThreshold", &["c"], "y", &[]),
        base().node("qonnx.custom_op.channels_last::Conv", &[], "y", &[]),
        base().node("com.microsoft::QLinearConcat", &["c"], "y", &[]),
        Network::new(&[1, 1 << 40, 1 << 40, 1 << 40]).node("Relu", &["x"], "y", &[]),
        Network::new(&[1, 65_000, 65_000, 3]).node("Relu", &["x"], "y", &[]),
    ];
    for (index, network) in cases.into_iter().enumerate() {
        let Err(error) = network.read(&["y"]) else { panic!("case {index} was read") };
        let refused: Vec<String> = error.problems.into_iter().map(|problem| problem.message).collect();
        assert!(!refused.is_empty() && refused.iter().all(|what| !what.is_empty()), "case {index}");
    }
}

/// Each byte of a small file changed in several ways, and the file cut off behind each byte.
#[test]
fn damaged_files_are_no_reason_to_panic() {
    let file = base()
        .floats("s", &[], &[0.25])
        .integers("z", UINT8, &[], &[100])
        .integers("shape", INT64, &[2], &[1, -1])
        .floats("v", &[48, 2], &numbers(96, 2))
        .node("Relu", &["c"], "r", &[])
        .node("QuantizeLinear", &["r", "s", "z"], "q", &[])
        .node("DequantizeLinear", &["q", "s", "z"], "d", &[])
        .node("Reshape", &["d", "shape"], "f", &[])
        .node("Gemm", &["f", "v"], "g", &[])
        .node("Softmax", &["g"], "y", &[])
        .bytes(&["y"]);
    damage("model.onnx", &file);
}

/// As torch writes it since version 17, and before that in pieces.
#[test]
fn layer_norms_are_refused_with_what_helps() {
    let sized =
        || Network::new(&[1, 6]).floats("w", &[6, 6], &numbers(36, 1)).floats("ones", &[6], &[1.0; 6]);
    let whole = sized()
        .node("MatMul", &["x", "w"], "a", &[])
        .node("LayerNormalization", &["a", "ones", "ones"], "n", &[("axis", Value::Int(-1))])
        .node("MatMul", &["n", "w"], "y", &[]);
    let axes = || [("axes", Value::Ints(&[-1]))];
    let pieces = sized()
        .floats("two", &[], &[2.0])
        .floats("little", &[], &[1e-5])
        .node("MatMul", &["x", "w"], "a", &[])
        .node("ReduceMean", &["a"], "mean", &axes())
        .node("Sub", &["a", "mean"], "d", &[])
        .node("Pow", &["d", "two"], "square", &[])
        .node("ReduceMean", &["square"], "variance", &axes())
        .node("Add", &["variance", "little"], "sum", &[])
        .node("Sqrt", &["sum"], "deviation", &[])
        .node("Div", &["d", "deviation"], "n", &[])
        .node("MatMul", &["n", "w"], "y", &[]);
    for (network, wanted) in [(whole, "LayerNormalization"), (pieces, "a layer norm in pieces")] {
        let error = network.read(&["y"]).map(drop).unwrap_err();
        assert!(error.problems[0].message.contains(wanted), "{error:?}");
        let help = error.problems[0].help.as_deref().unwrap_or("");
        assert!(help.contains("batch norm"), "{error:?}");
    }
}
