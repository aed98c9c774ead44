//! Networks that come with trained weights.

use std::collections::BTreeMap;

use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize};

use super::*;

/// The parameters of the float network that a package has trained, as PyTorch would name them.
///
/// A checkpoint is two lines, of which the second says names and shapes, and then the values. In the network
/// of these tests nothing but the last layer reads more than a pixel at once without a window, so the order
/// of all axes is that of PyTorch but for that layer.
fn float_weights(package: &Package) -> Vec<u8> {
    let [path] = &checkpoints(package, "float")[..] else { panic!("one float network") };
    let kept = std::fs::read(path).unwrap();
    let mut lines = kept.splitn(3, |byte| *byte == b'\n').skip(1);
    let head: serde_json::Value = serde_json::from_slice(lines.next().unwrap()).unwrap();
    let mut values = lines.next().unwrap();
    let mut tensors = BTreeMap::new();
    for tensor in head["tensors"].as_array().unwrap() {
        let sizes = tensor[1].as_array().unwrap().iter();
        let shape: Vec<usize> = sizes.map(|size| size.as_u64().unwrap() as usize).collect();
        let own = values.split_off(..4 * shape.iter().product::<usize>()).unwrap();
        let name = tensor[0].as_str().unwrap().strip_prefix("best/").expect("training is finished");
        let name = [
            (".gamma", ".weight"),
            (".beta", ".bias"),
            (".mean", ".running_mean"),
            (".variance", ".running_var"),
        ]
        .into_iter()
        .fold(name.to_string(), |name, (ours, theirs)| name.replace(ours, theirs));
        let own = match &name[..] {
            "linear1.weight" => channel_by_channel(own, 16),
            _ => own.to_vec(),
        };
        if !name.contains(".activation.") {
            tensors.insert(name, (shape, own));
        }
    }
    let views = tensors
        .iter()
        .map(|(name, (shape, own))| (name, TensorView::new(Dtype::F32, shape.clone(), own).unwrap()));
    serialize(views, None).unwrap()
}

/// Bytes of filters `[out, pixel, channel]` as `[out, channel, pixel]`: four pixels.
fn channel_by_channel(filters: &[u8], channels: usize) -> Vec<u8> {
    let value = |filter: &[u8], channel: usize, pixel: usize| {
        let start = 4 * (pixel * channels + channel);
        filter[start..start + 4].to_vec()
    };
    let filter = |filter: &[u8]| -> Vec<u8> {
        let of_channel = |channel| (0..4).flat_map(move |pixel| value(filter, channel, pixel));
        (0..channels).flat_map(of_channel).collect()
    };
    filters.chunks(4 * 4 * channels).flat_map(filter).collect()
}

/// The pixels' mean and deviation, which training would find: whole numbers, so that both are the same.
const NORMALISATION: &str = "normalisation = { mean = 77, std = 95 }\n";

fn with_weights(weights: &[u8], training: &str) -> Package {
    let package = digits("per-channel", training);
    // So that post-training quantisation loses little.
    package.replace("Cargo.toml", "scheme =", "policy = \"uniform-8\"\nscheme =");
    BUDGET.iter().for_each(|(budget, tight)| package.replace("Cargo.toml", tight, budget));
    std::fs::write(package.path("net.safetensors"), weights).unwrap();
    package.replace("net.toml", "layer =", &format!("weights = \"net.safetensors\"\n{NORMALISATION}layer ="));
    package
}

/// A `.safetensors` file of tensors with their shapes.
pub fn file(tensors: &[(&str, &[usize], Vec<f32>)]) -> Vec<u8> {
    let bytes: Vec<_> = tensors
        .iter()
        .map(|(name, shape, values)| {
            let own: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            (*name, shape.to_vec(), own)
        })
        .collect();
    let views = bytes
        .iter()
        .map(|(name, shape, own)| (*name, TensorView::new(Dtype::F32, shape.clone(), own).unwrap()));
    serialize(views, None).unwrap()
}

