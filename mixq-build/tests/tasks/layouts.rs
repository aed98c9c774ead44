//! Inputs as their data are: planes that a `transpose` turns into pixels, weights from elsewhere for several
//! inputs, and codes of samples whose bits the budget decides.

use mixq_format::{Bits, SampleChannel};
use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize};

use super::dense::{npy, npz};
use super::*;

const PLANES: [f64; 2] = [100.0, 60.0];
const PLANES_STD: [f64; 2] = [50.0, 40.0];
const META: [f64; 3] = [20.0, 50.0, 0.0];
const META_STD: [f64; 3] = [5.0, 12.0, 0.3];

const NETWORK: &str = r#"
weights = "net.safetensors"
inputs = { planes = { shape = [2, 8, 8], normalisation = { mean = [100, 60], std = [50, 40] } }, META }
layer = [
    { op = "transpose", order = ["width", "channels", "height"] },
    { op = "conv", name = "stem", filters = 6, kernel = 3, padding = "valid", batch_norm = false },
    { op = "linear", name = "seen", features = 12, activation = "relu" },
    { op = "linear", name = "read", features = 12, activation = "relu", inputs = ["meta"] },
    { op = "add", inputs = ["seen", "read"] },
    { op = "linear", name = "end", features = 4 },
]
"#;

/// Weights by name, with their shapes as PyTorch has them.
fn weights() -> Vec<(&'static str, Vec<usize>, Vec<f32>)> {
    let mut rng = Rng::with_seed(31);
    let shapes: [(&str, &[usize], f32); 8] = [
        ("stem.weight", &[6, 2, 3, 3], 0.4),
        ("stem.bias", &[6], 0.2),
        ("seen.weight", &[12, 216], 0.15),
        ("seen.bias", &[12], 0.2),
        ("read.weight", &[12, 3], 1.0),
        ("read.bias", &[12], 0.2),
        ("end.weight", &[4, 12], 0.6),
        ("end.bias", &[4], 0.2),
    ];
    let tensors = shapes.map(|(name, shape, size)| {
        let values = (0..shape.iter().product()).map(|_| size * (2.0 * rng.f32() - 1.0)).collect();
        (name, shape.to_vec(), values)
    });
    tensors.to_vec()
}

/// What the network answers where it was trained: PyTorch's layers on an image of two channels and a vector.
fn answers(planes: &[u8], meta: &[f32]) -> Vec<f64> {
    let all = weights();
    let of = |name: &str| &all.iter().find(|(own, ..)| *own == name).unwrap().2;
    let pixel = |channel: usize, y: usize, x: usize| {
        (f64::from(planes[(channel * 8 + y) * 8 + x]) - PLANES[channel]) / PLANES_STD[channel]
    };
    let linear = |name: &str, x: &[f64]| -> Vec<f64> {
        let (weight, bias) = (of(&format!("{name}.weight")), of(&format!("{name}.bias")));
        let sum = |row: &[f32]| row.iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum::<f64>();
        weight.chunks(x.len()).zip(bias).map(|(row, bias)| f64::from(*bias) + sum(row)).collect()
    };
    let relu = |values: Vec<f64>| values.into_iter().map(|value| value.max(0.0)).collect::<Vec<_>>();
    let (stem, bias) = (of("stem.weight"), of("stem.bias"));
    let mut map = Vec::new();
    for filter in 0..6 {
        for at in 0..36 {
            let tap = |tap: usize| {
                let (channel, y, x) = (tap / 9, at / 6 + tap % 9 / 3, at % 6 + tap % 3);
                f64::from(stem[filter * 18 + tap]) * pixel(channel, y, x)
            };
            map.push(f64::from(bias[filter]) + (0..18).map(tap).sum::<f64>());
        }
    }
    let seen = relu(linear("seen", &relu(map)));
    let meta: Vec<f64> = (0..3).map(|at| (f64::from(meta[at]) - META[at]) / META_STD[at]).collect();
    let read = relu(linear("read", &meta));
    linear("end", &seen.iter().zip(&read).map(|(a, b)| a + b).collect::<Vec<_>>())
}

fn example(rng: &mut Rng) -> (Vec<u8>, [f32; 3]) {
    let planes = (0..128).map(|at| if at < 64 { rng.u8(20..200) } else { rng.u8(..130) }).collect();
    let meta = [10.0 + 20.0 * rng.f64(), 30.0 + 40.0 * rng.f64(), rng.f64() - 0.5];
    (planes, meta.map(|value| value as f32))
}

