//! The folder of `.mixq` files, as the build script announces it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use mixq_format::{Artifact, FORMAT_VERSION, ReadError};

/// The variable by which `mixq_build::build()` names the folder.
pub const VARIABLE: &str = "MIXQ_MODELS";

/// The variable by which it names the models of Cargo.toml, whose memory it counts, with commas between.
pub const NAMES: &str = "MIXQ_MODEL_NAMES";

const NO_BUILD_SCRIPT: &str = "\
the build script of mixq did not run: MIXQ_MODELS is not set

    build.rs     fn main() { mixq_build::build() }

    Cargo.toml   [build-dependencies]
                 mixq-build = \"0.1\"";

/// The models of a package.
#[derive(Debug)]
pub struct Models {
    folder: PathBuf,
    /// The folder as the user would name it.
    shown: PathBuf,
    /// Those of Cargo.toml; `None` where the folder was named by hand.
    counted: Option<Vec<String>>,
}

impl Models {
    /// Those of the package that is being compiled.
    ///
    /// # Errors
    /// If the build script did not run: what to add.
    pub fn from_env() -> Result<Models, String> {
        let folder = std::env::var_os(VARIABLE).ok_or(NO_BUILD_SCRIPT)?;
        let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
        let counted = std::env::var(NAMES).ok();
        let counted = counted.map(|names| names.split(',').map(String::from).collect());
        Ok(Models { counted, ..Models::new(folder.into(), Path::new(&package)) })
    }

    fn new(folder: PathBuf, package: &Path) -> Models {
        let shown = folder.strip_prefix(package).unwrap_or(&folder).to_path_buf();
        Models { folder, shown, counted: None }
    }

    /// Reads the artifact of one model.
    ///
    /// # Errors
    /// Says which file, what is wrong with it and what would help; for a name that is not there,
    /// which are.
    pub fn read(&self, name: &str) -> Result<Artifact, String> {
        let file = format!("{name}.mixq");
        let shown = self.shown.join(&file);
        let bytes = match std::fs::read(self.folder.join(&file)) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(self.missing(name)),
            Err(e) => return Err(format!("cannot read {}: {e}", shown.display())),
        };
        if self.counted.as_ref().is_some_and(|names| !names.iter().any(|counted| counted == name)) {
            return Err(format!(
                "{} is there, but Cargo.toml has no [package.metadata.mixq.models.{name}]\n\nso its memory \
                 is in no budget: add the table, or remove the file",
                shown.display()
            ));
        }
        Artifact::from_bytes(&bytes).map_err(|e| {
            let newer = matches!(e, ReadError::Version { found } if found > FORMAT_VERSION);
            let update = if newer { "update the mixq crates, or " } else { "" };
            let shown = shown.display();
            format!("{shown} cannot be used: {e}\n\n{update}run `cargo mixq retrain` to make it anew")
        })
    }

    fn missing(&self, name: &str) -> String {
        let names = self.names();
        let folder = self.shown.display();
        if names.is_empty() {
            return format!(
                "there is no model in `{folder}` yet\n\nrun `cargo mixq retrain` to train `{name}`"
            );
        }
        let list = format!("there is no model `{name}` in `{folder}`, which holds: {}", names.join(", "));
        match nearest(name, &names) {
            Some(near) => format!("{list}\n\ndid you mean `{near}`?"),
            None => format!("{list}\n\nif `{name}` is new in Cargo.toml, run `cargo mixq retrain`"),
        }
    }

    /// Of all models there, sorted.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let files =
            entries.map(|entry| entry.path()).filter(|path| path.extension() == Some(OsStr::new("mixq")));
        let mut names: Vec<String> =
            files.filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).collect();
        names.sort();
        names
    }
}

fn nearest<'a>(name: &str, names: &'a [String]) -> Option<&'a String> {
    names
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(similarity, _)| *similarity > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A package with files in its `models` folder.
    fn package(files: &[(&str, &[u8])]) -> (tempfile::TempDir, Models) {
        let package = tempfile::tempdir().unwrap();
        let folder = package.path().join("models");
        std::fs::create_dir(&folder).unwrap();
        for (name, bytes) in files {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
        let models = Models::new(folder, package.path());
        (package, models)
    }

    #[test]
    fn a_misspelt_name_lists_the_models_and_the_nearest() {
        let (_package, models) = package(&[("faces.mixq", b""), ("digits.mixq", b""), ("notes.txt", b"")]);
        let error = models.read("digit").unwrap_err();
        assert!(error.contains("no model `digit` in `models`, which holds: digits, faces"), "{error}");
        assert!(error.contains("did you mean `digits`?"), "{error}");
        let error = models.read("wakeword").unwrap_err();
        assert!(!error.contains("did you mean"), "{error}");
        assert!(error.contains("cargo mixq retrain"), "{error}");
    }

    /// Its flash and RAM would be in no sum.
    #[test]
    fn a_model_that_cargo_toml_lacks_is_refused() {
        let (_package, models) = package(&[("faces.mixq", b""), ("digits.mixq", b"")]);
        let models = Models { counted: Some(vec!["digits".to_string()]), ..models };
        let error = models.read("faces").unwrap_err();
        let file = Path::new("models").join("faces.mixq");
        let start = format!(
            "{} is there, but Cargo.toml has no [package.metadata.mixq.models.faces]",
            file.display()
        );
        assert!(error.starts_with(&start), "{error}");
        assert!(models.read("digits").unwrap_err().contains("cannot be used"));
    }

    #[test]
    fn an_empty_folder_and_none_at_all_ask_for_training() {
        let (_package, models) = package(&[]);
        assert!(models.read("digits").unwrap_err().contains("run `cargo mixq retrain`"));
        let models = Models::new(PathBuf::from("/nowhere/models"), Path::new("/nowhere"));
        assert!(models.read("digits").unwrap_err().contains("no model in `models` yet"));
    }

    #[test]
    fn a_damaged_file_is_named_with_the_reason() {
        let cut = [&b"MIXQ"[..], &mixq_format::FORMAT_VERSION.to_le_bytes()].concat();
        let (_package, models) = package(&[("digits.mixq", b"MIX"), ("faces.mixq", &cut)]);
        let error = models.read("digits").unwrap_err();
        let file = Path::new("models").join("digits.mixq");
        assert!(error.starts_with(&format!("{} cannot be used: ", file.display())), "{error}");
        assert!(error.contains("cargo mixq retrain"), "{error}");
        assert!(models.read("faces").unwrap_err().contains("truncated"));
    }

    #[test]
    fn a_folder_elsewhere_is_shown_in_full() {
        let models = Models::new(PathBuf::from("/elsewhere/models"), Path::new("/package"));
        assert!(models.read("digits").unwrap_err().contains("`/elsewhere/models`"));
    }
}
