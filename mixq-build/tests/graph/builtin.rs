//! Built-in networks against published figures and another program's layer tables.

use mixq_build::engine::graph::{Graph, Op, Shape};
use mixq_build::engine::import::builtin;
use mixq_build::engine::import::builtin::{NAMES, Options, PaddingStyle, published};

pub fn network(name: &str, options: &Options) -> Graph {
    Graph::resolve(&builtin::spec(name, options).unwrap()).unwrap()
}

pub fn macs(graph: &Graph) -> u64 {
    (0..graph.nodes.len()).map(|index| graph.macs(index)).sum()
}

pub fn parameters(graph: &Graph) -> usize {
    (0..graph.nodes.len()).map(|index| graph.parameters(index)).sum()
}

/// Output channels of all layers with batch norm.
fn normalised(graph: &Graph) -> usize {
    graph.nodes.iter().filter(|node| node.norm).map(|node| node.output.channels).sum()
}

/// Keras counts 4,231,976 trainable parameters. Millions of MACs: by resolution from tensorflow/models,
/// research/slim/nets/mobilenet_v1.md, by width from arXiv 1704.04861, table 6.
#[test]
fn mobilenet_v1_has_the_published_size() {
    let at = |width, resolution, classes| {
        let usual = published("mobilenet_v1").unwrap();
        network("mobilenet_v1", &Options { width, resolution, classes, ..usual })
    };
    let full = at(1.0, 224, 1000);
    assert_eq!(macs(&full), 568_740_352);
    assert_eq!(parameters(&full), 4_231_976);
    // The 4.24 M of tensorflow/models come out with a third value for each channel that is normalised.
    let normalised = full.nodes.iter().filter(|node| node.norm).map(|node| node.output.channels);
    assert_eq!(parameters(&full) + normalised.sum::<usize>(), 4_242_920);
    assert_eq!(full.nodes.iter().filter(|node| node.op.weighted()).count(), 28);
    assert_eq!(full.outputs(), 1000);
    let millions = |width, resolution| (macs(&at(width, resolution, 1000)) + 500_000) / 1_000_000;
    assert_eq!([224, 192, 160, 128].map(|resolution| millions(1.0, resolution)), [569, 418, 291, 186]);
    assert_eq!([0.75, 0.5, 0.25].map(|width| millions(width, 224)), [325, 149, 41]);
}

/// arXiv 2106.07597 and its Keras models: 12.5 M and 2.66 M MAC, 78,666 and 24,908 parameters. Keras counts
/// two moving statistics beside gamma and beta, and biases in front of batch norm, which it makes void.
#[test]
fn mlperf_tiny_networks_have_the_published_size() {
    for (name, multiply_accumulates, counted) in
        [("resnet8", 12_501_632, 78_666), ("ds_cnn", 2_656_768, 24_908)]
    {
        let graph = network(name, &published(name).unwrap());
        assert_eq!(macs(&graph), multiply_accumulates, "{name}");
        assert_eq!(parameters(&graph) + 3 * normalised(&graph), counted, "{name}");
    }
    let keywords = network("ds_cnn", &published("ds_cnn").unwrap());
    assert_eq!(keywords.nodes[0].output, Shape { height: 25, width: 5, channels: 64 });
}

/// arXiv 2106.07597: person detection is MobileNetV1 0.25 at 96x96 with two classes, 7.5 M MAC.
#[test]
fn visual_wake_words_has_the_published_size() {
    let usual = published("mobilenet_v1").unwrap();
    let options = Options { width: 0.25, resolution: 96, classes: 2, ..usual };
    assert_eq!(macs(&network("mobilenet_v1", &options)), 7_489_664);
}

/// torchvision counts 1,235,496 parameters of SqueezeNet 1.1, whose convolutions have a bias where these have
/// beta and gamma, and 0.35 GMAC.
#[test]
fn squeezenet_has_the_published_size() {
    let options = Options { padding: PaddingStyle::Pytorch, ..published("squeezenet").unwrap() };
    let graph = network("squeezenet", &options);
    assert_eq!(parameters(&graph) - normalised(&graph), 1_235_496);
    // torchvision classifies 13x13 pixels before it averages, here their average is classified.
    let classifier = 512 * 1000 * (13 * 13 - 1);
    assert_eq!((macs(&graph) + classifier + 5_000_000) / 10_000_000, 35);
}

/// Parameters and hundredths of a GMAC from torchvision.
#[test]
fn shufflenet_v2_has_the_published_size() {
    for (width, hundredths, counted) in
        [(0.5, 4, 1_366_792), (1.0, 14, 2_278_604), (1.5, 30, 3_503_624), (2.0, 58, 7_393_996)]
    {
        let options = Options { width, ..published("shufflenet_v2").unwrap() };
        let graph = network("shufflenet_v2", &options);
        assert_eq!(parameters(&graph), counted, "{width}");
        assert_eq!((macs(&graph) + 5_000_000) / 10_000_000, hundredths, "{width}");
    }
}

