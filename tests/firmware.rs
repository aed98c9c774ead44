//! The firmware in `tests/firmware`: builds it around given networks, runs it in QEMU.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mixq_format::Artifact;

use crate::networks;

/// Longest time that the firmware may run; it needs a second.
const PATIENCE: Duration = Duration::from_secs(60);

/// Writes `<name>.mixq` and `<name>.images` for each network, and `models.rs` which lists them. Files that
/// would not change stay untouched, so that cargo sees nothing to do.
///
/// # Panics
/// If the folder cannot be written.
pub fn write_models(folder: &Path, artifacts: &[Artifact]) {
    let write = |file: String, bytes: &[u8]| {
        let path = folder.join(file);
        if fs::read(&path).ok().as_deref() != Some(bytes) {
            fs::write(&path, bytes).unwrap_or_else(|e| panic!("cannot write {}: {e}", path.display()));
        }
    };
    fs::create_dir_all(folder).unwrap_or_else(|e| panic!("cannot create {}: {e}", folder.display()));
    let mut names = String::new();
    for artifact in artifacts {
        let name = &artifact.header.name;
        write(format!("{name}.mixq"), &artifact.to_bytes());
        write(format!("{name}.images"), &networks::images(artifact).concat());
        names += &format!("    {name}\n");
    }
    write("models.rs".to_string(), format!("models! {{\n{names}}}\n").as_bytes());
}

/// What of the firmware is compiled.
#[derive(Clone, Copy)]
pub enum Part {
    /// All of it, to be executed.
    Binary,
    /// The networks alone, where no emulated board is at hand.
    Library,
}

/// Compiles the firmware around the networks in `models`; the ELF, if a binary is asked for.
///
/// # Panics
/// If it does not compile, with the compiler's words.
pub fn build(models: &Path, target: &str, part: Part, target_folder: &Path) -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("firmware");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--release", "--target", target])
        .arg(match part {
            Part::Binary => "--bins",
            Part::Library => "--lib",
        })
        .arg("--target-dir")
        .arg(target_folder)
        .current_dir(package)
        .env("MIXQ_MODELS", models)
        .output()
        .expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        !errors.contains("can't find crate for `core`"),
        "the Rust target {target} is missing: run `cargo xtask setup`\n\n{errors}"
    );
    assert!(output.status.success(), "the firmware does not compile for {target}:\n\n{errors}");
    target_folder.join(target).join("release").join("firmware")
}

/// Executes an ELF on an emulated STM32F405; what it prints.
///
/// # Panics
/// If it fails, or does not end.
pub fn run(elf: &Path) -> String {
    let printed = elf.with_extension("out");
    let file =
        fs::File::create(&printed).unwrap_or_else(|e| panic!("cannot create {}: {e}", printed.display()));
    let mut qemu = Command::new("qemu-system-arm")
        .args(["-machine", "netduinoplus2", "-nographic", "-semihosting-config", "enable=on,target=native"])
        .arg("-kernel")
        .arg(elf)
        .stdin(Stdio::null())
        .stderr(file.try_clone().expect("a file can be shared"))
        .stdout(file)
        .spawn()
        .unwrap_or_else(|e| panic!("cannot start qemu-system-arm ({e}): run `cargo xtask setup`"));
    let start = Instant::now();
    let status = loop {
        match qemu.try_wait().expect("a child can be waited for") {
            Some(status) => break Some(status),
            None if start.elapsed() > PATIENCE => break None,
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let text = fs::read_to_string(&printed).unwrap_or_default();
    match status {
        Some(status) => assert!(status.success(), "the firmware failed ({status}):\n{text}"),
        None => {
            let _ = qemu.kill().and_then(|()| qemu.wait());
            panic!("the firmware did not end in {} s; it printed:\n{text}", PATIENCE.as_secs());
        }
    }
    text
}