#[test]
fn a_trained_network_is_taken_as_it_is_quantised_and_trained_on() {
    let source =
        digits("per-channel", "epochs = 12, quantised-epochs = 0, batch = 16, learning-rate = 0.005");
    source.replace("net.toml", "layer =", &format!("{NORMALISATION}layer ="));
    let trained = train(&source).header.accuracy;
    let weights = float_weights(&source);

    let package = with_weights(&weights, "quantised-epochs = 0");
    let mut counter = Counter::default();
    let (artifact, _) = train_with(&package, false, &mut counter).unwrap();
    let accuracy = artifact.header.accuracy;
    assert_eq!((counter.float, counter.quantised), (0, 0));
    println!("{trained:?} {accuracy:?}");
    // The same float network; an image whose two highest logits are equal may get either.
    assert!((accuracy.float - trained.float).abs() < 0.011, "{trained:?} {accuracy:?}");
    assert!(accuracy.float > 0.6 && (accuracy.float - accuracy.integer).abs() < 0.05, "{accuracy:?}");

    // Unless Cargo.toml sets epochs, the float network stays; quantised it is trained on.
    package.replace("Cargo.toml", "quantised-epochs = 0", "quantised-epochs = 1");
    let mut counter = Counter::default();
    train_with(&package, false, &mut counter).unwrap();
    assert_eq!((counter.float, counter.quantised), (0, 1));
    package.replace("Cargo.toml", "quantised-epochs = 1", "epochs = 1, quantised-epochs = 1");
    let mut counter = Counter::default();
    train_with(&package, false, &mut counter).unwrap();
    assert_eq!((counter.float, counter.quantised), (1, 1));
}

#[test]
fn an_artifact_is_fresh_while_its_weights_stay() {
    let source = digits("per-channel", SHORT);
    train(&source);
    let weights = float_weights(&source);
    let package = with_weights(&weights, "quantised-epochs = 0");
    train(&package);
    let state = || {
        let config = package.config();
        let prepared = Prepared::new(&config.models[0], None).unwrap();
        let state = prepared.state(&package.artifact()).unwrap();
        prepared.reason(&state)
    };
    assert_eq!(state(), None);
    // Firmware builds from the artifact alone, as without the images.
    let path = package.path("net.safetensors");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(state(), None);
    let mut other = weights.clone();
    *other.last_mut().unwrap() ^= 1;
    std::fs::write(&path, &other).unwrap();
    assert_eq!(state().as_deref(), Some("is stale: `weights` has changed"));
    std::fs::write(&path, &weights).unwrap();
    package.replace("net.toml", "std = 95", "std = 96");
    let reason = state().unwrap();
    assert!(reason.starts_with("is stale: `normalisation` was"), "{reason}");
}

#[test]
fn weights_that_cannot_be_used_are_refused_before_anything_is_trained() {
    let package = with_weights(b"not tensors", "quantised-epochs = 0");
    let wrong = |package: &Package| train_with(package, true, &mut ()).unwrap_err().to_string();
    let said = wrong(&package);
    assert!(said.contains("net.safetensors is not a safetensors file, or is damaged"), "{said}");
    assert!(said.contains("net.toml:"), "{said}");
    let one = TensorView::new(Dtype::F32, vec![1], &[0; 4]).unwrap();
    let empty = serialize([("conv1.weight", one)], None).unwrap();
    std::fs::write(package.path("net.safetensors"), empty).unwrap();
    let said = wrong(&package);
    assert!(said.contains("`conv1.weight` has shape [1], and the layer needs [12, 1, 3, 3]"), "{said}");
    assert!(said.contains("there is no `linear1.weight` of shape [10, 64]"), "{said}");
    std::fs::remove_file(package.path("net.safetensors")).unwrap();
    let said = wrong(&package);
    assert!(said.contains("cannot read") && said.contains("net.safetensors"), "{said}");
    let package = digits("per-channel", "epochs = 0");
    let said = wrong(&package);
    assert!(said.contains("`training.epochs` is 0, and its network comes without weights"), "{said}");
}