#[test]
fn mobilenet_v1_has_the_layers_of_the_allocation_cases() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/allocation.json");
    let cases: Vec<serde_json::Value> =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut seen = 0;
    for case in &cases {
        let name = case["name"].as_str().unwrap();
        let Some((width, resolution)) =
            name.strip_prefix("mobilenet_v1_").and_then(|rest| rest.split_once('_'))
        else {
            continue;
        };
        let graph = network(
            "mobilenet_v1",
            &Options {
                width: width.parse().unwrap(),
                resolution: resolution.parse().unwrap(),
                ..published("mobilenet_v1").unwrap()
            },
        );
        let found: Vec<_> = (0..graph.nodes.len())
            .filter(|index| graph.nodes[*index].op.weighted())
            .map(|index| {
                let (node, kind) = (&graph.nodes[index], graph.nodes[index].op.kind());
                let kind = match node.op {
                    Op::Conv { .. } if kind.to_string() == "pointwise" => "pw",
                    Op::Conv { .. } => "conv",
                    Op::Depthwise { .. } => "dw",
                    _ => "fc",
                };
                serde_json::json!({
                    "kind": kind,
                    "inputs": graph.input_shape(index, 0).elements(),
                    "outputs": node.output.elements(),
                    "weights": graph.weight_count(index),
                    "out_channels": node.output.channels,
                })
            })
            .collect();
        assert_eq!(serde_json::Value::from(found), case["layers"], "{name}");
        seen += 1;
    }
    assert_eq!(seen, 16);
}

#[test]
fn options_change_what_they_say() {
    for name in NAMES {
        let usual = published(name).unwrap();
        let given =
            Options { width: 0.3, resolution: 32, channels: 2, classes: 7, stem_stride: Some(1), ..usual };
        let graph = network(name, &given);
        let width = if name == "ds_cnn" { 10 } else { 32 };
        assert_eq!(graph.input(), Shape { height: 32, width, channels: 2 }, "{name}");
        assert_eq!(graph.outputs(), 7, "{name}");
        assert_eq!((graph.nodes[0].output.height, graph.nodes[0].output.width), (32, width), "{name}");
        assert!(graph.nodes[..graph.nodes.len() - 1].iter().all(|node| node.output.channels % 8 == 0));
    }
    // 32 x 0.3 = 9.6: 8 is less than nine tenths of that, so 16.
    let narrow = Options { width: 0.3, ..published("mobilenet_v1").unwrap() };
    assert_eq!(network("mobilenet_v1", &narrow).nodes[0].output.channels, 16);
}

#[test]
fn impossible_options_are_problems() {
    let usual = published("resnet8").unwrap();
    let message = |name: &str, options: Options| builtin::spec(name, &options).unwrap_err().to_string();
    assert_eq!(
        message("mobilenet_v4", usual),
        "there is no built-in network \"mobilenet_v4\"; did you mean \"mobilenet_v2\"?"
    );
    assert_eq!(
        message("zzz", usual),
        "there is no built-in network \"zzz\"; built in are ds_cnn, mobilenet_v1, mobilenet_v2, \
         mobilenet_v3_small, resnet8, shufflenet_v2, squeezenet"
    );
    for (width, shown) in [(0.0, "0"), (-1.0, "-1"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        assert_eq!(
            message("resnet8", Options { width, ..usual }),
            format!("the width multiplier is {shown}; it must be over 0; 0.25, 0.5, 0.75 and 1 are usual")
        );
    }
    let zero = "is 0; it must be at least 1";
    assert_eq!(message("resnet8", Options { resolution: 0, ..usual }), format!("the resolution {zero}"));
    assert_eq!(
        message("resnet8", Options { channels: 0, ..usual }),
        format!("the number of channels {zero}")
    );
    assert_eq!(message("resnet8", Options { classes: 0, ..usual }), format!("the number of classes {zero}"));
    assert_eq!(
        message("resnet8", Options { stem_stride: Some(0), ..usual }),
        format!("the stem's stride {zero}")
    );
    for name in ["resnet8", "ds_cnn"] {
        assert_eq!(
            message(name, Options { padding: PaddingStyle::Pytorch, ..usual }),
            format!(
                "{name} has no choice of padding: it was published with TensorFlow's; leave `padding` out"
            )
        );
    }
    assert_eq!(published("zzz"), None);
    let huge = builtin::spec("resnet8", &Options { width: 1e300, ..usual }).unwrap();
    assert!(Graph::resolve(&huge).unwrap_err().to_string().contains("layer `stem` writes 32x32x"));
}
