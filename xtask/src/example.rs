//! The examples in a folder of their own, so that what is trained there changes no committed file.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::process::repository;

/// Where the copy lies in the repository; git ignores it.
const FOLDER: &str = "target/demo";

/// What the copy keeps of its own: compiled code.
const KEPT: &str = "target";

/// A copy of the folder `examples`.
pub struct Examples {
    folder: PathBuf,
}

impl Examples {
    /// Makes a copy of the examples as they are now.
    ///
    /// # Errors
    /// If a file cannot be read or written.
    pub fn copy() -> Result<Examples> {
        Examples::copy_to(&repository(FOLDER))
    }

    fn copy_to(folder: &Path) -> Result<Examples> {
        let failed = || format!("cannot copy the examples to {}", folder.display());
        clear(folder).and_then(|()| copy(&repository("examples"), folder)).with_context(failed)?;
        Ok(Examples { folder: folder.to_path_buf() })
    }

    /// Cargo.toml of their workspace.
    pub fn manifest(&self) -> PathBuf {
        self.folder.join("Cargo.toml")
    }

    /// The folder of one of them.
    pub fn package(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Removes what an earlier copy had; makes the folder if there was none.
fn clear(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name() == KEPT {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            if entry.file_name() != KEPT {
                copy(&entry.path(), &target)?;
            }
        } else if entry.file_name() == OsStr::new("Cargo.toml") {
            fs::write(target, manifest(&fs::read_to_string(entry.path())?, &repository("")))?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// An example's Cargo.toml anywhere else: the crates of this repository are two folders above the original.
fn manifest(text: &str, repository: &Path) -> String {
    let repository = repository.to_string_lossy().replace('\\', "/");
    text.replace("path = \"../../", &format!("path = \"{}/", repository.trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::process::cargo;

    #[test]
    fn a_copy_is_a_workspace_with_the_crates_of_this_repository() {
        let folder = tempfile::tempdir().unwrap();
        let examples = Examples::copy_to(folder.path()).unwrap();
        let mut cargo = cargo("");
        cargo.args(["metadata", "--offline", "--format-version", "1", "--manifest-path"]);
        let output = cargo.arg(examples.manifest()).args(["--locked", "--no-deps"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = fs::read_to_string(examples.package("digits").join("Cargo.toml")).unwrap();
        let paths: Vec<&str> =
            text.split("path = \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let crates = ["mixq-rt", "mixq-build"].map(|name| repository(name).to_string_lossy().into_owned());
        assert!(crates.iter().all(|path| paths.contains(&path.as_str())), "{paths:?}");
        for file in
            [".cargo/config.toml", "digits/data/digits.csv.gz", "digits/models/digits.mixq", "Cargo.lock"]
        {
            let [copied, original] = [folder.path().join(file), repository("examples").join(file)];
            assert!(fs::read(copied).unwrap() == fs::read(original).unwrap(), "{file}");
        }
        assert!(!folder.path().join("target").exists());
    }

    #[test]
    fn a_new_copy_keeps_compiled_code_alone() {
        let folder = tempfile::tempdir().unwrap();
        for made in ["target/release/x", "digits/models/digits.mixq", "removed.rs"] {
            let path = folder.path().join(made);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "earlier").unwrap();
        }
        Examples::copy_to(folder.path()).unwrap();
        assert!(folder.path().join("target/release/x").is_file());
        assert!(!folder.path().join("removed.rs").exists());
        assert_ne!(fs::read(folder.path().join("digits/models/digits.mixq")).unwrap(), b"earlier");
    }

    #[test]
    fn git_does_not_see_the_copy() {
        let mut git = Command::new("git");
        git.args(["check-ignore", "--quiet", FOLDER]).current_dir(repository(""));
        // Without git, or in an unpacked archive, there is nothing to see.
        if repository(".git").exists() {
            assert!(git.status().unwrap().success());
        }
    }
}
