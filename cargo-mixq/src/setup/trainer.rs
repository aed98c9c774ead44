//! The trainer: this tool once more, built with feature `train`, which `cargo mixq retrain` and `pace` start.
//!
//! It is a program of its own because a program that is linked to libtorch does not start without it. It lies
//! in the cache, named by the sources that it was made from, so that a newer `cargo mixq` never starts an
//! older trainer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{libtorch, programs, sources};
use mixq_build::engine::error::Problem;

/// Digest of the sources that this program was made from.
const DIGEST: &str = env!("MIXQ_SOURCES");
/// Where they were then.
const PACKAGE: &str = env!("CARGO_MANIFEST_DIR");
/// What all trainers' folders begin with.
const PREFIX: &str = "train-";
/// In a trainer's folder: the folder of libtorch that it needs.
const RECORD: &str = "libtorch.txt";

/// A trainer's folder.
pub struct Trainer {
    folder: PathBuf,
}

impl Trainer {
    /// The one for this program, there or not, in the folder of set-up.
    pub fn of_this_program(folder: &Path) -> Trainer {
        let name = format!("{PREFIX}{}-{DIGEST}", env!("CARGO_PKG_VERSION"));
        Trainer { folder: folder.join(name) }
    }

    /// All that are there, also those of other versions.
    pub fn all(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
        let mut folders: Vec<PathBuf> = named.map(|entry| entry.path()).collect();
        folders.sort();
        folders
    }

    /// The program.
    pub fn program(&self) -> PathBuf {
        self.folder.join("bin").join(format!("cargo-mixq{}", std::env::consts::EXE_SUFFIX))
    }

    /// The folder of libtorch that it needs, if it was built and both are there.
    pub fn libtorch(&self) -> Option<PathBuf> {
        let folder = PathBuf::from(fs::read_to_string(self.folder.join(RECORD)).ok()?);
        (self.program().is_file() && libtorch::is_libtorch(&folder).is_ok()).then_some(folder)
    }

    /// Builds it, unless it is there and needs this libtorch. Whether it was built.
    ///
    /// # Errors
    /// The sources of this program are gone or have changed; no C++ compiler; it does not compile.
    pub fn ensure(&self, libtorch: &Path) -> Result<bool, Problem> {
        if self.libtorch().is_some_and(|found| found == libtorch) {
            return Ok(false);
        }
        let package = Path::new(PACKAGE);
        unchanged(package, DIGEST)?;
        programs::COMPILER.check()?;
        libtorch::remove(&self.folder)?;
        eprintln!("building what trains: minutes, once");
        programs::run(&mut self.install(package, libtorch), "building what trains")?;
        let record = self.folder.join(RECORD);
        fs::write(&record, libtorch.as_os_str().as_encoded_bytes())
            .map_err(|error| Problem::io("write", &record, &error))?;
        Ok(true)
    }

    fn install(&self, package: &Path, libtorch: &Path) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(["install", "--force", "--features", FEATURE]);
        command.arg("--path").arg(package).arg("--root").arg(&self.folder);
        if lock_file(package) {
            command.arg("--locked");
        }
        // Sources in cargo's own folder (from git or a registry) are no place to build in.
        if super::cargo_config::cargo_home().is_ok_and(|home| package.starts_with(home)) {
            command.arg("--target-dir").arg(self.folder.join("target"));
        }
        // The bindings only hand calls over: optimising them takes minutes and makes nothing faster.
        command.args(["--config", "profile.release.package.torch-sys.opt-level=0"]);
        command.env(libtorch::VARIABLE, libtorch);
        // Somebody who builds firmware may have named a microcontroller here.
        command.env_remove("CARGO_BUILD_TARGET");
        // Cargo warns of a folder of programs that is not in PATH; this one need not be.
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let bin = std::iter::once(self.folder.join("bin"));
        if let Ok(paths) = std::env::join_paths(bin.chain(std::env::split_paths(&paths))) {
            command.env("PATH", paths);
        }
        command
    }

    /// Removes what was only needed to build it.
    pub fn tidy(&self) -> Result<(), Problem> {
        libtorch::remove(&self.folder.join("target"))
    }
}

/// Training in several processes too, where mixq-c10d knows how.
const FEATURE: &str =
    if cfg!(any(target_os = "linux", target_os = "macos")) { "distributed" } else { "train" };

/// Whether the sources come with the versions of all crates that they were tested with.
fn lock_file(package: &Path) -> bool {
    package.join("Cargo.lock").is_file() || package.join("../Cargo.lock").is_file()
}

