//! Words and signs of a linker script.

use std::ops::Range;

use super::File;
use crate::error::Problem;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Letters, digits, `_`, `.` and `$`: a name, a keyword or a number.
    Word,
    /// Something in quotes, with these.
    Text,
    /// Any other character.
    Sign,
}

/// A token and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    start: usize,
}

impl Token<'_> {
    /// Its bytes in the file.
    pub(super) fn span(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }
}

/// What may follow a `#` at once that begins no comment.
const DIRECTIVES: [&str; 9] =
    ["define", "undef", "include", "if", "ifdef", "ifndef", "elif", "else", "endif"];

/// All tokens; white space and comments (`/* ... */`, and `#` to the end of a line, as in LLD) are none.
pub(super) fn tokens<'a>(file: &File<'_>, source: &'a str) -> Result<Vec<Token<'a>>, Problem> {
    let mut tokens = Vec::new();
    let mut start = 0;
    while let Some(first) = source[start..].chars().next() {
        let rest = &source[start..];
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$');
        let (kind, length) = if first.is_whitespace() {
            (None, first.len_utf8())
        } else if let Some(comment) = rest.strip_prefix("/*") {
            let end = comment.find("*/");
            let end = end.ok_or_else(|| file.problem(start..start + 2, "this comment has no end"))?;
            (None, end + 4)
        } else if first == '#' {
            let line = rest.lines().next().unwrap_or(rest);
            let word = line[1..].split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or("");
            if DIRECTIVES.contains(&word) {
                let message = format!("`#{word}` is for the C preprocessor, which mixq does not run");
                return Err(file.problem(start..start + line.len(), message));
            }
            (None, line.len())
        } else if first == '"' {
            let end = rest[1..].find('"');
            let end = end.ok_or_else(|| file.problem(start..start + 1, "this quote has no end"))?;
            (Some(Kind::Text), end + 2)
        } else if word(first) {
            (Some(Kind::Word), rest.find(|c| !word(c)).unwrap_or(rest.len()))
        } else {
            (Some(Kind::Sign), first.len_utf8())
        };
        tokens.extend(kind.map(|kind| Token { kind, text: &rest[..length], start }));
        start += length;
    }
    Ok(tokens)
}
