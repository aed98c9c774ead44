//! The same commands on samples of sensors.

use std::fs;

use fastrand::Rng;
use mixq_tests::package::Package;

use crate::tasks::{Said, commands, mixq, network, package};

/// A wave of one of two kinds, with noise.
fn wave(rng: &mut Rng, class: usize, points: usize) -> Vec<f64> {
    let (step, phase) = ([0.4, 1.1][class], 6.0 * rng.f64());
    (0..points).map(|at| 900.0 * (phase + step * at as f64).sin() + 100.0 * rng.f64()).collect()
}

/// Checks a classification of samples of two classes; `unit` is what a step of a 16-bit sample is worth.
fn check_samples(package: &Package, unit: f64) {
    let Said { report, text, lines } = commands(package, 1);
    let right = lines.iter().filter(|(target, logits)| (logits[1] > logits[0]) == (target == "1")).count();
    assert_eq!(report["integer_accuracy"], right as f64 / lines.len() as f64);
    let channels = report["samples"].as_array().unwrap();
    for channel in channels {
        assert_eq!(channel["sample_unit"], unit, "{channel}");
        let [scale, zero, least, largest] =
            ["scale", "zero_point", "least", "largest"].map(|key| channel[key].as_f64().unwrap());
        assert!((least + scale * zero).abs() < 1e-9 && (largest - least - 255.0 * scale).abs() < 1e-6);
        assert!(least < -500.0 * unit && largest > 500.0 * unit, "{channel}");
    }
    assert!(text.contains("\nsamples                scale  zero point 16-bit step"), "{text}");
}

fn sample_network(points: usize, channels: usize) -> String {
    network(
        [1, points, channels],
        "",
        "{ op = \"global_average_pool\" },\n    { op = \"linear\", features = 2 }",
    )
}

#[test]
fn series_of_ts_files() {
    let package = package("classification", &sample_network(24, 1), "\"Waves_TRAIN.ts\"");
    let mut rng = Rng::with_seed(7);
    for part in ["TRAIN", "TEST"] {
        let mut text = "@problemName Waves\n@timeStamps false\n@univariate true\n@equalLength true\n\
                        @classLabel true fast slow\n@data\n"
            .to_string();
        for at in 0..40 {
            let values: Vec<String> = wave(&mut rng, at % 2, 24).iter().map(|v| format!("{v:.0}")).collect();
            text += &format!("{}:{}\n", values.join(","), ["fast", "slow"][at % 2]);
        }
        package.write(&format!("Waves_{part}.ts"), &text);
    }
    check_samples(&package, 1.0);
}

#[test]
fn windows_of_csv_recordings() {
    let keys = "{ path = \"data\", files = \"{group}_{class}.csv\", window = 16, step = 8, test = 0.3 }";
    let package = package("classification", &sample_network(16, 2), keys);
    let mut rng = Rng::with_seed(8);
    fs::create_dir(package.path("data")).unwrap();
    for person in 0..4 {
        for (class, name) in ["fast", "slow"].into_iter().enumerate() {
            let [x, y] = [0; 2].map(|_| wave(&mut rng, class, 80));
            let rows = x.iter().zip(&y).map(|(x, y)| format!("{:.3},{:.3}\n", x / 100.0, y / 100.0));
            package.write(
                &format!("data/p{person}_{name}.csv"),
                &format!("aX,aY\n{}", rows.collect::<String>()),
            );
        }
    }
    let (report, ..) = mixq(&package, "retrain", &[]);
    // Values of 3 digits within 10: the largest power of two that keeps 16 bits.
    let unit = report["samples"][0]["sample_unit"].as_f64().unwrap();
    assert!(unit.log2().fract() == 0.0 && unit > 0.0 && unit < 0.001, "{unit}");
    assert_eq!(report["samples"].as_array().unwrap().len(), 2);
}

#[test]
fn folders_of_wav_files() {
    let package =
        package("classification", &sample_network(32, 1), "{ path = \"data\", window = 32, test = 0.3 }");
    let mut rng = Rng::with_seed(9);
    for (class, name) in ["fast", "slow"].into_iter().enumerate() {
        fs::create_dir_all(package.path("data").join(name)).unwrap();
        for at in 0..6 {
            let samples: Vec<u8> =
                wave(&mut rng, class, 128).iter().flat_map(|value| (*value as i16).to_le_bytes()).collect();
            let size = samples.len() as u32;
            // A RIFF file of one channel of 16 bits, 8,000 samples a second.
            let mut file =
                [&b"RIFF"[..], &(36 + size).to_le_bytes(), b"WAVEfmt ", &16u32.to_le_bytes()].concat();
            file.extend([1u16, 1].iter().flat_map(|number| number.to_le_bytes()));
            file.extend([8_000u32, 16_000].iter().flat_map(|number| number.to_le_bytes()));
            file.extend([2u16, 16].iter().flat_map(|number| number.to_le_bytes()));
            file.extend([&b"data"[..], &size.to_le_bytes(), &samples].concat());
            fs::write(package.path(&format!("data/{name}/{at}.wav")), file).unwrap();
        }
    }
    check_samples(&package, 1.0);
}
