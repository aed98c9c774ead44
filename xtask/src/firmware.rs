//! The firmware of examples/digits: compiled, and run on an emulated board.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::process::{self, cargo};

/// Longest time between two lines of the firmware's output; some hundredths of a second are usual.
const PATIENCE: Duration = Duration::from_secs(60);

/// Compiles it in the folder of its package; the path of the ELF.
///
/// # Errors
/// If it does not compile.
pub fn build(package: &Path) -> Result<PathBuf> {
    process::build(cargo("").current_dir(package).args(["build", "--release"]), "digits")
}

/// An emulated STM32F405, the runner of examples/.cargo/config.toml, with arguments for the firmware.
fn qemu(elf: &Path, arguments: &[&str]) -> Command {
    let mut semihosting = "enable=on,target=native,arg=digits".to_string();
    for argument in arguments {
        semihosting += &format!(",arg={argument}");
    }
    let mut qemu = Command::new("qemu-system-arm");
    qemu.args(["-machine", "netduinoplus2", "-nographic", "-semihosting-config", &semihosting, "-kernel"]);
    qemu.arg(elf);
    qemu
}

/// Lets the firmware print the logits of its images, which are expected to be as many; its lines.
///
/// # Errors
/// If it fails or falls silent, with the last that it printed.
pub fn logits(elf: &Path, images: u64) -> Result<Vec<String>> {
    lines(&mut qemu(elf, &["logits"]), images, PATIENCE)
}

fn lines(command: &mut Command, expected: u64, patience: Duration) -> Result<Vec<String>> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}`", process::shown(command)))?;
    let (sender, receiver) = mpsc::channel();
    let stdout = child.stdout.take();
    let reader = std::thread::spawn(move || {
        for line in stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).lines()) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    let style = ProgressStyle::with_template("device {bar:30} image {pos}/{len}, {eta} left")?;
    let bar = ProgressBar::new(expected).with_style(style);
    let mut lines = Vec::new();
    let silent = loop {
        match receiver.recv_timeout(patience) {
            Ok(line) => lines.push(line.context("the firmware's output cannot be read")?),
            Err(mpsc::RecvTimeoutError::Timeout) => break true,
            Err(mpsc::RecvTimeoutError::Disconnected) => break false,
        }
        bar.inc(1);
    };
    bar.finish_and_clear();
    if silent {
        child.kill()?;
    }
    let status = child.wait()?;
    // It ends with the child's output.
    let _ = reader.join();
    let last = lines.last().map_or("nothing", String::as_str);
    if silent {
        bail!("the firmware printed nothing for {} s; the last was: {last}", patience.as_secs());
    }
    if !status.success() {
        bail!("the firmware failed ({status}); the last it printed was: {last}");
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        shell
    }

    #[test]
    fn the_firmware_is_told_what_to_print() {
        let command = process::shown(&qemu(Path::new("digits.elf"), &["logits"]));
        let expected = "qemu-system-arm -machine netduinoplus2 -nographic -semihosting-config \
                        enable=on,target=native,arg=digits,arg=logits -kernel digits.elf";
        assert_eq!(command, expected);
    }

    #[test]
    fn all_lines_are_read() {
        let found = lines(&mut shell("echo 1,2; echo 3,4"), 2, PATIENCE).unwrap();
        assert_eq!(found, ["1,2", "3,4"]);
    }

    #[test]
    fn a_failure_shows_the_last_line() {
        let error =
            lines(&mut shell("echo 1,2; echo panicked; exit 3"), 2, PATIENCE).unwrap_err().to_string();
        assert_eq!(error, "the firmware failed (exit status: 3); the last it printed was: panicked");
    }

    #[test]
    fn silence_ends() {
        let error = lines(&mut shell("echo 1,2; exec sleep 60"), 2, Duration::from_secs(1)).unwrap_err();
        assert_eq!(error.to_string(), "the firmware printed nothing for 1 s; the last was: 1,2");
    }
}
