use std::path::Path;

use super::*;
use crate::import::layers::parse_with_weights;
use crate::import::weights::Tensor;

const NETWORK: &str = r#"
    input = [4, 4, 2]
    weights = "net.safetensors"
    normalisation = { mean = 0, std = 255 }
    layer = [
        { op = "conv", name = "stem", filters = 3, kernel = [1, 3], activation = "none" },
        { op = "batch_norm", name = "bn1" },
        { op = "relu" },
        { op = "depthwise", name = "dw", kernel = 3 },
        { op = "linear", name = "head", features = 2 },
    ]
"#;

fn tensor(shape: &[usize], first: f32) -> Tensor {
    let count: usize = shape.iter().product();
    Tensor { shape: shape.to_vec(), values: (0..count).map(|index| first + index as f32).collect() }
}

/// All that the network needs, as PyTorch would name it.
fn whole() -> Tensors {
    let tensors = [
        ("stem.weight", tensor(&[3, 2, 3], 0.0)),
        ("stem.bias", tensor(&[3], 5.0)),
        ("bn1.weight", tensor(&[3], 10.0)),
        ("bn1.bias", tensor(&[3], 20.0)),
        ("bn1.running_mean", tensor(&[3], 30.0)),
        ("bn1.running_var", tensor(&[3], 40.0)),
        ("dw.weight", tensor(&[3, 1, 3, 3], 0.0)),
        ("dw.norm.running_mean", tensor(&[3], 1.0)),
        ("dw.norm.running_var", tensor(&[3], 2.0)),
        ("head.weight", tensor(&[2, 48], 0.0)),
    ];
    tensors.map(|(name, tensor)| (name.to_string(), tensor)).into()
}

fn read(network: &str, tensors: &Tensors) -> Result<Initial, Error> {
    let imported = parse_with_weights(Path::new("net.toml"), network)?;
    let graph = Graph::resolve(&imported.spec)?;
    initial(&imported, &graph, imported.weights.as_ref().unwrap(), tensors)
}

#[test]
fn state_dictionaries_become_parameters() {
    let initial = read(NETWORK, &whole()).unwrap();
    assert_eq!(initial.warnings, [""; 0]);
    let layers: Vec<LayerWeights> = initial.layers.into_iter().flatten().collect();
    let numbers = |first: f32, count: usize| (0..count).map(|index| first + index as f32).collect::<Vec<_>>();
    assert_eq!(layers[0].weight, numbers(0.0, 18));
    let after = After::Norm {
        gamma: numbers(10.0, 3),
        beta: numbers(20.0, 3),
        // What remains of the means without the bias before them.
        mean: vec![25.0; 3],
        variance: numbers(40.0, 3),
    };
    assert_eq!(layers[0].after, after);
    let (mean, variance) = (numbers(1.0, 3), numbers(2.0, 3));
    assert_eq!(layers[1].after, After::Norm { gamma: vec![1.0; 3], beta: vec![0.0; 3], mean, variance });
    assert_eq!(layers[2].after, After::Bias(vec![0.0; 2]));
    // PyTorch counts [channel, pixel], mixq [pixel, channel].
    assert_eq!(layers[2].weight[..7], [0.0, 16.0, 32.0, 1.0, 17.0, 33.0, 2.0]);
    assert_eq!(layers[2].weight[48], 48.0);
}

