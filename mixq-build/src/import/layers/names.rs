//! What other frameworks call an operator, and what to write for it here.

use crate::error::nearest;

/// Names without regard to case, `-`, `_` and a trailing "2d"; each with what helps.
const ELSEWHERE: &[(&[&str], &str)] = &[
    (
        &["dwconv", "depthwiseconv", "depthwiseconvolution", "convdw", "dw"],
        "write op = \"depthwise\"; it has one filter for each channel, or `multiplier` filters",
    ),
    (
        &["separableconv", "sepconv", "depthwiseseparable", "depthwiseseparableconv", "dsconv"],
        "write two layers, op = \"depthwise\" and op = \"pointwise\"",
    ),
    (&["pwconv", "pointwiseconv", "conv1x1", "pw"], "write op = \"pointwise\""),
    (&["convolution", "convolutional", "conv2", "cnn"], "write op = \"conv\""),
    (
        &["conv1d", "convolution1d"],
        "write op = \"conv\" with kernel = [1, n], and give the signal as an image of one row: input = \
         [1, samples, channels]",
    ),
    (
        &["convtranspose", "convtranspose1d", "deconv", "deconvolution"],
        "write op = \"transposed_conv\"; padding = [1, 0, 1, 0] is PyTorch's padding=1, output_padding=1",
    ),
    (&["conv3d"], "there is no such operator yet; conv, depthwise and pointwise convolve images of two axes"),
    (
        &["groupconv", "groupedconv", "convgroup", "groupconvolution", "resnextconv"],
        "write op = \"conv\" with groups = ...",
    ),
    (
        &["dilatedconv", "atrousconv", "dilatedconvolution", "atrousconvolution"],
        "write op = \"conv\" with dilation = ...",
    ),
    (
        &["dense", "fc", "fullyconnected", "gemm", "matmul", "innerproduct", "lineardense", "mlp"],
        "write op = \"linear\" with features = ...",
    ),
    (
        &["maxpooling", "maxpool", "maxpool1d", "maxpooling1d", "pool", "pooling", "subsample"],
        "write op = \"max_pool\", or op = \"average_pool\"",
    ),
    (
        &["avgpool", "avgpooling", "averagepool", "averagepooling", "avgpool1d", "meanpool"],
        "write op = \"average_pool\"",
    ),
    (
        &[
            "globalavgpool",
            "globalaveragepool",
            "globalaveragepooling",
            "globalavgpooling",
            "gap",
            "adaptiveavgpool",
        ],
        "write op = \"global_average_pool\"",
    ),
    (&["globalmaxpool", "globalmaxpooling", "gmp", "adaptivemaxpool"], "write op = \"global_max_pool\""),
    (
        &["batchnorm", "batchnormalization", "batchnormalisation", "bn", "batchnorm1d", "norm"],
        "write op = \"batch_norm\", or leave it out: conv, depthwise and pointwise have batch norm \
         unless told otherwise",
    ),
    (
        &["layernorm", "groupnorm", "instancenorm", "rmsnorm", "layernormalization", "lrn"],
        "of normalisations there is batch norm alone, which costs nothing on the device: op = \"batch_norm\"",
    ),
    (
        &["softmax", "logsoftmax", "argmax"],
        "leave it out: the last layer writes logits, and the largest logit is the largest probability",
    ),
    (
        &["dropout", "spatialdropout", "alphadropout", "gaussiannoise", "identity", "noop"],
        "leave it out: it does nothing on the device; against overfitting `training` has weight-decay, \
         shift, rotation and zoom",
    ),
    (
        &["activation", "act"],
        "write the function, for example activation = \"relu\" in the layer, or op = \"relu\"",
    ),
    (&["swish"], "write op = \"silu\""),
    (&["hswish"], "write op = \"hard_swish\""),
    (&["hsigmoid"], "write op = \"hard_sigmoid\""),
    (&["square"], "write op = \"power\" with exponent = 2"),
    (&["pow"], "write op = \"power\" with exponent = ..., a constant"),
    (&["logistic"], "write op = \"sigmoid\""),
    (&["hardtanh", "relun1to1"], "write op = \"clip\" with min = -1 and max = 1"),
    (&["clamp", "clipbyvalue"], "write op = \"clip\" with min = ... and max = ..."),
    (&["minimum"], "write op = \"min\" with value = ..., a constant"),
    (&["maximum"], "write op = \"max\" with value = ..., a constant"),
    (&["negative", "negate"], "write op = \"neg\""),
    (&["absolute"], "write op = \"abs\""),
    (&["ln"], "write op = \"log\""),
    (
        &["lstm", "gru", "rnn", "simplernn", "recurrent"],
        "mixq has no recurrent layers; a series is convolved along time: op = \"conv\" with kernel = [1, n] \
         and, for a wider view, dilation = [1, d]",
    ),
    (
        &["attention", "multiheadattention", "selfattention"],
        "mixq has no attention; what a layer sees of an image grows with kernel, stride and dilation of op = \
         \"conv\"",
    ),
    (
        &["mul", "product", "hadamard"],
        "write op = \"multiply\"; by constants: op = \"affine\", or for each element op = \
         \"multiply_constant\"",
    ),
    (&["sub", "difference", "minus"], "write op = \"subtract\""),
    (
        &["plus", "sum", "addv2", "biasadd"],
        "write op = \"add\"; of constants: op = \"affine\", or for each element op = \"add_constant\"",
    ),
    (
        &["scale", "scaling", "rescaling", "channelscale", "muladd"],
        "write op = \"affine\": a trained factor and a trained summand for each channel",
    ),
    (
        &["mean", "reducemean", "globalmean"],
        "write op = \"global_average_pool\", with axis = \"height\" or axis = \"width\" along one axis",
    ),
    (
        &["squeezeexcite", "squeezeandexcite", "squeezeexcitation", "se", "seblock"],
        "write op = \"global_average_pool\", two op = \"pointwise\", the last with activation = \
         \"hard_sigmoid\", and op = \"multiply\" with what the pool reads",
    ),
    (&["concatenate", "cat", "concatenation", "concatv2"], "write op = \"concat\""),
    (&["split", "stridedslice", "crop", "narrow", "chunk"], "write op = \"slice\" with first and channels"),
    (&["shuffle", "channelshuffle"], "write op = \"channel_shuffle\" with groups = ..."),
    (
        &["zeropadding", "zeropad", "padv2"],
        "write op = \"pad\", or `padding` in the layer that follows, which costs nothing",
    ),
    (
        &["upsampling", "resizenearestneighbor", "resizebilinear", "interpolate"],
        "write op = \"resize\" with size or factor = ..., and interpolation = \"bilinear\" or \"nearest\"; \
         by whole factors to the nearest pixel op = \"upsample\" is faster",
    ),
    (&["pixelshuffle"], "write op = \"depth_to_space\" with block = ..."),
    (&["view"], "write op = \"reshape\" with shape = [height, width, channels]"),
    (&["permute", "swapaxes"], "write op = \"transpose\" with order = [\"channels\", \"height\", \"width\"]"),
    (
        &["squeeze", "unsqueeze", "expanddims", "input", "inputlayer", "inputs"],
        "leave it out: `input` is the shape of the image, `padding` a key of convolutions and pools, and \
         a linear layer reads a tensor of any shape",
    ),
];

