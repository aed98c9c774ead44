//! Regression: where a spot is, and how bright.

use super::*;

const NETWORK: &str = r#"
input = [8, 8, 1]
layer = [
    { op = "conv", filters = 8, kernel = 3 },
    { op = "max_pool", kernel = 2 },
    { op = "linear", features = 32, activation = "relu" },
    { op = "linear", features = 2 },
]
"#;

/// Spots with a place in micrometres from 100,000 on, and a brightness from 0.2 to 1. The brightness comes
/// first in the file.
fn rows(count: usize) -> String {
    let mut rng = Rng::with_seed(7);
    let pixels = (0..64).map(|pixel| format!("p{pixel},")).collect::<String>();
    let mut text = format!("brightness,{pixels}place\n");
    for _ in 0..count {
        let at = [1.0 + 5.0 * rng.f64(), 1.0 + 5.0 * rng.f64()];
        let brightness = 0.2 + 0.8 * rng.f64();
        let image = spot(&mut rng, at, 250.0 * brightness);
        let _ = writeln!(text, "{brightness:.4},{image}{:.2}", 100_000.0 + 25.0 * at[0]);
    }
    text
}

fn spots(policy: &str) -> Package {
    let package = package(
        "regression",
        NETWORK,
        &rows(900),
        ", test = 150, targets = [\"place\", \"brightness\"]",
        "epochs = 60, quantised-epochs = 20, learning-rate = 0.005, batch = 32",
    );
    package.replace("Cargo.toml", "scheme =", &format!("policy = {policy:?}\nscheme ="));
    package
}

/// R^2 by its definition, on columns.
fn r2(answers: &[f64], targets: &[f64]) -> f64 {
    let mean = targets.iter().sum::<f64>() / targets.len() as f64;
    let (mut error, mut spread) = (0.0, 0.0);
    for (answer, target) in answers.iter().zip(targets) {
        error += (target - answer) * (target - answer);
        spread += (target - mean) * (target - mean);
    }
    1.0 - error / spread
}

#[test]
fn eight_bits_predict_as_well_as_floats_and_the_device_as_the_host() {
    let package = spots("uniform-8");
    let trained = train(&package);
    let Trained { artifact, dataset, logits, warnings } = &trained;
    assert!(warnings.is_empty(), "{warnings:?}");
    let header = &artifact.header;
    println!("{:?} {:?}", header.accuracy, header.readout);
    assert_eq!(header.labels, ["place", "brightness"]);
    assert!(header.accuracy.float > 0.97, "it learns: {:?}", header.accuracy);
    assert!(header.accuracy.integer > header.accuracy.float - 0.02, "{:?}", header.accuracy);
    // Integers differ from fake quantisation by less than a thousandth of the range.
    assert_eq!(header.accuracy.disagreements, 0, "{:?}", header.accuracy);

    // The scores by their definitions, from what firmware reads.
    let text = std::fs::read_to_string(package.path("images.csv")).unwrap();
    let rows: Vec<Vec<f64>> =
        text.lines().skip(1).map(|row| row.split(',').map(|x| x.parse().unwrap()).collect()).collect();
    let rows = &rows[rows.len() - 150..];
    let figures = report(artifact).figures.unwrap();
    let mut mean = 0.0;
    for (output, column) in [65, 0].into_iter().enumerate() {
        let targets: Vec<f64> = rows.iter().map(|row| row[column]).collect();
        let unit = header.readout.units[output];
        let integers = logits.iter().skip(output).step_by(2);
        let answers: Vec<f64> =
            integers.map(|integer| unit.scale * f64::from(*integer) + unit.offset).collect();
        let found = &figures["outputs"][output];
        assert!((found["r2"].as_f64().unwrap() - r2(&answers, &targets)).abs() < 1e-9, "{found}");
        let error = answers.iter().zip(&targets).map(|(a, t)| (a - t).abs()).sum::<f64>() / 150.0;
        assert!((found["mean_absolute_error"].as_f64().unwrap() - error).abs() < 1e-9 * error, "{found}");
        mean += r2(&answers, &targets) / 2.0;
    }
    assert!((mean - header.accuracy.integer).abs() < 1e-9);

    let lines = on_device("regression", &trained, 20);
    for (image, line) in lines.iter().enumerate() {
        let integers = &logits[2 * image..][..2];
        let real = integers
            .iter()
            .zip(&header.readout.units)
            .map(|(integer, unit)| (unit.scale as f32 * *integer as f32 + unit.offset as f32).to_bits());
        assert_eq!(*line, format!("{} {}", list(integers), list(real)));
    }
    assert_eq!(dataset.test.len(), 150);
}

#[test]
fn four_bits_predict_too() {
    let accuracy = train(&spots("uniform-4")).artifact.header.accuracy;
    println!("{accuracy:?}");
    assert!(accuracy.integer > 0.9 && (accuracy.integer - accuracy.fake_quant).abs() < 0.01, "{accuracy:?}");
}
