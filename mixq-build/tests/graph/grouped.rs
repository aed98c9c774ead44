//! Convolutions in groups of channels, with several filters for each channel, with gaps between taps.

use mixq_build::engine::graph::op::{Conv, Depthwise, GroupedConv};
use mixq_build::engine::graph::{Op, Shape, Window};

use super::list::{STEM, list};
use super::resolve;

/// What the second layer of a list computes and writes, and the shape of its weights; it reads 8x8x4.
fn second(keys: &str) -> (Op, [usize; 3], Vec<usize>) {
    let graph = resolve(&list(&format!("{STEM}[[layer]]\n{keys}\n"))).unwrap_or_else(|e| panic!("{e}"));
    let Shape { height, width, channels } = graph.nodes[1].output;
    (graph.nodes[1].op, [height, width, channels], graph.weight_shape(1))
}

#[test]
fn windows_with_gaps_and_groups_have_their_shapes() {
    let window = |kernel, padding| Window { kernel, stride: [1, 1], padding };
    for (keys, op, shape, weights) in [
        (
            "op = \"conv\"\nfilters = 6\nkernel = 3\ngroups = 2",
            GroupedConv { window: window([3, 3], [1; 4]), groups: 2, dilation: [1, 1] },
            [8, 8, 6],
            vec![6, 3, 3, 2],
        ),
        (
            "op = \"conv\"\nfilters = 5\nkernel = [3, 2]\ndilation = [2, 3]\npadding = \"valid\"",
            GroupedConv { window: window([3, 2], [0; 4]), groups: 1, dilation: [2, 3] },
            [4, 5, 5],
            vec![5, 3, 2, 4],
        ),
        (
            "op = \"depthwise\"\nkernel = 3\nmultiplier = 3",
            GroupedConv { window: window([3, 3], [1; 4]), groups: 4, dilation: [1, 1] },
            [8, 8, 12],
            vec![12, 3, 3, 1],
        ),
        (
            // A row has no gaps below it.
            "op = \"depthwise\"\nkernel = [1, 3]\ndilation = 2",
            GroupedConv { window: window([1, 3], [0, 0, 2, 2]), groups: 4, dilation: [1, 2] },
            [8, 8, 4],
            vec![4, 1, 3, 1],
        ),
    ] {
        assert_eq!(second(keys), (Op::GroupedConv(op), shape, weights), "{keys}");
    }
}

#[test]
fn what_is_a_plain_convolution_is_one() {
    let window = Window { kernel: [1, 1], stride: [1, 1], padding: [0; 4] };
    let keys = "op = \"conv\"\nfilters = 6\nkernel = 1\ndilation = 4";
    assert_eq!(second(keys), (Op::Conv(Conv { window }), [8, 8, 6], vec![6, 1, 1, 4]));
    let keys = "op = \"conv\"\nfilters = 4\nkernel = 1\ngroups = 4";
    assert_eq!(second(keys), (Op::Depthwise(Depthwise { window }), [8, 8, 4], vec![1, 1, 4]));
}

#[test]
fn what_does_not_fit_is_said() {
    for (keys, said) in [
        (
            "op = \"conv\"\nfilters = 6\nkernel = 3\ngroups = 3",
            "layer `conv2` has 3 groups and 6 filters, and reads `stem` (8x8x4)",
        ),
        (
            "op = \"conv\"\nfilters = 3\nkernel = 3\ngroups = 2",
            "layer `conv2` has 2 groups and 3 filters, and reads `stem` (8x8x4)",
        ),
        (
            "op = \"conv\"\nfilters = 3\nkernel = 3\ndilation = 4\npadding = \"valid\"",
            "layer `conv2` has a 3x3 kernel with a dilation of 4x4, which does not fit its input `stem`",
        ),
        (
            "op = \"conv\"\nfilters = 3\nkernel = 3\ndilation = 65535",
            "layer `conv2` has a 3x3 kernel with a dilation of 65535x65535",
        ),
        ("op = \"depthwise\"\nkernel = 1\nmultiplier = 20000", "layer `depthwise1` writes 8x8x80000"),
    ] {
        let found = resolve(&list(&format!("{STEM}[[layer]]\n{keys}\n"))).expect_err(keys).to_string();
        assert!(found.contains(said), "{keys}: {found}");
    }
}
