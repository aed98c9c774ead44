//! The models that a command is about.

use std::path::PathBuf;

use cargo_metadata::MetadataCommand;

use super::Selection;
use crate::artifact;
use crate::config::{Config, Model};
use crate::dataset;
use crate::error::{Error, Problem, nearest};

/// All chosen models of a workspace.
pub struct Models {
    /// Each with the path of its artifact.
    pub models: Vec<(Model, PathBuf)>,
    /// The folder for interrupted trainings.
    #[cfg(feature = "train")]
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
        let with_models = (metadata.packages.iter())
            .filter(|package| package.metadata.get("mixq").is_some_and(|mixq| mixq.get("models").is_some()));
        let packages: Vec<_> = with_models.collect();
        let names: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
        if let Some(wanted) = &selection.package
            && !names.contains(&wanted.as_str())
        {
            return Err(unknown("package", wanted, &names).into());
        }
        let mut problems = Vec::new();
        let mut models = Vec::new();
        for package in packages {
            if selection.package.as_ref().is_some_and(|wanted| wanted != package.name.as_str()) {
                continue;
            }
            let folder = package
                .manifest_path
                .parent()
                .map(|folder| folder.as_std_path())
                .unwrap_or_else(|| "".as_ref());
            match Config::load(&relative(folder)) {
                Err(error) => problems.extend(error.problems),
                Ok(config) => models.extend(config.models.into_iter().map(|model| {
                    let path = artifact::path(&config.manifest_dir, &model.name);
                    (model, path)
                })),
            }
        }
        if !problems.is_empty() {
            return Err(Error { problems });
        }
        if let Some(wanted) = &selection.model {
            let names: Vec<String> = models.iter().map(|(model, _)| model.name.clone()).collect();
            models.retain(|(model, _)| model.name == *wanted);
            if models.is_empty() {
                return Err(unknown("model", wanted, &names).into());
            }
        }
        if models.is_empty() {
            let message = "no package here has models in [package.metadata.mixq.models]";
            return Err(Problem::new(message).help("name one with --manifest-path").into());
        }
        let scratch = metadata.target_directory.into_std_path_buf().join("mixq");
        let cache = scratch.join(dataset::FOLDER);
        models.iter_mut().for_each(|(model, _)| model.dataset.cache = Some(cache.clone()));
        Ok(Models {
            models,
            #[cfg(feature = "train")]
            scratch,
        })
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

fn unknown(what: &str, wanted: &str, names: &[impl AsRef<str>]) -> Problem {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    let help = match nearest(wanted, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("with models there are: {}", names.join(", ")),
    };
    Problem::new(format!("there is no {what} `{wanted}` with a model")).help(help)
}
