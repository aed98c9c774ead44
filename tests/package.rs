//! A small package as a user would have it: Cargo.toml, network, images, artifact.

use std::path::PathBuf;

use fastrand::Rng;
use mixq_build::engine::artifact;
use mixq_build::engine::config::Config;
use mixq_build::engine::convert::{About, convert};
use mixq_build::engine::prepare::Prepared;
use mixq_format::{Accuracy, Artifact, Budget};
use tempfile::TempDir;

use crate::trained::random_trained;

/// The name of the only model.
pub const MODEL: &str = "tiny";

/// Every line of it is replaced by some test.
pub const MANIFEST: &str = r#"[package]
name = "firmware"
version = "0.1.0"
edition = "2024"

[package.metadata.mixq.device]
flash = "48 KiB"
ram = "6 KiB"

[package.metadata.mixq.models.tiny]
network = "net.toml"
dataset = { path = "images.csv", test = 4 }
scheme = "per-channel"
training = {}
"#;

/// A network of 4x4 images and two classes.
pub const NETWORK: &str = r#"input = [4, 4, 1]

[[layer]]
op = "conv"
filters = 3
kernel = 3

[[layer]]
op = "linear"
features = 2
"#;

/// A folder with a package in it.
pub struct Package {
    folder: PathBuf,
    /// Removed when dropped.
    _temporary: Option<TempDir>,
}

impl Default for Package {
    fn default() -> Package {
        Package::new()
    }
}

impl Package {
    /// With [`MANIFEST`], [`NETWORK`] and twenty images, for as long as this lives.
    pub fn new() -> Package {
        let temporary = TempDir::new().unwrap();
        let package = Package::at(temporary.path().join("firmware"));
        Package { _temporary: Some(temporary), ..package }
    }

    /// The same in a folder that stays; whatever was in it goes.
    pub fn at(folder: PathBuf) -> Package {
        if folder.exists() {
            std::fs::remove_dir_all(&folder).unwrap();
        }
        std::fs::create_dir_all(&folder).unwrap();
        let package = Package { folder, _temporary: None };
        package.write("Cargo.toml", MANIFEST);
        package.write("net.toml", NETWORK);
        package.write("images.csv", &images(20));
        package
    }

    /// A file or folder of the package.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a file.
    pub fn write(&self, name: &str, contents: &str) {
        std::fs::write(self.path(name), contents).unwrap();
    }

    /// Writes a file with `from` replaced by `to`.
    pub fn replace(&self, name: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{name} does not contain {from}");
        self.write(name, &text.replace(from, to));
    }

    /// Where the artifact lies.
    pub fn artifact(&self) -> PathBuf {
        artifact::path(&self.folder, MODEL)
    }

    /// Its configuration.
    pub fn config(&self) -> Config {
        Config::load(&self.folder).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Writes an artifact that is fresh: everything but the values of its weights is what training would
    /// make.
    pub fn write_fresh_artifact(&self) -> Artifact {
        let config = self.config();
        let prepared = Prepared::new(&config.models[0], None).unwrap_or_else(|error| panic!("{error}"));
        let artifact = untrained(&prepared);
        artifact::write(&self.artifact(), &artifact).unwrap();
        artifact
    }
}

/// An artifact with random weights.
pub fn untrained(prepared: &Prepared<'_>) -> Artifact {
    let (model, graph) = (prepared.model, &prepared.graph);
    let allocation = prepared.allocate().unwrap_or_else(|error| panic!("{error}"));
    let mut rng = Rng::with_seed(1);
    let trained = random_trained(&mut rng, graph, &allocation, model.scheme, model.training.rounding);
    let converted = convert(graph, &allocation, model.scheme, &trained).unwrap();
    let about = About {
        name: model.name.clone(),
        task: model.dataset.task,
        labels: (0..graph.outputs()).map(|class| class.to_string()).collect(),
        samples: Vec::new(),
        readout: mixq_format::Readout::default(),
        fingerprint: prepared.fingerprint.clone(),
        budget: Budget { flash: model.flash, ram: model.ram },
        accuracy: Accuracy {
            float: 0.9,
            fake_quant: 0.8,
            integer: 0.7,
            test_images: 4,
            ..Accuracy::default()
        },
    };
    converted.into_artifact(about)
}

/// So many images of 4x4 pixels, of two classes in turn: bright at the top, or at the bottom.
pub fn images(count: usize) -> String {
    let row = |image: usize| {
        let pixels = (0..16).map(|pixel| {
            let bright = (pixel < 8) == image.is_multiple_of(2);
            (if bright { 150 } else { 20 }) + (image * 7 + pixel * 13) % 90
        });
        let values: Vec<String> = pixels.chain([image % 2]).map(|value| value.to_string()).collect();
        values.join(",") + "\n"
    };
    (0..count).map(row).collect()
}
