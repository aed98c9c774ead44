//! Several inputs, each with a normalisation of its own; one is of planes, which a `transpose` makes an
//! image.

use mixq_format::SampleChannel;

use super::*;
use crate::dataset::channel_of;

const NETWORK: &str = r#"
    weights = "net.safetensors"
    layer = [
        { op = "transpose", order = ["width", "channels", "height"] },
        { op = "conv", name = "stem", filters = 3, kernel = [2, 3], padding = "valid", batch_norm = false },
        { op = "linear", name = "seen", features = 6, activation = "relu" },
        { op = "linear", name = "read", features = 6, activation = "relu", inputs = ["meta"] },
        { op = "add", inputs = ["seen", "read"] },
        { op = "linear", name = "head", features = 4 },
    ]
    [inputs]
    planes = { shape = [2, 4, 5], normalisation = { mean = [100, 30], std = [50, 20] } }
    meta = [1, 1, 3]
"#;

/// Codes of `meta` stand for these values: each channel has a scale of its own.
fn samples() -> Vec<SampleChannel> {
    [([0.0, 10.0], 0.001), ([-4.0, 4.0], 0.01), ([100.0, 130.0], 0.5)]
        .map(|(range, unit)| channel_of(range, Some(unit), mixq_format::Bits::B8))
        .to_vec()
}

#[test]
fn every_input_is_normalised_as_where_the_network_was_trained() {
    let _turn = take_turn(1, 1);
    let imported = parse_with_weights(Path::new("net.toml"), NETWORK).unwrap();
    let graph = Graph::resolve(&imported.spec).unwrap();
    let samples = vec![Vec::new(), samples()];
    let normalisations = imported.normalisations_of(&samples).unwrap();
    let imported = crate::import::Imported { normalisations, ..imported };
    let mut random = fastrand::Rng::with_seed(11);
    let shapes: [(&str, &[usize]); 8] = [
        ("stem.weight", &[3, 2, 2, 3]),
        ("stem.bias", &[3]),
        ("seen.weight", &[6, 27]),
        ("seen.bias", &[6]),
        ("read.weight", &[6, 3]),
        ("read.bias", &[6]),
        ("head.weight", &[4, 6]),
        ("head.bias", &[4]),
    ];
    let tensors = drawn(&shapes, &mut random);
    let of = |name: &str| in_libtorch(&tensors[name]);
    let rows: Vec<u8> = (0..3 * 43).map(|_| random.u8(..)).collect();
    let split = Split { pixels: rows.clone().into(), targets: vec![0; 3].into() };
    let images = Images::all(&split);
    let start = initial(&imported, &graph, imported.weights.as_ref().unwrap(), &tensors).unwrap();
    let found = Normalisation::of_inputs(&images, &graph.inputs).into_iter().zip(&imported.normalisations);
    let found: Vec<Normalisation> =
        found.map(|(own, given)| own.replaced(given.as_ref().unwrap()).with_equal_channels()).collect();
    let allocation = allocate(&graph, u64::MAX, u64::MAX, Scheme::PerChannel).unwrap();
    let (scheme, rounding) = (Scheme::PerChannel, Rounding::Nearest);
    let mut model = Model::new(&graph, &allocation, scheme, rounding, &found, Device::Cpu);
    model.begin_with(&start);
    let (x, _) = batch(&images, &[0, 1, 2], &model.form());
    let mode = Mode { quantised: false, batch_statistics: false };
    let found = tch::no_grad(|| model.forward(&x, mode));

    // The planes are what PyTorch calls an image; `meta` are the values that codes stand for.
    let whole = tch::Tensor::from_slice(&rows).view([3, 43]).to_kind(Kind::Float);
    let by_channel = |values: [f64; 2]| tch::Tensor::from_slice(&values).to_kind(Kind::Float).view([2, 1, 1]);
    let planes = whole.narrow(1, 0, 40).reshape([3, 2, 4, 5]);
    let planes = (planes - by_channel([100.0, 30.0])) / by_channel([50.0, 20.0]);
    let code = |channel: usize, code: u8| {
        let SampleChannel { unit, codes } = samples[1][channel];
        let step = unit * f64::from(1u32 << codes.shift.min(31)) / f64::from(codes.multiplier);
        step * (f64::from(code) - f64::from(codes.zero_point))
    };
    let meta: Vec<f32> = rows
        .chunks(43)
        .flat_map(|row| (0..3).map(move |at| (at, row[40 + at])))
        .map(|(at, c)| code(at, c) as f32)
        .collect();
    let meta = tch::Tensor::from_slice(&meta).view([3, 3]);
    let seen = planes.conv2d(&of("stem.weight"), Some(of("stem.bias")), 1, 0, 1, 1).relu();
    let seen = seen.flatten(1, -1).linear(&of("seen.weight"), Some(of("seen.bias"))).relu();
    let read = meta.linear(&of("read.weight"), Some(of("read.bias"))).relu();
    let expected = (seen + read).linear(&of("head.weight"), Some(of("head.bias")));
    let off = (found - &expected).abs().max().double_value(&[]);
    assert!(off < 1e-5 * expected.abs().max().double_value(&[]), "{off}");
}

#[test]
fn pixels_of_each_input_need_a_normalisation() {
    let imported = parse_with_weights(Path::new("net.toml"), NETWORK).unwrap();
    // Bytes are pixels: how these were changed is not known.
    let said = imported.normalisations_of(&[Vec::new(), Vec::new()]).unwrap_err().to_string();
    let expected = "no `normalisation` of its input `meta`: what layers read is not known; say how pixels of \
                    0 to 255 were changed, for example meta = { shape = [...], normalisation = { mean = 0, \
                    std = 255 } } for pixels divided by 255";
    assert!(said.starts_with("net.toml:") && said.contains(expected), "{said}");
}

/// A graph that begins with planes learns what one learns that begins with pixels.
#[test]
fn planes_have_the_statistics_of_pixels() {
    let mut random = fastrand::Rng::with_seed(3);
    let pixels: Vec<[u8; 3]> =
        (0..200).map(|_| [random.u8(..), random.u8(90..120), random.u8(200..)]).collect();
    // Ten images of 4x5 pixels, and the same as planes.
    let plane = |image: &[[u8; 3]], channel: usize| image.iter().map(|p| p[channel]).collect::<Vec<u8>>();
    let planes = |image: &[[u8; 3]]| [0, 1, 2].map(|channel| plane(image, channel)).concat();
    let of = |rows: Vec<u8>, network: &str| {
        let imported = crate::import::layers::parse(Path::new("net.toml"), network).unwrap();
        let graph = Graph::resolve(&imported).unwrap();
        let split = Split { pixels: rows.into(), targets: vec![0; 10].into() };
        Normalisation::of_inputs(&Images::all(&split), &graph.inputs).remove(0)
    };
    let end = "{ op = \"conv\", filters = 2, kernel = 3 }, { op = \"linear\", features = 2 }]";
    let plain = of(pixels.as_flattened().to_vec(), &format!("input = [4, 5, 3]\nlayer = [{end}"));
    let moved = of(
        pixels.chunks(20).flat_map(planes).collect(),
        &format!(
            "input = [3, 4, 5]\nlayer = [{{ op = \"transpose\", order = [\"width\", \"channels\", \
             \"height\"] }}, {end}"
        ),
    );
    assert_eq!(moved, plain);
    assert!(plain.gains[1] > 2.0 * plain.gains[0], "{:?}", plain.gains);
}
