//! What the build script is told by cargo.

use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::dataset;
use crate::error::{Error, Problem};
use crate::observer::Observer;
use crate::prepare;
use crate::target::Flags;

/// What the build script is told by cargo and by the tool that runs cargo.
pub(super) struct Environment {
    pub(super) manifest_dir: PathBuf,
    pub(super) out_dir: PathBuf,
    /// What the firmware is compiled for.
    pub(super) rust_target: String,
    /// Flags of rustc for it.
    pub(super) flags: Flags,
    /// Why nothing may be trained here, if so.
    pub(super) no_training: Option<&'static str>,
}

impl Environment {
    pub(super) fn read() -> Result<Environment, Error> {
        let folder = |name: &str| {
            std::env::var_os(name).map(PathBuf::from).ok_or_else(|| {
                Problem::new(format!("{name} is not set"))
                    .help("call mixq_build from a build script, which cargo runs")
            })
        };
        // rust-analyzer runs build scripts whenever a folder is opened.
        let no_training = if variable("RA_RUSTC_WRAPPER") {
            Some("an editor's check")
        } else if variable("DOCS_RS") {
            Some("docs.rs")
        } else {
            None
        };
        Ok(Environment {
            manifest_dir: folder("CARGO_MANIFEST_DIR")?,
            out_dir: folder("OUT_DIR")?,
            rust_target: std::env::var("TARGET").unwrap_or_default(),
            flags: Flags::parse(&std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default()),
            no_training,
        })
    }

    /// The folder that keeps decoded images and digests of datasets.
    pub(super) fn cache(&self) -> PathBuf {
        self.scratch().join(dataset::FOLDER)
    }

    /// The configuration, each model with its share of the device.
    pub(super) fn configuration(&self) -> Result<Config, Error> {
        prepare::share(Config::load(&self.manifest_dir)?)
    }

    /// The folder for interrupted trainings and for datasets: in cargo's target folder, which carries this
    /// tag, so that the command line and all profiles share it.
    pub(super) fn scratch(&self) -> PathBuf {
        let target = self.out_dir.ancestors().find(|ancestor| ancestor.join("CACHEDIR.TAG").is_file());
        target.unwrap_or(&self.out_dir).join("mixq")
    }
}

/// Whether an environment variable is set; cargo runs the script again when that changes.
pub(super) fn variable(name: &str) -> bool {
    println!("cargo::rerun-if-env-changed={name}");
    std::env::var_os(name).is_some()
}

/// Has cargo run the script again when this file or folder changes.
pub(super) fn rerun(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}

/// Warnings of a model become warnings of cargo, which shows nothing else of a build script that succeeds.
pub(super) struct Warnings<'a>(pub(super) &'a str);

impl Observer for Warnings<'_> {
    fn warn(&mut self, message: &str) {
        println!("cargo::warning=model `{}`: {}", self.0, message.replace('\n', " "));
    }
}
