//! `inputs` of a dataset's table: what is to be known of each input of a network that has several.

use std::collections::BTreeMap;

use serde::Serialize;

use super::samples::{self, InputConfig};
use crate::error::Problem;
use crate::toml::{Entry, Table};

/// An input, as the dataset's table has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct NamedInput {
    /// What its arrays are called, without what tells the training part from the test part; `None`: as the
    /// input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub array: Option<String>,
    /// How samples become codes; `None`: bytes are pixels, other numbers become codes as suits the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codes: Option<InputConfig>,
}

/// Reads `inputs = { NAME = ... }`. An input is "samples", or a table with the keys of `input` and `array`.
pub(super) fn read(entry: &Entry<'_>, problems: &mut Vec<Problem>) -> BTreeMap<String, NamedInput> {
    let table = entry.table(problems);
    let inputs = table.iter().flat_map(Table::entries);
    inputs.filter_map(|entry| Some((entry.name.to_string(), named(&entry, problems)?))).collect()
}

fn named(entry: &Entry<'_>, problems: &mut Vec<Problem>) -> Option<NamedInput> {
    if !entry.is_table() {
        return samples::read_input(entry, problems)
            .map(|codes| NamedInput { array: None, codes: Some(codes) });
    }
    let table = entry.table(problems)?;
    let array = table.get("array").and_then(|array| array.string(problems)).map(String::from);
    let has_codes = table.entries().any(|entry| entry.name != "array");
    let codes = has_codes.then(|| samples::read_codes(entry, &["array"], problems)).flatten();
    Some(NamedInput { array, codes })
}
