//! Images without targets for tasks other than classification: the float network, which comes with weights,
//! answers them. Its answers are computed here, too, in 64-bit floats.

use super::mistakes::Heard;
use super::weights::file;
use super::*;
use mixq_build::engine::dataset::Split;
use mixq_build::engine::target::Placed;

/// A convolution with a stride of 2, and what reads it.
const NETWORK: &str = r#"input = [8, 8, 1]
weights = "net.safetensors"
normalisation = { mean = 0, std = 16 }
layer = [
    { op = "conv", name = "stem", filters = 6, kernel = 3, stride = 2, batch_norm = false },
    HEAD,
]
"#;

const OUTPUTS: usize = 3;

/// The parameters of both layers: of the head `[outputs, channels * pixels]`, in the order of PyTorch.
struct Float {
    stem: Vec<f32>,
    stem_bias: Vec<f32>,
    head: Vec<f32>,
    head_bias: Vec<f32>,
}

impl Float {
    fn new(inputs: usize) -> Float {
        let mut rng = fastrand::Rng::with_seed(3);
        let mut random =
            |count: usize, size: f32| (0..count).map(|_| size * (2.0 * rng.f32() - 1.0)).collect::<Vec<_>>();
        let (stem, stem_bias) = (random(54, 1.0), random(6, 0.3));
        let head = random(OUTPUTS * inputs, 2.0 / (inputs as f32).sqrt());
        Float { stem, stem_bias, head, head_bias: random(OUTPUTS, 0.5) }
    }

    /// What the stem writes: `[16 pixels][6 channels]`.
    fn stem(&self, image: &[u8]) -> Vec<[f64; 6]> {
        let pixel = |y: usize, x: usize| {
            if y < 8 && x < 8 { f64::from(image[8 * y + x]) / 16.0 } else { 0.0 }
        };
        let at = |place: usize, filter: usize| {
            // TensorFlow's padding: one row below, one column on the right.
            let (row, column) = (place / 4 * 2, place % 4 * 2);
            let tap =
                |tap: usize| f64::from(self.stem[9 * filter + tap]) * pixel(row + tap / 3, column + tap % 3);
            ((0..9).map(tap).sum::<f64>() + f64::from(self.stem_bias[filter])).max(0.0)
        };
        (0..16).map(|place| std::array::from_fn(|filter| at(place, filter))).collect()
    }

    /// The outputs, pixel after pixel if there is one for each pixel.
    fn answers(&self, image: &[u8]) -> Vec<f64> {
        let stem = self.stem(image);
        let product = |output: usize, inputs: &mut dyn Iterator<Item = f64>| {
            let row = &self.head[output * self.head.len() / OUTPUTS..];
            let sum: f64 = inputs.zip(row).map(|(x, w)| x * f64::from(*w)).sum();
            sum + f64::from(self.head_bias[output])
        };
        let of = |output: usize| move |pixel: &[f64; 6]| (output, *pixel);
        match self.head.len() / OUTPUTS {
            6 => (stem.iter())
                .flat_map(|pixel| (0..OUTPUTS).map(move |output| of(output)(pixel)))
                .map(|(output, pixel)| product(output, &mut pixel.into_iter()))
                .collect(),
            _ => (0..OUTPUTS)
                .map(|output| {
                    product(output, &mut (0..6).flat_map(|c| stem.iter().map(move |pixel| pixel[c])))
                })
                .collect(),
        }
    }
}

/// A package with digits that have no targets: rows of pixels, of masks arrays.
fn package(task: &str, training: &str) -> (Package, Float) {
    let package = super::unlabelled::unlabelled(training);
    let is_dense = task == "dense";
    let (head, inputs) = match is_dense {
        true => (
            "{ op = \"pointwise\", name = \"head\", filters = 3, batch_norm = false, activation = \"none\" }",
            6,
        ),
        false => ("{ op = \"linear\", name = \"head\", features = 3 }", 96),
    };
    package.write("net.toml", &NETWORK.replace("HEAD", head));
    let network = "\"digits.onnx\"\ninput = { mean = 0, std = 16 }";
    package.replace("Cargo.toml", network, &format!("\"net.toml\"\ntask = {task:?}"));
    let float = Float::new(inputs);
    let shape: &[usize] = if is_dense { &[3, 6, 1, 1] } else { &[3, 96] };
    let tensors: [(&str, &[usize], Vec<f32>); 4] = [
        ("stem.weight", &[6, 1, 3, 3], float.stem.clone()),
        ("stem.bias", &[6], float.stem_bias.clone()),
        ("head.weight", shape, float.head.clone()),
        ("head.bias", &[3], float.head_bias.clone()),
    ];
    std::fs::write(package.path("net.safetensors"), file(&tensors)).unwrap();
    (package, float)
}

/// The test images, and the integers of the network for them.
fn outputs(package: &Package, artifact: &Artifact) -> (Split, Vec<i32>) {
    let config = package.config();
    let prepared = Prepared::new(&config.models[0], None).unwrap();
    let graph = &prepared.graph;
    let dataset = Dataset::load(&config.models[0].dataset, &graph.inputs, graph.output(), &mut ()).unwrap();
    assert_eq!((dataset.unlabelled, dataset.test.len()), ([true; 2], 360));
    let logits = evaluate::logits(artifact, &dataset.test).unwrap();
    (dataset.test, logits)
}

