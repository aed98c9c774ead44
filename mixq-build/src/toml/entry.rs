//! A key with its value.

use std::ops::{Range, RangeInclusive};

use toml_edit::{Item, TableLike, Value};

use super::{File, Table, suggest};
use crate::error::{Location, Problem};

/// A key with its value.
pub struct Entry<'a> {
    pub(super) file: &'a File,
    /// Dotted, from the root.
    pub path: String,
    /// The key alone.
    pub name: &'a str,
    pub(super) key: Range<usize>,
    pub(super) item: &'a Item,
}

impl<'a> Entry<'a> {
    /// Where the key stands.
    pub fn key_location(&self) -> Location {
        self.file.location(self.key.clone())
    }

    /// Where the value stands; for a table with a header of its own, the key in that header.
    pub fn value_location(&self) -> Location {
        self.file.location(self.value_span())
    }

    fn value_span(&self) -> Range<usize> {
        let span = self.item.as_value().and_then(Value::span);
        span.unwrap_or_else(|| self.key.clone())
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

    /// A value of the right type that is not `wanted`.
    pub fn wrong_value(&self, wanted: &str) -> Problem {
        match self.item.as_value() {
            Some(value) => self.problem(format_args!("is {}, it must be {wanted}", shown(value))),
            None => self.wrong_type(wanted),
        }
    }

    /// Whether it is a table, standard or inline.
    pub fn is_table(&self) -> bool {
        self.item.is_table_like()
    }

    /// The text, if it is a string.
    pub fn as_str(&self) -> Option<&'a str> {
        self.item.as_str()
    }

    /// The integer, if it is one.
    pub fn as_integer(&self) -> Option<i64> {
        self.item.as_integer()
    }

    /// An integer or a float.
    pub fn as_number(&self) -> Option<f64> {
        self.item.as_float().or_else(|| self.item.as_integer().map(|integer| integer as f64))
    }

    /// The list, if it is one.
    pub fn as_array(&self) -> Option<&'a toml_edit::Array> {
        self.item.as_array()
    }

    /// A table, standard or inline.
    pub fn table(&self, problems: &mut Vec<Problem>) -> Option<Table<'a>> {
        let Some(items) = self.item.as_table_like() else {
            problems.push(self.wrong_type("a table"));
            return None;
        };
        let span = self.value_span();
        Some(Table { file: self.file, items, path: self.path.clone(), span })
    }

    /// A list of tables, written as `[[key]]` or as `key = [{ ... }]`.
    pub fn tables(&self, problems: &mut Vec<Problem>) -> Option<Vec<Table<'a>>> {
        let table = |items: &'a dyn TableLike, span: Option<Range<usize>>| Table {
            file: self.file,
            items,
            path: self.path.clone(),
            span: span.unwrap_or(0..0),
        };
        if let Some(tables) = self.item.as_array_of_tables() {
            return Some(tables.iter().map(|items| table(items, items.span())).collect());
        }
        let Some(array) = self.as_array() else {
            problems.push(self.wrong_type("a list of tables"));
            return None;
        };
        let mut tables = Vec::new();
        for value in array {
            match value.as_inline_table() {
                Some(items) => tables.push(table(items, items.span())),
                None => {
                    let message = format!("`{}` holds {}, it must hold tables", self.name, shown(value));
                    let at = self.file.location(value.span().unwrap_or(0..0));
                    problems.push(Problem::new(message).at(at));
                }
            }
        }
        Some(tables)
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

    /// `true` or `false`.
    pub fn boolean(&self, problems: &mut Vec<Problem>) -> Option<bool> {
        let found = self.item.as_bool();
        if found.is_none() {
            problems.push(self.wrong_type("true or false"));
        }
        found
    }

    /// A whole number within `range`; `None`, without a problem, if it is anything else.
    pub fn as_size(&self, range: &RangeInclusive<usize>) -> Option<usize> {
        size(self.item.as_value()?, range)
    }

    /// A list of `N` whole numbers within `range`; `None`, without a problem, if it is anything else.
    pub fn as_sizes<const N: usize>(&self, range: &RangeInclusive<usize>) -> Option<[usize; N]> {
        let sizes: Option<Vec<usize>> = self.as_array()?.iter().map(|value| size(value, range)).collect();
        sizes?.try_into().ok()
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

fn size(value: &Value, range: &RangeInclusive<usize>) -> Option<usize> {
    let size = usize::try_from(value.as_integer()?).ok()?;
    range.contains(&size).then_some(size)
}

/// A value as messages show it, on one line.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{}\"", text.value().escape_debug()),
        Value::Integer(number) => number.value().to_string(),
        Value::Float(number) => number.value().to_string(),
        Value::Boolean(flag) => flag.value().to_string(),
        Value::Datetime(date) => date.value().to_string(),
        Value::Array(list) => {
            let items: Vec<String> = list.iter().map(shown).collect();
            format!("[{}]", items.join(", "))
        }
        Value::InlineTable(_) => "a table".to_string(),
    }
}
