//! Typed values out of TOML tables, with a located problem for everything that is not as it should be.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use toml_edit::{Item, TableLike, Value};

use crate::error::{Location, Problem, nearest};

use crate::graph::{Activation, LARGEST, Padding};

/// A file being read, with the problems found so far.
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) source: Arc<str>,
    pub(super) problems: Vec<Problem>,
}

impl File {
    /// A place in the file; its beginning without a span.
    pub(super) fn location(&self, span: Option<Range<usize>>) -> Location {
        Location { path: self.path.clone(), source: self.source.clone(), span: span.unwrap_or(0..0) }
    }

    /// Adds a problem.
    pub(super) fn report(&mut self, span: Option<Range<usize>>, message: String, help: impl Into<String>) {
        let problem = Problem::new(message).help(help).at(self.location(span));
        self.problems.push(problem);
    }

    /// Every key that is not among `known` is a problem; `owner` is whose keys they are, as in "a conv
    /// layer".
    pub(super) fn check_keys(&mut self, table: &dyn TableLike, owner: &str, known: &[&str]) {
        for (key, _) in table.iter().filter(|(key, _)| !known.contains(key)) {
            let help = match nearest(key, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("its keys are {}", known.join(", ")),
            };
            let span = table.key(key).and_then(toml_edit::Key::span);
            self.report(span, format!("{owner} has no key `{}`", key.escape_debug()), help);
        }
    }

    /// A value of the wrong type or size.
    fn wrong(&mut self, key: &str, item: &Item, help: &str) {
        let found = match item {
            Item::Value(value) => shown(value),
            other => format!("a {}", other.type_name()),
        };
        self.report(item.span(), format!("`{key}` is {found}"), help);
    }

    /// A text.
    pub(super) fn text<'a>(&mut self, table: &'a dyn TableLike, key: &str) -> Option<&'a str> {
        let item = table.get(key)?;
        let text = item.as_str();
        if text.is_none() {
            self.wrong(key, item, "it must be a text in quotes");
        }
        text
    }

    /// A list of texts; empty if there is none.
    pub(super) fn texts(&mut self, table: &dyn TableLike, key: &str) -> Vec<String> {
        let Some(item) = table.get(key) else { return Vec::new() };
        let list = item.as_array().and_then(|list| {
            list.iter().map(|value| value.as_str().map(String::from)).collect::<Option<Vec<String>>>()
        });
        match list {
            Some(list) if !list.is_empty() => list,
            _ => {
                self.wrong(key, item, "it must be a list of names, for example [\"conv1\", \"conv2\"]");
                Vec::new()
            }
        }
    }

    /// True or false.
    pub(super) fn flag(&mut self, table: &dyn TableLike, key: &str) -> Option<bool> {
        let item = table.get(key)?;
        let flag = item.as_bool();
        if flag.is_none() {
            self.wrong(key, item, "it must be true or false");
        }
        flag
    }

    /// A number of 1 to 65,535.
    pub(super) fn number(&mut self, table: &dyn TableLike, key: &str) -> Option<usize> {
        let item = table.get(key)?;
        let number = item.as_value().and_then(|value| within(value, 1));
        if number.is_none() {
            self.wrong(key, item, "it must be a whole number of 1 to 65,535");
        }
        number
    }

    /// Height and width of 1 to 65,535, or one number for both.
    pub(super) fn pair(&mut self, table: &dyn TableLike, key: &str) -> Option<[usize; 2]> {
        let item = table.get(key)?;
        let pair = item
            .as_value()
            .and_then(|value| within(value, 1).map(|side| [side; 2]).or_else(|| numbers(value, 1)));
        if pair.is_none() {
            self.wrong(key, item, "it must be a whole number of 1 to 65,535, or [height, width]");
        }
        pair
    }

    /// Height, width and channels of 1 to 65,535.
    pub(super) fn shape(&mut self, table: &dyn TableLike, key: &str) -> Option<[usize; 3]> {
        let item = table.get(key)?;
        let shape = item.as_value().and_then(|value| numbers(value, 1));
        if shape.is_none() {
            self.wrong(key, item, "it must be [height, width, channels], each 1 to 65,535");
        }
        shape
    }

    /// A padding.
    pub(super) fn padding(&mut self, table: &dyn TableLike, key: &str) -> Option<Padding> {
        let item = table.get(key)?;
        let padding = item.as_value().and_then(|value| match value.as_str() {
            Some("same") => Some(Padding::Same),
            Some("valid") => Some(Padding::Valid),
            Some("symmetric") => Some(Padding::Symmetric),
            Some(_) => None,
            None => within(value, 0).map(|all| [all; 4]).or_else(|| numbers(value, 0)).map(Padding::Explicit),
        });
        if padding.is_none() {
            let help = "it must be \"same\", \"valid\", \"symmetric\", a number of pixels, or \
                        [top, bottom, left, right]";
            self.wrong(key, item, help);
        }
        padding
    }

    /// What the key `activation` asks for.
    pub(super) fn activation(&mut self, table: &dyn TableLike) -> Option<Activation> {
        let item = table.get("activation")?;
        let wanted = item.as_str();
        let found = Activation::CHOICES.iter().find(|(name, _)| Some(*name) == wanted);
        if found.is_none() {
            let names = Activation::CHOICES.map(|(name, _)| format!("\"{name}\""));
            self.wrong("activation", item, &format!("it must be {}", names.join(" or ")));
        }
        found.map(|(_, activation)| *activation)
    }
}

/// A value as messages show it, on one line.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{}\"", text.value().escape_debug()),
        Value::Integer(number) => number.value().to_string(),
        Value::Float(number) => number.value().to_string(),
        Value::Boolean(flag) => flag.value().to_string(),
        Value::Datetime(_) => "a date".to_string(),
        Value::Array(list) => {
            let items: Vec<String> = list.iter().map(shown).collect();
            format!("[{}]", items.join(", "))
        }
        Value::InlineTable(_) => "a table".to_string(),
    }
}

fn within(value: &Value, least: usize) -> Option<usize> {
    let number = usize::try_from(value.as_integer()?).ok()?;
    (least..=LARGEST).contains(&number).then_some(number)
}

fn numbers<const N: usize>(value: &Value, least: usize) -> Option<[usize; N]> {
    let list: Option<Vec<usize>> = value.as_array()?.iter().map(|value| within(value, least)).collect();
    list?.try_into().ok()
}
