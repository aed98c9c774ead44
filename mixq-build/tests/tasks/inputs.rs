//! Several inputs: an image and a vector of measurements, and the answer needs both.

use mixq_format::{Bits, SampleChannel};

use super::dense::{npy, npz};
use super::*;

/// Whether a spot is on the left or on the right, and whether it is warm: four classes.
const BOTH: &str = r#"
inputs = { photo = [8, 8, 1], meta = { shape = [1, 1, 3] } }
layer = [
    { op = "conv", filters = 6, kernel = 3 },
    { op = "max_pool", kernel = 2 },
    { op = "linear", name = "seen", features = 16, activation = "relu" },
    { op = "linear", name = "read", features = 16, activation = "relu", inputs = ["meta"] },
    { op = "concat", inputs = ["seen", "read"] },
    { op = "linear", features = 12, activation = "relu" },
    { op = "linear", features = 4 },
]
"#;

const PHOTO: &str = r#"
inputs = { photo = [8, 8, 1] }
layer = [
    { op = "conv", filters = 6, kernel = 3 },
    { op = "max_pool", kernel = 2 },
    { op = "linear", features = 16, activation = "relu" },
    { op = "linear", features = 4 },
]
"#;

const META: &str = r#"
inputs = { meta = [1, 1, 3] }
layer = [{ op = "linear", features = 16, activation = "relu" }, { op = "linear", features = 4 }]
"#;

const TRAINING: &str =
    "epochs = 40, quantised-epochs = 10, learning-rate = 0.005, batch = 32, distillation = 0";

/// An image, its measurements and its class: degrees around 20, a humidity and noise that say nothing.
fn example(rng: &mut Rng) -> (Vec<u8>, [f32; 3], u8) {
    let (right, warm) = (rng.bool(), rng.bool());
    let x = if right { 4.6 } else { 0.4 } + 2.0 * rng.f64();
    let (y, brightness) = (1.0 + 5.0 * rng.f64(), 120.0 + 120.0 * rng.f64());
    let text = spot(rng, [x, y], brightness);
    let image = text.split_terminator(',').map(|pixel| pixel.parse().unwrap()).collect();
    let degrees = if warm { 21.0 } else { 12.0 } + 6.0 * rng.f64();
    let meta = [degrees, 30.0 + 40.0 * rng.f64(), rng.f64() - 0.5].map(|value| value as f32);
    (image, meta, 2 * u8::from(right) + u8::from(warm))
}

/// A package with 600 examples to train with and 300 to measure with.
fn spots(network: &str, dataset: &str, policy: &str) -> Package {
    let mut rng = Rng::with_seed(21);
    let package = package("classification", network, "", dataset, TRAINING);
    let mut arrays = Vec::new();
    for (part, count) in [("train", 600), ("test", 300)] {
        let examples: Vec<_> = (0..count).map(|_| example(&mut rng)).collect();
        let photos: Vec<u8> = examples.iter().flat_map(|(image, ..)| image.clone()).collect();
        let meta: Vec<u8> =
            examples.iter().flat_map(|(_, meta, _)| meta.map(f32::to_le_bytes).concat()).collect();
        let classes: Vec<u8> = examples.iter().map(|(.., class)| *class).collect();
        arrays.push((format!("photo_{part}"), npy("|u1", &[count, 8, 8], &photos)));
        arrays.push((format!("meta_{part}"), npy("<f4", &[count, 3], &meta)));
        arrays.push((format!("y_{part}"), npy("|u1", &[count], &classes)));
    }
    let arrays: Vec<(&str, Vec<u8>)> =
        arrays.iter().map(|(name, array)| (&name[..], array.clone())).collect();
    std::fs::write(package.path("spots.npz"), npz(&arrays)).unwrap();
    package.replace("Cargo.toml", "images.csv", "spots.npz");
    package.replace("Cargo.toml", "scheme =", &format!("policy = {policy:?}\nscheme ="));
    package
}

/// What `Channel::code` must give, in floats of 64 bits.
fn code(value: f32, channel: &SampleChannel, last: f64) -> u8 {
    let sample = (f64::from(value) / channel.unit + 0.5).floor();
    let steps = sample * f64::from(channel.codes.multiplier) / f64::from(channel.codes.shift).exp2();
    ((steps + 0.5).floor() + f64::from(channel.codes.zero_point)).clamp(0.0, last) as u8
}

/// The codes of the test images are those of the values, one input after the other.
fn assert_codes(trained: &Trained, last: f64) {
    let mut rng = Rng::with_seed(21);
    (0..600).for_each(|_| drop(example(&mut rng)));
    let header = &trained.artifact.header;
    let channels = &header.inputs[1].samples;
    for index in 0..300 {
        let (image, meta, class) = example(&mut rng);
        let codes = meta.iter().zip(channels).map(|(value, channel)| code(*value, channel, last));
        let row: Vec<u8> = image.into_iter().chain(codes).collect();
        assert_eq!(trained.dataset.test.image(index), row);
        assert_eq!(trained.dataset.test.targets.get(index), [class, 0]);
    }
}

