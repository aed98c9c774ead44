//! TOML files with typed access: Cargo.toml and layer lists. Whatever is wrong becomes a problem that points
//! at its place.
//!
//! All messages have one form: "`epochs` is a string, it must be an integer", "`epochs` is 0, it must be 1 or
//! more", "unknown key `epoch` in \[training\]; did you mean `epochs`?".

mod entry;
mod value;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Location, Problem, nearest};
pub use entry::Entry;
use value::{Items, Key, Value};

/// A TOML file.
pub struct File {
    /// What messages call it.
    pub path: PathBuf,
    text: Arc<str>,
    items: Items,
}

impl File {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, and as [`File::parse`].
    pub fn read(path: &Path) -> Result<File, Error> {
        let text = std::fs::read_to_string(path).map_err(|error| Problem::io("read", path, &error))?;
        Ok(File::parse(path, text)?)
    }

    /// Reads a text; `path` is what messages call it.
    ///
    /// # Errors
    /// It is not TOML.
    pub fn parse(path: &Path, text: impl Into<Arc<str>>) -> Result<File, Problem> {
        let text = text.into();
        let items = Items::parse(&text).map_err(|invalid| {
            let at = Location { path: path.to_path_buf(), source: text.clone(), span: invalid.span };
            Problem::new(format!("this is not valid TOML: {}", invalid.message.replace('\n', ", "))).at(at)
        })?;
        Ok(File { path: path.to_path_buf(), text, items })
    }

    /// The table that is the file.
    pub fn root(&self) -> Table<'_> {
        Table { file: self, items: &self.items, path: String::new(), span: 0..0 }
    }

    /// A place in the file.
    pub fn location(&self, span: Range<usize>) -> Location {
        Location { path: self.path.clone(), source: self.text.clone(), span }
    }
}

/// A table, standard or inline.
#[derive(Clone)]
pub struct Table<'a> {
    file: &'a File,
    items: &'a Items,
    path: String,
    span: Range<usize>,
}

impl<'a> Table<'a> {
    /// Where it stands: its header, or its key and braces.
    pub fn location(&self) -> Location {
        self.file.location(self.span.clone())
    }

    /// Whether it has a key.
    pub fn contains(&self, key: &str) -> bool {
        self.items.get(key).is_some()
    }

    /// An entry by its key.
    pub fn get(&self, key: &str) -> Option<Entry<'a>> {
        self.items.get(key).map(|entry| self.entry(entry))
    }

    fn entry(&self, (key, value): &'a (Key, Value)) -> Entry<'a> {
        let dot = if self.path.is_empty() { "" } else { "." };
        // As it is written, with its quotes if it has any.
        let written = self.file.text.get(key.span.clone()).unwrap_or(&key.name);
        let path = format!("{}{dot}{written}", self.path);
        Entry { file: self.file, path, name: &key.name, key: key.span.clone(), value }
    }

    /// All entries, in the order of the file.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'a>> {
        self.items.iter().map(|entry| self.entry(entry))
    }

    /// Reports every key that is not `known`.
    pub fn allow(&self, known: &[&str], problems: &mut Vec<Problem>) {
        self.allow_in(&format!("[{}]", self.path), known, problems);
    }

    /// The same; messages call the table `owner`, such as "a conv layer".
    pub fn allow_in(&self, owner: &str, known: &[&str], problems: &mut Vec<Problem>) {
        for entry in self.entries().filter(|entry| !known.contains(&entry.name)) {
            let message = format!("unknown key `{}` in {owner}", entry.name.escape_debug());
            problems.push(Problem::new(message).help(suggest(entry.name, known)).at(entry.key_location()));
        }
    }
}

/// The nearest of what is known, or all of it. Nobody misspells a number: what has another one is not near.
pub fn suggest(word: &str, known: &[&str]) -> String {
    let number = |word: &str| word.chars().filter(char::is_ascii_digit).collect::<String>();
    let own = number(word);
    let near = known.iter().copied().filter(|known| own.is_empty() || number(known) == own);
    match nearest(word, near) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            format!("known are {}", known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", "))
        }
    }
}
