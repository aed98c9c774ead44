//! `cargo mixq retrain`, `report` and `eval` on every task: what they say, and that it is so.
//! Scores are computed again from the integers that `eval --logits` writes.

use std::fs;
use std::process::Command;

use fastrand::Rng;
use mixq_tests::package::Package;
use serde_json::Value;

/// A network of two convolutions, of which `middle` may be an output, and these outputs.
pub fn network(input: [usize; 3], middle: &str, last: &str) -> String {
    format!(
        "input = {input:?}\nlayer = [\n    {{ op = \"conv\", filters = 6, kernel = [{0}, 3] }},\n    \
         {{ op = \"conv\", name = \"middle\", filters = 6, kernel = [{0}, 3]{middle} }},\n    {last},\n]\n",
        input[0].min(3)
    )
}

/// A package for a task, trained for an epoch; further keys of the dataset are `keys`.
pub fn package(task: &str, network: &str, dataset: &str) -> Package {
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
pub fn mixq(package: &Package, command: &str, arguments: &[&str]) -> (Value, String, String) {
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
pub struct Said {
    pub report: Value,
    pub text: String,
    /// Targets and logits of the test images.
    pub lines: Vec<(String, Vec<i64>)>,
}

pub fn commands(package: &Package, targets: usize) -> Said {
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