#[test]
fn ranges_are_taken_where_they_can_be() {
    let mut tensors = whole();
    tensors.insert("dw.range".to_string(), Tensor { shape: vec![2], values: vec![0.0, 3.5] });
    assert_eq!(read(NETWORK, &tensors).unwrap().ranges, [None, Some([0.0, 3.5]), None]);
    tensors.insert("dw.range".to_string(), Tensor { shape: vec![2], values: vec![0.5, 3.5] });
    let wrong = read(NETWORK, &tensors).unwrap_err().problems;
    assert_eq!(wrong[0].message, "net.safetensors: `dw.range` is from 0.5 to 3.5");
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let mut tensors = whole();
    let weight = tensors.remove("stem.weight").unwrap();
    tensors.insert("stem.wieght".to_string(), weight);
    tensors.insert("bn1.running_var".to_string(), Tensor { shape: vec![3], values: vec![1.0, -1.0, 2.0] });
    tensors.insert("dw.weight".to_string(), tensor(&[3, 3, 3, 3], 0.0));
    tensors.remove("dw.norm.running_mean");
    tensors.get_mut("head.weight").unwrap().values[7] = f32::NAN;
    let problems = read(NETWORK, &tensors).unwrap_err().problems;
    let messages: Vec<&str> = problems.iter().map(|problem| &problem.message[..]).collect();
    let expected = [
        "net.safetensors: there is no `stem.weight` of shape [3, 2, 1, 3]",
        "net.safetensors: `bn1.running_var` is negative for channel 1",
        "net.safetensors: `dw.weight` has shape [3, 3, 3, 3], and the layer needs [3, 1, 3, 3]",
        "net.safetensors: there is no `dw.norm.running_mean` of shape [3]",
        "net.safetensors: `head.weight` is NaN at element 7",
    ];
    assert_eq!(messages, expected);
    assert_eq!(problems[0].help.as_deref(), Some("the file has `stem.wieght`: name the layer after it"));
    assert!(problems.iter().all(|problem| problem.location.is_some()));
}

#[test]
fn what_nothing_takes_is_warned_of() {
    let mut tensors = whole();
    for index in 0..7 {
        tensors.insert(format!("x{index}"), tensor(&[1], 0.0));
    }
    let warnings = read(NETWORK, &tensors).unwrap().warnings;
    assert_eq!(warnings, ["no layer takes `x0`, `x1`, `x2`, `x3`, `x4` and 2 more of net.safetensors"]);
}

#[test]
fn other_numbers_for_the_channels_go_into_the_first_weights() {
    let network = NETWORK.replace("mean = 0, std = 255", "mean = [100, 120], std = [50, 100]");
    let found = read(&network, &whole()).unwrap();
    let stem = found.layers[0].as_ref().unwrap();
    // By hand: the shared zero point is 110, the shared std 75; so gains are 75 / 50 and 75 / 100, and
    // channels lack (110 - 100) / 50 and (110 - 120) / 100.
    assert_eq!(stem.weight[..6], [0.0, 1.5, 3.0, 0.75 * 3.0, 0.75 * 4.0, 0.75 * 5.0]);
    let After::Norm { mean, .. } = &stem.after else { panic!("the stem has batch norm") };
    let sums = |first: f32| (0.2 * (3.0 * first + 3.0), -0.1 * (3.0 * first + 12.0));
    let (left, right) = sums(6.0);
    assert!((mean[1] - (25.0 - (left + right))).abs() < 1e-5, "{mean:?}");
    assert!(found.warnings[0].contains("layer `stem` pads the image with 110 in all channels"), "{found:?}");
}

#[test]
fn filters_of_a_group_take_the_normalisation_of_its_channels() {
    let network = r#"
        input = [2, 1, 2]
        weights = "net.safetensors"
        normalisation = { mean = [1, 2], std = [1, 3] }
        layer = [
            { op = "conv", name = "stem", filters = 4, kernel = [2, 1], groups = 2, padding = "valid" },
            { op = "linear", name = "head", features = 2 },
        ]
    "#;
    let bias = ("stem.bias".to_string(), tensor(&[4], 0.0));
    let network = network.replace("groups = 2", "groups = 2, batch_norm = false");
    let tensors: Tensors = [
        ("stem.weight".to_string(), tensor(&[4, 1, 2, 1], 1.0)),
        bias,
        ("head.weight".to_string(), tensor(&[2, 4], 1.0)),
    ]
    .into();
    let found = read(&network, &tensors).unwrap();
    let layer = found.layers[0].as_ref().unwrap();
    // As in the next test: gains are 2 and 2 / 3, and the first channel, which two filters see, lacks 1.
    let third = 2.0f64 / 3.0;
    let right = [5.0, 6.0, 7.0, 8.0].map(|weight| (weight * third) as f32);
    assert_eq!(layer.weight, [[2.0, 4.0, 6.0, 8.0], right].concat());
    assert_eq!(layer.after, After::Bias(vec![3.0, 8.0, 2.0, 3.0]));
    let wrong: Tensors = [("stem.weight".to_string(), tensor(&[4, 2, 2, 1], 1.0))].into();
    let said = read(&network, &wrong).unwrap_err().to_string();
    assert!(said.contains("[4, 1, 2, 1]"), "{said}");
}

