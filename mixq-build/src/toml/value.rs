//! A TOML text as a tree: keys in the order of the file, each key and value with its place.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// A value and the bytes of the text where it stands.
pub struct Value {
    pub(super) data: Data,
    /// Of a table with a header, the header; of one that dotted keys make, the key.
    pub(super) span: Range<usize>,
}

/// What a value is.
pub(super) enum Data {
    String(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    /// As the text has it.
    Datetime(String),
    Array(Vec<Value>),
    InlineTable(Items),
    /// With a header, or made by dotted keys.
    Table(Items),
    /// Each `[[key]]`, with its header.
    ArrayOfTables(Vec<(Items, Range<usize>)>),
}

/// The entries of a table.
#[derive(Default)]
pub(super) struct Items(Vec<(Key, Value)>);

/// A key and where it stands.
pub(super) struct Key {
    pub(super) name: String,
    pub(super) span: Range<usize>,
}

/// What is wrong with a text, and where.
pub(super) struct Invalid {
    pub(super) message: String,
    pub(super) span: Range<usize>,
}

impl Items {
    /// Reads a whole text.
    ///
    /// # Errors
    /// It is not TOML, or has a number that does not fit 64 bits.
    pub(super) fn parse(text: &str) -> Result<Items, Invalid> {
        let invalid = |error: toml::de::Error| Invalid {
            message: error.message().to_string(),
            span: error.span().unwrap_or(0..0),
        };
        items(DeTable::parse(text).map_err(invalid)?.into_inner(), text)
    }

    pub(super) fn get(&self, name: &str) -> Option<&(Key, Value)> {
        self.0.iter().find(|(key, _)| key.name == name)
    }

    /// In the order of the file.
    pub(super) fn iter(&self) -> impl Iterator<Item = &(Key, Value)> {
        self.0.iter()
    }
}

fn items(table: DeTable<'_>, text: &str) -> Result<Items, Invalid> {
    // The parser sorts by name.
    let mut entries: Vec<_> = table.into_iter().collect();
    entries.sort_unstable_by_key(|(key, _)| key.span().start);
    let entry = |(key, value): (Spanned<DeString<'_>>, _)| {
        let key = Key { span: key.span(), name: key.into_inner().into_owned() };
        Ok((key, value_of(value, text)?))
    };
    Ok(Items(entries.into_iter().map(entry).collect::<Result<_, _>>()?))
}

fn value_of(value: Spanned<DeValue<'_>>, text: &str) -> Result<Value, Invalid> {
    let span = value.span();
    let overflow = |what: &str| Invalid { message: format!("{what} number overflowed"), span: span.clone() };
    let data = match value.into_inner() {
        DeValue::String(text) => Data::String(text.into_owned()),
        DeValue::Integer(number) => {
            let value = i64::from_str_radix(number.as_str(), number.radix());
            Data::Integer(value.map_err(|_| overflow("integer"))?)
        }
        DeValue::Float(number) => match number.as_str().parse::<f64>() {
            Ok(value) if value.is_infinite() && !number.as_str().ends_with("inf") => {
                return Err(overflow("floating-point"));
            }
            Ok(value) => Data::Float(value),
            Err(_) => return Err(Invalid { message: "invalid floating-point number".to_string(), span }),
        },
        DeValue::Boolean(value) => Data::Boolean(value),
        DeValue::Datetime(date) => Data::Datetime(date.to_string()),
        DeValue::Array(array) => {
            // The header of the first table is the place of the whole array, too.
            let headers = array.first().is_some_and(|first| first.span() == span);
            let values = array.into_iter().map(|value| value_of(value, text));
            match headers {
                true => Data::ArrayOfTables(values.map(with_header).collect::<Result<_, _>>()?),
                false => Data::Array(values.collect::<Result<_, _>>()?),
            }
        }
        DeValue::Table(table) => {
            let inline = text[span.clone()].starts_with('{');
            let items = items(table, text)?;
            if inline { Data::InlineTable(items) } else { Data::Table(items) }
        }
    };
    Ok(Value { data, span })
}

/// The table of one `[[key]]`.
fn with_header(value: Result<Value, Invalid>) -> Result<(Items, Range<usize>), Invalid> {
    let Value { data, span } = value?;
    match data {
        Data::Table(items) => Ok((items, span)),
        _ => Err(Invalid { message: "this is not a table".to_string(), span }),
    }
}

impl Value {
    /// The text, if it is a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::String(text) => Some(text),
            _ => None,
        }
    }

    /// The integer, if it is one.
    pub fn as_integer(&self) -> Option<i64> {
        match self.data {
            Data::Integer(number) => Some(number),
            _ => None,
        }
    }

    /// The list, if it is one.
    pub(super) fn as_array(&self) -> Option<&[Value]> {
        match &self.data {
            Data::Array(list) => Some(list),
            _ => None,
        }
    }

    /// An integer or a float.
    pub(super) fn as_number(&self) -> Option<f64> {
        match self.data {
            Data::Float(number) => Some(number),
            _ => self.as_integer().map(|integer| integer as f64),
        }
    }

    /// The entries of a table, with a header or inline.
    pub(super) fn as_table(&self) -> Option<&Items> {
        match &self.data {
            Data::Table(items) | Data::InlineTable(items) => Some(items),
            _ => None,
        }
    }

    /// Whether it stands behind its key, not below a header.
    pub(super) fn follows_its_key(&self) -> bool {
        !matches!(self.data, Data::Table(_) | Data::ArrayOfTables(_))
    }

    /// What it is, with its article.
    pub(super) fn type_name(&self) -> &'static str {
        match self.data {
            Data::String(_) => "a string",
            Data::Integer(_) => "an integer",
            Data::Float(_) => "a float",
            Data::Boolean(_) => "a boolean",
            Data::Datetime(_) => "a datetime",
            Data::Array(_) => "an array",
            Data::InlineTable(_) => "an inline table",
            Data::Table(_) => "a table",
            Data::ArrayOfTables(_) => "an array of tables",
        }
    }

    /// As messages show it, on one line.
    pub(super) fn shown(&self) -> String {
        match &self.data {
            Data::String(text) => format!("\"{}\"", text.escape_debug()),
            Data::Integer(number) => number.to_string(),
            Data::Float(number) => number.to_string(),
            Data::Boolean(flag) => flag.to_string(),
            Data::Datetime(date) => date.clone(),
            Data::Array(list) => {
                format!("[{}]", list.iter().map(Value::shown).collect::<Vec<_>>().join(", "))
            }
            Data::InlineTable(_) | Data::Table(_) | Data::ArrayOfTables(_) => "a table".to_string(),
        }
    }
}
