//! Every message, with its place and its numbers.

use mixq_build::engine::graph::op::{ConvSpec, GlobalMaxPool, LinearSpec};
use mixq_build::engine::graph::{Activation, Graph, LayerSpec, OpSpec, Padding, Shape, Spec};

use super::resolve;

/// All problems of a list, one a line.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let found = resolve(text).expect_err("no problem found").to_string();
    assert_eq!(found.lines().collect::<Vec<_>>(), expected);
}

/// A list on an 8x8x1 image that ends in a linear layer; the middle begins in line 2.
fn list(middle: &str) -> String {
    format!("input = [8, 8, 1]\n{middle}[[layer]]\nop = \"linear\"\nfeatures = 3\n")
}

const STEM: &str = "[[layer]]\nop = \"conv\"\nname = \"stem\"\nfilters = 4\nkernel = 3\n";

#[test]
fn texts_that_are_no_list() {
    check(
        "input = [8, 8",
        &["net.toml:1:14: this is not valid TOML: unclosed array, expected `]` | input = [8, 8"],
    );
    check(
        "# nothing\n",
        &[
            "net.toml:1:1: the network has no `input`; add input = [height, width, channels] | # nothing",
            "net.toml:1:1: the network has no layers; begin each layer with [[layer]], for example with op \
             = \"conv\" | # nothing",
        ],
    );
    check(
        "layer = 3\ninput = [8, 0, 1]\n",
        &[
            "net.toml:1:9: `layer` is an integer, it must be a list of tables; begin each layer with \
             [[layer]], for example with op = \"conv\" | layer = 3",
            "net.toml:2:9: `input` is [8, 0, 1], it must be [height, width, channels], each 1 to 65,535 | \
             input = [8, 0, 1]",
        ],
    );
    check(
        "input = [1, 1, 1]\nlayer = [3]\n",
        &["net.toml:2:10: `layer` holds 3, it must hold tables; begin each layer with [[layer]], \
             for example with op = \"conv\" | layer = [3]"],
    );
}

#[test]
fn keys() {
    check(
        &list("[[layer]]\nop = \"conv\"\nfilters = 4\nkernal = 3\n[[layer]]\nop = \"add\"\nzzz = 1\n")
            .replace("input =", "inputs = 1\ninput ="),
        &[
            "net.toml:1:1: unknown key `inputs` in a network; did you mean `input`? | inputs = 1",
            "net.toml:4:6: a conv layer needs `kernel`; add kernel = ... to this layer | op = \"conv\"",
            "net.toml:6:1: unknown key `kernal` in a conv layer; did you mean `kernel`? | kernal = 3",
            "net.toml:9:1: unknown key `zzz` in an add layer; known are `activation`, `op`, `name`, \
             `inputs` | zzz = 1",
        ],
    );
    check(
        &list(
            "[[layer]]\nname = \"a\"\n[[layer]]\nop = \"depthwize\"\n[[layer]]\nop = \"zzz\"\n\
             [[layer]]\nop = 3\n",
        ),
        &[
            "net.toml:2:1: a layer has no `op`; add one of conv, depthwise, pointwise, linear, average_pool, \
             global_average_pool, max_pool, global_max_pool, add, flatten, batch_norm, relu | [[layer]]",
            "net.toml:5:6: there is no operator \"depthwize\"; did you mean \"depthwise\"? | op \
             = \"depthwize\"",
            "net.toml:7:6: there is no operator \"zzz\"; the operators are conv, depthwise, pointwise, \
             linear, average_pool, global_average_pool, max_pool, global_max_pool, add, flatten, \
             batch_norm, relu | op = \"zzz\"",
            "net.toml:9:6: `op` is an integer, it must be a string | op = 3",
        ],
    );
}

#[test]
fn values() {
    check(
        &list(
            "[[layer]]\nop = \"conv\"\nname = 7\nfilters = 0\nkernel = [3, 70000]\nstride = 1.5\npadding \
             = \"full\"\nbatch_norm = 1\n\
             activation = \"gelu\"\ninputs = \"image\"\n[[layer]]\nop = \"max_pool\"\nkernel = \
             true\npadding = [1, -1, 0, 0]\ninputs = []\n",
        ),
        &[
            "net.toml:4:8: `name` is an integer, it must be a string | name = 7",
            "net.toml:5:11: `filters` is 0, it must be a whole number of 1 to 65,535 | filters = 0",
            "net.toml:6:10: `kernel` is [3, 70000], it must be a whole number of 1 to 65,535, or [height, \
             width] | kernel = [3, 70000]",
            "net.toml:7:10: `stride` is 1.5, it must be a whole number of 1 to 65,535, or [height, width] | \
             stride = 1.5",
            "net.toml:8:11: `padding` is \"full\", it must be \"same\", \"valid\", \"symmetric\", a number \
             of pixels, or [top, bottom, left, right] | padding = \"full\"",
            "net.toml:9:14: `batch_norm` is an integer, it must be true or false | batch_norm = 1",
            "net.toml:10:14: `activation` is \"gelu\", it must be \"relu\" or \"none\" | activation \
             = \"gelu\"",
            "net.toml:11:10: `inputs` is \"image\", it must be a list of names, for example \
             [\"conv1\", \"conv2\"] | inputs = \"image\"",
            "net.toml:14:10: `kernel` is true, it must be a whole number of 1 to 65,535, or [height, width] \
             | kernel = true",
            "net.toml:15:11: `padding` is [1, -1, 0, 0], it must be \"same\", \"valid\", \"symmetric\", a \
             number of pixels, or [top, bottom, left, right] | padding = [1, -1, 0, 0]",
            "net.toml:16:10: `inputs` is [], it must be a list of names, for example [\"conv1\", \"conv2\"] \
             | inputs = []",
        ],
    );
}

