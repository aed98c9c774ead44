//! Multi-label: which of three corners are bright.

use super::*;

const NETWORK: &str = r#"
input = [8, 8, 1]
layer = [
    { op = "conv", filters = 8, kernel = 3 },
    { op = "max_pool", kernel = 2 },
    { op = "linear", features = 16, activation = "relu" },
    { op = "linear", features = 3 },
]
"#;

/// How likely each corner is bright.
const SHARES: [f64; 3] = [0.5, 0.3, 0.15];

/// Corners with noise that hides some.
fn rows(count: usize) -> String {
    let mut rng = Rng::with_seed(11);
    let pixels = (0..64).map(|pixel| format!("p{pixel},")).collect::<String>();
    let mut text = format!("{pixels}north,east,south\n");
    for _ in 0..count {
        let set = SHARES.map(|share| rng.f64() < share);
        for pixel in 0..64 {
            let corner =
                [pixel < 24 && pixel % 8 < 3, pixel < 24 && pixel % 8 > 4, pixel > 39 && pixel % 8 < 3];
            let light = corner.iter().zip(set).any(|(inside, set)| *inside && set);
            let level = 90.0 * rng.f64() + if light { 45.0 } else { 0.0 };
            let _ = write!(text, "{},", level as u8);
        }
        let _ = writeln!(text, "{}", list(set.map(u8::from)));
    }
    text
}

fn corners(training: &str) -> Package {
    let package = package("multi-label", NETWORK, &rows(900), ", test = 200", training);
    package.replace("Cargo.toml", "scheme =", "policy = \"uniform-8\"\nscheme =");
    package
}

const TRAINING: &str = "epochs = 12, quantised-epochs = 6, shift = 0, learning-rate = 0.003, batch = 32";

/// The mean precision at each image that has the label, without ties: the definition of average precision.
fn average_precision(logits: &[i32], has: &[bool]) -> f64 {
    let found = (0..has.len()).filter(|i| has[*i]);
    let precision = found.clone().map(|i| {
        let above = |others: &dyn Fn(usize) -> bool| {
            (0..has.len()).filter(|j| logits[*j] >= logits[i] && others(*j)).count() as f64
        };
        above(&|j| has[j]) / above(&|_| true)
    });
    precision.sum::<f64>() / found.count() as f64
}

#[test]
fn labels_are_found_and_the_device_answers_as_the_host() {
    let package = corners(TRAINING);
    let trained = train(&package);
    let Trained { artifact, logits, warnings, .. } = &trained;
    let header = &artifact.header;
    println!("{:?} {:?}", header.accuracy, header.readout);
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(header.labels, ["north", "east", "south"]);
    assert!(header.accuracy.float > 0.85, "it learns: {:?}", header.accuracy);
    assert!((header.accuracy.integer - header.accuracy.fake_quant).abs() < 0.01, "{:?}", header.accuracy);

    let text = std::fs::read_to_string(package.path("images.csv")).unwrap();
    let rows: Vec<Vec<u8>> =
        text.lines().skip(1).map(|row| row.split(',').map(|x| x.parse().unwrap()).collect()).collect();
    let rows = &rows[rows.len() - 200..];
    let figures = report(artifact).figures.unwrap();
    let mut mean = 0.0;
    for label in 0..3 {
        let has: Vec<bool> = rows.iter().map(|row| row[64 + label] == 1).collect();
        let logits: Vec<i32> = logits.iter().skip(label).step_by(3).copied().collect();
        let found = &figures["labels"][label];
        let average = average_precision(&logits, &has);
        assert!((found["average_precision"].as_f64().unwrap() - average).abs() < 1e-9, "{found} {average}");
        mean += average / 3.0;
        let threshold = header.readout.thresholds[label] as i32;
        let count = |said: bool, is: bool| {
            logits.iter().zip(&has).filter(|(logit, has)| (**logit > threshold, **has) == (said, is)).count()
        };
        let (right, wrong, missed) = (count(true, true), count(true, false), count(false, true));
        let f1 = 2.0 * right as f64 / (2 * right + wrong + missed) as f64;
        assert!((found["f1"].as_f64().unwrap() - f1).abs() < 1e-9, "{found} {f1}");
    }
    assert!((mean - header.accuracy.integer).abs() < 1e-9);

    for (image, line) in on_device("multi_label", &trained, 20).iter().enumerate() {
        let logits = &logits[3 * image..][..3];
        let set = logits.iter().zip(&header.readout.thresholds).map(|(l, t)| u8::from(i64::from(*l) > *t));
        let (said, probabilities) = line.split_once(' ').unwrap();
        assert_eq!(said, list(set));
        for (found, logit) in probabilities.split(',').zip(logits) {
            let expected = 255.0 / (1.0 + (-header.logit_scale * f64::from(*logit)).exp());
            assert!((found.parse::<f64>().unwrap() - expected).abs() < 0.6, "{found} {expected}");
        }
    }
}

/// Images with the rarest label count as much as those without: more of them are found.
#[test]
fn rare_labels_count_more_where_weights_are_balanced() {
    let recall = |training: &str| {
        let artifact = train(&corners(training)).artifact;
        let accuracy = artifact.header.accuracy;
        println!("{training}: {accuracy:?} {:?}", artifact.header.readout);
        artifact
    };
    let plain = recall(TRAINING);
    let balanced = recall(&format!("{TRAINING}, class-weights = \"balanced\""));
    assert_ne!(plain.parameters, balanced.parameters);
    // Where images without the rarest label outweigh those with it, its best threshold lies lower.
    let rarest =
        |artifact: &Artifact| artifact.header.readout.thresholds[2] as f64 * artifact.header.logit_scale;
    assert!(rarest(&balanced) > rarest(&plain), "{} {}", rarest(&balanced), rarest(&plain));
}
