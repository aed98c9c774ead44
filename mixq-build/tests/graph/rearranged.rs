//! Operators that move elements: shapes, grids, messages.

use mixq_build::engine::graph::op::{Coordinates, Interpolation, Rearrange, Resize};
use mixq_build::engine::graph::{Op, Shape, Source, Window};

use super::list::{STEM, check, list};
use super::resolve;

/// What the second layer of a list computes and writes; it reads 8x8x4.
fn second(keys: &str) -> (Op, [usize; 3]) {
    let graph = resolve(&list(&format!("{STEM}[[layer]]\n{keys}\n"))).unwrap_or_else(|e| panic!("{e}"));
    let Shape { height, width, channels } = graph.nodes[1].output;
    (graph.nodes[1].op, [height, width, channels])
}

#[test]
fn every_operator_has_its_shape() {
    for (keys, rearrange, shape) in [
        ("op = \"slice\"\nchannels = 3", Rearrange::Slice { first: 0, channels: 3 }, [8, 8, 3]),
        ("op = \"slice\"\nfirst = 2\nchannels = 2", Rearrange::Slice { first: 2, channels: 2 }, [8, 8, 2]),
        ("op = \"channel_shuffle\"\ngroups = 2", Rearrange::Shuffle { groups: 2 }, [8, 8, 4]),
        ("op = \"pad\"\npadding = [1, 2, 3, 4]", Rearrange::Pad { padding: [1, 2, 3, 4] }, [11, 15, 4]),
        ("op = \"upsample\"\nfactor = [2, 3]", Rearrange::Upsample { factor: [2, 3] }, [16, 24, 4]),
        ("op = \"depth_to_space\"\nblock = 2", Rearrange::DepthToSpace { block: 2 }, [16, 16, 1]),
        ("op = \"space_to_depth\"\nblock = 4", Rearrange::SpaceToDepth { block: 4 }, [2, 2, 64]),
        ("op = \"reshape\"\nshape = [1, 16, 16]", Rearrange::Reshape, [1, 16, 16]),
        (
            "op = \"transpose\"\norder = [\"channels\", \"height\", \"width\"]",
            Rearrange::Transpose { order: [2, 0, 1] },
            [4, 8, 8],
        ),
    ] {
        assert_eq!(second(keys), (Op::Rearrange(rearrange), shape), "{keys}");
    }
}

/// 6 channels become 4: pixels of 2 channels come between.
#[test]
fn a_reshape_whose_channels_do_not_divide_has_two_steps() {
    let graph = resolve(&list(
        "[[layer]]\nop = \"pointwise\"\nname = \"six\"\nfilters = 6\n\
         [[layer]]\nop = \"reshape\"\nshape = [12, 8, 4]\n",
    ))
    .unwrap_or_else(|error| panic!("{error}"));
    let shape = |height, width, channels| Shape { height, width, channels };
    let nodes: Vec<(&str, Shape)> = graph.nodes.iter().map(|node| (&node.name[..], node.output)).collect();
    assert_eq!(nodes[1..3], [("reshape1.parts", shape(8, 24, 2)), ("reshape1", shape(12, 8, 4))]);
}

const BRANCHES: &str = r#"
layer = [
    { op = "conv", name = "a", filters = 3, kernel = 3 },
    { op = "max_pool", name = "pool", kernel = 3, stride = 1, padding = "same" },
    { op = "pointwise", name = "b", filters = 5, inputs = ["a"] },
    { op = "concat", name = "all", inputs = ["pool", "b", "a"] },
    { op = "linear", features = 2 },
]
"#;

#[test]
fn a_concatenation_is_written_part_by_part_in_one_place() {
    let graph = resolve(&format!("input = [4, 4, 1]{BRANCHES}")).unwrap();
    let names: Vec<&str> = graph.nodes.iter().map(|node| &node.name[..]).collect();
    assert_eq!(names, ["a", "pool", "b", "all.1", "all.2", "all", "linear1"]);
    let join = |first| Op::Rearrange(Rearrange::Join { first });
    let parts: Vec<(Op, &[Source])> =
        graph.nodes[3..6].iter().map(|node| (node.op, &node.inputs[..])).collect();
    let node = Source::Node;
    let expected: [(Op, &[Source]); 3] =
        [(join(0), &[node(1)]), (join(3), &[node(2), node(3)]), (join(8), &[node(0), node(4)])];
    assert_eq!(parts, expected);
    assert!(graph.nodes[3..6].iter().all(|node| node.output.channels == 11));
    // All have the grid of `a`, through the pool.
    assert_eq!(graph.grids(), [0, 0, 0, 0, 0, 0, 6]);
}

