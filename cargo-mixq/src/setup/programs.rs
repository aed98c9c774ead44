//! Programs that set-up needs, and how people get them.

use std::ffi::OsString;
use std::process::{Command, Stdio};

use mixq_build::engine::error::Problem;

/// A program and how people get it.
pub struct Program {
    /// What it is, as a sentence begins.
    what: &'static str,
    /// Its name, perhaps with first arguments.
    command: &'static str,
    /// The environment variable that may name another one.
    variable: Option<&'static str>,
    /// Arguments with which it succeeds and does nothing.
    probe: &'static [&'static str],
    /// How to install it.
    help: &'static str,
}

/// Downloads libtorch.
pub const PIP: Program = Program {
    what: "Python's package installer (python3 -m pip)",
    command: "python3",
    variable: None,
    probe: &["-m", "pip", "--version"],
    help: "Debian, Ubuntu: `apt-get install python3-pip` (as root), Fedora: `dnf install python3-pip`, Arch: \
           `pacman -S python-pip`",
};

/// Compiles the bindings to libtorch.
pub const COMPILER: Program = Program {
    what: "a C++ compiler",
    command: "c++",
    variable: Some("CXX"),
    probe: &["--version"],
    help: "Debian, Ubuntu: `apt-get install g++` (as root), Fedora: `dnf install gcc-c++`, Arch: \
           `pacman -S gcc`, macOS: `xcode-select --install`",
};

impl Program {
    /// Whether it can be started.
    ///
    /// # Errors
    /// It is missing: how to install it.
    pub fn check(&self) -> Result<(), Problem> {
        let named = self.variable.and_then(std::env::var_os).filter(|program| !program.is_empty());
        if self.starts(&named.unwrap_or_else(|| OsString::from(self.command))) {
            return Ok(());
        }
        Err(Problem::new(format!("{} is missing", self.what)).help(self.help))
    }

    /// CXX may hold a wrapper or arguments: "ccache g++".
    fn starts(&self, command: &OsString) -> bool {
        let text = command.to_string_lossy();
        let mut words = text.split_whitespace();
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).args(self.probe).stdin(Stdio::null());
        command.output().is_ok_and(|output| output.status.success())
    }
}

/// Runs a program whose output people see on stderr.
///
/// # Errors
/// It cannot be started, or fails; `doing` begins the sentence.
pub fn run(command: &mut Command, doing: &str) -> Result<(), Problem> {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.stdout(std::io::stderr()).status() {
        Err(error) => Err(Problem::new(format!("{doing} failed: `{name}` cannot be started: {error}"))),
        Ok(status) if !status.success() => Err(Problem::new(format!("{doing} failed ({status})"))),
        Ok(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_by_running_them() {
        let starts = |command: &str| COMPILER.starts(&command.into());
        assert!(starts("rustc"));
        assert!(starts("rustc --print cfg"));
        assert!(!starts("rustc --no-such-option"));
        assert!(!starts("no-such-program"));
        assert!(!starts(""));
    }

    #[test]
    fn a_missing_program_says_how_to_get_it() {
        let missing = Program { command: "no-such-program", variable: None, ..COMPILER };
        let said = missing.check().unwrap_err().to_string();
        assert!(
            said.starts_with("a C++ compiler is missing; Debian, Ubuntu: `apt-get install g++`"),
            "{said}"
        );
    }

    #[test]
    fn a_failing_program_says_what_it_was_for() {
        let problem = run(Command::new("rustc").arg("--no-such-option"), "testing").unwrap_err();
        assert_eq!(problem.message, "testing failed (exit status: 1)");
        let problem = run(&mut Command::new("/no/such/program"), "testing").unwrap_err();
        assert!(problem.message.starts_with("testing failed: `/no/such/program` cannot be started: "));
    }
}