/// Two layers read the same one: the last layer answers, the other one is an output beside it.
const HEADS: &str = r#"input = [8, 8, 1]
layer = [
    { op = "conv", name = "stem", filters = 6, kernel = 3, stride = 2, batch_norm = false },
    { op = "conv", name = "place", filters = 2, kernel = 1, batch_norm = false, activation = "none",
      output = true },
    { op = "linear", name = "end", features = 10, inputs = ["stem"] },
]
"#;

#[test]
fn an_output_that_the_last_layer_does_not_depend_on_keeps_its_weights() {
    let mut rng = fastrand::Rng::with_seed(5);
    let mut random = |count: usize, size: f32| -> Vec<f32> {
        (0..count).map(|_| size * (2.0 * rng.f32() - 1.0)).collect()
    };
    let (stem, place, place_bias) = (random(54, 1.0), random(12, 1.0), random(2, 0.5));
    let tensors: [(&str, &[usize], Vec<f32>); 6] = [
        ("stem.weight", &[6, 1, 3, 3], stem.clone()),
        ("stem.bias", &[6], vec![0.1; 6]),
        ("place.weight", &[2, 6, 1, 1], place.clone()),
        ("place.bias", &[2], place_bias.clone()),
        ("end.weight", &[10, 96], random(960, 0.2)),
        ("end.bias", &[10], vec![0.0; 10]),
    ];
    let weights = file(&tensors);

    let package = with_weights(&weights, "quantised-epochs = 0");
    std::fs::write(package.path("net.toml"), HEADS).unwrap();
    let error = train_with(&package, true, &mut ()).unwrap_err().to_string();
    assert!(error.contains("does not depend on `place`") && error.contains("trained `weights`"), "{error}");

    let keys = format!("weights = \"net.safetensors\"\n{NORMALISATION}layer =");
    package.replace("net.toml", "layer =", &keys);
    for (before, after) in
        [("", ""), ("quantised-epochs = 0", "epochs = 1, quantised-epochs = 1")].into_iter()
    {
        package.replace("Cargo.toml", before, after);
        let artifact = train(&package);
        let outputs = &artifact.header.outputs;
        let names: Vec<&str> = outputs.iter().map(|output| &output.name[..]).collect();
        assert_eq!(names, ["end", "place"]);
        if after.is_empty() {
            let config = package.config();
            let graph = Prepared::new(&config.models[0], None).unwrap().graph;
            let dataset = &config.models[0].dataset;
            let dataset = Dataset::load(dataset, &graph.inputs, graph.output(), &mut ()).unwrap();
            let scale = outputs[1].scale;
            let zero = f64::from(outputs[1].tensor.zero_point);
            for image in (0..10).map(|index| dataset.test.image(index)) {
                let found = mixq_tests::networks::logits(&artifact, image);
                let expected = places(image, &stem, &place, &place_bias);
                for (code, expected) in found[10..].iter().zip(expected) {
                    let found = (f64::from(*code) - zero) * scale;
                    assert!((found - expected).abs() < 4.0 * scale, "{found} is not {expected}");
                }
            }
        }
    }
}

/// What `place` of [`HEADS`] writes, pixel by pixel, in 64-bit floats.
fn places(image: &[u8], stem: &[f32], place: &[f32], bias: &[f32]) -> Vec<f64> {
    let pixel = |y: i32, x: i32| {
        let inside = (0..8).contains(&y) && (0..8).contains(&x);
        // Around the image lies what the mean became.
        if inside { (f64::from(image[(8 * y + x) as usize]) - 77.0) / 95.0 } else { 0.0 }
    };
    let mut values = Vec::new();
    for at in 0..16 {
        let (row, column) = (at / 4 * 2, at % 4 * 2);
        let sum = |filter: usize| -> f64 {
            let tap = |tap: i32| {
                f64::from(stem[9 * filter + tap as usize]) * pixel(row + tap / 3, column + tap % 3)
            };
            (0.1 + (0..9).map(tap).sum::<f64>()).max(0.0)
        };
        let inner: Vec<f64> = (0..6).map(sum).collect();
        for output in 0..2 {
            let products = inner.iter().zip(&place[6 * output..]).map(|(x, w)| x * f64::from(*w));
            values.push(f64::from(bias[output]) + products.sum::<f64>());
        }
    }
    values
}
