//! `[package.metadata.mixq]`: what is read, where it comes from, and every message.

use std::path::{Path, PathBuf};

use mixq_build::config::{
    Builtin, Config, DatasetConfig, NetworkSource, Rounding, Scheme, TestPart, Training, size,
};
use mixq_build::error::Error;
use mixq_build::graph::Shape;
use proptest::prelude::*;
use tempfile::TempDir;

const PACKAGE: &str = "[package]\nname = \"firmware\"\n";
const DEVICE: &str = "[package.metadata.mixq.device]\nflash = \"48 KiB\"\nram = \"6 KiB\"\n";
const MODEL: &str = "[package.metadata.mixq.models.digits]\nnetwork = \"networks/digits.toml\"\n\
                     dataset = \"data/digits.csv.gz\"\n";

fn write(folder: &Path, manifest: &str) {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("Cargo.toml"), manifest).unwrap();
}

fn load(manifest: &str) -> Result<Config, Error> {
    let folder = TempDir::new().unwrap();
    write(folder.path(), manifest);
    Config::load(folder.path())
}

/// Loads a Cargo.toml in which a `^` stands before each place that a problem must point at, in order, and
/// compares the problems' texts.
fn check(marked: &str, expected: &[&str]) {
    let mut places = Vec::new();
    let (mut line, mut column) = (1, 1);
    for c in marked.chars() {
        match c {
            '^' => places.push((line, column)),
            '\n' => (line, column) = (line + 1, 1),
            _ => column += 1,
        }
    }
    let error = load(&marked.replace('^', "")).expect_err(marked);
    let found: Vec<_> = error
        .problems
        .iter()
        .map(|problem| match &problem.help {
            Some(help) => format!("{}; {help}", problem.message),
            None => problem.message.clone(),
        })
        .collect();
    assert_eq!(found, expected, "in\n{marked}");
    let at = error.problems.iter().map(|problem| problem.location.as_ref().expect("a place"));
    let at: Vec<_> = at.map(|at| (at.line(), at.column())).collect();
    assert_eq!(at, places, "in\n{marked}");
}

/// The same for lines of the model's table, with everything else right.
fn check_model(lines: &str, expected: &[&str]) {
    check(&format!("{PACKAGE}{DEVICE}{MODEL}{lines}\n"), expected);
}

/// The same for lines of the model's training.
fn check_training(lines: &str, expected: &[&str]) {
    check_model(&format!("[package.metadata.mixq.models.digits.training]\n{lines}"), expected);
}

/// The same for the model's `dataset`.
fn check_dataset(dataset: &str, expected: &[&str]) {
    let model = "[package.metadata.mixq.models.digits]\nnetwork = \"n.toml\"\ndataset =";
    check(&format!("{PACKAGE}{DEVICE}{model} {dataset}\n"), expected);
}

/// The same for the model's `network`.
fn check_network(network: &str, expected: &[&str]) {
    let model = "[package.metadata.mixq.models.digits]\ndataset = \"d.csv\"\nnetwork =";
    check(&format!("{PACKAGE}{DEVICE}{model} {network}\n"), expected);
}

#[test]
fn the_shortest_configuration_has_the_documented_defaults() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), &format!("{PACKAGE}{DEVICE}{MODEL}"));
    let config = Config::load(folder.path()).unwrap();
    assert_eq!(config.package, "firmware");
    assert_eq!(config.manifest_dir, folder.path());
    assert_eq!(config.workspace_manifest, None);
    let [model] = &config.models[..] else { panic!("{} models", config.models.len()) };
    assert_eq!(model.name, "digits");
    assert_eq!(model.network, NetworkSource::File(folder.path().join("networks/digits.toml")));
    let dataset = DatasetConfig {
        location: model.dataset_at.clone(),
        ..DatasetConfig::new(folder.path().join("data/digits.csv.gz"))
    };
    assert_eq!(model.dataset, dataset);
    assert_eq!(
        (dataset.test, dataset.max, dataset.shape, &dataset.labels),
        (TestPart::Share(0.2), 255, None, &None)
    );
    assert_eq!((model.flash, model.ram, model.scheme), (49_152, 6_144, Scheme::PerChannel));
    let training = Training {
        epochs: 60,
        learning_rate: 0.002,
        quantised_epochs: 40,
        quantised_learning_rate: 0.0005,
        batch: 64,
        seed: 1,
        weight_decay: 0.0001,
        validation: 0.15,
        shift: 1,
        flip: false,
        freeze_batch_norm: 0.5,
        rounding: Rounding::Nearest,
    };
    assert_eq!(model.training, training);
    let place = |at: &Option<mixq_build::error::Location>| at.as_ref().map(|at| (at.line(), at.column()));
    assert_eq!((model.location.line(), model.location.column()), (6, 31));
    assert_eq!(place(&model.network_at), Some((7, 11)));
    assert_eq!(place(&model.dataset_at), Some((8, 11)));
    assert_eq!(place(&model.flash_at), Some((4, 9)));
    assert_eq!(place(&model.ram_at), Some((5, 7)));
}

