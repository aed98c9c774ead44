//! `cargo mixq allocate --model paper` against what the paper's authors' own program answers.

use serde_json::Value;

use crate::allocate::allocate;

struct Layer {
    inputs: u64,
    outputs: u64,
    weights: u64,
    out_channels: u64,
}

fn numbers(value: &Value) -> Vec<u64> {
    value.as_array().unwrap().iter().map(|number| number.as_u64().unwrap()).collect()
}

/// Table 1 of arXiv 1905.13082 and packed weights, in bytes.
fn flash(layers: &[Layer], weight_bits: &[u64], activation_bits: &[u64], per_channel: bool) -> u64 {
    let mut bits = 0;
    for (k, layer) in layers.iter().enumerate() {
        let (c, last) = (layer.out_channels, k + 1 == layers.len());
        let parameters = match (per_channel, last) {
            (true, false) => 10 * c + 8,
            (true, true) => 7 * c + 4,
            (false, true) => 4 * c + 20,
            (false, false) if weight_bits[k] == 8 && activation_bits[k] == 8 => 4 * c + 20,
            (false, false) => 9 * c + 12,
        };
        bits += layer.weights * weight_bits[k] + 8 * parameters;
    }
    bits.div_ceil(8)
}

#[test]
fn every_mobilenet_of_the_oracle_is_answered_alike() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/allocation.json");
    let networks: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut compared = 0;
    for network in &networks {
        let name = network["name"].as_str().unwrap();
        let Some((width, resolution)) =
            name.strip_prefix("mobilenet_v1_").and_then(|rest| rest.split_once('_'))
        else {
            continue;
        };
        let size = |layer: &Value, key: &str| layer[key].as_u64().unwrap();
        let layers: Vec<Layer> = (network["layers"].as_array().unwrap().iter())
            .map(|layer| Layer {
                inputs: size(layer, "inputs"),
                outputs: size(layer, "outputs"),
                weights: size(layer, "weights"),
                out_channels: size(layer, "out_channels"),
            })
            .collect();
        for case in network["cases"].as_array().unwrap() {
            let scheme = case["scheme"].as_str().unwrap();
            let (flash_budget, ram_budget) = (case["flash"].to_string(), case["ram"].to_string());
            let (well, json) = allocate(&[
                "mobilenet_v1",
                "--model",
                "paper",
                "--width",
                width,
                "--resolution",
                resolution,
                "--scheme",
                scheme,
                "--flash",
                &flash_budget,
                "--ram",
                &ram_budget,
            ]);
            compared += 1;
            let fits = case["status"] == "ok";
            assert_eq!((well, &json["fits"]), (fits, &Value::from(fits)), "{name} {case}");
            if !fits {
                continue;
            }
            assert_eq!(json["weight_bits"], case["weight_bits"], "{name} {case}");
            assert_eq!(json["activation_bits"], case["activation_bits"], "{name} {case}");
            let (weights, activations) = (numbers(&case["weight_bits"]), numbers(&case["activation_bits"]));
            let expected = flash(&layers, &weights, &activations, scheme == "per-channel");
            assert_eq!(json["flash_bytes"], expected, "{name} {case}");
            let live = |k: usize| {
                let input = if k == 0 { 8 } else { activations[k - 1] };
                (layers[k].inputs * input + layers[k].outputs * activations[k]).div_ceil(8)
            };
            let most = (0..layers.len()).map(live).max().unwrap();
            assert_eq!(json["ram_bytes"], most, "{name} {case}");
            let peak =
                json["layers"].as_array().unwrap().iter().position(|l| l["name"] == json["peak_layer"]);
            assert_eq!(live(peak.unwrap()), most, "{name} {case}");
            replay(&json);
        }
    }
    assert!(compared >= 64, "{compared} cases");
}

/// The cuts in order lead from 8 bits to the answer.
fn replay(json: &Value) {
    let layers = json["layers"].as_array().unwrap();
    let mut bits = vec![[8_u64; 2]; layers.len()];
    for cut in json["cuts"].as_array().unwrap() {
        let layer = layers.iter().position(|layer| layer["name"] == cut["layer"]).unwrap();
        let of = &mut bits[layer][usize::from(cut["tensor"] == "output")];
        assert_eq!((cut["from"].as_u64(), cut["to"].as_u64()), (Some(*of), Some(*of / 2)));
        *of /= 2;
    }
    let weights: Vec<u64> = bits.iter().map(|[weights, _]| *weights).collect();
    let activations: Vec<u64> = bits.iter().map(|[_, output]| *output).collect();
    assert_eq!((numbers(&json["weight_bits"]), numbers(&json["activation_bits"])), (weights, activations));
}

/// With delta = 0 the largest layer is cut first, whatever stands before it.
#[test]
fn delta_is_an_option() {
    let first = |delta: &str| {
        let arguments = ["mobilenet_v1", "--model", "paper", "--flash", "4000000", "--delta", delta];
        let (well, json) = allocate(&arguments);
        assert!(well);
        json["cuts"][0].clone()
    };
    // Of 4,209,088 weights block13_pointwise has 1,048,576, the largest share, 24.9 %. More than 24.9 - 20 %
    // have those with over 206,758, the first of which is block7_pointwise with 512 x 512.
    assert_eq!(first("0")["layer"], "block13_pointwise");
    assert_eq!(first("0.05")["layer"], "block13_pointwise");
    assert_eq!(first("0.2")["layer"], "block7_pointwise");
    assert_eq!(first("0.2")["tensor"], "weights");
}

#[test]
fn residual_networks_are_refused() {
    for network in ["resnet8", "mobilenet_v2"] {
        let (well, json) = allocate(&[network, "--model", "paper"]);
        assert!(!well);
        let message = json["errors"][0].as_str().unwrap();
        assert!(message.starts_with("memory model `paper` is for chains of layers, but `block"), "{message}");
        assert!(message.ends_with("; use memory model `runtime`, which counts all that lives"), "{message}");
    }
}
