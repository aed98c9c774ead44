//! Networks that end in other layers than one that writes a pixel of logits, and in several outputs.

use mixq_format::{Bits, argmax};
use mixq_tests::networks;

use super::*;

/// Spots in one of three places, by class; the last column says which.
fn places(count: usize) -> String {
    let mut rng = Rng::with_seed(3);
    let mut text = String::new();
    for image in 0..count {
        let x = [1.5, 3.5, 5.5][image % 3] + 0.6 * (rng.f64() - 0.5);
        let y = 1.0 + 5.0 * rng.f64();
        let row = spot(&mut rng, [x, y], 220.0);
        let _ = writeln!(text, "{row}{}", image % 3);
    }
    text
}

const TRAINING: &str = "epochs = 12, quantised-epochs = 6, learning-rate = 0.005, batch = 16, shift = 0";

/// As SqueezeNet ends: a map for each class, and the average of each.
const POOLED: &str = r#"
input = [8, 8, 1]
layer = [
    { op = "conv", name = "stem", filters = 8, kernel = 3 },
    { op = "conv", name = "features", filters = 8, kernel = 3, stride = 2, output = true },
    { op = "conv", filters = 3, kernel = [4, 2], padding = "valid", batch_norm = false, activation = "none" },
    { op = "global_average_pool", name = "average" },
    { op = "flatten" },
]
"#;

#[test]
fn a_pool_may_answer_and_another_layer_be_read() {
    let package = package("classification", POOLED, &places(600), "", TRAINING);
    let trained = train(&package);
    let Trained { artifact, dataset, logits, .. } = &trained;
    let header = &artifact.header;
    println!("{:?}", header.accuracy);
    assert_eq!(header.output.bits, Bits::B8);
    assert!(header.accuracy.integer > 0.9 && header.accuracy.disagreements == 0, "{:?}", header.accuracy);
    let labels = dataset.test.targets.labels();
    let right =
        logits.chunks(3).zip(&labels).filter(|(logits, label)| argmax(logits) == usize::from(**label));
    let share = right.count() as f64 / labels.len() as f64;
    assert!((share - header.accuracy.integer).abs() < 1e-12);
    for (image, line) in on_device("pooled-end", &trained, 20).iter().enumerate() {
        let logits = &logits[3 * image..][..3];
        let mut order = [0, 1, 2];
        order.sort_by_key(|class| (std::cmp::Reverse(logits[*class]), *class));
        let powers: Vec<f64> = logits.iter().map(|l| (f64::from(*l) * header.logit_scale).exp()).collect();
        let sum: f64 = powers.iter().sum();
        let (answers, probabilities) = line.rsplit_once(' ').unwrap();
        assert_eq!(answers, format!("{} {}", order[0], list(&order[..2])));
        for (found, power) in probabilities.split(',').zip(powers) {
            assert!((found.parse::<f64>().unwrap() - 255.0 * power / sum).abs() < 0.6, "{line}");
        }
    }

    // Both outputs by their names, as the host reads them.
    let names: Vec<&str> = header.outputs.iter().map(|output| &output.name[..]).collect();
    assert_eq!(names, ["flatten1", "features"]);
    let images: Vec<Vec<u8>> = (0..10).map(|index| dataset.test.image(index).to_vec()).collect();
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = scratch.join("task-outputs");
    firmware::write_models(&folder, std::slice::from_ref(artifact), |_| images.clone());
    let options = Options {
        target: "thumbv7em-none-eabihf",
        board: Board::Stm32f405,
        part: Part::Binary,
        opt_level: "3",
    };
    let printed = firmware::run(options.board, &firmware::build(&folder, &options, scratch), &[]);
    let (lines, _) = firmware::logits_and_stack(&printed);
    for (image, line) in images.iter().zip(&lines) {
        let expected = networks::logits(artifact, image);
        assert_eq!(expected.len(), 3 + 4 * 4 * 8);
        assert_eq!(*line, format!("{}: {}", header.name, list(expected)));
    }
    assert_eq!(lines.len(), images.len());
}

/// An autoencoder that ends in a map of the image's size: of logits, or of codes.
#[test]
fn an_image_is_made_again_as_a_map() {
    let ends = [
        "{ op = \"upsample\", factor = 2 }, { op = \"conv\", filters = 1, kernel = 3 }",
        "{ op = \"conv\", filters = 4, kernel = 3, batch_norm = false, activation = \"none\" },
         { op = \"depth_to_space\", block = 2 }",
    ];
    let rows = places(500).lines().map(|row| row[..row.len() - 2].to_string() + "\n").collect::<String>();
    for (index, end) in ends.iter().enumerate() {
        let network = format!(
            "input = [8, 8, 1]\nlayer = [\n{{ op = \"conv\", filters = 8, kernel = 3, stride = 2 }},\n\
             {{ op = \"conv\", filters = 8, kernel = 3 }},\n{end},\n]\n"
        );
        let package = package("reconstruction", &network, &rows, "", TRAINING);
        package.replace("Cargo.toml", "scheme =", "policy = \"uniform-8\"\nscheme =");
        let trained = train(&package);
        let Trained { artifact, dataset, logits, .. } = &trained;
        let header = &artifact.header;
        println!("{:?}", header.accuracy);
        assert_eq!(header.output.bits, [Bits::B32, Bits::B8][index]);
        assert!(header.accuracy.integer > 0.7, "{:?}", header.accuracy);
        assert!((header.accuracy.integer - header.accuracy.fake_quant).abs() < 0.01, "{:?}", header.accuracy);
        let error = header.readout.error.unwrap();
        for (image, line) in on_device(&format!("map-{index}"), &trained, 10).iter().enumerate() {
            let score = error.of(&logits[64 * image..][..64], dataset.test.image(image));
            let is_abnormal = score as i64 > header.readout.thresholds[0];
            assert_eq!(*line, format!("{score} {}", u8::from(is_abnormal)));
        }
    }
}

/// A tenth of the training targets are wrong by far, all to one side.
#[test]
fn absolute_errors_forgive_wrong_targets() {
    let mut rng = Rng::with_seed(9);
    let mut text = String::new();
    for image in 0..700 {
        let x = 1.0 + 5.0 * rng.f64();
        let y = 1.0 + 5.0 * rng.f64();
        let row = spot(&mut rng, [x, y], 220.0);
        let target = if image < 600 && image % 10 == 0 { 60.0 } else { x };
        let _ = writeln!(text, "{row}{target:.3}");
    }
    let network = r#"
input = [8, 8, 1]
layer = [
    { op = "conv", filters = 8, kernel = 3 },
    { op = "max_pool", kernel = 2 },
    { op = "linear", features = 16, activation = "relu" },
    { op = "linear", features = 1 },
]
"#;
    let error = |loss: &str| {
        let training = format!("{TRAINING}, loss = {loss:?}");
        let package = package("regression", network, &text, ", test = 100", &training);
        let trained = train(&package);
        let figures = report(&trained.artifact).figures.unwrap();
        println!("{loss}: {figures} {:?}", trained.artifact.header.accuracy);
        if loss == "absolute" {
            assert_eq!(trained.artifact.header.fingerprint["training.loss"], "absolute");
        }
        figures["outputs"][0]["mean_absolute_error"].as_f64().unwrap()
    };
    let [squared, absolute] = ["squared", "absolute"].map(error);
    assert!(absolute < 1.5 && absolute < 0.5 * squared, "{absolute} {squared}");
}
