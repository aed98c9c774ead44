//! As a new user, with nothing in cargo's folder and nothing in the cache: `cargo install`, `cargo mixq
//! setup`, `cargo mixq retrain`, and firmware that trains while it is built. Fetches 540 MB and compiles for
//! minutes.

#[path = "install/stale.rs"]
mod stale;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use mixq_tests::lines::Lines;
use serde_json::Value;
use tempfile::TempDir;

const PACKAGE: Lines = Lines { package: "lines", constant_channel: false };

/// The machine of somebody who has Rust, Python and a C++ compiler.
struct User {
    /// Cargo's folder, the cache and compiled code.
    scratch: PathBuf,
    /// Firmware, outside of this repository.
    firmware: TempDir,
}

impl User {
    fn new() -> User {
        let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("install");
        let user = User { scratch, firmware: TempDir::new().unwrap() };
        user.clear();
        // How to reach a registry belongs to the machine, not to what is tried here.
        let own = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let own = own.unwrap_or_else(|| std::env::home_dir().unwrap().join(".cargo"));
        fs::create_dir_all(user.cargo_home()).unwrap();
        for file in ["config.toml", "config", "credentials.toml", "credentials"] {
            if own.join(file).is_file() {
                fs::copy(own.join(file), user.cargo_home().join(file)).unwrap();
            }
        }
        PACKAGE.write(user.firmware.path());
        user
    }

    fn clear(&self) {
        for folder in [self.cargo_home(), self.scratch.join("cache")] {
            if folder.exists() {
                fs::remove_dir_all(folder).unwrap();
            }
        }
    }

    fn cargo_home(&self) -> PathBuf {
        self.scratch.join("cargo")
    }

    /// In the folder of the firmware.
    fn cargo(&self, arguments: &[&str]) -> Output {
        self.cargo_in(self.firmware.path(), arguments)
    }

    fn cargo_in(&self, folder: &Path, arguments: &[&str]) -> Output {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(arguments).current_dir(folder);
        // What leads this test to libtorch must not lead the user there.
        for name in ["LIBTORCH", "LIBTORCH_USE_PYTORCH", "LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"] {
            command.env_remove(name);
        }
        for name in ["RA_RUSTC_WRAPPER", "DOCS_RS", "CARGO_BUILD_TARGET", "MIXQ_DATA", "RUSTFLAGS"] {
            command.env_remove(name);
        }
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let paths = [self.cargo_home().join("bin")].into_iter().chain(std::env::split_paths(&paths));
        command.env("PATH", std::env::join_paths(paths).unwrap());
        command.env("CARGO_HOME", self.cargo_home()).env("XDG_CACHE_HOME", self.scratch.join("cache"));
        command.env("CARGO_TARGET_DIR", self.scratch.join("target")).env("PIP_NO_CACHE_DIR", "1");
        // What is tried here is as right without, and compiles in half the time.
        command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
        command.env("CARGO_PROFILE_RELEASE_BUILD_OVERRIDE_OPT_LEVEL", "0");
        command.output().unwrap()
    }

    /// What a command that succeeds writes to stdout and stderr.
    fn well(&self, arguments: &[&str]) -> (String, String) {
        self.well_in(self.firmware.path(), arguments)
    }

    fn well_in(&self, folder: &Path, arguments: &[&str]) -> (String, String) {
        let output = self.cargo_in(folder, arguments);
        let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        assert!(output.status.success(), "cargo {}\n{stdout}\n{stderr}", arguments.join(" "));
        eprintln!("cargo {}", arguments.join(" "));
        (stdout, stderr)
    }

    /// What a command of `cargo mixq` answers.
    fn json(&self, arguments: &[&str]) -> Value {
        let (stdout, _) = self.well(&[&["mixq"], arguments, &["--json"]].concat());
        serde_json::from_str(stdout.lines().last().unwrap()).unwrap()
    }

    /// `cargo mixq retrain` names the command that would help.
    fn cannot_train(&self, arguments: &[&str]) {
        let output = self.cargo(&[&["mixq", "retrain", "--json"], arguments].concat());
        assert_eq!(output.status.code(), Some(1));
        let stdout = String::from_utf8(output.stdout).unwrap();
        let answer: Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
        let said = answer["errors"][0].as_str().unwrap();
        assert!(
            said.starts_with("training is not set up for this cargo-mixq; run `cargo mixq setup`"),
            "{said}"
        );
    }
}

/// Writes a package's Cargo.toml, and a build script that trains.
fn with_build_script(folder: &Path, manifest: &str) {
    let repository = repository();
    let build = repository.join("mixq-build");
    let dependency =
        format!("[build-dependencies]\nmixq-build = {{ path = {build:?}, features = [\"train\"] }}\n");
    fs::write(folder.join("Cargo.toml"), format!("{manifest}\n{dependency}")).unwrap();
    fs::write(folder.join("build.rs"), "fn main() { mixq_build::build() }\n").unwrap();
    fs::copy(repository.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// Apart from the other tests, which need nothing from the network: `cargo xtask test`, and so CI, runs it.
#[test]
#[ignore = "takes minutes and fetches 540 MB: `cargo xtask test` runs it as a step of its own"]
fn a_new_user_installs_sets_up_and_trains() {
    let user = User::new();
    let tool = repository().join("cargo-mixq");
    user.well(&["install", "--locked", "--path", tool.to_str().unwrap()]);
    user.well(&["mixq", "allocate", "network.toml"]);
    user.cannot_train(&[]);

    let config = user.cargo_home().join("config.toml");
    let before = fs::read_to_string(&config).unwrap_or_default();
    let answer = user.json(&["setup"]);
    let libtorch = user.scratch.join("cache/mixq/libtorch-2.13.0");
    assert_eq!(answer["libtorch"].as_str(), libtorch.to_str());
    assert_eq!(answer["libtorch_fetched"], true);
    assert!(fs::read_to_string(&config).unwrap().contains(libtorch.to_str().unwrap()));
    assert_eq!(user.json(&["setup"])["libtorch_fetched"], false, "once");

    let artifact = user.firmware.path().join("models/lines.mixq");
    let answer = user.json(&["retrain"]);
    assert_eq!((&answer["trained"], artifact.is_file()), (&Value::from(true), true));
    assert_eq!(user.json(&["retrain"])["trained"], false);
    assert!(user.json(&["pace"])["as_it_is_trained"]["share"].as_f64().unwrap() > 0.0);

    // Firmware whose build script trains, with an artifact that is stale.
    let manifest = PACKAGE.manifest().replace("\nepochs = 2", "\nepochs = 3");
    with_build_script(user.firmware.path(), &manifest);
    let (_, said) = user.well(&["build"]);
    assert!(said.contains("is stale: `training.epochs` was 2, is 3; training"), "{said}");
    assert!(said.contains("made, accuracy float"), "{said}");
    assert_eq!(user.json(&["check"])["ok"], true);
    stale::is_trained_once(&user);

    user.json(&["setup", "--undo"]);
    assert_eq!(fs::read_to_string(&config).unwrap_or_default(), before);
    assert!(!libtorch.exists());
    user.cannot_train(&["--force"]);
    assert_eq!(user.json(&["retrain"])["trained"], false, "what is fresh needs no trainer");
    assert_eq!(user.json(&["check"])["ok"], true, "what does not train works as before");
    // Gigabytes.
    user.clear();
}