#[test]
fn every_key_is_read() {
    let folder = TempDir::new().unwrap();
    let manifest = r#"
        [package]
        name = "firmware"
        [package.metadata.mixq]
        device = { flash = 100_000, ram = "8K" }
        [package.metadata.mixq.models.person]
        network = { builtin = "mobilenet_v1", width = 0.25, resolution = 96, channels = 1, classes = 2 }
        dataset = { path = "p.csv", test = 360, shape = [96, 96, 1], max = 16, labels = ["no", "yes"] }
        scheme = "per-layer"
        flash = "1 MB"
        [package.metadata.mixq.models.person.training]
        epochs = 3
        learning-rate = 1
        quantised-epochs = 4
        quantised-learning-rate = 0.5
        batch = 5
        seed = 6
        weight-decay = 0
        validation = 0.25
        shift = 0
        flip = true
        freeze-batch-norm = 1
        rounding = "floor"
        [package.metadata.mixq.models.other]
        network = "resnet8"
        dataset = { path = "o.csv", test = 0.5 }
    "#;
    write(folder.path(), manifest);
    let config = Config::load(folder.path()).unwrap();
    let [person, other] = &config.models[..] else { panic!("{} models", config.models.len()) };
    let builtin = |name: &str, width, resolution, channels, classes| {
        NetworkSource::Builtin(Builtin { name: name.to_string(), width, resolution, channels, classes })
    };
    assert_eq!(person.network, builtin("mobilenet_v1", 0.25, 96, 1, Some(2)));
    assert_eq!(other.network, builtin("resnet8", 1.0, 32, 3, None));
    let dataset = DatasetConfig {
        path: folder.path().join("p.csv"),
        test: TestPart::Rows(360),
        shape: Some(Shape { height: 96, width: 96, channels: 1 }),
        max: 16,
        labels: Some(vec!["no".to_string(), "yes".to_string()]),
        location: person.dataset_at.clone(),
    };
    assert_eq!(person.dataset, dataset);
    assert_eq!(other.dataset.test, TestPart::Share(0.5));
    assert_eq!((person.flash, person.ram, person.scheme), (1_000_000, 8_192, Scheme::PerLayer));
    assert_eq!((other.flash, other.ram, other.scheme), (100_000, 8_192, Scheme::PerChannel));
    let training = Training {
        epochs: 3,
        learning_rate: 1.0,
        quantised_epochs: 4,
        quantised_learning_rate: 0.5,
        batch: 5,
        seed: 6,
        weight_decay: 0.0,
        validation: 0.25,
        shift: 0,
        flip: true,
        freeze_batch_norm: 1.0,
        rounding: Rounding::Floor,
    };
    assert_eq!(person.training, training);
    assert_eq!(other.training, Training::default());
}

