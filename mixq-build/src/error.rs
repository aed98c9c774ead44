//! Errors for the person who caused them: where, what was found, what would do. All problems at once.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One or more problems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What is wrong, in the order of the source; never empty.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What was found, with its numbers; no newline.
    pub message: String,
    /// What would help; no newline.
    pub help: Option<String>,
    /// Where, if it stands in a file.
    pub location: Option<Location>,
}

/// A place in a text file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file, as the user would name it.
    pub path: PathBuf,
    /// The file's whole text.
    pub source: Arc<str>,
    /// Bytes of `source` that are meant.
    pub span: Range<usize>,
}

impl Location {
    /// Line, counted from 1.
    pub fn line(&self) -> usize {
        self.before().matches('\n').count() + 1
    }

    /// Column in characters, counted from 1.
    pub fn column(&self) -> usize {
        let before = self.before();
        before[before.rfind('\n').map_or(0, |at| at + 1)..].chars().count() + 1
    }

    /// The text of the line, without surrounding white space.
    pub fn line_text(&self) -> &str {
        self.source.lines().nth(self.line() - 1).unwrap_or("").trim()
    }

    fn before(&self) -> &str {
        self.source.get(..self.span.start).unwrap_or(&self.source)
    }
}

impl Problem {
    /// A problem that stands in no particular place.
    pub fn new(message: impl Into<String>) -> Problem {
        Problem { message: one_line(&message.into()), help: None, location: None }
    }

    /// The same with what would help.
    pub fn help(self, help: impl Into<String>) -> Problem {
        Problem { help: Some(one_line(&help.into())), ..self }
    }

    /// The same with a place.
    pub fn at(self, location: Location) -> Problem {
        Problem { location: Some(location), ..self }
    }

    /// A file that could not be read or written.
    pub fn io(doing: &str, path: &Path, error: &std::io::Error) -> Problem {
        let help = match error.kind() {
            std::io::ErrorKind::StorageFull => Some("the disk is full: free some space and try again"),
            std::io::ErrorKind::QuotaExceeded => {
                Some("your share of the disk is full: free some space and try again")
            }
            std::io::ErrorKind::FileTooLarge => Some(
                "files may not be that large here: raise the limit (`ulimit -f`), or use another file system",
            ),
            std::io::ErrorKind::PermissionDenied => Some("check the permissions of the file and its folder"),
            _ => None,
        };
        Problem {
            message: one_line(&format!("cannot {doing} {}: {error}", path.display())),
            help: help.map(String::from),
            location: None,
        }
    }
}

/// The text with line ends and other control characters as Rust would write them: names of files and messages
/// of other programs may have some, which would look like further messages or steer the terminal.
fn one_line(text: &str) -> String {
    let shown = |c: char| if c.is_control() { c.escape_debug().to_string() } else { c.to_string() };
    text.trim_end().chars().map(shown).collect()
}

/// One line: `path:line:column: message; help | source line`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(at) = &self.location {
            write!(f, "{}:{}:{}: ", at.path.display(), at.line(), at.column())?;
        }
        f.write_str(&self.message)?;
        if let Some(help) = &self.help {
            write!(f, "; {help}")?;
        }
        if let Some(at) = &self.location {
            write!(f, " | {}", at.line_text())?;
        }
        Ok(())
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Error {
        Error { problems: vec![problem] }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// The error for an unknown name; it lists the known ones.
pub fn unknown(what: &str, wanted: &str, names: &[&str]) -> Problem {
    let all: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let there =
        if all.is_empty() { "there is none".to_string() } else { format!("{what}s are {}", all.join(", ")) };
    let help = match nearest(wanted, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? {there}"),
        None => there,
    };
    Problem::new(format!("there is no {what} `{wanted}`")).help(help)
}

/// The nearest of `known` to a misspelt `word`, if one is near.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(similarity, _)| *similarity > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_one_line_whatever_files_are_called_and_other_programs_say() {
        let problem = Problem::new("a/new\nline.png is \u{1b}[31mred: no bytes\r\n");
        let problem = problem.help("call it\tü.png\n");
        assert_eq!(problem.message, "a/new\\nline.png is \\u{1b}[31mred: no bytes");
        assert_eq!(problem.help.as_deref(), Some("call it\\tü.png"));
        let error = std::io::Error::other("two\nlines");
        assert_eq!(
            Problem::io("read", Path::new("a\rb"), &error).to_string(),
            "cannot read a\\rb: two\\nlines"
        );
    }
}