#[test]
fn names() {
    check(
        &list(&format!(
            "{STEM}{STEM}[[layer]]\nop = \"pointwise\"\nname = \"image\"\nfilters = 4\n[[layer]]\nop \
             = \"pointwise\"\nname = \"\"\nfilters = 4\n\
             [[layer]]\nop = \"pointwise\"\nname = \"pointwise4\"\nfilters = 4\n[[layer]]\nop \
             = \"pointwise\"\nfilters = 4\n"
        )),
        &[
            "net.toml:8:6: layer 2 has the name `stem`, as layer 1 has; give it another name | op = \"conv\"",
            "net.toml:13:6: layer 3 has the name `image`, which is the image's; give it another name | op \
             = \"pointwise\"",
            "net.toml:17:6: layer 4 has the name ``; a name has at least one character, all printable | op \
             = \"pointwise\"",
            "net.toml:25:6: layer 6 has the name `pointwise4`, as layer 5 has; give it a `name`: without \
             one it is called after its operator and running number | op = \"pointwise\"",
        ],
    );
}

#[test]
fn links() {
    let pool = |inputs: &str| format!("[[layer]]\nop = \"max_pool\"\nkernel = 1\ninputs = {inputs}\n");
    check(
        &list(&format!(
            "{STEM}{}{}{}{}{}[[layer]]\nop = \"add\"\n",
            pool("[\"stam\"]"),
            pool("[\"zzz\"]"),
            pool("[\"max_pool3\"]"),
            pool("[\"linear1\"]"),
            pool("[\"stem\", \"max_pool1\"]"),
        )),
        &[
            "net.toml:8:6: layer `max_pool1` reads `stam`, which no layer is called; did you mean `stem`? | \
             op = \"max_pool\"",
            "net.toml:12:6: layer `max_pool2` reads `zzz`, which no layer is called; name an earlier layer \
             or \"image\" | op = \"max_pool\"",
            "net.toml:16:6: layer `max_pool3` reads itself; name an earlier layer | op = \"max_pool\"",
            "net.toml:20:6: layer `max_pool4` reads `linear1`, which comes later; list the layers in the \
             order in which they are executed | op = \"max_pool\"",
            "net.toml:24:6: layer `max_pool5` has 2 inputs, the operator max_pool needs 1; name one in \
             `inputs` | op = \"max_pool\"",
            "net.toml:28:6: layer `add1` has 1 input, the operator add needs 2; name two earlier layers in \
             `inputs` | op = \"add\"",
        ],
    );
}

#[test]
fn additions() {
    let pool = "[[layer]]\nop = \"max_pool\"\nname = \"pool\"\nkernel = 2\n";
    check(
        &list(&format!("{STEM}{pool}[[layer]]\nop = \"add\"\ninputs = [\"stem\", \"pool\"]\n")),
        &["net.toml:12:6: layer `add1` adds `stem` (8x8x4) and `pool` (4x4x4), whose shapes differ; both \
           need one shape: match strides and filters, for instance by a pointwise layer | op = \"add\""],
    );
    check(
        &list(&format!("{STEM}[[layer]]\nop = \"add\"\ninputs = [\"stem\", \"stem\"]\n")),
        &["net.toml:8:6: layer `add1` adds `stem` to itself; name two different layers in `inputs` | op \
             = \"add\""],
    );
}

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
fn readers_of_the_image() {
    let why = "which only conv, depthwise, pointwise and linear layers may: quantised activations begin at \
               their outputs";
    check(
        &list("[[layer]]\nop = \"max_pool\"\nkernel = 2\n"),
        &[&format!(
            "net.toml:3:6: layer `max_pool1` with the operator max_pool reads the image, {why}; put a conv \
             or depthwise layer before it | op = \"max_pool\""
        )],
    );
    check(
        &list(
            "[[layer]]\nop = \"pointwise\"\nfilters = 1\n[[layer]]\nop = \"add\"\ninputs = \
             [\"image\", \"pointwise1\"]\n",
        ),
        &[&format!(
            "net.toml:6:6: layer `add1` with the operator add reads the image, {why}; put a conv or \
             depthwise layer before it | op = \"add\""
        )],
    );
    check(
        &list("[[layer]]\nop = \"flatten\"\n"),
        &[&format!(
            "net.toml:3:6: layer `flatten1` with the operator flatten reads the image, {why}; leave it out: \
             a linear layer reads an image of any shape | op = \"flatten\""
        )],
    );
}

