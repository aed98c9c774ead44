//! The attributes of a node.

use std::collections::BTreeMap;

use super::Array;

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f32),
    /// A word.
    Text(String),
    /// Whole numbers.
    Ints(Vec<i64>),
    /// Numbers.
    Floats(Vec<f32>),
    /// A constant.
    Array(Array),
    /// A network, or something else that mixq does not read.
    Other,
}

/// Attributes by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(pub BTreeMap<String, Attribute>);

impl Attributes {
    /// Attributes of these names and values.
    pub fn of<const N: usize>(entries: [(&str, Attribute); N]) -> Attributes {
        Attributes(entries.map(|(name, value)| (name.to_string(), value)).into())
    }

    /// Any attribute.
    pub fn get(&self, name: &str) -> Option<&Attribute> {
        self.0.get(name)
    }

    /// A whole number.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.0.get(name)? {
            Attribute::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// A number.
    pub fn float(&self, name: &str) -> Option<f32> {
        match self.0.get(name)? {
            Attribute::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// A word.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name)? {
            Attribute::Text(value) => Some(value),
            _ => None,
        }
    }

    /// Whole numbers.
    pub fn ints(&self, name: &str) -> Option<&[i64]> {
        match self.0.get(name)? {
            Attribute::Ints(values) => Some(values),
            _ => None,
        }
    }

    /// Numbers.
    pub fn floats(&self, name: &str) -> Option<&[f32]> {
        match self.0.get(name)? {
            Attribute::Floats(values) => Some(values),
            _ => None,
        }
    }
}
