//! Tables of a Cargo.toml with typed access: whatever is wrong becomes a problem that points at its place.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml_edit::{Document, Item, TableLike};

use crate::error::{Error, Location, Problem, nearest};

/// A Cargo.toml.
pub(super) struct Manifest {
    pub path: PathBuf,
    text: Arc<str>,
    document: Document<Arc<str>>,
}

impl Manifest {
    pub fn read(path: &Path) -> Result<Manifest, Error> {
        let text: Arc<str> =
            std::fs::read_to_string(path).map_err(|error| Problem::io("read", path, &error))?.into();
        let document = Document::parse(text.clone()).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            let at = Location { path: path.to_path_buf(), source: text.clone(), span };
            Problem::new(format!("this is no TOML: {}", error.message().replace('\n', ", "))).at(at)
        })?;
        Ok(Manifest { path: path.to_path_buf(), text, document })
    }

    pub fn root(&self) -> Table<'_> {
        Table { manifest: self, items: self.document.as_table(), path: String::new() }
    }

    pub fn location(&self, span: Range<usize>) -> Location {
        Location { path: self.path.clone(), source: self.text.clone(), span }
    }
}

/// A table, standard or inline.
#[derive(Clone)]
pub(super) struct Table<'a> {
    manifest: &'a Manifest,
    items: &'a dyn TableLike,
    path: String,
}

impl<'a> Table<'a> {
    pub fn contains(&self, key: &str) -> bool {
        self.items.contains_key(key)
    }

    pub fn get(&self, key: &str) -> Option<Entry<'a>> {
        let (key, item) = self.items.get_key_value(key)?;
        let span = key.span().unwrap_or(0..0);
        let dot = if self.path.is_empty() { "" } else { "." };
        // As it is written, with its quotes if it has any.
        let written = self.manifest.text.get(span.clone()).unwrap_or(key.get());
        let path = format!("{}{dot}{written}", self.path);
        Some(Entry { manifest: self.manifest, path, name: key.get(), key: span, item })
    }

    /// All entries, in the order of the file.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'a>> {
        let keys = self.items.iter().filter_map(|(key, _)| self.get(key));
        keys.collect::<Vec<_>>().into_iter()
    }

    /// Reports every key that is not `known`.
    pub fn allow(&self, known: &[&str], problems: &mut Vec<Problem>) {
        for entry in self.entries().filter(|entry| !known.contains(&entry.name)) {
            let message = format!("unknown key `{}` in [{}]", entry.name, self.path);
            problems.push(Problem::new(message).help(suggest(entry.name, known)).at(entry.key_location()));
        }
    }
}

/// A key with its value.
pub(super) struct Entry<'a> {
    manifest: &'a Manifest,
    /// Dotted, from the root.
    pub path: String,
    /// The key alone.
    pub name: &'a str,
    key: Range<usize>,
    item: &'a Item,
}

impl<'a> Entry<'a> {
    pub fn key_location(&self) -> Location {
        self.manifest.location(self.key.clone())
    }

    /// Where the value stands; for a table with a header of its own, the key in that header.
    pub fn value_location(&self) -> Location {
        let span = self.item.as_value().and_then(toml_edit::Value::span);
        self.manifest.location(span.unwrap_or_else(|| self.key.clone()))
    }

    /// A problem with the value: `` `key` `` and what is wrong with it.
    pub fn problem(&self, wrong: impl std::fmt::Display) -> Problem {
        Problem::new(format!("`{}` {wrong}", self.name)).at(self.value_location())
    }

    /// A value of a type that is not `wanted`.
    pub fn wrong_type(&self, wanted: &str) -> Problem {
        let found = self.item.type_name();
        let article = if found.starts_with(['a', 'i']) { "an" } else { "a" };
        self.problem(format_args!("is {article} {found}, it must be {wanted}"))
    }

    pub fn is_table(&self) -> bool {
        self.item.is_table_like()
    }

    pub fn as_str(&self) -> Option<&'a str> {
        self.item.as_str()
    }

    pub fn as_integer(&self) -> Option<i64> {
        self.item.as_integer()
    }

    /// An integer or a float.
    pub fn as_number(&self) -> Option<f64> {
        self.item.as_float().or_else(|| self.item.as_integer().map(|integer| integer as f64))
    }

    pub fn as_array(&self) -> Option<&'a toml_edit::Array> {
        self.item.as_array()
    }

    pub fn table(&self, problems: &mut Vec<Problem>) -> Option<Table<'a>> {
        let Some(items) = self.item.as_table_like() else {
            problems.push(self.wrong_type("a table"));
            return None;
        };
        Some(Table { manifest: self.manifest, items, path: self.path.clone() })
    }

    /// A string that is not empty.
    pub fn string(&self, problems: &mut Vec<Problem>) -> Option<&'a str> {
        match self.as_str() {
            Some("") => problems.push(self.problem("is empty")),
            None => problems.push(self.wrong_type("a string")),
            found => return found,
        }
        None
    }

    pub fn boolean(&self, problems: &mut Vec<Problem>) -> Option<bool> {
        let found = self.item.as_bool();
        if found.is_none() {
            problems.push(self.wrong_type("true or false"));
        }
        found
    }

    /// An integer from `least` to what `T` holds.
    pub fn integer<T: TryFrom<i64>>(&self, least: i64, problems: &mut Vec<Problem>) -> Option<T> {
        match self.as_integer() {
            None => problems.push(self.wrong_type("an integer")),
            Some(found) if found < least => {
                problems.push(self.problem(format_args!("is {found}, it must be {least} or more")));
            }
            Some(found) => match T::try_from(found) {
                Ok(value) => return Some(value),
                Err(_) => problems.push(self.problem(format_args!("is {found}, which is too large"))),
            },
        }
        None
    }

    /// A finite number that `accepts` takes; `range` says in words which those are.
    pub fn number(
        &self,
        accepts: impl Fn(f64) -> bool,
        range: &str,
        problems: &mut Vec<Problem>,
    ) -> Option<f64> {
        match self.as_number() {
            None => problems.push(self.wrong_type("a number")),
            Some(found) if !found.is_finite() || !accepts(found) => {
                problems.push(self.problem(format_args!("is {found}, it must be {range}")));
            }
            found => return found,
        }
        None
    }

    /// One of several words.
    pub fn choice<T: Copy>(&self, choices: &[(&str, T)], problems: &mut Vec<Problem>) -> Option<T> {
        let found = self.string(problems)?;
        let value = choices.iter().find(|(word, _)| *word == found).map(|(_, value)| *value);
        if value.is_none() {
            let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
            let problem = self.problem(format_args!("has the unknown value `{found}`"));
            problems.push(problem.help(suggest(found, &words)));
        }
        value
    }
}

/// The nearest of what is known, or all of it.
pub(super) fn suggest(word: &str, known: &[&str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            format!("known are {}", known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", "))
        }
    }
}
