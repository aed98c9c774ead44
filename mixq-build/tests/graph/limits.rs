//! Messages about sizes: windows, tensors, sums; also those for networks that no file describes.

use mixq_build::engine::graph::op::{ConvSpec, GlobalMaxPool, LinearSpec};
use mixq_build::engine::graph::{Activation, Graph, LayerSpec, OpSpec, Padding, Shape, Spec};

use crate::list::{STEM, check, list};
use crate::resolve;

#[test]
fn windows() {
    check(
        &list(&format!(
            "{STEM}[[layer]]\nop = \"conv\"\nfilters = 4\nkernel = [3, 9]\npadding = \"valid\"\n"
        )),
        &["net.toml:8:6: layer `conv2` has a 3x9 kernel, which does not fit its input `stem` (8x8x4); use \
           a smaller kernel, more padding, or smaller strides before it | op = \"conv\""],
    );
    check(
        &list("[[layer]]\nop = \"depthwise\"\nkernel = 11\npadding = 1\n"),
        &["net.toml:3:6: layer `depthwise1` has a 11x11 kernel, which does not fit its input the image \
           (8x8x1), 10x10 with padding; use a smaller kernel, more padding, or smaller strides before it | \
           op = \"depthwise\""],
    );
    check(
        &list("[[layer]]\nop = \"conv\"\nfilters = 4\nkernel = 3\npadding = [1, 3, 0, 0]\n"),
        &["net.toml:3:6: layer `conv1` has a 3x3 kernel and padding [1, 3, 0, 0] (top, bottom, left, \
           right): a window would lie wholly in the padding; padding must be smaller than the kernel | op \
           = \"conv\""],
    );
}

#[test]
fn sizes() {
    check(
        "input = [65535, 65535, 2]\n[[layer]]\nop = \"linear\"\nfeatures = 2\n",
        &["net.toml:1:9: the image is 65535x65535x2; height, width and channels are each 1 to 65,535, all \
           elements at most 4,294,967,295 | input = [65535, 65535, 2]"],
    );
    let big = |layer: &str| list(layer).replace("[8, 8, 1]", "[65535, 1, 1]");
    check(
        &big("[[layer]]\nop = \"conv\"\nfilters = 1\nkernel = 5\npadding = [4, 4, 4, 4]\n"),
        &["net.toml:3:6: layer `conv1` writes 65539x5x1; no dimension may exceed 65,535, no tensor \
             4,294,967,295 elements | op = \"conv\""],
    );
    check(
        &big("[[layer]]\nop = \"linear\"\nname = \"wide\"\nfeatures = 65535\n[[layer]]\nop \
              = \"linear\"\nname = \"wider\"\nfeatures = 65535\n")
        .replace("[65535, 1, 1]", "[65535, 2, 1]"),
        &["net.toml:3:6: layer `wide` has 8589672450 weights; a layer has at most 4,294,967,295 weights: \
           use fewer filters or pool before it | op = \"linear\""],
    );
}

/// What a file cannot say, another importer can.
#[test]
fn lists_without_a_file() {
    let message = |height: usize, op: OpSpec| {
        let linear = LinearSpec { features: 2 };
        let layers = [LayerSpec::new("a\nb", op), LayerSpec::new("c", op), LayerSpec::new("d", linear)];
        let spec = Spec::new(Shape { height, width: 2, channels: 1 }, layers[1..].to_vec());
        let one = Graph::resolve(&spec).map(|_| ()).map_err(|error| error.to_string());
        let bad_name = Graph::resolve(&Spec { layers: vec![layers[0].clone()], ..spec }).unwrap_err();
        assert!(!bad_name.problems[0].to_string().contains('\n'));
        one
    };
    let conv =
        |filters, kernel, stride| OpSpec::Conv(ConvSpec { filters, kernel, stride, padding: Padding::Same });
    let problem = |text: &str| Err(text.to_string());
    assert_eq!(message(2, conv(1, [1, 1], [1, 1])), Ok(()));
    assert_eq!(
        message(2, conv(0, [1, 1], [1, 1])),
        problem("layer `c` has 0 filters; `filters` is 1 to 65,535")
    );
    assert_eq!(
        message(2, LinearSpec { features: 0 }.into()),
        problem("layer `c` has 0 features; `features` is 1 to 65,535")
    );
    assert_eq!(
        message(2, conv(1, [0, 3], [1, 1])),
        problem("layer `c` has a kernel of 0x3; each side is 1 to 65,535")
    );
    assert_eq!(
        message(2, conv(1, [1, 1], [1, 65_536])),
        problem("layer `c` has a stride of 1x65536; each side is 1 to 65,535")
    );
    assert_eq!(
        message(0, conv(1, [1, 1], [1, 1])),
        problem(
            "the image is 0x2x1; height, width and channels are each 1 to 65,535, all elements at most \
             4,294,967,295"
        )
    );
    let stem = LayerSpec::new("stem", conv(1, [1, 1], [1, 1]));
    let pool = LayerSpec::new("pool", GlobalMaxPool).followed_by(true, Activation::Relu);
    let layers = vec![stem, pool, LayerSpec::new("logits", LinearSpec { features: 2 })];
    let followed = Spec::new(Shape { height: 2, width: 2, channels: 1 }, layers);
    let found = Graph::resolve(&followed).unwrap_err().problems;
    let found: Vec<&str> = found.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        found,
        [
            "layer `pool` has batch norm, but its operator is global_max_pool",
            "layer `pool` has a ReLU, but its operator is global_max_pool",
        ]
    );
    let none = Spec::new(Shape { height: 1, width: 1, channels: 1 }, Vec::new());
    assert_eq!(Graph::resolve(&none).unwrap_err().to_string(), "the network has no layers");
}

/// 2^23 pixels of 255 and a bit for rounding are just what 32 bits hold.
#[test]
fn average_pools_of_too_many_pixels() {
    let network = |height: usize| {
        format!(
            "input = [{height}, 4096, 1]\n[[layer]]\nop = \"depthwise\"\nkernel = 1\n[[layer]]\nop = \
             \"global_average_pool\"\n\
             [[layer]]\nop = \"linear\"\nfeatures = 2\n"
        )
    };
    check(
        &network(4096),
        &["net.toml:6:6: layer `global_average_pool1` averages 4096x4096 pixels, but sums of more than \
             8388607 may exceed 32 bits; \
           put a layer with a larger stride, or a smaller pool, before it | op = \"global_average_pool\""],
    );
    assert!(resolve(&network(2048)).is_err() && resolve(&network(2047)).is_ok());
}
