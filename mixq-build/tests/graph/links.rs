//! Messages about which layer reads which.

use crate::list::{STEM, check, list};
use crate::resolve;

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
fn readers_of_the_image() {
    let why = "which only conv, depthwise, pointwise, linear, affine and transpose layers may: quantised \
               activations begin at their outputs";
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
    // Any operator may be the last one.
    resolve(&end("[[layer]]\nop = \"global_average_pool\"\n[[layer]]\nop = \"flatten\"\n")).unwrap();
    check(
        &end("[[layer]]\nop = \"global_average_pool\"\n[[layer]]\nop = \"tanh\"\n"),
        &["net.toml:10:6: the last layer `tanh1` ends in a tanh, but writes the logits; remove the tanh \
           | op = \"tanh\""],
    );
    check(
        &end("[[layer]]\nop = \"pointwise\"\nname = \"classes\"\nfilters = 3\nactivation = \"relu\"\n"),
        &[
            "net.toml:8:6: the last layer `classes` writes 8x8x3, more than one pixel of logits; put a \
             global_average_pool before or behind it, or end with a linear layer | op = \"pointwise\"",
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
fn outputs_in_the_middle() {
    let net = |first: &str, then: &str| {
        format!(
            "input = [8, 8, 1]\n{STEM}{first}{then}[[layer]]\nop = \"linear\"\nname = \"end\"\nfeatures = 3\n"
        )
    };
    let with = |name: &str| {
        format!("[[layer]]\nop = \"pointwise\"\nname = \"{name}\"\nfilters = 5\noutput = true\n")
    };
    let graph = resolve(&net(&with("map"), "[[layer]]\nop = \"tanh\"\noutput = true\n")).unwrap();
    let outputs: Vec<(&str, &str)> =
        (graph.outputs.iter()).map(|output| (&output.name[..], &graph.nodes[output.node].name[..])).collect();
    assert_eq!(outputs, [("end", "end"), ("map", "map"), ("tanh1", "tanh1")]);
    // Nothing reads it but the firmware.
    let heads = net(&with("map"), "").replace("name = \"end\"", "name = \"end\"\ninputs = [\"stem\"]");
    let graph = resolve(&heads).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(graph.aside().iter().map(|node| &node.name[..]).collect::<Vec<_>>(), ["map"]);
    // The last one alone is no output more.
    let alone = net("", "").replace("name = \"end\"", "name = \"end\"\noutput = true");
    assert!(resolve(&alone).unwrap().outputs.is_empty());
    check(
        &net(&with("Map.1"), ""),
        &["net.toml:8:6: layer `Map.1` is an output, and its name becomes one in Rust; use lower-case \
             letters, digits and underscores, and begin with a letter | op = \"pointwise\""],
    );
    check(
        &net(&with("map"), "[[layer]]\nop = \"relu\"\n"),
        &["net.toml:8:6: layer `map` is an output, but `relu1` is folded into it; put output = true into \
           `relu1` | op = \"pointwise\""],
    );
}
