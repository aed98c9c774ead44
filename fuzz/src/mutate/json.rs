//! Wrong headers of artifacts, as JSON.

use fastrand::Rng;
use serde_json::Value;

use super::{once_in, one};

/// Numbers at which shapes, offsets and shifts go wrong.
const NUMBERS: [i64; 34] = [
    0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 27, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 65534,
    65535, 65536, 4194303, 4194304, 2147483647, 2147483648, 4294967295, 4294967296,
];
const TEXTS: [&str; 6] =
    ["multiplier", "thresholds16", "thresholds32", "", "a\"b\\\n\0\u{202e}", "*/ } fn x(){"];

/// Mutates the header of an artifact once: a number, a tensor wherever it stands, the order or the kind of
/// layers.
pub fn header(rng: &mut Rng, header: &mut Value) {
    match rng.u8(..20) {
        0..=9 => leaf(rng, header),
        10..=13 => tensor_everywhere(rng, header),
        14 => one_tensor_for_another(rng, header),
        15..=17 => layers(rng, header),
        18 => {
            if let Some(bytes) = header.get_mut("arena_bytes") {
                *bytes = Value::from([1u64 << 16, 1 << 20, 1 << 24, 1 << 30, 0xffff_fffc][rng.usize(..5)]);
            }
        }
        _ => labels(header),
    }
}

/// As many labels as logits.
fn labels(header: &mut Value) {
    if let Some(count @ ..70_000) = header["output"]["channels"].as_u64() {
        header["labels"] = (0..count).map(|class| Value::from(class.to_string())).collect();
    }
}

/// One number, text or truth value becomes another; mostly of a layer.
fn leaf(rng: &mut Rng, header: &mut Value) {
    let mut paths = Vec::new();
    leaves(header, String::new(), &mut paths);
    if !once_in(rng, 15) {
        let parts = ["/layers", "/input", "/output", "/stages"];
        paths.retain(|path| parts.iter().any(|part| path.starts_with(part)));
    }
    if paths.is_empty() {
        return;
    }
    let path = &paths[rng.usize(..paths.len())];
    let Some(value) = header.pointer_mut(path) else { return };
    if let Some(number) = value.as_i64() {
        *value = Value::from(match rng.u8(..7) {
            0 => number.saturating_add(1),
            1 => number.saturating_sub(1),
            2 => number.saturating_mul(2),
            3 => number / 2,
            4 => number.saturating_add(rng.i64(-32..32)),
            5 => [1, 2, 3, 4, 8][rng.usize(..5)],
            _ => NUMBERS[rng.usize(..NUMBERS.len())],
        });
    } else if value.is_f64() {
        *value = Value::from([0.0, -1.0, 1e308, -1e308, 1e-320, 0.5, 100.0][rng.usize(..7)]);
    } else if value.is_string() {
        *value = Value::from(one(rng, &TEXTS));
    }
}

fn leaves(value: &Value, path: String, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| leaves(value, format!("{path}/{key}"), found))
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(at, value)| leaves(value, format!("{path}/{at}"), found));
        }
        _ => found.push(path),
    }
}

/// All tensors, each wherever it stands.
fn tensors(value: &Value, found: &mut Vec<Value>) {
    match value {
        Value::Object(map) if map.contains_key("zero_point") && map.contains_key("channels") => {
            found.push(value.clone());
        }
        Value::Object(map) => map.values().for_each(|value| tensors(value, found)),
        Value::Array(list) => list.iter().for_each(|value| tensors(value, found)),
        _ => {}
    }
}

fn replace(value: &mut Value, old: &Value, new: &Value) {
    match value {
        value if value == old => *value = new.clone(),
        Value::Object(map) => map.values_mut().for_each(|value| replace(value, old, new)),
        Value::Array(list) => list.iter_mut().for_each(|value| replace(value, old, new)),
        _ => {}
    }
}

/// A tensor changes for who writes it and for all who read it: layers still chain.
fn tensor_everywhere(rng: &mut Rng, header: &mut Value) {
    let mut all = Vec::new();
    tensors(header, &mut all);
    if all.is_empty() {
        return;
    }
    let old = all[rng.usize(..all.len())].clone();
    let mut new = old.clone();
    let key = one(rng, &["height", "width", "channels", "bits", "zero_point", "offset"]);
    let number = old[key].as_i64().unwrap_or(0);
    new[key] = Value::from(match key {
        "bits" => [2, 4, 8, 32][rng.usize(..4)],
        "zero_point" => rng.i64(..256),
        "offset" if rng.bool() => number.saturating_add(4 * rng.i64(-32..32)),
        "offset" => rng.i64(..70_000),
        _ if rng.bool() => rng.i64(..40),
        _ if once_in(rng, 4) => NUMBERS[rng.usize(..NUMBERS.len())],
        _ => number.saturating_add(rng.i64(-4..5)),
    });
    replace(header, &old, &new);
}

fn one_tensor_for_another(rng: &mut Rng, header: &mut Value) {
    let mut all = Vec::new();
    tensors(header, &mut all);
    if all.len() > 1 {
        let (old, new) = (all[rng.usize(..all.len())].clone(), all[rng.usize(..all.len())].clone());
        replace(header, &old, &new);
    }
}

/// A layer is lost, stands twice or elsewhere, or is of another kind.
fn layers(rng: &mut Rng, header: &mut Value) {
    let Some(layers) = header.get_mut("layers").and_then(Value::as_array_mut) else { return };
    if layers.is_empty() {
        return;
    }
    let (at, to) = (rng.usize(..layers.len()), rng.usize(..layers.len()));
    match rng.u8(..5) {
        0 => drop(layers.remove(at)),
        1 => layers.insert(to, layers[at].clone()),
        2 => layers.swap(at, to),
        _ => {
            let layer = layers[at].get_mut("layer").and_then(Value::as_object_mut);
            let Some(layer) = layer else { return };
            let Some(kind) = layer.keys().next().cloned() else { return };
            let other = match kind.as_str() {
                "conv" => "depthwise",
                "depthwise" => "conv",
                "average_pool" => "max_pool",
                "max_pool" => "average_pool",
                other => other,
            };
            if let Some(table) = layer.remove(&kind) {
                layer.insert(other.to_string(), table);
            }
        }
    }
}
