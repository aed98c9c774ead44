//! `cargo mixq retrain`, `report` and `eval` on every task, and on samples: what they say, and that it is so.
//! Scores are computed again from the integers that `eval --logits` writes.

use std::fs;
use std::process::Command;

use fastrand::Rng;
use mixq_tests::package::Package;
use serde_json::Value;

/// A network of two convolutions, of which `middle` may be an output, and these outputs.
fn network(input: [usize; 3], middle: &str, last: &str) -> String {
    format!(
        "input = {input:?}\nlayer = [\n    {{ op = \"conv\", filters = 6, kernel = [{0}, 3] }},\n    \
         {{ op = \"conv\", name = \"middle\", filters = 6, kernel = [{0}, 3]{middle} }},\n    {last},\n]\n",
        input[0].min(3)
    )
}

/// A package for a task, trained for an epoch; further keys of the dataset are `keys`.
fn package(task: &str, network: &str, dataset: &str) -> Package {
    let package = Package::new();
    fs::create_dir(package.path("src")).unwrap();
    package.write("src/lib.rs", "");
    package.write("net.toml", network);
    package.replace("Cargo.toml", "network =", &format!("task = {task:?}\nnetwork ="));
    package.replace("Cargo.toml", "{ path = \"images.csv\", test = 4 }", dataset);
    package.replace(
        "Cargo.toml",
        "training = {}",
        "training = { epochs = 2, quantised-epochs = 1, batch = 16 }",
    );
    package
}

/// The answer of a command, its tables, and what it said beside them.
fn mixq(package: &Package, command: &str, arguments: &[&str]) -> (Value, String, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_cargo-mixq"));
    program.args(["mixq", command, "--json"]).args(arguments).current_dir(package.path(""));
    program.env_remove("MIXQ_DATA").env_remove("CARGO_TARGET_DIR").env_remove("CARGO_BUILD_TARGET_DIR");
    let output = program.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command}: {stdout}{stderr}");
    let (tables, json) = stdout.trim_end().rsplit_once('\n').unwrap_or(("", stdout.trim_end()));
    (serde_json::from_str(json).unwrap(), format!("{tables}\n"), stderr.into_owned())
}

/// What all commands say of a model, each of which must say the same; and what `report` says as text.
struct Said {
    report: Value,
    text: String,
    /// Targets and logits of the test images.
    lines: Vec<(String, Vec<i64>)>,
}

fn commands(package: &Package, targets: usize) -> Said {
    let (trained, _, progress) = mixq(package, "retrain", &[]);
    let (report, text, _) = mixq(package, "report", &[]);
    let (evaluated, said, _) = mixq(package, "eval", &["--logits", "logits.csv"]);
    for key in ["integer_accuracy", "figures", "test_images", "task"] {
        assert!(!report[key].is_null(), "{key}: {report}");
        assert_eq!((&trained[key], &evaluated[key]), (&report[key], &report[key]), "{key}");
    }
    for key in ["quantities", "thresholds", "outputs", "samples"] {
        assert_eq!(trained[key], report[key], "{key}");
    }
    assert!(progress.contains("epoch 2/2, loss "), "{progress}");
    // The details are in both.
    let details = text.rsplit("integer  ").next().unwrap();
    let (_, details) = details.trim_start().split_once('\n').unwrap();
    assert!(details.trim().len() > 20 && said.contains(details.trim()), "{details}\n{said}");
    // A fresh artifact is not trained again.
    assert!(!mixq(package, "retrain", &[]).2.contains("epoch"));
    mixq(package, "check", &[]);
    let logits = fs::read_to_string(package.path("logits.csv")).unwrap();
    let line = |line: &str| {
        let at = line.match_indices(',').nth(targets - 1).unwrap().0;
        (line[..at].to_string(), line[at + 1..].split(',').map(|field| field.parse().unwrap()).collect())
    };
    let lines: Vec<_> = logits.lines().map(line).collect();
    assert_eq!(report["test_images"], lines.len());
    Said { report, text, lines }
}

fn numbers(value: &Value, key: &str) -> Vec<f64> {
    let list = value.as_array().unwrap_or_else(|| panic!("{value}"));
    list.iter().map(|item| item[key].as_f64().unwrap()).collect()
}

/// Two spots of light at places, as the fields of a row; the places.
fn spot(rng: &mut Rng) -> (String, [f64; 2]) {
    let place = [0; 2].map(|_| 1.0 + 4.0 * rng.f64());
    let pixel = |at: usize| {
        let (dy, dx) = ((at / 6) as f64 - place[0], (at % 6) as f64 - place[1]);
        format!("{},", (220.0 * (-(dy * dy + dx * dx) / 3.0).exp()) as u8 + rng.u8(0..8))
    };
    ((0..36).map(pixel).collect(), place)
}