/// How far columns of answers agree with those of the float network, by the definition of the task's score.
fn score(task: &str, found: &[Vec<f64>], float: &[Vec<f64>]) -> f64 {
    let columns = (0..OUTPUTS).map(|output| -> [Vec<f64>; 2] {
        [found, float].map(|rows| rows.iter().map(|row| row[output]).collect())
    });
    let each = columns.map(|[found, float]| match task {
        "regression" => {
            let mean = float.iter().sum::<f64>() / float.len() as f64;
            let spread: f64 = float.iter().map(|value| (value - mean).powi(2)).sum();
            1.0 - found.iter().zip(&float).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / spread
        }
        _ => {
            // The precision at each image that the float network gives the label.
            let set: Vec<usize> = (0..float.len()).filter(|image| float[*image] > 0.0).collect();
            let precision = |image: &usize| {
                let above = |other: &usize| found[*other] >= found[*image];
                let right = set.iter().filter(|other| above(other)).count();
                right as f64 / (0..found.len()).filter(|other| above(other)).count() as f64
            };
            set.iter().map(precision).sum::<f64>() / set.len() as f64
        }
    });
    each.sum::<f64>() / OUTPUTS as f64
}

/// Mean intersection over union of the classes that either network gives pixels.
fn overlap(found: &[Vec<f64>], float: &[Vec<f64>]) -> f64 {
    let class =
        |logits: &[f64]| (0..OUTPUTS).fold(0, |best, at| if logits[at] > logits[best] { at } else { best });
    let classes = |rows: &[Vec<f64>]| -> Vec<usize> {
        rows.iter().flat_map(|row| row.chunks(OUTPUTS).map(class).collect::<Vec<_>>()).collect()
    };
    let (found, float) = (classes(found), classes(float));
    // Some classes are nowhere.
    let each = (0..OUTPUTS).filter_map(|class| {
        let pairs = || found.iter().zip(&float).map(|(a, b)| (*a == class, *b == class));
        let both = pairs().filter(|pair| *pair == (true, true)).count();
        let either = pairs().filter(|(a, b)| *a || *b).count();
        (either > 0).then_some(both as f64 / either as f64)
    });
    let each: Vec<f64> = each.collect();
    each.iter().sum::<f64>() / each.len() as f64
}

#[test]
fn quantities_labels_and_masks_are_those_of_the_float_network() {
    let trainings = ["\"none\"", "{ method = \"finetune\", quantised-epochs = 4 }"];
    for (task, least) in [("regression", [0.99, 0.9]), ("multi-label", [0.99, 0.9]), ("dense", [0.95, 0.7])] {
        for (at, (training, least)) in trainings.into_iter().zip(least).enumerate() {
            let (package, float) = package(task, training);
            let policy = ["uniform-8", "uniform-4"][at];
            package.replace("Cargo.toml", "scheme =", &format!("policy = {policy:?}\nscheme ="));
            let mut heard = Heard::default();
            let (artifact, _) =
                train_with(&package, true, &mut heard).unwrap_or_else(|error| panic!("{task}: {error}"));
            let accuracy = artifact.header.accuracy;
            println!("{task} {training}: {accuracy:?}");
            assert!(accuracy.agreement && accuracy.test_images == 360, "{accuracy:?}");
            assert!(
                (accuracy.float - 1.0).abs() < 1e-6,
                "the float network agrees with itself: {accuracy:?}"
            );
            assert!(heard.0.iter().any(|said| said.contains("no labels")), "{:?}", heard.0);

            let (images, logits) = outputs(&package, &artifact);
            let header = &artifact.header;
            let real = |(at, integer): (usize, &i32)| match header.readout.units.get(at % OUTPUTS) {
                Some(unit) => unit.scale * f64::from(*integer) + unit.offset,
                None => f64::from(*integer),
            };
            let each = logits.len() / images.len();
            let found: Vec<Vec<f64>> =
                logits.chunks(each).map(|row| row.iter().enumerate().map(real).collect()).collect();
            let float: Vec<Vec<f64>> =
                (0..images.len()).map(|image| float.answers(images.image(image))).collect();
            assert_eq!((float[0].len(), found[0].len()), (each, each));
            let expected = match task {
                "dense" => overlap(&found, &float),
                _ => score(task, &found, &float),
            };
            // Floats of 32 bits may tell two answers apart that are nearly equal.
            assert!(
                (accuracy.integer - expected).abs() < 2e-3,
                "{task}: {accuracy:?}, by definition {expected}"
            );
            assert!(expected > least, "{task} {training}: {expected}");
            let placed = Placed::least(&artifact);
            assert_eq!(report::Report::new(&placed).json()["agreement"], true);
        }
    }
}

/// What is learned from targets needs them.
#[test]
fn tasks_that_learn_from_targets_say_so() {
    let alone = "images without labels are for training";
    for (task, told) in
        [("regression", alone), ("multi-label", alone), ("dense", "wants a mask for each image")]
    {
        let (package, _) = package(task, "{ method = \"scratch\", epochs = 1 }");
        let error = train_with(&package, true, &mut ()).unwrap_err().to_string();
        assert!(error.contains(told), "{task}: {error}");
    }
}