/// What would help who wrote the unknown operator `name`.
pub(super) fn help(name: &str, known: &[&str]) -> String {
    let plain = plain(name);
    if let Some(same) = known.iter().find(|known| self::plain(known) == plain) {
        return format!("write op = \"{same}\"");
    }
    if let Some((_, help)) = ELSEWHERE.iter().find(|(names, _)| names.contains(&&*plain)) {
        return (*help).to_string();
    }
    // A wrong guess is worse than the list: one letter in three may be wrong, and names of three letters are
    // all near one another, as `sin` and `min`.
    let long = |name: &str| name.chars().count() > 3;
    let near = nearest(name, known.iter().copied())
        .filter(|near| long(name) && long(near))
        .filter(|near| 3 * strsim::damerau_levenshtein(name, near) <= near.chars().count());
    match near {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("the operators are {}", known.join(", ")),
    }
}

/// A name without what frameworks differ in.
fn plain(name: &str) -> String {
    let letters =
        name.rsplit(['.', ':']).next().unwrap_or(name).chars().filter(|c| !matches!(c, '-' | '_' | ' '));
    let lower: String = letters.flat_map(char::to_lowercase).collect();
    lower.strip_suffix("2d").unwrap_or(&lower).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::op::FORMS;

    #[test]
    fn names_of_other_frameworks_lead_to_what_they_mean() {
        let expected = [
            ("dwconv", "write op = \"depthwise\""),
            ("depthwise_conv2d", "write op = \"depthwise\""),
            ("DepthwiseConv2D", "write op = \"depthwise\""),
            ("SeparableConv2D", "op = \"depthwise\" and op = \"pointwise\""),
            ("conv2d", "write op = \"conv\""),
            ("nn.Conv2d", "write op = \"conv\""),
            ("conv1d", "kernel = [1, n]"),
            ("dense", "write op = \"linear\""),
            ("fc", "write op = \"linear\""),
            ("fully_connected", "write op = \"linear\""),
            ("Linear", "write op = \"linear\""),
            ("maxpool", "write op = \"max_pool\""),
            ("MaxPooling2D", "write op = \"max_pool\""),
            ("avg_pool2d", "write op = \"average_pool\""),
            ("GlobalAveragePooling2D", "write op = \"global_average_pool\""),
            ("batchnorm", "write op = \"batch_norm\""),
            ("BatchNormalization", "write op = \"batch_norm\""),
            ("softmax", "leave it out: the last layer writes logits"),
            ("dropout", "leave it out"),
            ("concatenate", "write op = \"concat\""),
            ("PixelShuffle", "depth_to_space"),
            ("split", "op = \"slice\""),
            ("mul", "write op = \"multiply\""),
            ("LSTM", "mixq has no recurrent layers"),
            ("attention", "mixq has no attention"),
            ("nn.PReLU", "write op = \"prelu\""),
            ("Sub", "write op = \"subtract\""),
            ("ReduceMean", "op = \"global_average_pool\""),
            ("ReLU6", "write op = \"relu6\""),
            ("nn.Hardswish", "write op = \"hard_swish\""),
            ("LeakyReLU", "write op = \"leaky_relu\""),
            ("Clamp", "write op = \"clip\""),
            ("Reshape", "write op = \"reshape\""),
            ("view", "op = \"reshape\""),
            ("Permute", "op = \"transpose\""),
            ("Squeeze", "leave it out"),
        ];
        for (name, part) in expected {
            let help = help(name, &FORMS.map(|form| form.name));
            assert!(help.contains(part), "{name}: {help}");
            assert!(!help.contains("did you mean"), "{name}: {help}");
        }
    }

    #[test]
    fn misspelt_names_are_corrected_and_strange_ones_get_the_list() {
        for (name, near) in
            [("cnov", "conv"), ("depthwize", "depthwise"), ("pointwse", "pointwise"), ("max_pol", "max_pool")]
        {
            assert_eq!(help(name, &FORMS.map(|form| form.name)), format!("did you mean \"{near}\"?"));
        }
        for name in ["", "embedding", "transformer", "cos", "sin", "tan", "map", "conversion"] {
            assert!(
                help(name, &FORMS.map(|form| form.name)).starts_with("the operators are conv, depthwise, "),
                "{name}: {}",
                help(name, &FORMS.map(|form| form.name))
            );
        }
    }
}
