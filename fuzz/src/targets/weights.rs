//! Trained weights in safetensors files: headers, sizes and values, and what a network makes of them.

use std::path::Path;

use fastrand::Rng;
use mixq_build::engine::error::Error;
use mixq_build::engine::graph::Graph;
use mixq_build::engine::import::{After, initial, layers, weights};
use serde_json::json;

use super::messages::{checked, refused};
use crate::mutate::{Engine, bytes, header, once_in};
use crate::{Target, Verdict};

pub(super) const WEIGHTS: Target = Target { name: "weights", generate, mutate, read };

const NETWORK: &str = r#"
input = [6, 4, 2]
weights = "net.safetensors"
normalisation = { mean = [100, 200], std = [50, 60] }
layer = [
    { op = "conv", name = "a", filters = 3, kernel = [1, 3] },
    { op = "depthwise", name = "b", kernel = 3, activation = "none" },
    { op = "linear", name = "c", features = 2 },
]
"#;

const TENSORS: [(&str, &[usize]); 10] = [
    ("a.weight", &[3, 2, 3]),
    ("a.bias", &[3]),
    ("a.norm.running_mean", &[3]),
    ("a.norm.running_var", &[3]),
    ("b.weight", &[3, 1, 3, 3]),
    ("b.norm.running_mean", &[3]),
    ("b.norm.running_var", &[3]),
    ("b.range", &[2]),
    ("c.weight", &[2, 72]),
    ("c.bias", &[2]),
];

/// All tensors that the network needs, of any type of floats; their header mutated, or their values.
fn generate(rng: &mut Rng) -> Vec<u8> {
    let mut values = Vec::new();
    let mut head = json!({});
    for (name, shape) in TENSORS {
        let (dtype, size) = [("F16", 2), ("BF16", 2), ("F32", 4), ("F64", 8)][rng.usize(..4)];
        let begin = values.len();
        for index in 0..shape.iter().product() {
            let value = if name == "b.range" { index as f64 } else { rng.f64() };
            match dtype {
                // Positive numbers below 2, and 0 and 1 in the ranges.
                "F16" => values.extend((((value * 15.0) as u16) << 10).to_le_bytes()),
                "BF16" => values.extend((((value * 127.0) as u16) << 7).to_le_bytes()),
                "F32" => values.extend((value as f32).to_le_bytes()),
                _ => values.extend(value.to_le_bytes()),
            }
        }
        assert_eq!(values.len() - begin, size * shape.iter().product::<usize>());
        head[name] = json!({ "dtype": dtype, "shape": shape, "data_offsets": [begin, values.len()] });
    }
    for _ in 0..rng.usize(..3) {
        header(rng, &mut head);
    }
    if once_in(rng, 3) {
        bytes(rng, &mut values, 4);
    }
    let mut case = file(&head.to_string(), &values);
    if once_in(rng, 10) {
        bytes(rng, &mut case, 3);
    }
    case
}

fn file(head: &str, values: &[u8]) -> Vec<u8> {
    [&(head.len() as u64).to_le_bytes(), head.as_bytes(), values].concat()
}

/// Mutates what the header means, or any bytes.
fn mutate(rng: &mut Rng, mut case: Vec<u8>, engine: Engine) -> Vec<u8> {
    let parts = case
        .split_first_chunk()
        .and_then(|(length, rest)| rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?));
    if rng.bool()
        && let Some((head, values)) = parts
        && let Ok(mut head) = serde_json::from_slice(head)
    {
        header(rng, &mut head);
        return file(&head.to_string(), values);
    }
    engine(&mut case);
    case
}

fn read(case: &[u8], _: &Path) -> Verdict {
    let imported = layers::parse_with_weights(Path::new("net.toml"), NETWORK).expect("a valid network");
    let graph = Graph::resolve(&imported.spec).expect("a valid network");
    let source = imported.weights.as_ref().expect("the network has weights");
    let found = weights::parse(&source.path, case)
        .map_err(Error::from)
        .and_then(|tensors| initial(&imported, &graph, source, &tensors));
    let found = match found {
        Ok(found) => found,
        Err(error) => return refused(&error),
    };
    found.warnings.iter().for_each(|warning| checked(warning));
    for (node, layer) in graph.nodes.iter().zip(&found.layers) {
        let layer = layer.as_ref().expect("all layers have weights");
        let after: Vec<&Vec<f32>> = match &layer.after {
            After::Nothing => Vec::new(),
            After::Bias(bias) => vec![bias],
            After::Norm { gamma, beta, mean, variance } => vec![gamma, beta, mean, variance],
        };
        assert!(after.iter().all(|values| values.len() == node.output.channels), "{}", node.name);
    }
    Verdict::Accepted
}
