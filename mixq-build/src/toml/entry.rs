//! A key with its value.

use std::ops::{Range, RangeInclusive};

use super::value::{Data, Items, Value};
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
    pub(super) value: &'a Value,
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
        if self.value.follows_its_key() { self.value.span.clone() } else { self.key.clone() }
    }

    /// A problem with the value: `` `key` `` and what is wrong with it.
    pub fn problem(&self, wrong: impl std::fmt::Display) -> Problem {
        Problem::new(format!("`{}` {wrong}", self.name)).at(self.value_location())
    }

    /// A value of a type that is not `wanted`.
    pub fn wrong_type(&self, wanted: &str) -> Problem {
        self.problem(format_args!("is {}, it must be {wanted}", self.value.type_name()))
    }

    /// A value of the right type that is not `wanted`.
    pub fn wrong_value(&self, wanted: &str) -> Problem {
        match self.value.follows_its_key() {
            true => self.problem(format_args!("is {}, it must be {wanted}", self.value.shown())),
            false => self.wrong_type(wanted),
        }
    }

    /// Whether it is a table, standard or inline.
    pub fn is_table(&self) -> bool {
        self.value.as_table().is_some()
    }

    /// The text, if it is a string.
    pub fn as_str(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    /// The integer, if it is one.
    pub fn as_integer(&self) -> Option<i64> {
        self.value.as_integer()
    }

    /// An integer or a float.
    pub fn as_number(&self) -> Option<f64> {
        self.value.as_number()
    }

    /// The numbers of a list, if it has nothing else.
    pub fn as_numbers(&self) -> Option<Vec<f64>> {
        self.as_array()?.iter().map(Value::as_number).collect()
    }

    /// The list, if it is one.
    pub fn as_array(&self) -> Option<&'a [Value]> {
        self.value.as_array()
    }

    /// The lists of integers of a list, if it has nothing else.
    pub fn as_integer_lists(&self) -> Option<Vec<Vec<i64>>> {
        let integers = |list: &Value| list.as_array()?.iter().map(Value::as_integer).collect();
        self.as_array()?.iter().map(integers).collect()
    }

    /// A table, standard or inline.
    pub fn table(&self, problems: &mut Vec<Problem>) -> Option<Table<'a>> {
        let Some(items) = self.value.as_table() else {
            problems.push(self.wrong_type("a table"));
            return None;
        };
        let span = self.value_span();
        Some(Table { file: self.file, items, path: self.path.clone(), span })
    }

    /// A list of tables, written as `[[key]]` or as `key = [{ ... }]`.
    pub fn tables(&self, problems: &mut Vec<Problem>) -> Option<Vec<Table<'a>>> {
        let table = |items: &'a Items, span: &Range<usize>| Table {
            file: self.file,
            items,
            path: self.path.clone(),
            span: span.clone(),
        };
        if let Data::ArrayOfTables(tables) = &self.value.data {
            return Some(tables.iter().map(|(items, span)| table(items, span)).collect());
        }
        let Some(array) = self.as_array() else {
            problems.push(self.wrong_type("a list of tables"));
            return None;
        };
        let mut tables = Vec::new();
        for value in array {
            match &value.data {
                Data::InlineTable(items) => tables.push(table(items, &value.span)),
                _ => {
                    let message = format!("`{}` holds {}, it must hold tables", self.name, value.shown());
                    let at = self.file.location(value.span.clone());
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
        let found = match self.value.data {
            Data::Boolean(flag) => Some(flag),
            _ => None,
        };
        if found.is_none() {
            problems.push(self.wrong_type("true or false"));
        }
        found
    }

    /// A whole number within `range`; `None`, without a problem, if it is anything else.
    pub fn as_size(&self, range: &RangeInclusive<usize>) -> Option<usize> {
        size(self.value, range)
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
