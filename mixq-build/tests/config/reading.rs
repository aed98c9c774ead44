//! What is read, and what holds where nothing is written.

use mixq_build::engine::config::{
    Bounds, BudgetOf, Config, DatasetConfig, DeviceChoice, OptimiserKind, RecordingConfig, Rounding, Scheme,
    TestPart, Training,
};
use mixq_build::engine::graph::Shape;
use mixq_build::engine::import::builtin::PaddingStyle;
use mixq_build::engine::import::{Builtin, NetworkSource};
use mixq_format::Task;
use tempfile::TempDir;

use crate::manifest::{DEVICE, MODEL, PACKAGE, load, write};

#[test]
fn the_shortest_configuration_has_the_documented_defaults() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), &format!("{PACKAGE}{DEVICE}{MODEL}"));
    let config = Config::load(folder.path()).unwrap();
    assert_eq!(config.package, "firmware");
    assert_eq!(config.manifest_dir, folder.path());
    assert_eq!((config.workspace_manifest, config.linker_scripts), (None, vec![]));
    let [model] = &config.models[..] else { panic!("{} models", config.models.len()) };
    assert_eq!(model.name, "digits");
    assert_eq!(model.network, NetworkSource::File(folder.path().join("networks/digits.toml")));
    let dataset = DatasetConfig {
        location: model.dataset_at.clone(),
        ..DatasetConfig::new(folder.path().join("data/digits.csv.gz"))
    };
    assert_eq!(model.dataset, dataset);
    assert_eq!((dataset.test, dataset.max, dataset.shape, &dataset.labels), (None, 255, None, &None));
    assert_eq!((model.flash, model.ram, model.scheme), (49_152, 6_144, Scheme::PerChannel));
    let training = Training {
        epochs: None,
        learning_rate: 0.002,
        quantised_epochs: 40,
        quantised_learning_rate: 0.0005,
        batch: 64,
        seed: 1,
        weight_decay: 0.0001,
        calibration_images: 512,
        validation: 0.15,
        shift: 1,
        rotation: 0.0,
        zoom: 0.0,
        flip: false,
        label_smoothing: 0.0,
        average: 0.0,
        freeze_batch_norm: 0.5,
        batch_norm_images: 0,
        weight_steps: mixq_build::engine::settings::WeightSteps::Range,
        freeze_oscillations: 0.0,
        rounding: Rounding::Nearest,
        optimiser: OptimiserKind::Adam,
        quantised_weight_decay: 0.0,
        activation_decay: 0.0001,
        bounds: Bounds::Data,
        equalise: None,
        reconstruct: 0,
        shards: 1,
        distillation: 0.5,
        temperature: 2.0,
        device: DeviceChoice::Auto,
        class_weights: mixq_build::engine::settings::ClassWeights::None,
        loss: mixq_build::engine::settings::Loss::Squared,
        from_scratch: false,
    };
    assert_eq!(model.training, training);
    let place =
        |at: &Option<mixq_build::engine::error::Location>| at.as_ref().map(|at| (at.line(), at.column()));
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
        device = { flash = 1_100_000, ram = "8K", shared-arena = true }
        [package.metadata.mixq.models.person]
        network.builtin = "mobilenet_v1"
        network.width = 0.25
        network.resolution = 96
        network.channels = 1
        network.classes = 2
        network.stem-stride = 1
        network.padding = "pytorch"
        dataset = { path = "p.csv", test = 360, shape = [96, 96, 1], max = 16, labels = ["no", "yes"] }
        task = "classification"
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
        calibration-images = 600
        validation = 0.25
        shift = 0
        rotation = 12
        zoom = 0.1
        flip = true
        reconstruct = 2
        shards = 3
        label-smoothing = 0.05
        average = 0.99
        freeze-batch-norm = 1
        batch-norm-images = 640
        weight-steps = "learned"
        freeze-oscillations = 0.01
        rounding = "floor"
        optimiser = "sgd"
        quantised-weight-decay = 0.001
        activation-decay = 0
        bounds = "six"
        distillation = 0.25
        temperature = 4
        device = "cpu"
        [package.metadata.mixq.models.other]
        network = "resnet8"
        dataset = { path = "o.csv", test = 0.5 }
    "#;
    write(folder.path(), manifest);
    let config = Config::load(folder.path()).unwrap();
    let [person, other] = &config.models[..] else { panic!("{} models", config.models.len()) };
    let chosen = Builtin {
        name: "mobilenet_v1".to_string(),
        width: 0.25,
        resolution: 96,
        channels: 1,
        classes: Some(2),
        stem_stride: Some(1),
        padding: PaddingStyle::Pytorch,
    };
    assert_eq!(person.network, NetworkSource::Builtin(chosen));
    let published = Builtin {
        name: "resnet8".to_string(),
        width: 1.0,
        resolution: 32,
        channels: 3,
        classes: None,
        stem_stride: None,
        padding: PaddingStyle::Tensorflow,
    };
    assert_eq!(other.network, NetworkSource::Builtin(published));
    let dataset = DatasetConfig {
        path: folder.path().join("p.csv"),
        shared: None,
        test: Some(TestPart::Rows(360)),
        shape: Some(Shape { height: 96, width: 96, channels: 1 }),
        max: 16,
        may_lack_targets: false,
        background: false,
        unlabelled: false,
        targets: None,
        labels: Some(vec!["no".to_string(), "yes".to_string()]),
        task: Task::Classification,
        mask_values: None,
        mask_colours: None,
        resize: false,
        tolerate: 0.0,
        input: None,
        inputs: Default::default(),
        recordings: RecordingConfig::default(),
        location: person.dataset_at.clone(),
    };
    assert_eq!(person.dataset, dataset);
    assert_eq!(other.dataset.test, Some(TestPart::Share(0.5)));
    assert_eq!((person.flash, person.ram, person.scheme), (1_000_000, 8_192, Scheme::PerLayer));
    // What the other one's own budget leaves; in a shared arena RAM is for each.
    assert_eq!((other.flash, other.ram, other.scheme), (100_000, 8_192, Scheme::PerChannel));
    assert_eq!((person.flash_of, person.ram_of), (BudgetOf::Model, BudgetOf::Device));
    assert_eq!((other.flash_of, other.ram_of), (BudgetOf::Device, BudgetOf::Device));
    let limits = [&config.device.flash, &config.device.ram].map(|limit| limit.as_ref().unwrap().bytes);
    assert_eq!((limits, config.device.shared_arena), ([1_100_000, 8_192], true));
    let training = Training {
        epochs: Some(3),
        learning_rate: 1.0,
        quantised_epochs: 4,
        quantised_learning_rate: 0.5,
        batch: 5,
        seed: 6,
        weight_decay: 0.0,
        calibration_images: 600,
        validation: 0.25,
        shift: 0,
        rotation: 12.0,
        zoom: 0.1,
        flip: true,
        label_smoothing: 0.05,
        average: 0.99,
        freeze_batch_norm: 1.0,
        batch_norm_images: 640,
        weight_steps: mixq_build::engine::settings::WeightSteps::Learned,
        freeze_oscillations: 0.01,
        rounding: Rounding::Floor,
        optimiser: OptimiserKind::Sgd,
        quantised_weight_decay: 0.001,
        activation_decay: 0.0,
        bounds: Bounds::Six,
        equalise: None,
        reconstruct: 2,
        shards: 3,
        distillation: 0.25,
        temperature: 4.0,
        device: DeviceChoice::Cpu,
        class_weights: mixq_build::engine::settings::ClassWeights::None,
        loss: mixq_build::engine::settings::Loss::Squared,
        from_scratch: false,
    };
    assert_eq!(person.training, training);
    assert_eq!(other.training, Training::default());
}