#[test]
fn a_linear_layer_takes_the_normalisation_of_each_pixel() {
    let network = r#"
        input = [2, 1, 2]
        weights = "net.safetensors"
        normalisation = { mean = [1, 2], std = [1, 3] }
        layer = [{ op = "linear", name = "head", features = 2 }]
    "#;
    let tensors: Tensors = [("head.weight".to_string(), tensor(&[2, 4], 1.0))].into();
    let found = read(network, &tensors).unwrap();
    let layer = found.layers[0].as_ref().unwrap();
    // By hand: zero point 2 (1.5 rounded) and std 2 are shared, so gains are 2 and 2 / 3, and the first
    // channel lacks 1. PyTorch's weights are [1, 2] for it and [3, 4] for the second.
    assert_eq!(layer.weight[..4], [2.0, 2.0, 4.0, 4.0 * (2.0 / 3.0)]);
    assert_eq!(layer.after, After::Bias(vec![3.0, 11.0]));
}

#[test]
fn weights_need_a_normalisation() {
    let network = NETWORK.replace("normalisation = { mean = 0, std = 255 }", "");
    let wrong = parse_with_weights(Path::new("net.toml"), &network).unwrap_err();
    assert!(wrong.problems[0].message.contains("no `normalisation`"), "{wrong}");
    for (bad, said) in [
        ("{ mean = 0 }", "has no `std`"),
        ("{ mean = 0, std = 0 }", "it must be a number over 0"),
        ("{ mean = [1, 2, 3], std = 1 }", "has 3 values, the input has 2 channels"),
        ("{ mean = \"x\", std = 1 }", "it must be a number, or a list"),
        ("{ mean = nan, std = 1 }", "it must be a number, or a list"),
        ("{ mean = 0, std = inf }", "it must be a number over 0"),
        ("{ mean = 0, std = 1, scale = 3 }", "unknown key `scale`"),
        ("7", "it must be a table"),
    ] {
        let network = NETWORK.replace("{ mean = 0, std = 255 }", bad);
        let wrong = parse_with_weights(Path::new("net.toml"), &network).unwrap_err().to_string();
        assert!(wrong.contains(said), "{bad}: {wrong}");
    }
    let network = NETWORK.replace("net.safetensors", "net.pt");
    let wrong = parse_with_weights(Path::new("net.toml"), &network).unwrap_err().to_string();
    assert!(wrong.contains("it must be a .safetensors file, or .onnx or .tflite"), "{wrong}");
}