#[test]
fn the_nearer_setting_wins_key_by_key() {
    let root = TempDir::new().unwrap();
    write(
        root.path(),
        "[workspace]\n[workspace.metadata.mixq]\nscheme = \"per-layer\"\n\
         device = { flash = 1000, ram = 2000 }\ntraining = { epochs = 7, batch = 8, seed = 9 }\n",
    );
    let folder = root.path().join("crates/firmware");
    write(
        &folder,
        "[package]\nname = \"firmware\"\n[package.metadata.mixq]\ndevice.flash = 3000\ntraining.batch = 10\n\
         [package.metadata.mixq.models.a]\nnetwork = \"a.toml\"\ndataset = \"a.csv\"\n\
         [package.metadata.mixq.models.b]\nnetwork = \"b.toml\"\ndataset = \"b.csv\"\nram = 4000\n\
         scheme = \"per-channel\"\ntraining = { seed = 11 }\n",
    );
    // A Cargo.toml between that is no workspace does not count.
    write(&root.path().join("crates"), "[package]\nname = \"between\"\n");
    let config = Config::load(&folder).unwrap();
    assert_eq!(config.workspace_manifest, Some(root.path().join("Cargo.toml")));
    let [a, b] = &config.models[..] else { panic!("{} models", config.models.len()) };
    assert_eq!((a.flash, a.ram, a.scheme), (3000, 2000, Scheme::PerLayer));
    assert_eq!((b.flash, b.ram, b.scheme), (3000, 4000, Scheme::PerChannel));
    assert_eq!((a.training.epochs, a.training.batch, a.training.seed), (7, 10, 9));
    assert_eq!((b.training.epochs, b.training.batch, b.training.seed), (7, 10, 11));
    let ram_at = a.ram_at.as_ref().unwrap();
    assert_eq!(ram_at.path, root.path().join("Cargo.toml"));
    assert_eq!((ram_at.line(), ram_at.column()), (4, 32));
    assert_eq!(b.ram_at.as_ref().unwrap().path, folder.join("Cargo.toml"));
}

#[test]
fn the_packages_own_workspace_is_the_nearest() {
    let root = TempDir::new().unwrap();
    write(root.path(), "[workspace]\nmetadata.mixq.device.flash = 1\n");
    let folder = root.path().join("firmware");
    let own = "[workspace.metadata.mixq.device]\nflash = 2\nram = 3\n";
    write(&folder, &format!("{PACKAGE}{own}{MODEL}"));
    let config = Config::load(&folder).unwrap();
    assert_eq!((config.models[0].flash, config.models[0].ram), (2, 3));
    assert_eq!(config.workspace_manifest, Some(folder.join("Cargo.toml")));
}