#[test]
fn what_a_fingerprint_hashes_names_no_paths() {
    let config = load(&format!("{PACKAGE}{DEVICE}{MODEL}")).unwrap();
    let model = &config.models[0];
    let json = |value| serde_json::to_string::<serde_json::Value>(&value).unwrap();
    let dataset = serde_json::to_value(&model.dataset).unwrap();
    let expected = r#"{"labels":null,"max":255,"resize":false,"shape":null,"test":null,"tolerate":0.0}"#;
    assert_eq!(json(dataset), expected);
    assert_eq!(json(serde_json::to_value(model.scheme).unwrap()), r#""per-channel""#);
    let training = serde_json::to_value(&model.training).unwrap();
    assert_eq!(training["rounding"], "nearest");
    assert_eq!(training["freeze-batch-norm"], 0.5);
}

/// Networks of other tools lie with the data, too.
#[test]
fn a_network_below_the_variable() {
    let folder = TempDir::new().unwrap();
    let found = |network: &str| {
        let model = MODEL.replace("networks/digits.toml", network);
        assert_ne!(model, MODEL);
        write(folder.path(), &format!("{PACKAGE}{DEVICE}{model}"));
        match &Config::load(folder.path()).unwrap().models[0].network {
            NetworkSource::File(path) => path.clone(),
            NetworkSource::Builtin(builtin) => panic!("{builtin:?}"),
        }
    };
    let path = found("$MIXQ_DATA/nets/none.onnx");
    assert!(path.ends_with("nets/none.onnx"), "{}", path.display());
    assert!(!path.starts_with(folder.path()), "{}", path.display());
    assert_eq!(found("nets/none.onnx"), folder.path().join("nets/none.onnx"));
}

/// Where it lies depends on the machine, what it is called does not.
#[test]
fn a_dataset_below_the_variable() {
    let folder = TempDir::new().unwrap();
    let model = MODEL.replace("data/digits.csv.gz", "$MIXQ_DATA/sets/none.csv");
    assert_ne!(model, MODEL);
    write(folder.path(), &format!("{PACKAGE}{DEVICE}{model}"));
    let config = Config::load(folder.path()).unwrap();
    let dataset = &config.models[0].dataset;
    assert_eq!(dataset.shared.as_deref(), Some(std::path::Path::new("sets/none.csv")));
    assert_eq!(dataset.path, std::path::Path::new("$MIXQ_DATA/sets/none.csv"), "as it is written");
    let found = mixq_build::engine::dataset::find(dataset);
    assert!(found.ends_with("sets/none.csv"), "{}", found.display());
    assert!(!found.starts_with(folder.path()), "{}", found.display());
    assert!(!found.starts_with("$MIXQ_DATA"), "{}", found.display());
    let shape = Shape { height: 1, width: 1, channels: 1 };
    let error = mixq_build::engine::dataset::Dataset::load(dataset, shape, 2, &mut ())
        .unwrap_err()
        .problems
        .remove(0);
    assert_eq!(error.help.as_deref(), Some("set MIXQ_DATA to the folder that has it"));
}
