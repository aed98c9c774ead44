//! The models that a command is about.

use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;
use mixq_format::Artifact;

use super::Selection;
use super::build_target::build_target;
use mixq_build::engine::artifact::{self, Fingerprint, State};
use mixq_build::engine::config::{self, Config, Model};
use mixq_build::engine::dataset;
use mixq_build::engine::error::{Error, Problem, unknown};
use mixq_build::engine::prepare::share;
use mixq_build::engine::report::FirmwareReport;
use mixq_build::engine::target::{self, Placed, Platform};

/// All chosen models of a workspace.
pub struct Models {
    /// Each with the path of its artifact.
    pub models: Vec<(Model, PathBuf)>,
    /// The packages that these models are of, with all their models.
    pub firmware: Vec<Config>,
    /// The folder for decoded images and digests of datasets.
    pub cache: PathBuf,
    /// The folder for interrupted trainings.
    pub scratch: PathBuf,
}

impl Models {
    /// Asks cargo for the packages that have models, and reads their configurations.
    ///
    /// # Errors
    /// No such package or model, or all that is wrong in the configurations.
    pub fn select(selection: &Selection) -> Result<Models, Error> {
        let mut command = MetadataCommand::new();
        command.no_deps();
        if let Some(path) = &selection.manifest_path {
            command.manifest_path(path);
        }
        let metadata = command.exec().map_err(|error| {
            // Cargo's own message begins with a line that only says who speaks.
            let text = error.to_string();
            let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            Problem::new(lines.join(" ")).help("run it in a package, or name one with --manifest-path")
        })?;
        // Those without models are told so where they are read.
        let with_settings =
            (metadata.packages.iter()).filter(|package| package.metadata.get("mixq").is_some());
        let packages: Vec<_> = with_settings.collect();
        let names: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
        if let Some(wanted) = &selection.package
            && !names.contains(&wanted.as_str())
        {
            return Err(misplaced(&metadata).err().unwrap_or_else(|| {
                let problem = unknown("package", wanted, &names);
                Problem { message: format!("{} with models", problem.message), ..problem }.into()
            }));
        }
        let root = relative(metadata.workspace_root.as_std_path()).join("Cargo.toml");
        let (mut problems, mut firmware) = (Vec::new(), Vec::new());
        for package in packages {
            if selection.package.as_ref().is_some_and(|wanted| wanted != package.name.as_str()) {
                continue;
            }
            let folder = package.manifest_path.parent();
            let folder = folder.map(|folder| folder.as_std_path()).unwrap_or_else(|| "".as_ref());
            match Config::read(&relative(folder), Some(&root)).and_then(share) {
                Err(error) => problems.extend(error.problems),
                Ok(config) => firmware.push(config),
            }
        }
        if !problems.is_empty() {
            return Err(Error { problems });
        }
        if firmware.is_empty() {
            misplaced(&metadata)?;
            let message = "no package here has models in [package.metadata.mixq.models]";
            return Err(Problem::new(message).help("name one with --manifest-path").into());
        }
        let of = |config: &Config| -> Vec<(Model, PathBuf)> {
            let path = |model: &Model| artifact::path(&config.manifest_dir, &model.name);
            config.models.iter().map(|model| (model.clone(), path(model))).collect()
        };
        let mut models: Vec<_> = firmware.iter().flat_map(of).collect();
        if let Some(wanted) = &selection.model {
            let names: Vec<String> = models.iter().map(|(model, _)| model.name.clone()).collect();
            models.retain(|(model, _)| model.name == *wanted);
            if models.is_empty() {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                return Err(unknown("model", wanted, &names).into());
            }
            firmware.retain(|config| config.models.iter().any(|model| model.name == *wanted));
        }
        let scratch = metadata.target_directory.into_std_path_buf().join("mixq");
        Ok(Models { models, firmware, cache: scratch.join(dataset::FOLDER), scratch })
    }
}

impl Models {
    /// The networks of a package in the arenas that they have in the firmware.
    fn place(&self, config: &Config, artifacts: &[Option<Artifact>]) -> Vec<Option<Placed>> {
        let rust_target = build_target(&config.manifest_dir);
        let platform = Platform::find(rust_target.as_deref(), config);
        target::place(platform.as_ref(), config, artifacts)
    }

    /// A model's artifact in the arena that it has in the firmware, beside the other models as they are now.
    ///
    /// # Errors
    /// An artifact is there but cannot be opened.
    pub fn placed(&self, path: &Path, artifact: &Artifact) -> Result<Placed, Error> {
        let of = |config: &Config, model: &Model| artifact::path(&config.manifest_dir, &model.name);
        for config in &self.firmware {
            let Some(index) = config.models.iter().position(|model| of(config, model) == path) else {
                continue;
            };
            let mut artifacts = artifacts(config)?;
            artifacts[index] = Some(artifact.clone());
            if let Some(placed) = self.place(config, &artifacts).swap_remove(index) {
                return Ok(placed);
            }
        }
        Ok(Placed::least(artifact))
    }

    /// What all models of each package take together, chosen or not, as their artifacts are now. Said to
    /// people where there are several; what is too much is a problem on stderr.
    ///
    /// # Errors
    /// An artifact is there but cannot be opened.
    pub fn together(&self) -> Result<Vec<FirmwareReport>, Error> {
        let report = |config: &Config| -> Result<FirmwareReport, Error> {
            let artifacts = artifacts(config)?;
            let report = FirmwareReport::new(config, &self.place(config, &artifacts));
            if config.models.len() > 1 {
                say!("{}", report.line());
            }
            let problems = report.problems();
            super::problems::print(&Error { problems });
            Ok(report)
        };
        self.firmware.iter().map(report).collect()
    }
}

/// The folder as a person in the current one would name it.
fn relative(folder: &std::path::Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    match folder.strip_prefix(&here) {
        Ok(inside) if inside.as_os_str().is_empty() => PathBuf::from("."),
        Ok(inside) => inside.to_path_buf(),
        Err(_) => folder.to_path_buf(),
    }
}

/// Tables that are meant for mixq but are not read.
///
/// # Errors
/// If there are any, or a Cargo.toml cannot be read.
fn misplaced(metadata: &cargo_metadata::Metadata) -> Result<(), Error> {
    let mut problems = Vec::new();
    for package in &metadata.packages {
        let path = package.manifest_path.as_std_path();
        let folder = relative(path.parent().unwrap_or(path));
        problems.extend(config::misplaced(&folder.join("Cargo.toml"))?);
    }
    if problems.is_empty() { Ok(()) } else { Err(Error { problems }) }
}

/// The artifacts of all models of a package, as they are now; `None` where there is none.
///
/// # Errors
/// An artifact is there but cannot be opened.
fn artifacts(config: &Config) -> Result<Vec<Option<Artifact>>, Error> {
    let found = |model: &Model| {
        let path = artifact::path(&config.manifest_dir, &model.name);
        // Whether it is fresh is said elsewhere.
        artifact::state(&path, &Fingerprint::new()).map(State::artifact)
    };
    config.models.iter().map(found).collect::<Result<Vec<_>, _>>().map_err(Error::from)
}
