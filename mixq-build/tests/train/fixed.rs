//! Constants that are not trained.

use super::weights::file;
use super::*;
use mixq_format::Layer;

/// A window over the image that lets half of it through, and a table that is added, neither of them trained.
const NETWORK: &str = r#"input = [8, 8, 1]
weights = "net.safetensors"
normalisation = { mean = 5, std = 6 }
layer = [
    { op = "conv", name = "stem", filters = 6, kernel = 3, batch_norm = false },
    { op = "multiply_constant", name = "window", trained = false },
    { op = "add_constant", name = "table", trained = false, activation = "relu" },
    { op = "multiply_constant", name = "factors" },
    { op = "linear", name = "end", features = 10 },
]
"#;

/// The upper half of the image, and a value of -0.5, 0.25 or 1 for each channel and row.
fn window() -> Vec<f32> {
    (0..6 * 64).map(|at| if at % 64 < 32 { 1.0 } else { 0.0 }).collect()
}

fn table() -> Vec<f32> {
    (0..6 * 64).map(|at| [-0.5, 0.25, 1.0][(at / 64 + at % 64 / 8) % 3]).collect()
}

fn fixed(scheme: &str) -> Package {
    let mut rng = fastrand::Rng::with_seed(8);
    let mut random = |count: usize, size: f32| -> Vec<f32> {
        (0..count).map(|_| size * (2.0 * rng.f32() - 1.0)).collect()
    };
    let tensors: [(&str, &[usize], Vec<f32>); 7] = [
        ("stem.weight", &[6, 1, 3, 3], random(54, 0.7)),
        ("stem.bias", &[6], vec![0.1; 6]),
        ("window.weight", &[6, 8, 8], window()),
        ("table.weight", &[6, 8, 8], table()),
        ("factors.weight", &[6, 8, 8], random(384, 1.0)),
        ("end.weight", &[10, 384], random(3840, 0.1)),
        ("end.bias", &[10], vec![0.0; 10]),
    ];
    let package =
        digits(scheme, "epochs = 6, quantised-epochs = 2, batch = 16, learning-rate = 0.005, average = 0.5");
    package.replace("Cargo.toml", "scheme =", "policy = \"uniform-8\"\nscheme =");
    BUDGET.iter().for_each(|(budget, tight)| package.replace("Cargo.toml", tight, budget));
    std::fs::write(package.path("net.safetensors"), file(&tensors)).unwrap();
    package.write("net.toml", NETWORK);
    package
}

/// What the checkpoint of a phase has as the best values of a tensor.
fn kept(package: &Package, phase: &str, name: &str) -> Vec<f32> {
    let [path] = &checkpoints(package, phase)[..] else { panic!("one network") };
    let kept = std::fs::read(path).unwrap();
    let mut lines = kept.splitn(3, |byte| *byte == b'\n').skip(1);
    let head: serde_json::Value = serde_json::from_slice(lines.next().unwrap()).unwrap();
    let mut values = lines.next().unwrap();
    for tensor in head["tensors"].as_array().unwrap() {
        let sizes = tensor[1].as_array().unwrap().iter();
        let count: u64 = sizes.map(|size| size.as_u64().unwrap()).product();
        let own = values.split_off(..4 * count as usize).unwrap();
        if tensor[0] == format!("best/{name}") {
            return own.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        }
    }
    panic!("no {name} in {}", head["tensors"])
}

#[test]
fn constants_that_are_not_trained_stay_what_the_file_has() {
    for scheme in ["per-channel", "per-layer"] {
        let package = fixed(scheme);
        let before = kept_in_file(&package, "factors.weight");
        let artifact = train(&package);
        for phase in ["float", "quantised"] {
            assert_eq!(kept(&package, phase, "window.constant"), window(), "{scheme} {phase}");
            assert_eq!(kept(&package, phase, "table.constant"), table(), "{scheme} {phase}");
            let trained = kept(&package, phase, "factors.weight");
            let moved = trained.iter().zip(&before).filter(|(a, b)| a != b).count();
            assert!(moved > 300, "{scheme} {phase}: {moved} of the trained constants have changed");
        }
        // On the device each constant has the code of its value: as many codes as values, in their order.
        for (name, values) in [("window", window()), ("table", table())] {
            let layer = artifact.header.layers.iter().find(|layer| layer.name == name).unwrap();
            let Layer::Constants(constants) = layer.layer else { panic!("{:?}", layer.layer) };
            assert_eq!(constants.weight_bits, Bits::B8);
            let codes = &artifact.parameters[constants.weights as usize..][..384];
            // Codes in the order row, column, channel; values channel by channel.
            // Codes of 8 bits are signed.
            let pairs = (0..384).map(|at| (codes[at] ^ 0x80, values[at % 6 * 64 + at / 6]));
            let mut of_values: Vec<(f32, u8)> = pairs.map(|(code, value)| (value, code)).collect();
            of_values.sort_by(|a, b| a.partial_cmp(b).unwrap());
            of_values.dedup();
            let expected = if name == "window" { 2 } else { 3 };
            assert_eq!(of_values.len(), expected, "{scheme} {name}: {of_values:?}");
            assert!(of_values.windows(2).all(|pair| pair[0].1 < pair[1].1), "{of_values:?}");
            // Distances of codes are those of values.
            let steps = |a: (f32, u8), b: (f32, u8)| f64::from(b.1 - a.1) / f64::from(b.0 - a.0);
            let (all, first) =
                (steps(of_values[0], of_values[expected - 1]), steps(of_values[0], of_values[1]));
            assert!((all - first).abs() < 0.02 * all, "{of_values:?}");
        }
        assert!(artifact.header.accuracy.integer > 0.3, "{:?}", artifact.header.accuracy);
    }
}

fn kept_in_file(package: &Package, name: &str) -> Vec<f32> {
    let bytes = std::fs::read(package.path("net.safetensors")).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let own = tensors.tensor(name).unwrap();
    own.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

#[test]
fn constants_without_a_value_are_refused() {
    let package = fixed("per-channel");
    let without = NETWORK.replace("weights = \"net.safetensors\"\n", "");
    package.write("net.toml", &without);
    let said = Prepared::new(&package.config().models[0], None).unwrap_err().to_string();
    let expected = "a layer has `trained` = false, but the network has no `weights`: its constants have no \
                    values; add weights = \"...\" before the layers, or leave `trained` out";
    assert_eq!(said.matches(expected).count(), 2, "{said}");
    // `scratch` leaves the weights out, and with them the values.
    package.write("net.toml", NETWORK);
    package.replace("Cargo.toml", "training = {", "training = { method = \"scratch\",");
    let said = Prepared::new(&package.config().models[0], None).map(|_| ()).unwrap_err().to_string();
    assert!(said.contains("`window`, `table`"), "{said}");
    assert!(said.contains("training.method = \"scratch\""), "{said}");
}