#[test]
fn readers_of_a_flatten() {
    check(
        &list(&format!("{STEM}[[layer]]\nop = \"flatten\"\n[[layer]]\nop = \"pointwise\"\nfilters = 5\n")),
        &["net.toml:10:6: layer `pointwise1` reads `flatten1` (1x1x256), which flattens `stem` (8x8x4): \
           only linear layers may read that; leave the flatten out, or put a global_average_pool in its \
           place | op = \"pointwise\""],
    );
    // As the second addend, whose shape is the first's.
    check(
        &list(&format!(
            "{STEM}[[layer]]\nop = \"flatten\"\n[[layer]]\nop = \"conv\"\nfilters = 256\nkernel = 8\n\
             padding = \"valid\"\ninputs = [\"stem\"]\n[[layer]]\nop = \"add\"\ninputs = \
             [\"conv2\", \"flatten1\"]\n"
        )),
        &["net.toml:16:6: layer `add1` reads `flatten1` (1x1x256), which flattens `stem` (8x8x4): only \
           linear layers may read that; leave the flatten out, or put a global_average_pool in its place | \
           op = \"add\""],
    );
}

/// One cause, one message.
#[test]
fn nothing_follows_from_an_unknown_name() {
    let stem = STEM.replace("[[layer]]\n", "[[layer]]\ninputs = [\"imago\"]\n");
    let add = "[[layer]]\nop = \"add\"\ninputs = [\"relu1\", \"stem\"]\n";
    let norm = "[[layer]]\nop = \"batch_norm\"\ninputs = [\"zzz\"]\n[[layer]]\nop = \"relu\"\n";
    check(
        &list(&format!("{stem}{norm}{add}")),
        &[
            "net.toml:4:6: layer `stem` reads `imago`, which no layer is called; did you mean `image`? | op \
             = \"conv\"",
            "net.toml:9:6: layer `batch_norm1` reads `zzz`, which no layer is called; name an earlier layer \
             or \"image\" | op = \"batch_norm\"",
        ],
    );
}

#[test]
fn unread_outputs() {
    check(
        &list(&format!(
            "{STEM}[[layer]]\nop = \"pointwise\"\nfilters = 5\n[[layer]]\nop = \"max_pool\"\nkernel = \
             2\ninputs = [\"stem\"]\n"
        )),
        &["net.toml:8:6: no layer reads `pointwise1` (8x8x5); remove it, or name it in the `inputs` of a \
             later layer | op = \"pointwise\""],
    );
}

#[test]
fn last_layers() {
    let end = |last: &str| format!("input = [8, 8, 1]\n{STEM}{last}");
    check(
        &end("[[layer]]\nop = \"global_average_pool\"\n"),
        &["net.toml:8:6: the last layer `global_average_pool1` (1x1x4) is neither linear nor a \
           convolution; end with a linear layer that has a feature for each class | op \
           = \"global_average_pool\""],
    );
    check(
        &end("[[layer]]\nop = \"pointwise\"\nname = \"classes\"\nfilters = 3\nactivation = \"relu\"\n"),
        &[
            "net.toml:8:6: the last layer `classes` writes 8x8x3, more than one pixel of logits; put a \
             global_average_pool before it, or end with a linear layer | op = \"pointwise\"",
            "net.toml:8:6: the last layer `classes` ends in a ReLU, but writes the logits; remove the ReLU \
             | op = \"pointwise\"",
        ],
    );
    check(
        &end("[[layer]]\nop = \"linear\"\nfeatures = 3\n[[layer]]\nop = \"relu\"\n"),
        &["net.toml:8:6: the last layer `linear1` ends in a ReLU, but writes the logits; remove the ReLU \
             | op = \"linear\""],
    );
}

#[test]
fn sizes() {
    check(
        "input = [65535, 65535, 2]\n[[layer]]\nop = \"linear\"\nfeatures = 2\n",
        &["the image is 65535x65535x2; height, width and channels are each 1 to 65,535, all elements at \
             most 4,294,967,295"],
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
        let spec = Spec { input: Shape { height, width: 2, channels: 1 }, layers: layers[1..].to_vec() };
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
    let followed = Spec { input: Shape { height: 2, width: 2, channels: 1 }, layers };
    let found = Graph::resolve(&followed).unwrap_err().problems;
    let found: Vec<&str> = found.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        found,
        [
            "layer `pool` has batch norm, but its operator is global_max_pool",
            "layer `pool` has a ReLU, but its operator is global_max_pool",
        ]
    );
    let none = Spec { input: Shape { height: 1, width: 1, channels: 1 }, layers: Vec::new() };
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
