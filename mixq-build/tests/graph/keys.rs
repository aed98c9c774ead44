//! Messages about a layer list as a text: its keys, their values, and names.

use crate::list::{STEM, check, list};

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
            .replace("input =", "inpust = 1\ninput ="),
        &[
            "net.toml:1:1: unknown key `inpust` in a network; did you mean `inputs`? | inpust = 1",
            "net.toml:4:6: a conv layer needs `kernel`; add kernel = ... to this layer | op = \"conv\"",
            "net.toml:6:1: unknown key `kernal` in a conv layer; did you mean `kernel`? | kernal = 3",
            "net.toml:9:1: unknown key `zzz` in an add layer; known are `activation`, `op`, `name`, \
             `inputs`, `output` | zzz = 1",
        ],
    );
    check(
        &list(
            "[[layer]]\nname = \"a\"\n[[layer]]\nop = \"depthwize\"\n[[layer]]\nop = \"zzz\"\n\
             [[layer]]\nop = 3\n",
        ),
        &[
            "net.toml:2:1: a layer has no `op`; add one of conv, depthwise, pointwise, transposed_conv, \
             linear, average_pool, global_average_pool, max_pool, global_max_pool, add, \
             subtract, multiply, affine, add_constant, multiply_constant, prelu, concat, slice, \
             channel_shuffle, pad, upsample, resize, depth_to_space, space_to_depth, reshape, \
             transpose, flatten, batch_norm, relu, sigmoid, tanh, \
             hard_sigmoid, hard_swish, silu, gelu, gelu_tanh, softplus, mish, leaky_relu, elu, selu, relu6, \
             clip, exp, log, sqrt, power, abs, sign, signum, neg, min, max | [[layer]]",
            "net.toml:5:6: there is no operator \"depthwize\"; did you mean \"depthwise\"? | op \
             = \"depthwize\"",
            "net.toml:7:6: there is no operator \"zzz\"; the operators are conv, depthwise, pointwise, \
             transposed_conv, linear, average_pool, global_average_pool, max_pool, global_max_pool, add, \
             subtract, multiply, affine, add_constant, multiply_constant, prelu, concat, slice, \
             channel_shuffle, pad, upsample, resize, depth_to_space, space_to_depth, reshape, \
             transpose, flatten, \
             batch_norm, relu, sigmoid, tanh, hard_sigmoid, hard_swish, silu, gelu, gelu_tanh, softplus, \
             mish, leaky_relu, elu, selu, relu6, clip, exp, log, sqrt, power, abs, sign, signum, neg, min, \
             max | op = \"zzz\"",
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
             activation = \"prelu\"\ninputs = \"image\"\n[[layer]]\nop = \"max_pool\"\nkernel = \
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
             of pixels of 0 to 65,535, or [top, bottom, left, right] | padding = \"full\"",
            "net.toml:9:14: `batch_norm` is an integer, it must be true or false | batch_norm = 1",
            "net.toml:10:14: `activation` has the unknown function \"prelu\"; the activations are relu, \
             none, sigmoid, tanh, hard_sigmoid, hard_swish, silu, gelu, gelu_tanh, softplus, mish, \
             leaky_relu, elu, selu, relu6, clip, exp, log, sqrt, power, abs, sign, signum, neg, min, max | \
             activation = \"prelu\"",
            "net.toml:11:10: `inputs` is \"image\", it must be a list of names, for example \
             [\"conv1\", \"conv2\"] | inputs = \"image\"",
            "net.toml:14:10: `kernel` is true, it must be a whole number of 1 to 65,535, or [height, width] \
             | kernel = true",
            "net.toml:15:11: `padding` is [1, -1, 0, 0], it must be \"same\", \"valid\", \"symmetric\", a \
             number of pixels of 0 to 65,535, or [top, bottom, left, right] | padding = [1, -1, 0, 0]",
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