/// A package with 200 examples to find ranges with and 40 to measure with.
fn elsewhere(meta: &str, model: &str) -> Package {
    let mut rng = Rng::with_seed(77);
    let network = NETWORK.replace("META", meta);
    let package = package("classification", &network, "", "", "epochs = 0, quantised-epochs = 0");
    let mut arrays = Vec::new();
    for (part, count) in [("train", 200), ("test", 40)] {
        let examples: Vec<_> = (0..count).map(|_| example(&mut rng)).collect();
        let planes: Vec<u8> = examples.iter().flat_map(|(planes, _)| planes.clone()).collect();
        let meta: Vec<u8> =
            examples.iter().flat_map(|(_, meta)| meta.map(f32::to_le_bytes).concat()).collect();
        let classes: Vec<u8> = (0..count).map(|at| (at % 4) as u8).collect();
        arrays.push((format!("planes_{part}"), npy("|u1", &[count, 2, 8, 8], &planes)));
        arrays.push((format!("meta_{part}"), npy("<f4", &[count, 3], &meta)));
        arrays.push((format!("y_{part}"), npy("|u1", &[count], &classes)));
    }
    let arrays: Vec<(&str, Vec<u8>)> =
        arrays.iter().map(|(name, array)| (&name[..], array.clone())).collect();
    std::fs::write(package.path("data.npz"), npz(&arrays)).unwrap();
    let bytes = weights().into_iter().map(|(name, shape, values)| {
        (name, shape, values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
    });
    let bytes: Vec<_> = bytes.collect();
    let views = bytes
        .iter()
        .map(|(name, shape, own)| (*name, TensorView::new(Dtype::F32, shape.clone(), own).unwrap()));
    std::fs::write(package.path("net.safetensors"), serialize(views, None).unwrap()).unwrap();
    package.replace("Cargo.toml", "images.csv", "data.npz");
    package.replace("Cargo.toml", "scheme =", &format!("policy = \"uniform-8\"\n{model}scheme ="));
    package
}

/// The logits of the test examples are those of where the network was trained, but for quantisation.
fn assert_answers(trained: &Trained) {
    let mut rng = Rng::with_seed(77);
    (0..200).for_each(|_| drop(example(&mut rng)));
    let expected: Vec<f64> = (0..40)
        .flat_map(|_| {
            let (planes, meta) = example(&mut rng);
            answers(&planes, &meta)
        })
        .collect();
    let scale = trained.artifact.header.logit_scale;
    let (low, high) = expected.iter().fold((f64::MAX, f64::MIN), |(a, b), x| (a.min(*x), b.max(*x)));
    let mut worst = 0.0f64;
    for (logit, expected) in trained.logits.iter().zip(&expected) {
        worst = worst.max((f64::from(*logit) * scale - expected).abs());
    }
    println!("off by {worst} of {low} to {high}");
    assert!(worst < 0.04 * (high - low), "{worst} of {low} to {high}");
}

#[test]
fn weights_of_several_inputs_are_taken_with_a_normalisation_for_each() {
    let own = "meta = { shape = [1, 1, 3], normalisation = { mean = [20, 50, 0], std = [5, 12, 0.3] } }";
    let listed = train(&elsewhere(own, ""));
    assert_answers(&listed);
    let lines = on_device("layouts", &listed, 10);
    let best =
        |logits: &[i32]| logits.iter().position(|logit| logit == logits.iter().max().unwrap()).unwrap();
    for (logits, line) in listed.logits.chunks(4).zip(&lines) {
        assert!(line.starts_with(&format!("{} ", best(logits))), "{line} of {logits:?}");
    }
    // Cargo.toml may say the same, also as scale and offset.
    for said in [
        "mean = [20, 50, 0], std = [5, 12, 0.3]",
        "scale = [0.2, 0.08333333333333333, 3.3333333333333335], offset = [-4, -4.166666666666667, 0]",
    ] {
        let package = elsewhere("meta = [1, 1, 3]", &format!("inputs = {{ meta = {{ {said} }} }}\n"));
        let told = train(&package);
        assert_answers(&told);
        assert_eq!(told.logits, listed.logits, "{said}");
        package.replace("Cargo.toml", "inputs = { meta", "inputs = { planes");
        let config = package.config();
        let wrong = Prepared::new(&config.models[0], None).unwrap_err().to_string();
        let expected = "`inputs.planes` has 3 numbers for `mean`, the network's input has 2 channels";
        assert!(wrong.contains(expected), "{wrong}");
    }
}

#[test]
fn what_is_said_of_inputs_that_do_not_fit() {
    let said = |meta: &str, model: &str| {
        let package = elsewhere(meta, model);
        Prepared::new(&package.config().models[0], None).map(|_| ()).unwrap_err().to_string()
    };
    let of_nothing = "inputs = { mesa = { mean = 0, std = 1 } }";
    let wrong = said("meta = [1, 1, 3]", &format!("input = {{ mean = 1, std = 2 }}\n{of_nothing}\n"));
    for expected in [
        "has `inputs.mesa`, but its network has no such input; did you mean `meta`?",
        "has `input`, which does not say which input it is about; write inputs = { planes = { mean, std } }",
    ] {
        assert!(wrong.contains(expected), "{wrong}");
    }
    let wrong = said("meta = [1, 1, 3]", "inputs = { planes = { mean = 0, std = 1 } }\n");
    assert!(
        wrong.contains("has `inputs.planes`, and its network `normalisation`; both say the same"),
        "{wrong}"
    );
}

/// 400 series of 40 points in time with 6 channels: which of two channels swings.
fn series(keys: &str, ram: &str) -> Package {
    let network = r#"
    input = [1, 40, 6]
    layer = [
        { op = "conv", filters = 8, kernel = [1, 5], stride = [1, 4] },
        { op = "linear", features = 2 },
    ]
    "#;
    let package = package(
        "classification",
        network,
        "",
        keys,
        "epochs = 15, quantised-epochs = 5, batch = 16, learning-rate = 0.005, shift = 0",
    );
    let mut rng = Rng::with_seed(5);
    let (mut values, mut classes) = (Vec::new(), Vec::new());
    for at in 0..400 {
        let (class, phase) = (at % 2, 6.3 * rng.f64());
        for time in 0..40 {
            for channel in 0..6 {
                let wave = if channel == class { (0.7 * f64::from(time) + phase).sin() } else { 0.0 };
                values.push((wave + 0.3 * (rng.f64() - 0.5)) as f32);
            }
        }
        classes.push(class as u8);
    }
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let arrays = [("x", npy("<f4", &[400, 1, 40, 6], &bytes)), ("y", npy("|u1", &[400], &classes))];
    std::fs::write(package.path("series.npz"), npz(&arrays)).unwrap();
    package.replace("Cargo.toml", "images.csv", "series.npz");
    package.replace("Cargo.toml", "6 KiB", ram);
    package
}

/// 240 B of codes and 80 B of the first layer do not fit 300 B. The rules cut the larger one: the input.
#[test]
fn the_budget_cuts_the_bits_of_samples() {
    let input = |trained: &Trained| {
        let (tensor, samples) = trained.artifact.header.all_inputs()[0];
        (tensor.bits, samples.to_vec())
    };
    let wide = train(&series(", input = \"samples\"", "6 KiB"));
    let cut = train(&series(", input = \"samples\"", "300 B"));
    let given = train(&series(", input = { bits = 4 }", "300 B"));
    assert_eq!((input(&wide).0, input(&cut).0), (Bits::B8, Bits::B4));
    assert!(cut.artifact.ram_bytes() <= 300);
    // The codes are those of 4 bits: by the same scales as where the table says so, and for the same network.
    let code = |value: f32, SampleChannel { unit, codes }: &SampleChannel| {
        let sample = (f64::from(value) / unit + 0.5).floor();
        let steps = sample * f64::from(codes.multiplier) / f64::from(codes.shift).exp2();
        ((steps + 0.5).floor() + f64::from(codes.zero_point)).clamp(0.0, 15.0) as u8
    };
    let samples = input(&cut).1;
    assert_eq!(samples, input(&given).1);
    assert_eq!(cut.dataset.test.pixels, given.dataset.test.pixels);
    assert!(cut.dataset.test.pixels.iter().all(|code| *code < 16));
    assert_ne!(samples, input(&wide).1);
    let range = samples.iter().map(|channel| code(1.2, channel).abs_diff(code(-1.2, channel)));
    assert!(range.clone().all(|range| range >= 14), "{:?}", range.collect::<Vec<_>>());
    assert_eq!(cut.logits, given.logits);
    assert!(cut.artifact.header.accuracy.integer > 0.9, "{:?}", cut.artifact.header.accuracy);
}
