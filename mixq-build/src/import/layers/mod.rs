//! The layer list in TOML.
//!
//! ```toml
//! input = [8, 8, 1]           # height, width, channels
//!
//! [[layer]]
//! op = "conv"                 # an operator: one of graph::op::FORMS
//! name = "stem"               # default: the operator and its running number, "conv1"
//! filters = 16                # conv, pointwise; linear: features
//! kernel = 3                  # conv, depthwise, pools; or [height, width]
//! stride = 1                  # or [down, right]; default 1, of pools the kernel
//! padding = "same"            # default of conv and depthwise; "valid", default of pools; "symmetric";
//!                             # pixels; or [top, bottom, left, right]
//! batch_norm = true           # default of conv, depthwise, pointwise
//! activation = "relu"         # default of conv, depthwise, pointwise; or "none"
//! inputs = ["image"]          # default: the layer before
//! ```
//!
//! By default the last layer has neither batch norm nor activation, and a layer that a `batch_norm` or a
//! `relu` reads has what those bring.

mod keys;
mod names;

use std::path::Path;

use toml_edit::{Document, Item, TableLike};

use crate::error::{Error, Problem};
use crate::graph::op::{FORMS, Form, Values};
use crate::graph::{LayerSpec, Shape, Spec};
use keys::File;

const EXAMPLE: &str = "begin each layer with [[layer]], for example with op = \"conv\"";

/// Reads a layer list from a file.
///
/// # Errors
/// If the file cannot be read, and as [`parse`].
pub fn read(path: &Path) -> Result<Spec, Error> {
    let text = std::fs::read_to_string(path).map_err(|error| Problem::io("read", path, &error))?;
    parse(path, &text)
}

/// Reads a layer list from a text; `path` is what messages call it.
///
/// # Errors
/// All misspelt keys, missing keys and values that cannot be, each with its line and column. Whether the
/// layers fit together [`Graph::resolve`](crate::graph::Graph::resolve) says.
pub fn parse(path: &Path, text: &str) -> Result<Spec, Error> {
    let mut file = File { path: path.to_path_buf(), source: text.into(), problems: Vec::new() };
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            let message = format!("this is not valid TOML: {}", error.message().replace('\n', ", "));
            return Err(Problem::new(message).at(file.location(error.span())).into());
        }
    };
    let table = document.as_table();
    file.check_keys(table, "a network", &["input", "layer"]);
    if !table.contains_key("input") {
        file.report(None, "the network has no `input`".into(), "add input = [height, width, channels]");
    }
    let input = file.shape(table, "input");
    let layers = layers(&mut file, table.get("layer"));
    match input {
        Some([height, width, channels]) if file.problems.is_empty() => {
            Ok(Spec { input: Shape { height, width, channels }, layers })
        }
        Some(_) | None => Err(Error { problems: in_order(file.problems) }),
    }
}

fn in_order(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by_key(|problem| problem.location.as_ref().map_or(0, |location| location.span.start));
    problems
}

/// The layers, written as `[[layer]]` or as a list of inline tables.
fn layers(file: &mut File, item: Option<&Item>) -> Vec<LayerSpec> {
    let mut layers = Vec::new();
    match item {
        Some(Item::ArrayOfTables(tables)) => {
            for table in tables {
                layers.extend(layer(file, table, table.span()));
            }
        }
        Some(Item::Value(toml_edit::Value::Array(list))) if !list.is_empty() => {
            for value in list {
                match value.as_inline_table() {
                    Some(table) => layers.extend(layer(file, table, table.span())),
                    None => file.report(value.span(), "a layer is no table".into(), EXAMPLE),
                }
            }
        }
        Some(other) => file.report(other.span(), "`layer` is no list of layers".into(), EXAMPLE),
        None => file.report(None, "the network has no layers".into(), EXAMPLE),
    }
    layers
}

/// One layer; nothing if its operator is unknown or lacks a key, which has been reported.
fn layer(file: &mut File, table: &dyn TableLike, span: Option<std::ops::Range<usize>>) -> Option<LayerSpec> {
    let Some(item) = table.get("op") else {
        let list = FORMS.map(|form| form.name).join(", ");
        file.report(span, "a layer has no `op`".into(), format!("add one of {list}"));
        return None;
    };
    let span = item.span();
    let name = file.text(table, "op")?;
    let Some(form) = FORMS.into_iter().find(|form| form.name == name) else {
        let help = names::help(name, &FORMS.map(|form| form.name));
        file.report(span, format!("there is no operator \"{}\"", name.escape_debug()), help);
        return None;
    };
    let article = if name.starts_with('a') { "an" } else { "a" };
    let owner = format!("{article} {name} layer");
    file.check_keys(table, &owner, &[&keys_of(form), &["op", "name", "inputs"][..]].concat());
    for required in form.required.iter().filter(|key| !table.contains_key(key)) {
        let message = format!("{owner} needs `{required}`");
        file.report(span.clone(), message, format!("add {required} = ... to this layer"));
    }
    // Every key is read before anything may be missing: all its problems are wanted at once.
    let layer_name = file.text(table, "name").map(String::from);
    let inputs = file.texts(table, "inputs");
    let values = values(file, table, form);
    let norm = form.follows.norm.then(|| file.flag(table, "batch_norm")).flatten();
    let activation = form.follows.activation.then(|| file.activation(table)).flatten();
    let location = Some(file.location(span));
    Some(LayerSpec { name: layer_name, op: (form.read)(&values)?, norm, activation, inputs, location })
}

/// The keys that an operator has beside `op`, `name` and `inputs`.
fn keys_of(form: &Form) -> Vec<&'static str> {
    let mut keys = [form.required, form.optional].concat();
    keys.extend(form.follows.norm.then_some("batch_norm"));
    keys.extend(form.follows.activation.then_some("activation"));
    keys
}

/// The values of the keys of an operator.
fn values(file: &mut File, table: &dyn TableLike, form: &Form) -> Values {
    let mut values = Values::default();
    for key in form.required.iter().chain(form.optional) {
        match *key {
            "filters" => values.filters = file.number(table, key),
            "features" => values.features = file.number(table, key),
            "kernel" => values.kernel = file.pair(table, key),
            "stride" => values.stride = file.pair(table, key),
            "padding" => values.padding = file.padding(table, key),
            other => unreachable!("no key is called {other}"),
        }
    }
    values
}
