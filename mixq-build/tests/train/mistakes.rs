//! Data and settings that look like a mistake: they train the right network, or say what is wrong.

use super::*;

/// Keeps all warnings.
#[derive(Default)]
pub struct Heard(pub Vec<String>);

impl Observer for Heard {
    fn warn(&mut self, message: &str) {
        self.0.push(message.to_string());
    }
}

const SIDE: usize = 6;

/// Images of which red or green is brighter by 60 of 255 steps, on a background that varies by more: whoever
/// compares the means of the two knows the class. What a pixel has beside is up to `more`.
fn red_or_green(count: usize, more: impl Fn(&mut fastrand::Rng) -> Vec<u8>) -> String {
    let mut random = fastrand::Rng::with_seed(7);
    let image = |image: usize| {
        let brightness = 20 + random.u8(0..100);
        let pixels = (0..SIDE * SIDE).flat_map(|_| {
            let noise = [random.u8(0..20), random.u8(0..20)];
            let class = |class: usize| if image % 2 == class { 60 } else { 0 };
            [vec![brightness + noise[0] + class(0), brightness + noise[1] + class(1)], more(&mut random)]
                .concat()
        });
        let mut row: Vec<String> = pixels.map(|pixel| pixel.to_string()).collect();
        row.push((image % 2).to_string());
        row.join(",") + "\n"
    };
    (0..count).map(image).collect()
}

/// Accuracies of a network of a few weights on such images, 40 of them to measure with, and what was said.
fn learned(channels: usize, images: &str) -> (Artifact, Vec<String>) {
    let package = Package::new();
    let network = format!(
        "input = [{SIDE}, {SIDE}, {channels}]\n[[layer]]\nop = \"conv\"\nfilters = 4\nkernel = 3\n\
         [[layer]]\nop = \"global_average_pool\"\n[[layer]]\nop = \"linear\"\nfeatures = 2\n"
    );
    package.write("net.toml", &network);
    package.write("images.csv", images);
    package.replace("Cargo.toml", "test = 4", "test = 40");
    let training =
        "training = { epochs = 20, quantised-epochs = 4, batch = 16, learning-rate = 0.01, shift = 0 }";
    package.replace("Cargo.toml", "training = {}", training);
    let mut heard = Heard::default();
    let (artifact, _) = train_with(&package, true, &mut heard).unwrap_or_else(|error| panic!("{error}"));
    (artifact, heard.0)
}

#[test]
fn a_channel_that_shows_nothing_takes_nothing_away() {
    // What two channels show, they show beside a third.
    type More = fn(&mut fastrand::Rng) -> Vec<u8>;
    let cases: [(&str, More, bool); 9] = [
        ("nothing", |_| vec![], false),
        ("a constant", |_| vec![200], true),
        ("black", |_| vec![0], true),
        ("5 or 6", |random| vec![random.u8(5..=6)], true),
        ("254 or 255", |random| vec![random.u8(254..)], true),
        ("a speck", |random| vec![if random.u16(..) == 0 { 9 } else { 8 }], true),
        ("5 to 9", |random| vec![random.u8(5..=9)], false),
        ("245 to 255", |random| vec![random.u8(245..)], false),
        ("blue and alpha", |random| vec![random.u8(..), 255], true),
    ];
    for (name, more, warned) in cases {
        let channels = 2 + more(&mut fastrand::Rng::with_seed(0)).len();
        let (artifact, warnings) = learned(channels, &red_or_green(200, more));
        let accuracy = artifact.header.accuracy;
        println!("{name}: {accuracy:?} {warnings:?}");
        assert_eq!((accuracy.float, accuracy.integer), (1.0, 1.0), "{name}: {accuracy:?}");
        assert_eq!(warnings.len(), usize::from(warned), "{name}: {warnings:?}");
        let channel = if channels == 4 { "alpha (channel 3)" } else { "blue (channel 2)" };
        assert!(warnings.iter().all(|warning| warning.starts_with(channel)), "{warnings:?}");
    }
}

#[test]
fn labels_that_have_nothing_to_do_with_the_images_are_said() {
    let images = red_or_green(200, |_| vec![]);
    let mut random = fastrand::Rng::with_seed(3);
    let any_class = |line: &str| format!("{}{}\n", &line[..line.len() - 1], random.u8(0..2));
    let (artifact, warnings) = learned(2, &images.lines().map(any_class).collect::<String>());
    println!("{:?} {warnings:?}", artifact.header.accuracy);
    let [warning] = &warnings[..] else { panic!("{warnings:?}") };
    assert!(
        warning.contains("accuracy ") && warning.contains(" % is not clearly better than always answering `"),
        "{warning}"
    );
    assert!(warning.contains(" % of the 40 test images)"), "{warning}");
}

/// A network whose batch norm sees one pixel.
fn single_pixels(training: &str) -> Package {
    let package = Package::new();
    package.write(
        "net.toml",
        "input = [4, 4, 1]\n[[layer]]\nop = \"conv\"\nfilters = 4\nkernel = 4\npadding = \"valid\"\n\
         [[layer]]\nop = \"linear\"\nfeatures = 2\n",
    );
    package.replace("Cargo.toml", "training = {}", &format!("training = {{ {training} }}"));
    package
}

#[test]
fn a_last_batch_of_one_image_does_not_spoil_batch_norm() {
    // 16 images to train with, 2 of them for validation: with batches of 13 one is left.
    let package = single_pixels("epochs = 3, quantised-epochs = 2, batch = 13");
    let artifact = train(&package);
    assert!(artifact.header.accuracy.float >= 0.5);
    let course = std::fs::read_to_string(scratch(&package).join("tiny-metrics.jsonl")).unwrap();
    assert_eq!(course.lines().count(), 5, "every epoch has a finite loss: {course}");
    assert!(!course.contains("null"), "{course}");
}

#[test]
fn batch_norm_on_one_image_is_refused_before_training() {
    let package = single_pixels("batch = 1");
    let config = package.config();
    let error = Prepared::new(&config.models[0], None).unwrap_err().to_string();
    assert!(
        error.contains(
            "`training.batch` is 1, but layer `conv1` has batch norm on a single pixel: one image gives"
        ),
        "{error}"
    );
    assert!(error.contains("set `batch` to 2 or more, or batch_norm = false"), "{error}");
    // Other networks are trained image by image.
    package.replace("net.toml", "\"valid\"", "\"same\"");
    Prepared::new(&package.config().models[0], None).unwrap();

    // Four images of six to measure with, one for validation.
    let package = single_pixels("epochs = 1");
    package.write("images.csv", &mixq_tests::package::images(6));
    let error = train_with(&package, false, &mut ()).unwrap_err().to_string();
    assert!(error.contains("without the validation images 1 is left to train with; add images"), "{error}");
}
