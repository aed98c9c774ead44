//! Reconstruction: round spots are normal, crosses are not.

use super::*;

const NETWORK: &str = r#"
input = [8, 8, 1]
layer = [
    { op = "linear", features = 32, activation = "relu" },
    { op = "linear", features = 8, activation = "relu" },
    { op = "linear", features = 32, activation = "relu" },
    { op = "linear", features = 64 },
]
"#;

/// Spots, and from some image on every other one a cross.
fn rows(count: usize, from: usize, labels: bool) -> String {
    let mut rng = Rng::with_seed(5);
    let mut text = String::new();
    for image in 0..count {
        let is_abnormal = image >= from && image % 2 == 1;
        let at = [1.5 + 4.0 * rng.f64(), 1.5 + 4.0 * rng.f64()];
        let mut row = spot(&mut rng, at, 220.0);
        if is_abnormal {
            let [x, y] = at.map(|place| place as usize);
            row = (0..64)
                .map(|pixel| {
                    if pixel % 8 == x || pixel / 8 == y {
                        "190,".to_string()
                    } else {
                        format!("{},", rng.u8(0..4))
                    }
                })
                .collect();
        }
        text += &row;
        if labels {
            let _ = write!(text, "{}", u8::from(is_abnormal));
        } else {
            text.pop();
        }
        text.push('\n');
    }
    text
}

const TRAINING: &str =
    "epochs = 60, quantised-epochs = 20, shift = 0, learning-rate = 0.003, batch = 32, distillation = 0.0";

fn spots(rows: &str, dataset: &str) -> Package {
    let package = package("reconstruction", NETWORK, rows, dataset, TRAINING);
    package.replace("Cargo.toml", "scheme =", "policy = \"uniform-8\"\nscheme =");
    package
}

#[test]
fn abnormal_images_are_told_and_the_device_scores_as_the_host() {
    let package = spots(&rows(1000, 800, true), ", test = 200");
    let trained = train(&package);
    let Trained { artifact, dataset, logits, warnings } = &trained;
    let header = &artifact.header;
    println!("{:?} {:?}", header.accuracy, header.readout);
    assert!(warnings.is_empty(), "{warnings:?}");
    assert!(header.labels.is_empty());
    assert!(header.accuracy.float > 0.7, "it learns: {:?}", header.accuracy);
    assert!((header.accuracy.integer - header.accuracy.fake_quant).abs() < 0.01, "{:?}", header.accuracy);

    // Scores from logits and pixels in floats, AUC pair by pair.
    let score = |image: usize| {
        let pixels = dataset.test.image(image).iter().map(|code| f64::from(*code));
        let made = logits[64 * image..][..64].iter().map(|logit| f64::from(*logit) * header.logit_scale);
        // A code is worth the square root of 256 * 64 units of the score.
        let code = (header.readout.units[0].scale * 256.0 * 64.0).sqrt();
        let zero = f64::from(header.input.zero_point);
        made.zip(pixels).map(|(made, pixel)| (made - code * (pixel - zero)).powi(2)).sum::<f64>() / 64.0
    };
    let scores: Vec<f64> = (0..200).map(score).collect();
    let (normal, abnormal): (Vec<usize>, Vec<usize>) = (0..200).partition(|image| image % 2 == 0);
    let mut wins = 0.0;
    for a in &abnormal {
        for n in &normal {
            wins += if scores[*a] > scores[*n] { 1.0 } else { 0.0 };
        }
    }
    let auc = wins / 10_000.0;
    let figures = report(artifact).figures.unwrap();
    assert!((figures["auc"].as_f64().unwrap() - auc).abs() < 1e-3 && auc > 0.95, "{figures} {auc}");
    let mean = normal.iter().map(|image| scores[*image]).sum::<f64>() / 100.0;
    let found = figures["mean_squared_error"].as_f64().unwrap();
    assert!((found - mean).abs() < 0.01 * mean, "{found} {mean}");
    assert!((1.0 - found - header.accuracy.integer).abs() < 1e-9);
    let threshold = header.readout.thresholds[0] as f64 * header.readout.units[0].scale;
    let over = |images: &[usize]| images.iter().filter(|image| scores[**image] > threshold).count();
    assert!(figures["found"].as_u64().unwrap().abs_diff(over(&abnormal) as u64) <= 1, "{figures}");
    assert!(over(&abnormal) > 80 && over(&normal) < 10, "{} {}", over(&abnormal), over(&normal));

    for (image, line) in on_device("reconstruction", &trained, 20).iter().enumerate() {
        let (found, is_abnormal) = line.split_once(' ').unwrap();
        let found: u64 = found.parse().unwrap();
        let real = found as f64 * header.readout.units[0].scale;
        assert!((real - scores[image]).abs() < 0.01 * scores[image] + 1e-3, "{real} {}", scores[image]);
        assert_eq!(is_abnormal == "1", found as i64 > header.readout.thresholds[0]);
        let error = header.readout.error.unwrap();
        assert_eq!(found, error.of(&logits[64 * image..][..64], dataset.test.image(image)));
    }
}

#[test]
fn images_alone_are_enough() {
    let trained = train(&spots(&rows(300, 300, false), ""));
    let figures = report(&trained.artifact).figures.unwrap();
    println!("{:?} {figures}", trained.artifact.header.accuracy);
    assert_eq!((&figures["auc"], &figures["abnormal"]), (&serde_json::Value::Null, &0.into()));
    assert_eq!(trained.dataset.test.len(), 60);
}

#[test]
fn abnormal_images_are_never_trained_with() {
    // A share: a fifth of the normal images, and all others.
    let package = spots(&rows(200, 100, true), "");
    let config = package.config();
    let prepared = Prepared::new(&config.models[0], None).unwrap();
    let (graph, dataset) = (&prepared.graph, &config.models[0].dataset);
    let dataset = Dataset::load(dataset, &graph.inputs, graph.outputs(), &mut ()).unwrap();
    assert!(dataset.train.targets.iter().all(|target| target == [0]));
    assert_eq!(dataset.test.targets.iter().filter(|target| *target == [1]).count(), 50);
    assert_eq!(dataset.train.len() + dataset.test.len(), 200);
    // A number of rows: those before must be normal.
    let said = refused(&spots(&rows(200, 100, true), ", test = 50"));
    assert!(said.contains("25 images of the training part are abnormal"), "{said}");
    let said = refused(&spots(&rows(20, 0, true).replace(",1\n", ",7\n"), ""));
    assert!(said.contains("column 65: target `7` is not 0 (normal) or 1 (abnormal)"), "{said}");
}

#[test]
fn a_network_that_makes_another_image_is_refused() {
    let package = spots(&rows(20, 20, false), "");
    package.replace("net.toml", "features = 64", "features = 60");
    let config = package.config();
    let said = Prepared::new(&config.models[0], None).err().unwrap().to_string();
    assert!(said.contains("writes 60 elements, but the image has 8x8x1 = 64"), "{said}");
    package.replace("Cargo.toml", "training = {", "training = { class-weights = \"balanced\",");
    let said = mixq_build::engine::config::Config::load(&package.path("")).err().unwrap().to_string();
    assert!(said.contains("but a reconstruction has no classes"), "{said}");
}
