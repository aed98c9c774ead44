//! Starting cargo and other programs.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::signals;

/// A path inside the repository.
pub fn repository(path: &str) -> PathBuf {
    // The parent of xtask's folder.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(""));
    root.join(path)
}

/// The cargo that started this program, in a folder of the repository.
pub fn cargo(folder: &str) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(repository(folder));
    with_data(&mut cargo);
    cargo
}

/// Tells a program where datasets are that are not part of the repository: where MIXQ_DATA says, or in
/// `shared/data` beside it.
pub fn with_data(command: &mut Command) {
    const VARIABLE: &str = "MIXQ_DATA";
    let beside = repository("../shared/data");
    if std::env::var_os(VARIABLE).is_none() && beside.is_dir() {
        command.env(VARIABLE, std::path::absolute(&beside).unwrap_or(beside));
    }
}

/// A command as a person would type it.
pub fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words: Vec<_> = [program].into_iter().chain(command.get_args()).map(OsStr::to_string_lossy).collect();
    words.join(" ")
}

/// Whether the program can be started and succeeds; what it prints is lost.
pub fn works(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).output().is_ok_and(|output| output.status.success())
}

/// Runs a program whose output people see on stderr.
///
/// # Errors
/// If it cannot be started or fails.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.stdout(std::io::stderr()).status();
    let status = status.with_context(|| format!("cannot start `{}`", shown(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(())
}

/// Ends as another program: signals reach that one, and its exit code is this one's.
///
/// # Errors
/// If it cannot be started.
pub fn become_program(command: &mut Command) -> Result<ExitCode> {
    let shown = shown(command);
    #[cfg(unix)]
    let status: std::io::Result<ExitStatus> = Err(std::os::unix::process::CommandExt::exec(command));
    #[cfg(not(unix))]
    let status = command.status();
    let status: ExitStatus = status.with_context(|| format!("cannot start `{shown}`"))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Runs a program whose last line is for programs, all others for people; that line. It may be a training,
/// which saves when it is stopped.
///
/// # Errors
/// If it cannot be started, fails or prints nothing.
pub fn last_line(command: &mut Command) -> Result<String> {
    let shown = shown(command);
    let mut child =
        signals::spawn(command.stdout(Stdio::piped())).with_context(|| format!("cannot start `{shown}`"))?;
    let mut last = None;
    for line in child.stdout.take().into_iter().flat_map(|stdout| BufReader::new(stdout).lines()) {
        if let Some(earlier) = last.replace(line?) {
            println!("{earlier}");
        }
    }
    let status = signals::wait(&mut child)?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    last.with_context(|| format!("`{shown}` printed nothing"))
}

/// Runs `cargo build` with more arguments; the path of the executable called `name`. Compiler output goes to
/// stderr.
///
/// # Errors
/// If it does not compile.
pub fn build(cargo: &mut Command, name: &str) -> Result<PathBuf> {
    cargo.args(["--message-format", "json-render-diagnostics"]).stderr(Stdio::inherit());
    let shown = shown(cargo);
    let output = cargo.output().with_context(|| format!("cannot start `{shown}`"))?;
    if !output.status.success() {
        bail!("`{shown}` failed ({})", output.status);
    }
    executable(&String::from_utf8_lossy(&output.stdout), name)
        .with_context(|| format!("`{shown}` made no executable {name}"))
}

/// The executable called `name` in cargo's messages.
fn executable(messages: &str, name: &str) -> Option<PathBuf> {
    let path = |line: &str| {
        let message: Value = serde_json::from_str(line).ok()?;
        let path = message["executable"].as_str()?;
        (message["target"]["name"] == name).then(|| PathBuf::from(path))
    };
    messages.lines().find_map(path)
}

/// A number with its digits in groups, "1,234,567".
pub fn thousands(number: u64) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", thousands(number / 1000), number % 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped() {
        let shown = [0, 999, 1000, 49_152, 1_000_007].map(thousands);
        assert_eq!(shown, ["0", "999", "1,000", "49,152", "1,000,007"]);
    }

    #[test]
    fn the_executable_is_found_among_messages() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"digits"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"other"},"executable":"/t/other"}
a line of something else
{"reason":"compiler-artifact","target":{"name":"digits"},"executable":"/t/digits"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages, "digits"), Some("/t/digits".into()));
        assert_eq!(executable(messages, "absent"), None);
    }

    #[test]
    fn failing_programs_are_named_with_their_arguments() {
        let error = run(Command::new("rustc").arg("--no-such-option")).unwrap_err().to_string();
        assert!(error.starts_with("`rustc --no-such-option` failed (exit status: 1)"), "{error}");
        let error = last_line(&mut Command::new("/no/such/program")).unwrap_err().to_string();
        assert_eq!(error, "cannot start `program`");
    }
}