/// A batch norm behind a pool, slopes and factors by channel: one value for each, or one slope for all.
#[test]
fn numbers_by_channel_have_the_names_of_pytorch() {
    let network = r#"
        input = [4, 4, 2]
        weights = "net.safetensors"
        normalisation = { mean = 0, std = 255 }
        layer = [
            { op = "conv", name = "stem", filters = 3, kernel = 1, batch_norm = false, activation = "none" },
            { op = "prelu", name = "act" },
            { op = "max_pool", kernel = 2 },
            { op = "batch_norm", name = "bn" },
            { op = "affine", name = "scale" },
            { op = "linear", name = "head", features = 2 },
        ]
    "#;
    let tensors = [
        ("stem.weight", tensor(&[3, 2, 1, 1], 0.0)),
        ("act.weight", tensor(&[3], 0.25)),
        ("bn.weight", tensor(&[3], 10.0)),
        ("bn.bias", tensor(&[3], 20.0)),
        ("bn.running_mean", tensor(&[3], 30.0)),
        ("bn.running_var", tensor(&[3], 40.0)),
        ("scale.weight", tensor(&[3], 7.0)),
        ("scale.bias", tensor(&[3], 8.0)),
        ("head.weight", tensor(&[2, 12], 0.0)),
    ];
    let mut tensors: Tensors = tensors.map(|(name, tensor)| (name.to_string(), tensor)).into();
    let found = read(network, &tensors).unwrap();
    let layer = |node: usize| found.layers[node].clone().unwrap();
    assert_eq!(layer(1), LayerWeights { weight: vec![0.25, 1.25, 2.25], after: After::Nothing });
    assert_eq!((found.layers[2].clone(), layer(3).weight), (None, vec![1.0; 3]));
    let After::Norm { gamma, variance, .. } = layer(3).after else { panic!("it is a batch norm") };
    assert_eq!((gamma, variance), (vec![10.0, 11.0, 12.0], vec![40.0, 41.0, 42.0]));
    let affine = LayerWeights { weight: vec![7.0, 8.0, 9.0], after: After::Bias(vec![8.0, 9.0, 10.0]) };
    assert_eq!(layer(4), affine);
    assert!(found.warnings.is_empty(), "{:?}", found.warnings);
    tensors.insert("act.weight".to_string(), tensor(&[1], 0.5));
    assert_eq!(read(network, &tensors).unwrap().layers[1].as_ref().unwrap().weight, [0.5; 3]);
    tensors.remove("act.weight");
    let missing = read(network, &tensors).unwrap_err().problems;
    assert_eq!(missing[0].message, "net.safetensors: there is no `act.weight` of shape [3]");
}

/// Constants lie in a file as PyTorch has them, channel after channel; an axis of one element holds for all.
#[test]
fn constants_have_the_axes_of_pytorch() {
    let network = r#"
        input = [2, 3, 1]
        weights = "net.safetensors"
        normalisation = { mean = 0, std = 255 }
        layer = [
            { op = "conv", name = "stem", filters = 2, kernel = 1, batch_norm = false, activation = "none" },
            { op = "add_constant", name = "place" },
            { op = "linear", name = "head", features = 2 },
        ]
    "#;
    let read_with = |shape: &[usize]| {
        let tensors = [
            ("stem.weight", tensor(&[2, 1, 1, 1], 0.0)),
            ("place.weight", tensor(shape, 1.0)),
            ("head.weight", tensor(&[2, 12], 0.0)),
        ];
        let tensors = tensors.map(|(name, tensor)| (name.to_string(), tensor)).into();
        let found = read(network, &tensors)?;
        let layer = found.layers[1].clone().unwrap();
        assert_eq!(layer.after, After::Nothing);
        Ok::<_, Error>(layer.weight)
    };
    let numbers: Vec<f32> = (1..=12).map(|number| number as f32).collect();
    assert_eq!(read_with(&[2, 2, 3]).unwrap(), numbers);
    assert_eq!(read_with(&[1, 2, 2, 3]).unwrap(), numbers);
    assert_eq!(read_with(&[2, 1, 3]).unwrap(), [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6].map(|n| n as f32));
    assert_eq!(read_with(&[2, 1, 1]).unwrap(), [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2].map(|n| n as f32));
    assert_eq!(read_with(&[1, 1, 2, 1]).unwrap(), [1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2].map(|n| n as f32));
    for one in [&[1][..], &[], &[1, 1, 1]] {
        assert_eq!(read_with(one).unwrap(), [1.0; 12]);
    }
    let wrong = read_with(&[3, 2, 2]).unwrap_err().problems;
    let message = "net.safetensors: `place.weight` has shape [3, 2, 2], and the layer needs [2, 2, 3]";
    assert_eq!(wrong[0].message, message);
}