#[test]
fn a_regression_with_two_outputs_of_the_network() {
    let mut rng = Rng::with_seed(3);
    let package = package(
        "regression",
        &network([6, 6, 1], ", output = true", "{ op = \"linear\", features = 2 }"),
        "{ path = \"images.csv\", labels = [\"row\", \"column in mm\"] }",
    );
    let row = |_| {
        let (pixels, [y, x]) = spot(&mut rng);
        format!("{pixels}{y:.3},{:.1}\n", 100.0 * x)
    };
    package.write("images.csv", &(0..100).map(row).collect::<String>());
    let Said { report, text, lines } = commands(&package, 2);
    let (scales, offsets) =
        (numbers(&report["quantities"], "scale"), numbers(&report["quantities"], "offset"));
    let mut all = 0.0;
    for output in 0..2 {
        let pairs: Vec<(f64, f64)> = (lines.iter())
            .map(|(targets, logits)| {
                let target = targets.split(',').nth(output).unwrap().parse().unwrap();
                (target, scales[output] * logits[output] as f64 + offsets[output])
            })
            .collect();
        let mean = pairs.iter().map(|(target, _)| target).sum::<f64>() / pairs.len() as f64;
        let error: f64 = pairs.iter().map(|(target, value)| (target - value).powi(2)).sum();
        let spread: f64 = pairs.iter().map(|(target, _)| (target - mean).powi(2)).sum();
        let figures = &report["figures"]["outputs"][output];
        let r2 = 1.0 - error / spread;
        assert!((figures["r2"].as_f64().unwrap() - r2).abs() < 1e-9, "{figures} {r2}");
        let absolute =
            pairs.iter().map(|(target, value)| (target - value).abs()).sum::<f64>() / pairs.len() as f64;
        assert!((figures["mean_absolute_error"].as_f64().unwrap() / absolute - 1.0).abs() < 1e-9);
        all += r2 / 2.0;
    }
    assert!((report["integer_accuracy"].as_f64().unwrap() - all).abs() < 1e-9);
    // R^2 is not a share.
    let scores = text.split_once("R^2 on 20 test images\n").unwrap().1;
    assert!(!scores.contains('%'), "{scores}");
    assert!(scores.contains("\ncolumn in mm ") && scores.contains(" to 4"), "{scores}");
    // The map in the middle has 8 bits, and a scale that its values need.
    let [last, middle] = [0, 1].map(|output| &report["outputs"][output]);
    assert_eq!((&last["bits"], &last["name"]), (&Value::from(32), &Value::from("linear1")));
    assert_eq!((&middle["bits"], &middle["name"]), (&Value::from(8), &Value::from("middle")));
    assert_eq!(middle["shape"], serde_json::json!([6, 6, 6]));
    assert!(middle["scale"].as_f64().unwrap() > 0.0 && middle["zero_point"] == 0, "{middle}");
    assert!(text.contains("\nmiddle                 6x6x6           8 "), "{text}");
}

#[test]
fn a_multi_label_network() {
    let mut rng = Rng::with_seed(4);
    let package = package(
        "multi-label",
        &network([6, 6, 1], "", "{ op = \"linear\", features = 2 }"),
        "{ path = \"images.csv\", labels = [\"low\", \"a name of more than sixteen letters\"] }",
    );
    let row = |_| {
        let (pixels, [y, x]) = spot(&mut rng);
        format!("{pixels}{},{}\n", u8::from(y > 3.0), u8::from(x > 3.0))
    };
    package.write("images.csv", &(0..100).map(row).collect::<String>());
    let Said { report, text, lines } = commands(&package, 2);
    for label in 0..2 {
        let threshold = report["thresholds"][label].as_i64().unwrap();
        let (mut answered, mut there, mut both) = (0.0, 0.0, 0.0);
        for (targets, logits) in &lines {
            let (answer, target) = (logits[label] > threshold, targets.split(',').nth(label) == Some("1"));
            answered += f64::from(u8::from(answer));
            there += f64::from(u8::from(target));
            both += f64::from(u8::from(answer && target));
        }
        let figures = &report["figures"]["labels"][label];
        let close = |key: &str, expected: f64| {
            assert!((figures[key].as_f64().unwrap() - expected).abs() < 1e-9, "{key} {expected}: {figures}");
        };
        close("recall", both / there);
        close("precision", if answered > 0.0 { both / answered } else { 0.0 });
        close("f1", 2.0 * both / (answered + there));
        assert_eq!(figures["images"], there as u64);
    }
    // Columns stand below each other whatever labels are called.
    let rows: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("label ")).take(3).collect();
    assert_eq!(
        rows.iter().map(|row| row.len()).collect::<std::collections::BTreeSet<_>>().len(),
        1,
        "{rows:?}"
    );
}