#[test]
fn problems_of_both_files_are_told_at_once() {
    let root = TempDir::new().unwrap();
    write(root.path(), "[workspace]\nmetadata.mixq.models = {}\nmetadata.mixq.training.epochs = 0\n");
    let folder = root.path().join("firmware");
    write(&folder, &format!("{PACKAGE}{DEVICE}{MODEL}scheme = 8\nnetwrk = 1\n"));
    let error = Config::load(&folder).unwrap_err();
    let own = folder.join("Cargo.toml");
    let above = root.path().join("Cargo.toml");
    let expected = [
        format!("{}:9:10: `scheme` is an integer, it must be a string | scheme = 8", own.display()),
        format!(
            "{}:10:1: unknown key `netwrk` in [package.metadata.mixq.models.digits]; did you mean `network`? \
             | netwrk = 1",
            own.display()
        ),
        format!(
            "{}:2:15: unknown key `models` in [workspace.metadata.mixq]; known are `device`, `scheme`, \
             `training` | metadata.mixq.models = {{}}",
            above.display()
        ),
        format!(
            "{}:3:33: `epochs` is 0, it must be 1 or more | metadata.mixq.training.epochs = 0",
            above.display()
        ),
    ];
    assert_eq!(error.to_string().lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_missing_cargo_toml() {
    let folder = TempDir::new().unwrap();
    let error = Config::load(folder.path()).unwrap_err();
    let start = format!("cannot read {}: ", folder.path().join("Cargo.toml").display());
    assert!(error.to_string().starts_with(&start), "{error}");
}

#[test]
fn paths_are_as_given() {
    // Tests run in the package's folder; this package has no models.
    let error = Config::load(Path::new("")).unwrap_err();
    let at = error.problems[0].location.as_ref().unwrap();
    assert_eq!(at.path, PathBuf::from("Cargo.toml"));
    assert!(error.problems[0].message.starts_with("there are no models"), "{error}");
}

#[test]
fn no_toml() {
    check(
        "[package]\nname = ^\n",
        &["this is no TOML: string values must be quoted, expected literal string"],
    );
    check("[package]\nname = \"a\"\n^name = \"b\"\n", &["this is no TOML: duplicate key"]);
}

#[test]
fn no_package() {
    check(
        "^[workspace]\n",
        &["there is no [package] table; mixq reads [package.metadata.mixq] of the firmware's own Cargo.toml"],
    );
    check(&format!("[^package]\n{DEVICE}{MODEL}"), &["`package` has no `name`"]);
}

#[test]
fn no_models() {
    let message = "there are no models in [package.metadata.mixq.models]; add \
                   [package.metadata.mixq.models.digits] with network = \"networks/digits.toml\" and dataset = \
                   \"data/digits.csv.gz\"";
    check("[^package]\nname = \"firmware\"\n", &[message]);
    check(&format!("{PACKAGE}[package.metadata.^mixq.device]\nflash = 1\n"), &[message]);
    check(&format!("{PACKAGE}[package.metadata.mixq.^models]\n"), &[message]);
    check(
        &format!("{PACKAGE}[package.metadata.^mixq.^model.digits]\n"),
        &[message, "unknown key `model` in [package.metadata.mixq]; did you mean `models`?"],
    );
}

#[test]
fn unknown_keys() {
    check(
        &format!(
            "{PACKAGE}[package.metadata.mixq.device]\nflash = 1\nram = 2\n^rom = 3\n^eeprom = 4\n{MODEL}"
        ),
        &[
            "unknown key `rom` in [package.metadata.mixq.device]; did you mean `ram`?",
            "unknown key `eeprom` in [package.metadata.mixq.device]; known are `flash`, `ram`",
        ],
    );
    check_training(
        "^quantized-epochs = 3\n^lr = 0.1",
        &[
            "unknown key `quantized-epochs` in [package.metadata.mixq.models.digits.training]; did you mean \
         `quantised-epochs`?",
            "unknown key `lr` in [package.metadata.mixq.models.digits.training]; known are `epochs`, \
         `learning-rate`, `quantised-epochs`, `quantised-learning-rate`, `batch`, `seed`, `weight-decay`, \
         `validation`, `shift`, `flip`, `freeze-batch-norm`, `rounding`",
        ],
    );
    check_network(
        "{ builtin = \"resnet8\", ^widht = 1.0 }",
        &["unknown key `widht` in [package.metadata.mixq.models.digits.network]; did you mean `width`?"],
    );
    check_dataset(
        "{ path = \"d.csv\", ^label = [] }",
        &["unknown key `label` in [package.metadata.mixq.models.digits.dataset]; did you mean `labels`?"],
    );
}

#[test]
fn a_missing_budget() {
    let ram = "model `digits` has no budget: `ram` is missing; add ram = \"6 KiB\" to \
               [package.metadata.mixq.device]";
    let flash = "model `digits` has no budget: `flash` is missing; add flash = \"48 KiB\" to \
                 [package.metadata.mixq.device]";
    let model = MODEL.replace("digits]", "^digits]");
    check(&format!("{PACKAGE}{model}flash = 1\n"), &[ram]);
    check(&format!("{PACKAGE}{}", model.replace('^', "^^")), &[flash, ram]);
}

#[test]
fn malformed_sizes() {
    let accepted = "a size is a whole number with B, KiB, MiB (1024), kB, KB, MB (1000), or K, M as linkers \
                    write them (1024)";
    for (value, wrong) in [
        ("\"48 KiX\"", "is no size: `KiX` is no unit of size"),
        ("\"many\"", "is no size: `many` does not begin with a whole number"),
        ("\"KiB\"", "is no size: `KiB` does not begin with a whole number"),
        ("\"1.5 KiB\"", "is no size: `1.5` is no whole number"),
        ("\"1,5 KiB\"", "is no size: `1,5` is no whole number"),
        (
            "\"18_446_744_073_709_551_616\"",
            "is no size: `18_446_744_073_709_551_616` is more than 2^64 - 1 bytes",
        ),
        ("-1", "is no size: `-1` is negative"),
        ("4.5", "is a float, it must be a size"),
        ("[]", "is an array, it must be a size"),
    ] {
        let device = format!("[package.metadata.mixq.device]\nflash = ^{value}\nram = 1\n");
        check(&format!("{PACKAGE}{device}{MODEL}"), &[&format!("`flash` {wrong}; {accepted}")]);
    }
    check_model("ram = ^0", &["`ram` is 0 bytes, in which no network fits"]);
}

#[test]
fn wrong_types() {
    check_training(
        "epochs = ^\"many\"\nflip = ^1\nvalidation = ^true\nrounding = ^2025-01-01",
        &[
            "`epochs` is a string, it must be an integer",
            "`flip` is an integer, it must be true or false",
            "`validation` is a boolean, it must be a number",
            "`rounding` is a datetime, it must be a string",
        ],
    );
    check_model("training = ^3", &["`training` is an integer, it must be a table"]);
    check(&format!("{PACKAGE}metadata = ^1\n"), &["`metadata` is an integer, it must be a table"]);
    check(
        &format!("{PACKAGE}[[package.metadata.mixq.^models]]\n"),
        &["`models` is an array of tables, it must be a table"],
    );
    check_network(
        "^[]",
        &["`network` is an array, it must be a file's path, a built-in network's name or a table"],
    );
    check_dataset("^0", &["`dataset` is an integer, it must be a file's path or a table"]);
}

#[test]
fn values_out_of_range() {
    check_training(
        "epochs = ^0\nbatch = ^0\nseed = ^-1\nshift = ^-2\nquantised-epochs = ^5_000_000_000",
        &[
            "`epochs` is 0, it must be 1 or more",
            "`batch` is 0, it must be 1 or more",
            "`seed` is -1, it must be 0 or more",
            "`shift` is -2, it must be 0 or more",
            "`quantised-epochs` is 5000000000, which is too large",
        ],
    );
    check_training(
        "validation = ^0.7\nlearning-rate = ^-0.1\nquantised-learning-rate = ^inf\nweight-decay = ^nan\n\
         freeze-batch-norm = ^1.5",
        &[
            "`validation` is 0.7, it must be over 0 and under 0.5",
            "`learning-rate` is -0.1, it must be over 0",
            "`quantised-learning-rate` is inf, it must be over 0",
            "`weight-decay` is NaN, it must be 0 or more",
            "`freeze-batch-norm` is 1.5, it must be 0 to 1",
        ],
    );
    check_network(
        "{ builtin = \"resnet8\", width = ^0, resolution = ^0, channels = ^0, classes = ^1 }",
        &[
            "`width` is 0, it must be over 0",
            "`resolution` is 0, it must be 1 or more",
            "`channels` is 0, it must be 1 or more",
            "`classes` is 1, it must be 2 or more",
        ],
    );
    check_dataset(
        "{ path = \"d.csv\", test = ^0, max = ^256, shape = ^[8, 0, 1], labels = ^[\"a\", \"a\"] }",
        &[
            "`test` is 0, it must be 1 or more",
            "`max` is 256, it must be 1 to 255: pixels have 8 bits",
            "`shape` must be three whole numbers over 0: [height, width, channels]",
            "`labels` names `a` twice",
        ],
    );
    check_dataset(
        "{ path = \"d.csv\", test = ^1.0, shape = ^8, labels = ^[\"a\", 2] }",
        &[
            "`test` is 1, it must be a whole number of images, or a share over 0 and under 1",
            "`shape` is an integer, it must be an array; `shape` must be three whole numbers over 0: [height, \
         width, channels]",
            "`labels` must hold names: number 1, counted from 0, is none",
        ],
    );
}

#[test]
fn names_that_are_no_modules() {
    for (name, message) in [
        ("my-model", "`my-model` is no Rust identifier; it becomes a Rust module: call it `my_model`"),
        ("2", "`2` is no Rust identifier; it becomes a Rust module: call it `model_2`"),
        ("\"\"", "`` is no Rust identifier; it becomes a Rust module: call it `model_`"),
        ("_", "`_` is no Rust identifier; it becomes a Rust module: call it `model__`"),
        ("match", "`match` is a Rust keyword; it becomes a Rust module: call it `match_model`"),
    ] {
        check(&format!("{PACKAGE}{DEVICE}{}", MODEL.replace("digits]", &format!("^{name}]"))), &[message]);
    }
}

#[test]
fn a_model_without_network_and_dataset() {
    check(
        &format!("{PACKAGE}{DEVICE}[package.metadata.mixq.models.^^digits]\n"),
        &[
            "model `digits` has no `network`; add network = \"networks/digits.toml\" to \
         [package.metadata.mixq.models.digits]",
            "model `digits` has no `dataset`; add dataset = \"data/digits.csv.gz\" to \
         [package.metadata.mixq.models.digits]",
        ],
    );
    check_network(
        "^{ width = 0.5 }",
        &["`network` has no `builtin`; for a file write network = \"path.toml\""],
    );
    check_dataset("^{ test = 3 }", &["`dataset` has no `path`; add path = \"data/digits.csv.gz\""]);
    check_dataset("^\"\"", &["`dataset` is empty"]);
}

#[test]
fn unknown_words() {
    check_network(
        "^\"mobilenet_v2\"",
        &["`network` is `mobilenet_v2`, which is neither a .toml file nor a built-in network; did you mean \
         `mobilenet_v1`?"],
    );
    check_network(
        "{ builtin = ^\"xyz\", width = ^0 }",
        &[
            "`builtin` is `xyz`, which is neither a .toml file nor a built-in network; known are `ds_cnn`, \
         `mobilenet_v1`, `resnet8`",
            "`width` is 0, it must be over 0",
        ],
    );
    check_model(
        "scheme = ^\"per_channel\"",
        &["`scheme` has the unknown value `per_channel`; did you mean `per-channel`?"],
    );
    check_training(
        "rounding = ^\"up\"",
        &["`rounding` has the unknown value `up`; known are `nearest`, `floor`"],
    );
}

#[test]
fn what_a_fingerprint_hashes_names_no_paths() {
    let config = load(&format!("{PACKAGE}{DEVICE}{MODEL}")).unwrap();
    let model = &config.models[0];
    let json = |value| serde_json::to_string::<serde_json::Value>(&value).unwrap();
    let dataset = serde_json::to_value(&model.dataset).unwrap();
    assert_eq!(json(dataset), r#"{"labels":null,"max":255,"shape":null,"test":{"share":0.2}}"#);
    assert_eq!(json(serde_json::to_value(model.scheme).unwrap()), r#""per-channel""#);
    let training = serde_json::to_value(&model.training).unwrap();
    assert_eq!(training["rounding"], "nearest");
    assert_eq!(training["freeze-batch-norm"], 0.5);
}

/// What each unit is worth, in bytes.
const UNITS: [(&str, u64); 10] = [
    ("", 1),
    ("B", 1),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("K", 1024),
    ("k", 1024),
    ("M", 1_048_576),
    ("KiB", 1024),
    ("MiB", 1_048_576),
];

/// Digits with a separator before every group of three.
fn grouped(count: u64, separator: &str) -> String {
    let digits = count.to_string();
    let (head, tail) = digits.split_at((digits.len() - 1) % 3 + 1);
    tail.as_bytes()
        .chunks(3)
        .fold(head.to_string(), |text, group| text + separator + std::str::from_utf8(group).unwrap())
}

proptest! {
    #[test]
    fn sizes_are_the_number_times_the_unit(
        count: u64, shift in 0_u32..64, unit in 0..UNITS.len(), separator in "[_,]?", space in " {0,2}",
    ) {
        let (unit, factor) = UNITS[unit];
        let count = count >> shift;
        let text = format!("{space}{}{space}{unit}{space}", grouped(count, &separator));
        let exact = u128::from(count) * u128::from(factor);
        match u64::try_from(exact) {
            Ok(bytes) => prop_assert_eq!(size::parse(&text), Ok(bytes)),
            Err(_) => prop_assert_eq!(
                size::parse(&text), Err(format!("`{text}` is more than 2^64 - 1 bytes"))),
        }
    }

    #[test]
    fn no_text_makes_it_panic(text: String) {
        let _ = size::parse(&text);
    }

    #[test]
    fn no_cargo_toml_makes_it_panic(key in "[a-z]{1,8}", value in "[\"\\[\\]{}a-z0-9=.,_ -]{0,20}") {
        let _ = load(&format!("{PACKAGE}{DEVICE}{MODEL}{key} = {value}\nscheme = {value}"));
    }

    #[test]
    fn commas_stand_before_groups_of_three(text in "[0-9]{1,5}(,[0-9]{1,4}){1,2}") {
        let mut groups = text.split(',');
        let first = groups.next().unwrap().len();
        let well_formed = first <= 3 && groups.all(|group| group.len() == 3);
        let expected = text.replace(',', "").parse::<u64>().map_err(|_| ());
        match size::parse(&text) {
            Ok(bytes) => prop_assert!(well_formed && Ok(bytes) == expected),
            Err(_) => prop_assert!(!well_formed),
        }
    }
}
