//! Networks that end in a function: what they answer is in its range.

use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize};

use super::*;

/// A target by the column of a spot.
type Target = fn(f64) -> f64;

/// A network of one value that ends in this way.
fn ends_in(end: &str) -> String {
    format!(
        "input = [8, 8, 1]\nlayer = [\n{{ op = \"conv\", filters = 8, kernel = 3 }},\n\
         {{ op = \"max_pool\", kernel = 2 }},\n\
         {{ op = \"linear\", features = 32, activation = \"relu\" }},\n{end},\n]\n"
    )
}

/// Spots, with a number that depends on their columns: from 0 on the left to 1 on the right.
fn rows(count: usize, target: impl Fn(f64) -> f64) -> String {
    let mut rng = Rng::with_seed(7);
    let mut text = String::new();
    for _ in 0..count {
        let (x, y) = (rng.f64(), rng.f64());
        let image = spot(&mut rng, [1.0 + 5.0 * x, 1.0 + 5.0 * y], 250.0);
        let _ = writeln!(text, "{image}{:.4}", target(x));
    }
    text
}

const TRAINING: &str = "epochs = 40, quantised-epochs = 10, learning-rate = 0.005, batch = 32, shift = 0";

#[test]
fn quantities_are_in_the_range_of_the_function() {
    // Each has its bounds, and targets that come near them.
    let tanh = "{ op = \"linear\", features = 1, activation = \"tanh\" }";
    let sigmoid = "{ op = \"linear\", features = 1 }, { op = \"sigmoid\" }, { op = \"flatten\" }";
    let relu = "{ op = \"linear\", features = 1, activation = \"relu\" }";
    let cases: [(&str, &str, [f64; 2], Target); 3] = [
        ("tanh", tanh, [-1.0, 1.0], |x| 1.9 * x - 0.95),
        ("sigmoid", sigmoid, [0.0, 1.0], |x| x * x),
        // A factor does not change what a ReLU is: 3 of 10 targets are 0, others are large.
        ("relu", relu, [0.0, f64::INFINITY], |x| (4000.0 * (x - 0.3)).max(0.0)),
    ];
    for (name, end, [least, most], target) in cases {
        let package = package("regression", &ends_in(end), &rows(700, target), ", test = 100", TRAINING);
        package.replace("Cargo.toml", "scheme =", "policy = \"uniform-8\"\nscheme =");
        let trained = train(&package);
        let Trained { artifact, logits, warnings, .. } = &trained;
        assert!(warnings.is_empty(), "{warnings:?}");
        let header = &artifact.header;
        println!("{name} {:?} {:?}", header.accuracy, header.readout.units);
        assert!(header.accuracy.float > 0.95, "{name} {:?}", header.accuracy);
        assert!(header.accuracy.integer > header.accuracy.float - 0.02, "{name} {:?}", header.accuracy);
        let unit = header.readout.units[0];
        assert_eq!(unit.offset, 0.0);
        let lines = on_device(&format!("ends-{name}"), &trained, 20);
        for (integer, line) in logits.iter().zip(&lines) {
            let real = unit.scale * f64::from(*integer);
            assert!((least - unit.scale..most + unit.scale).contains(&real), "{name} {real}");
            assert!(line.starts_with(&format!("{integer} ")), "{line}");
        }
    }
}

#[test]
fn targets_that_a_function_cannot_come_to_are_named() {
    let end = "{ op = \"linear\", features = 1, activation = \"sigmoid\" }";
    let package = package("regression", &ends_in(end), &rows(100, |x| 3.0 * x), ", test = 20", TRAINING);
    let config = package.config();
    let prepared = Prepared::new(&config.models[0], None).unwrap_or_else(|error| panic!("{error}"));
    let made = retrain(&prepared, &package.artifact(), &package.path("scratch"), true, || (), &mut ());
    let error = made.map(drop).unwrap_err().to_string();
    assert!(error.contains("the last layer writes values from 0 to 1, but not "), "{error}");
    assert!(error.contains(" targets of `0`, which are from 0.") && error.contains(" to 2.9"), "{error}");
    assert!(error.contains("bring the targets into this range"), "{error}");
}