#[test]
fn what_cannot_move_is_said() {
    for (keys, said) in [
        (
            "op = \"slice\"\nfirst = 3\nchannels = 2",
            "layer `slice1` takes 2 channels from channel 3 on of `stem` (8x8x4)",
        ),
        (
            "op = \"channel_shuffle\"\ngroups = 3",
            "layer `channel_shuffle1` shuffles 3 groups of the channels of `stem` (8x8x4)",
        ),
        (
            "op = \"reshape\"\nshape = [8, 8, 5]",
            "layer `reshape1` makes 8x8x5 of `stem` (8x8x4): 320 elements of 256",
        ),
        (
            "op = \"transpose\"\norder = [\"width\", \"width\", \"channels\"]",
            "layer `transpose1` has the `order` width, width, channels",
        ),
        ("op = \"pad\"\npadding = \"same\"", "layer `pad1` has a `padding` that depends on a window"),
        (
            "op = \"depth_to_space\"\nblock = 3",
            "layer `depth_to_space1` makes blocks of 3x3 pixels of `stem` (8x8x4)",
        ),
        (
            "op = \"space_to_depth\"\nblock = 3",
            "layer `space_to_depth1` takes blocks of 3x3 pixels of `stem` (8x8x4)",
        ),
        (
            "op = \"transposed_conv\"\nfilters = 2\nkernel = [2, 3]\npadding = [0, 5, 1, 1]",
            "layer `transposed_conv1` has a 2x3 kernel and padding [0, 5, 1, 1] (top, bottom, left, right)",
        ),
        (
            "op = \"resize\"\nfactor = 1.5",
            "`factor` is 1.5, it must be a whole number of 1 to 65,535, or [height, width]; op = \"resize\" \
             with size = [height, width] makes any other size",
        ),
        (
            "op = \"pad\"\npadding = 70000",
            "`padding` is 70000, it must be \"same\", \"valid\", \"symmetric\", a number of pixels of 0 to",
        ),
        ("op = \"lstm\"", "mixq has no recurrent layers"),
        ("op = \"upsample\"\nfactor = 60000", "layer `upsample1` writes 480000x480000x4"),
        ("op = \"concat\"", "layer `concat1` has 1 input, the operator concat needs 2 or more"),
    ] {
        let found = resolve(&list(&format!("{STEM}[[layer]]\n{keys}\n"))).expect_err(keys).to_string();
        assert!(found.contains(said), "{keys}: {found}");
    }
    let sizes = BRANCHES.replace("stride = 1, padding = \"same\"", "stride = 2");
    let found = resolve(&format!("input = [5, 5, 1]{sizes}")).unwrap_err().to_string();
    assert!(
        found.contains("layer `all` joins `pool` (2x2x3) and `b` (5x5x5), whose sizes differ"),
        "{found}"
    );
    let image = BRANCHES.replace("[\"pool\", \"b\", \"a\"]", "[\"image\", \"b\", \"pool\"]");
    let found = resolve(&format!("input = [4, 4, 1]{image}")).unwrap_err().to_string();
    assert!(found.contains("layer `all` with the operator concat reads the image"), "{found}");
}

/// A single number is a square kernel, which has no place on a single row or column.
#[test]
fn kernels_on_one_row_are_written_with_both_sides() {
    for (input, kernel) in [("[1, 24, 1]", "[1, 2]"), ("[24, 1, 1]", "[2, 1]")] {
        let layer = "[[layer]]\nop = \"pointwise\"\nfilters = 3\n[[layer]]\nop = \"max_pool\"\nkernel = 2\n";
        let found = resolve(&format!("input = {input}\n{layer}")).unwrap_err().to_string();
        assert!(found.contains("layer `max_pool1` has a 2x2 kernel, which does not fit"), "{found}");
        assert!(found.contains(&format!("a kernel is {kernel}")), "{found}");
    }
}

