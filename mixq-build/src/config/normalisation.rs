//! The keys `input` and `inputs` of a model: how the network's inputs were normalised where it was trained.

use std::collections::BTreeMap;

use super::samples::read_numbers;
use crate::error::{Location, Problem};
use crate::import::{InputNormalisation, Reads};
use crate::toml::{Entry, Table};

/// What layers read, of the values of the data: `(value - mean[c]) / std[c]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelInput {
    /// One number, or one for each channel.
    pub mean: Vec<f64>,
    /// Likewise; each over 0.
    pub std: Vec<f64>,
    /// What messages call it: `input`, or `inputs.NAME`.
    pub key: String,
    /// Its value.
    pub at: Location,
}

const HELP: &str = "write { mean = 127.5, std = 127.5 } for (value - mean) / std, or { scale = 0.00392, \
                    offset = 0 } for value * scale + offset";

/// Reads `inputs = { NAME = ... }`.
pub(super) fn read_named(entry: &Entry<'_>, problems: &mut Vec<Problem>) -> BTreeMap<String, ModelInput> {
    let table = entry.table(problems);
    let inputs = table.iter().flat_map(Table::entries);
    let named = |entry: Entry<'_>| {
        let key = format!("inputs.{}", entry.name.escape_debug());
        Some((entry.name.to_string(), read(&entry, &key, problems)?))
    };
    inputs.filter_map(named).collect()
}

/// Reads `{ mean, std }`, or `{ scale, offset }`, the value of `key`.
pub(super) fn read(entry: &Entry<'_>, key: &str, problems: &mut Vec<Problem>) -> Option<ModelInput> {
    let table = entry.table(problems)?;
    table.allow(&["mean", "std", "scale", "offset"], problems);
    let (anything, over_0) = ("a number, or an array with one for each channel", |number| number > 0.0);
    let mut numbers = |key: &str, accepts: fn(f64) -> bool, wanted: &str| {
        table.get(key).map(|entry| read_numbers(&entry, accepts, wanted, problems))
    };
    let over = "a number over 0, or an array with one for each channel";
    let mean = numbers("mean", |_| true, anything);
    let std = numbers("std", over_0, over);
    let scale = numbers("scale", over_0, over);
    let offset = numbers("offset", |_| true, anything);
    let (key, at) = (key.to_string(), entry.value_location());
    match (mean, std, scale, offset) {
        (Some(mean), Some(std), None, None) => Some(ModelInput { mean: mean?, std: std?, key, at }),
        (None, None, Some(scale), offset) => {
            let (scale, offset) = (scale?, offset.unwrap_or(Some(vec![0.0]))?);
            let count = scale.len().max(offset.len());
            let pairs = scale.iter().cycle().zip(offset.iter().cycle()).take(count);
            let mean = pairs.map(|(scale, offset)| -offset / scale).collect();
            Some(ModelInput { mean, std: scale.iter().map(|scale| 1.0 / scale).collect(), key, at })
        }
        (_, _, None, _) => {
            problems.push(entry.problem("needs both `mean` and `std`, or `scale`").help(HELP));
            None
        }
        (_, _, Some(_), _) => {
            problems.push(entry.problem("has `scale` beside `mean` or `std`").help(HELP));
            None
        }
    }
}

impl ModelInput {
    /// The same for a network's channels.
    ///
    /// # Errors
    /// It has a list of another length.
    pub fn of(&self, channels: usize) -> Result<InputNormalisation, Problem> {
        let each = |values: &[f64], key: &str| match values {
            [one] => Ok(vec![*one; channels]),
            values if values.len() == channels => Ok(values.to_vec()),
            values => {
                let count = values.len();
                let message = format!(
                    "`{}` has {count} numbers for `{key}`, the network's input has {channels} channels",
                    self.key
                );
                Err(Problem::new(message)
                    .help("give one number, or one for each channel")
                    .at(self.at.clone()))
            }
        };
        Ok(InputNormalisation {
            mean: each(&self.mean, "mean")?,
            std: each(&self.std, "std")?,
            reads: Reads::Values,
        })
    }
}
