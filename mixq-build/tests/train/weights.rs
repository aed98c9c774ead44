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