/// Padding before convolutions is that of their windows, also on the image. Where a pool reads it, too, or
/// the firmware does, or it is as large as a window, it stays a layer.
#[test]
fn convolutions_pad_in_place_of_a_layer_before_them() {
    let pad = "[[layer]]\nop = \"pad\"\npadding = [0, 1, 0, 2]\n";
    let conv = "[[layer]]\nop = \"conv\"\nfilters = 4\nkernel = 3\nstride = 2\npadding = \"valid\"\n";
    let logits = "[[layer]]\nop = \"linear\"\nfeatures = 2\n";
    let nodes = |text: &str| {
        let graph = resolve(&format!("input = [8, 8, 4]\n{text}{logits}")).unwrap_or_else(|e| panic!("{e}"));
        let nodes =
            graph.nodes.iter().map(|node| (node.name.clone(), node.op.window().copied(), node.output));
        nodes.collect::<Vec<_>>()
    };
    let window = |padding| Some(Window { kernel: [3, 3], stride: [2, 2], padding });
    // (8 + 1 - 3) / 2 + 1 = 4 rows, (8 + 2 - 3) / 2 + 1 = 4 columns.
    let output = Shape { height: 4, width: 4, channels: 4 };
    let found = nodes(&format!("{pad}{conv}"));
    assert_eq!(found[0], ("conv1".to_string(), window([0, 1, 0, 2]), output));
    let found = nodes(&format!("{STEM}{pad}{}", conv.replace("\"valid\"", "[1, 0, 2, 0]")));
    assert_eq!(found.len(), 3);
    assert_eq!(found[1].1, window([1, 1, 2, 2]));
    let found = nodes(&format!("{STEM}{}{conv}", pad.replace("[0, 1, 0, 2]", "[3, 0, 0, 0]")));
    assert_eq!(found[1].0, "pad1");
    let dilated = format!("{conv}dilation = 2\n");
    let found = nodes(&format!("{STEM}{}{dilated}", pad.replace("[0, 1, 0, 2]", "[3, 0, 0, 0]")));
    assert_eq!(found[1].0, "conv2");
    let pool = "[[layer]]\nop = \"max_pool\"\nkernel = 3\nstride = 2\ninputs = [\"pad1\"]\n";
    let sum = "[[layer]]\nop = \"add\"\ninputs = [\"conv2\", \"max_pool1\"]\n";
    let found = nodes(&format!("{STEM}{pad}{conv}{pool}{sum}"));
    assert_eq!(found[1].0, "pad1");
    let found = nodes(&format!("{STEM}{pad}output = true\n{conv}"));
    assert_eq!(found[1].0, "pad1");
    // What is read by a padding that goes may be an output.
    let found = nodes(&format!("{STEM}output = true\n{pad}{conv}"));
    assert_eq!(found[1].0, "conv2");
}

#[test]
fn joined_layers_need_one_activation() {
    let mixed = BRANCHES.replace("filters = 5,", "filters = 5, activation = \"none\",");
    check(
        &format!("input = [4, 4, 1]{mixed}"),
        &["net.toml:6:12: layer `all` joins what `a` (with ReLU) and `b` (without ReLU) write, which need \
           one range; give all joined layers the same activation; instead, a function may be a layer of \
           its own behind the concat | { op = \"concat\", name = \"all\", \
           inputs = [\"pool\", \"b\", \"a\"] },"],
    );
    // A table can write any grid.
    let function = BRANCHES.replace("filters = 5,", "filters = 5, activation = \"sigmoid\",");
    let found = resolve(&format!("input = [4, 4, 1]{function}"));
    assert!(found.is_ok(), "{found:?}");
    let below = BRANCHES.replace("filters = 5,", "filters = 5, activation = \"tanh\",");
    let found = resolve(&format!("input = [4, 4, 1]{below}")).unwrap_err().to_string();
    assert!(found.contains("`a` (with ReLU) and `b.tanh`"), "{found}");
}

#[test]
fn a_resize_has_a_size_or_a_factor() {
    let resize = |size, interpolation, coordinates| Op::Resize(Resize { size, interpolation, coordinates });
    let (bilinear, nearest) = (Interpolation::Bilinear, Interpolation::Nearest);
    for (keys, op, shape) in [
        ("size = [5, 7]", resize([5, 7], bilinear, Coordinates::HalfPixel), [5, 7, 4]),
        (
            "factor = 2\ninterpolation = \"nearest\"\ncoordinates = \"asymmetric\"",
            resize([16, 16], nearest, Coordinates::Asymmetric),
            [16, 16, 4],
        ),
    ] {
        assert_eq!(second(&format!("op = \"resize\"\n{keys}")), (op, shape), "{keys}");
    }
    let help = "give one: size = [height, width] of the output, or factor = ...";
    for (keys, which) in [("", "neither"), ("factor = 2\nsize = [4, 4]", "both")] {
        let text = list(&format!("{STEM}[[layer]]\nname = \"wide\"\nop = \"resize\"\n{keys}\n"));
        let message = resolve(&text).unwrap_err().to_string();
        assert!(message.contains(&format!("layer `wide` has {which} of `size` and `factor`")), "{message}");
        assert!(message.contains(help), "{message}");
    }
    let text = list(&format!("{STEM}[[layer]]\nop = \"resize\"\nfactor = [10000, 1]\n"));
    let message = resolve(&text).unwrap_err().to_string();
    assert!(message.contains("resizes to 80000x8"), "{message}");
}
