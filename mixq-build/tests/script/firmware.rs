//! A package whose build script calls `mixq_build::build()`, under the real cargo.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use mixq_tests::package::{MANIFEST, Package};

/// One package and one target folder for all tests, so one at a time.
static TURN: Mutex<()> = Mutex::new(());

/// A package with a build script, in the turn of its test.
pub struct Firmware {
    pub package: Package,
    _turn: MutexGuard<'static, ()>,
}

/// What cargo came to.
pub struct Output {
    pub succeeded: bool,
    pub text: String,
}

/// The folder of the package, and the target folder.
pub fn scratch() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("script")
}

impl Firmware {
    /// A package with a fresh artifact.
    pub fn new() -> Firmware {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let package = Package::at(scratch().join("firmware"));
        let build = Path::new(env!("CARGO_MANIFEST_DIR"));
        let dependency =
            format!("[build-dependencies]\nmixq-build = {{ path = {build:?} }}\n\n[workspace]\n");
        package.write("Cargo.toml", &format!("{MANIFEST}\n{dependency}"));
        package.write("build.rs", "fn main() {\n    mixq_build::build()\n}\n");
        std::fs::create_dir(package.path("src")).unwrap();
        package.write("src/lib.rs", "pub const MODELS: &str = env!(\"MIXQ_MODELS\");\n");
        // The versions that this crate is built with, which are there without a network.
        std::fs::copy(build.join("../Cargo.lock"), package.path("Cargo.lock")).unwrap();
        package.write_fresh_artifact();
        Firmware { package, _turn: turn }
    }

    pub fn cargo(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = Command::new(env!("CARGO"));
        command.args(arguments).arg("--offline").current_dir(self.package.path(""));
        for name in ["LIBTORCH", "LIBTORCH_USE_PYTORCH", "RA_RUSTC_WRAPPER", "DOCS_RS", "CARGO_BUILD_TARGET"]
        {
            command.env_remove(name);
        }
        command.env("CARGO_TARGET_DIR", scratch().join("target")).env("CARGO_TERM_COLOR", "never");
        let output = command.envs(variables.iter().copied()).output().unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        Output { succeeded: output.status.success(), text }
    }

    pub fn build(&self, variables: &[(&str, &str)]) -> Output {
        self.cargo(&["build", "-v"], variables)
    }

    /// Fails as cargo fails, not as a panic does, with lines that contain all of `parts` in order.
    pub fn fails(&self, variables: &[(&str, &str)], parts: &[&str]) {
        let Output { succeeded, text } = self.build(variables);
        assert!(!succeeded, "{text}");
        let errors: Vec<&str> =
            text.lines().filter(|line| line.starts_with("error: firmware@0.1.0: ")).collect();
        let mut rest = errors.join("\n");
        for part in parts {
            let at = rest.find(part).unwrap_or_else(|| panic!("no {part:?} in {text}"));
            rest = rest.split_off(at + part.len());
        }
        assert!(!text.contains("panicked"), "{text}");
    }

    /// Succeeds with one warning, which contains all of `parts`.
    pub fn warns(&self, variables: &[(&str, &str)], parts: &[&str]) {
        let Output { succeeded, text } = self.build(variables);
        assert!(succeeded, "{text}");
        let warnings: Vec<&str> =
            text.lines().filter(|line| line.starts_with("warning: firmware@")).collect();
        assert_eq!(warnings.len(), 1, "{text}");
        assert!(parts.iter().all(|part| warnings[0].contains(part)), "{warnings:?}");
    }

    /// `Cargo.toml:line:column: ` of the first place that begins with `text`.
    pub fn place(&self, text: &str) -> String {
        let manifest = std::fs::read_to_string(self.package.path("Cargo.toml")).unwrap();
        let at = manifest.find(text).unwrap();
        let line = manifest[..at].matches('\n').count() + 1;
        let column = at - manifest[..at].rfind('\n').map_or(0, |newline| newline + 1) + 1;
        format!("Cargo.toml:{line}:{column}: ")
    }
}