/// Autoencoders as others write them: black is the function's least value, white its largest.
#[test]
fn images_are_made_again_in_the_range_of_the_function() {
    let rows = rows(500, |_| 0.0);
    let rows = rows.lines().map(|row| row[..row.len() - 7].to_string() + "\n").collect::<String>();
    for name in ["sigmoid", "tanh", "relu"] {
        let network = format!(
            "input = [8, 8, 1]\nlayer = [\n{{ op = \"linear\", features = 24, activation = \"relu\" }},\n\
             {{ op = \"linear\", features = 64, activation = {name:?} }},\n]\n"
        );
        let package = package("reconstruction", &network, &rows, "", TRAINING);
        package.replace("Cargo.toml", "scheme =", "policy = \"uniform-8\"\nscheme =");
        let trained = train(&package);
        let Trained { artifact, dataset, logits, .. } = &trained;
        let header = &artifact.header;
        println!("{name} {:?} {:?}", header.accuracy, header.readout.error);
        assert!(header.accuracy.integer > 0.8, "{name} {:?}", header.accuracy);
        assert!((header.accuracy.integer - header.accuracy.fake_quant).abs() < 0.01, "{:?}", header.accuracy);
        let error = header.readout.error.unwrap();
        for (image, line) in on_device(&format!("remade-{name}"), &trained, 10).iter().enumerate() {
            let (made, image) = (&logits[64 * image..][..64], dataset.test.image(image));
            let score = error.of(made, image);
            let is_abnormal = score as i64 > header.readout.thresholds[0];
            assert_eq!(*line, format!("{score} {}", u8::from(is_abnormal)));
            // The score is the squared distance of pixels, where the function's bounds are black and white.
            let pixel = |integer: i32| {
                match name {
                    "sigmoid" => 255.0 * header.logit_scale * f64::from(integer),
                    "tanh" => 127.5 * (1.0 + header.logit_scale * f64::from(integer)),
                    _ => return None,
                }
                .into()
            };
            let distances = made.iter().zip(image).map(|(made, pixel_of_image)| {
                pixel(*made).map(|made: f64| (made - f64::from(*pixel_of_image)).powi(2))
            });
            if let Some(sum) = distances.sum::<Option<f64>>() {
                assert!((score as f64 / 256.0 - sum).abs() < 0.01 * sum + 8.0, "{name} {score} {sum}");
            }
        }
    }
}

/// A network that was trained elsewhere answers what it answered there, with nothing trained.
#[test]
fn a_trained_network_keeps_its_units() {
    let mut rng = Rng::with_seed(3);
    let mut numbers = |count: usize, size: f32| -> Vec<f32> {
        (0..count).map(|_| size * (2.0 * rng.f32() - 1.0)).collect()
    };
    let (weight, bias) = (numbers(2 * 64, 0.4), numbers(2, 0.3));
    let answers = |image: &[f64]| -> Vec<f64> {
        let rows = weight.chunks(64).zip(&bias);
        rows.map(|(row, bias)| {
            let sum: f64 = row.iter().zip(image).map(|(w, x)| f64::from(*w) * (x / 127.5 - 1.0)).sum();
            (sum + f64::from(*bias)).tanh()
        })
        .collect()
    };
    let network = "weights = \"net.safetensors\"\ninput = [8, 8, 1]\n\
                   normalisation = { mean = 127.5, std = 127.5 }\n\
                   layer = [{ op = \"linear\", name = \"end\", features = 2, activation = \"tanh\" }]\n";
    let rows = rows(200, |_| 0.0);
    let images: Vec<Vec<f64>> = (rows.lines())
        .map(|row| row.split(',').take(64).map(|pixel| pixel.parse().unwrap()).collect())
        .collect();
    let text: String = (rows.lines().zip(&images))
        .map(|(row, image)| {
            let [one, two] = answers(image)[..] else { panic!("two answers") };
            format!("{},{one:.6},{two:.6}\n", &row[..row.len() - 7])
        })
        .collect();
    let package = package("regression", network, &text, ", test = 50", "method = \"none\"");
    package.replace("Cargo.toml", "scheme =", "policy = \"uniform-8\"\nscheme =");
    let bytes = [weight.clone(), bias.clone()]
        .map(|values| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>());
    let views = [("end.weight", vec![2, 64], &bytes[0]), ("end.bias", vec![2], &bytes[1])]
        .map(|(name, shape, own)| (name, TensorView::new(Dtype::F32, shape, own).unwrap()));
    std::fs::write(package.path("net.safetensors"), serialize(views, None).unwrap()).unwrap();
    let trained = train(&package);
    let header = &trained.artifact.header;
    println!("{:?}", header.accuracy);
    assert!(header.accuracy.float > 0.99999, "{:?}", header.accuracy);
    assert!(header.accuracy.integer > 0.999, "{:?}", header.accuracy);
    let expected = images[150..].iter().flat_map(|image| answers(image));
    let units = header.readout.units.iter().cycle();
    let found = trained.logits.iter().zip(units).map(|(integer, unit)| unit.real(f64::from(*integer)));
    let squares: f64 = expected.zip(found).map(|(expected, found)| (found - expected).powi(2)).sum();
    assert!((squares / 100.0).sqrt() < 0.015, "{squares}");
}