/// A trainer made from other sources than this program would be another version of mixq under the same name.
fn unchanged(package: &Path, digest: &str) -> Result<(), Problem> {
    let shown = package.display();
    if !package.join("Cargo.toml").is_file() {
        let message = format!("the sources of this cargo-mixq are no longer in {shown}");
        let help = "install it again as before (`cargo install --list` says from where), with --force, and \
                    run `cargo mixq setup` after that";
        return Err(Problem::new(message).help(help));
    }
    let found = sources::digest(package).map_err(|error| Problem::io("read", package, &error))?;
    if found == digest {
        return Ok(());
    }
    let message = format!("the sources in {shown} have changed since this cargo-mixq was made from them");
    let help = format!("`cargo install --path {shown} && cargo mixq setup`");
    Err(Problem::new(message).help(help))
}

/// Goes on as the trainer, with the arguments of this program.
///
/// # Errors
/// Training is not set up.
#[cfg(not(feature = "train"))]
pub fn start() -> Result<std::process::ExitCode, Problem> {
    let trainer = Trainer::of_this_program(&super::folder()?);
    if trainer.libtorch().is_none() {
        let help = "run `cargo mixq setup`: it fetches libtorch (540 MB, once) and builds what trains";
        return Err(Problem::new("training is not set up for this cargo-mixq").help(help));
    }
    let program = trainer.program();
    let mut command = Command::new(&program);
    command.args(std::env::args_os().skip(1));
    #[cfg(unix)]
    let result = {
        use std::os::unix::process::CommandExt;
        Err(command.exec())
    };
    #[cfg(not(unix))]
    let result = command.status();
    let code = |status: std::process::ExitStatus| status.code().and_then(|code| u8::try_from(code).ok());
    match result {
        Ok(status) => Ok(code(status).map_or(std::process::ExitCode::FAILURE, Into::into)),
        Err(error) => Err(Problem::io("start", &program, &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A package with one source file, as a clone has it.
    fn package(folder: &Path) -> PathBuf {
        let package = folder.join("cargo-mixq");
        fs::create_dir_all(package.join("src/data")).unwrap();
        fs::write(package.join("Cargo.toml"), "").unwrap();
        fs::write(package.join("src/data/mod.rs"), "a").unwrap();
        package
    }

    #[test]
    fn this_program_knows_its_sources() {
        unchanged(Path::new(PACKAGE), DIGEST).unwrap();
    }

    #[test]
    fn changed_or_removed_sources_are_refused_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let package = package(folder.path());
        let before = sources::digest(&package).unwrap();
        fs::write(package.join("src/data/notes.txt"), "no source").unwrap();
        unchanged(&package, &before).unwrap();
        fs::write(package.join("src/data/mod.rs"), "b").unwrap();
        let problem = unchanged(&package, &before).unwrap_err();
        let expected = format!("`cargo install --path {} && cargo mixq setup`", package.display());
        assert_eq!(problem.help, Some(expected));
        fs::remove_dir_all(&package).unwrap();
        let problem = unchanged(&package, &before).unwrap_err();
        assert!(problem.message.contains("are no longer in "), "{problem}");
    }

    #[test]
    fn the_digest_is_of_the_sources_of_all_crates_in_any_order() {
        let folder = tempfile::tempdir().unwrap();
        let package = package(folder.path());
        // FNV-1a of "data/mod.rs", 1 in eight bytes (low byte first) and "a", by another program.
        assert_eq!(sources::digest(&package).unwrap(), "fd85567021580099");
        let format = folder.path().join("mixq-format/src");
        fs::create_dir_all(&format).unwrap();
        let before = sources::digest(&package).unwrap();
        fs::write(format.join("lib.rs"), "").unwrap();
        assert_ne!(sources::digest(&package).unwrap(), before);
    }

    #[test]
    fn a_trainer_counts_only_with_its_program_and_its_libtorch() {
        let folder = tempfile::tempdir().unwrap();
        let trainer = Trainer::of_this_program(folder.path());
        assert_eq!(trainer.libtorch(), None);
        fs::create_dir_all(trainer.folder.join("bin")).unwrap();
        fs::write(trainer.program(), "").unwrap();
        let libtorch = folder.path().join("libtorch");
        fs::write(trainer.folder.join(RECORD), libtorch.to_str().unwrap()).unwrap();
        assert_eq!(trainer.libtorch(), None, "there is no libtorch");
        libtorch::tests::fill(&libtorch, [2, 13]).unwrap();
        assert_eq!(trainer.libtorch(), Some(libtorch));
        fs::remove_file(trainer.program()).unwrap();
        assert_eq!(trainer.libtorch(), None, "there is no program");
        assert_eq!(Trainer::all(folder.path()), [trainer.folder]);
    }
}