#[test]
fn a_reconstruction() {
    let mut rng = Rng::with_seed(5);
    let package = package(
        "reconstruction",
        &network([6, 6, 1], "", "{ op = \"pointwise\", filters = 1 }"),
        "\"images.csv\"",
    );
    let mut rows: String = (0..90).map(|_| spot(&mut rng).0 + "0\n").collect();
    rows += &(0..10)
        .map(|_| format!("{}1\n", (0..36).map(|_| format!("{},", rng.u8(..))).collect::<String>()))
        .collect::<String>();
    package.write("images.csv", &rows);
    let Said { report, text, lines } = commands(&package, 1);
    assert_eq!(lines.iter().filter(|(target, _)| target == "1").count(), 10);
    let figures = &report["figures"];
    assert_eq!(
        (&figures["normal"], &figures["abnormal"]),
        (&Value::from(lines.len() - 10), &Value::from(10))
    );
    assert!(lines.iter().all(|(_, logits)| logits.len() == 36));
    assert!(figures["auc"].as_f64().is_some_and(|auc| (0.0..=1.0).contains(&auc)), "{figures}");
    assert_eq!(
        (report["thresholds"].as_array().unwrap().len(), report["quantities"].as_array().unwrap().len()),
        (1, 1)
    );
    assert!(text.contains(" of 10 abnormal images\nAUC "), "{text}");
}

#[test]
fn folders_of_images_and_masks() {
    let package = package(
        "dense",
        &network([6, 6, 1], "", "{ op = \"pointwise\", filters = 2 }"),
        "{ path = \"data\", resize = true, labels = [\"ground\", \"light\"] }",
    );
    let mut rng = Rng::with_seed(6);
    for folder in ["images", "masks"] {
        fs::create_dir_all(package.path("data").join(folder)).unwrap();
    }
    for at in 0..60 {
        // Of twice the network's size: black and white masks.
        let (y, x) = (rng.usize(2..8), rng.usize(2..8));
        let is_light =
            |pixel: usize| (y..y + 4).contains(&(pixel / 12)) && (x..x + 4).contains(&(pixel % 12));
        let image =
            (0..144).map(|pixel| if is_light(pixel) { rng.u8(150..) } else { rng.u8(..90) }).collect();
        let mask = (0..144).map(|pixel| if is_light(pixel) { 255 } else { 0 }).collect();
        for (folder, pixels) in [("images", image), ("masks", mask)] {
            let image = image::GrayImage::from_raw(12, 12, pixels).unwrap();
            image.save(package.path(&format!("data/{folder}/{at:02}.png"))).unwrap();
        }
    }
    let Said { report, text, lines } = commands(&package, 1);
    assert!(
        text.contains(" of all pixels are right\nclass ") && text.contains("mean IoU on 12 test images"),
        "{text}"
    );
    let (mut both, mut either, mut right) = ([0.0; 2], [0.0; 2], 0.0);
    for (targets, logits) in &lines {
        let answers = logits.chunks(2).map(|pixel| usize::from(pixel[1] > pixel[0]));
        for (answer, target) in answers.zip(targets.split(' ')) {
            let target: usize = target.parse().unwrap();
            right += f64::from(u8::from(answer == target));
            for class in 0..2 {
                both[class] += f64::from(u8::from(answer == class && target == class));
                either[class] += f64::from(u8::from(answer == class || target == class));
            }
        }
    }
    let iou = numbers(&report["figures"]["classes"], "iou");
    (0..2).for_each(|class| assert!((iou[class] - both[class] / either[class]).abs() < 1e-9));
    assert!((report["figures"]["pixel_accuracy"].as_f64().unwrap() - right / (12.0 * 36.0)).abs() < 1e-9);
    // Measured elsewhere, from an archive of the same.
    let packed = {
        let mut archive = tar::Builder::new(Vec::new());
        archive.append_dir_all("x", package.path("data")).unwrap();
        archive.into_inner().unwrap()
    };
    fs::write(package.path("other.tar"), packed).unwrap();
    let (evaluated, ..) = mixq(&package, "eval", &["--dataset", "other.tar"]);
    assert_eq!((&evaluated["images"], &evaluated["task"]), (&Value::from(60), &Value::from("dense")));
}

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