/// The device answers what the host does, by both ways of handing inputs over, in the memory that was
/// announced.
fn assert_device(name: &str, trained: &Trained) {
    let best =
        |logits: &[i32]| logits.iter().position(|logit| logit == logits.iter().max().unwrap()).unwrap();
    let lines = on_device(name, trained, 20);
    for (logits, line) in trained.logits.chunks(4).zip(&lines) {
        assert!(line.starts_with(&format!("{} ", best(logits))), "{line} of {logits:?}");
    }
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = scratch.join(format!("inputs-{name}"));
    let artifacts = std::slice::from_ref(&trained.artifact);
    firmware::write_models(&folder, artifacts, |_| bytes(trained, 20));
    let (target, board) = ("thumbv7em-none-eabihf", Board::Stm32f405);
    let options = Options { target, board, part: Part::Binary, opt_level: "3" };
    let elf = firmware::build(&folder, &options, scratch);
    firmware::assert_memory(&elf, artifacts);
    let printed = firmware::run(board, &elf, &[]);
    let (lines, _) = firmware::logits_and_stack(&printed);
    let model = &trained.artifact.header.name;
    let expected: Vec<String> =
        trained.logits.chunks(4).take(20).map(|logits| format!("{model}: {}", list(logits))).collect();
    assert_eq!(lines, expected);
}

#[test]
fn an_answer_that_needs_both_inputs_is_learned_from_both_alone() {
    let both = train(&spots(BOTH, "", "uniform-8"));
    let header = &both.artifact.header;
    let alone = [PHOTO, META].map(|network| {
        // One input by its name: the dataset's table names its array.
        let input = if network == PHOTO { "photo = {}" } else { "meta = {}" };
        let trained = train(&spots(network, &format!(", inputs = {{ {input} }}"), "uniform-8"));
        trained.artifact.header.accuracy.integer
    });
    println!("both {:?}, photo alone {}, meta alone {}", header.accuracy, alone[0], alone[1]);
    assert!(header.accuracy.integer > 0.95, "{:?}", header.accuracy);
    // Each input tells two pairs of classes apart, and no more.
    assert!(alone.iter().all(|accuracy| (0.4..0.62).contains(accuracy)), "{alone:?}");
    assert!((header.accuracy.integer - header.accuracy.fake_quant).abs() < 0.01, "{:?}", header.accuracy);
    assert!(both.warnings.is_empty(), "{:?}", both.warnings);
    let names: Vec<&str> = header.inputs.iter().map(|input| &input.name[..]).collect();
    assert_eq!(names, ["photo", "meta"]);
    assert!(header.inputs[0].samples.is_empty() && header.inputs[1].samples.len() == 3);
    assert_codes(&both, 255.0);
    assert_device("spots8", &both);
}

#[test]
fn inputs_have_bits_of_their_own_and_tensors_what_the_budget_leaves() {
    let mixed = train(&spots(BOTH, ", inputs = { meta = { bits = 4 } }", "sensitivity"));
    let header = &mixed.artifact.header;
    println!("meta of 4 bits: {:?}", header.accuracy);
    let bits: Vec<Bits> = header.inputs.iter().map(|input| input.tensor.bits).collect();
    assert_eq!(bits, [Bits::B8, Bits::B4]);
    assert!(header.accuracy.integer > 0.9, "{:?}", header.accuracy);
    assert_codes(&mixed, 15.0);
    assert_device("spots4", &mixed);
}

#[test]
fn data_that_do_not_have_all_inputs_are_refused() {
    let said = refused(&package("classification", BOTH, "1,2,3\n", "", ""));
    assert!(
        said.contains(
            "has one array of images, but the network reads the inputs `photo` 8x8x1, `meta` 1x1x3; an NPZ \
             file has an array"
        ),
        "{said}"
    );
    let wrong = spots(BOTH, ", max = 16, input = \"samples\", inputs = { mesa = { bits = 4 } }", "uniform-8");
    let said = refused(&wrong);
    for expected in [
        "`inputs` in the dataset's table has `mesa`, but the network has no such input; did you mean `meta`?",
        "the dataset's table has `input`, which does not say which input it is about; leave it out: \
         `inputs.NAME` says the same of the input NAME",
        "the dataset's table has `max`, which does not say which input it is about",
    ] {
        assert!(said.contains(expected), "{said}");
    }
    let package = spots(BOTH, ", inputs = { meta = { array = \"weather\" } }", "uniform-8");
    let said = refused(&package);
    let expected = "spots.npz has meta_test, meta_train, photo_test, photo_train, y_test and 1 more, but no \
                    weather_train: the network reads the inputs `photo` 8x8x1, `meta` 1x1x3; arrays are \
                    called photo_train, weather_train, y_train, or train_photo";
    assert!(said.contains(expected), "{said}");
}
