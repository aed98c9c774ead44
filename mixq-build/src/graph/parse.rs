//! The layer list in TOML.
//!
//! ```toml
//! input = [8, 8, 1]           # height, width, channels
//!
//! [[layer]]
//! op = "conv"                 # conv, depthwise, pointwise, linear, average_pool, global_average_pool,
//!                             # max_pool, add, flatten, batch_norm, relu
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

use std::path::Path;

use toml_edit::{Document, Item, TableLike};

use crate::error::{Error, Problem};

use super::keys::File;
use super::names;
use super::{LayerSpec, OpSpec, Padding, Shape, Spec};

/// Every operator with the keys that it has beside `op`, `name` and `inputs`.
const OPERATORS: [(&str, &[&str]); 11] = [
    ("conv", &["filters", "kernel", "stride", "padding", "batch_norm", "activation"]),
    ("depthwise", &["kernel", "stride", "padding", "batch_norm", "activation"]),
    ("pointwise", &["filters", "stride", "batch_norm", "activation"]),
    ("linear", &["features", "batch_norm", "activation"]),
    ("average_pool", &["kernel", "stride", "padding"]),
    ("global_average_pool", &[]),
    ("max_pool", &["kernel", "stride", "padding"]),
    ("add", &["activation"]),
    ("flatten", &[]),
    ("batch_norm", &[]),
    ("relu", &[]),
];

const EXAMPLE: &str = "begin each layer with [[layer]], for example with op = \"conv\"";

impl Spec {
    /// Reads a layer list from a file.
    ///
    /// # Errors
    /// If the file cannot be read, and as [`Spec::parse`].
    pub fn read(path: &Path) -> Result<Spec, Error> {
        let text = std::fs::read_to_string(path).map_err(|error| Problem::io("read", path, &error))?;
        Spec::parse(path, &text)
    }

    /// Reads a layer list from a text; `path` is what messages call it.
    ///
    /// # Errors
    /// All misspelt keys, missing keys and values that cannot be, each with its line and column. Whether the
    /// layers fit together [`Graph::resolve`](super::Graph::resolve) says.
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
            _ => Err(Error { problems: in_order(file.problems) }),
        }
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
    let list = || OPERATORS.map(|(name, _)| name).join(", ");
    let Some(item) = table.get("op") else {
        file.report(span, "a layer has no `op`".into(), format!("add one of {}", list()));
        return None;
    };
    let span = item.span();
    let name = file.text(table, "op")?;
    let Some((name, own)) = OPERATORS.into_iter().find(|(known, _)| *known == name) else {
        let help = names::help(name, &OPERATORS.map(|(known, _)| known));
        file.report(span, format!("there is no operator \"{}\"", name.escape_debug()), help);
        return None;
    };
    let article = if name.starts_with('a') { "an" } else { "a" };
    let owner = format!("{article} {name} layer");
    file.check_keys(table, &owner, &[own, &["op", "name", "inputs"]].concat());
    for required in ["filters", "features", "kernel"] {
        if own.contains(&required) && !table.contains_key(required) {
            let message = format!("{owner} needs `{required}`");
            file.report(span.clone(), message, format!("add {required} = ... to this layer"));
        }
    }
    // Every key is read before anything may be missing: all its problems are wanted at once.
    let layer_name = file.text(table, "name").map(String::from);
    let inputs = file.texts(table, "inputs");
    let op = operator(file, table, name, own)?;
    Some(LayerSpec { name: layer_name, op, inputs, location: Some(file.location(span)) })
}

/// The operator `name`, whose keys are `own`.
fn operator(file: &mut File, table: &dyn TableLike, name: &str, own: &[&str]) -> Option<OpSpec> {
    let has = |key: &str| own.contains(&key);
    let filters = has("filters").then(|| file.number(table, "filters")).flatten();
    let features = has("features").then(|| file.number(table, "features")).flatten();
    let kernel = has("kernel").then(|| file.pair(table, "kernel")).flatten();
    let stride = has("stride").then(|| file.pair(table, "stride")).flatten();
    let padding = has("padding").then(|| file.padding(table, "padding")).flatten();
    let batch_norm = has("batch_norm").then(|| file.flag(table, "batch_norm")).flatten();
    let relu = has("activation").then(|| file.relu(table)).flatten();
    let (step, same) = (stride.unwrap_or([1, 1]), padding.unwrap_or(Padding::Same));
    let valid = padding.unwrap_or(Padding::Valid);
    Some(match name {
        "conv" => {
            OpSpec::Conv { filters: filters?, kernel: kernel?, stride: step, padding: same, batch_norm, relu }
        }
        "depthwise" => OpSpec::Depthwise { kernel: kernel?, stride: step, padding: same, batch_norm, relu },
        "pointwise" => OpSpec::Pointwise { filters: filters?, stride: step, batch_norm, relu },
        "linear" => OpSpec::Linear { features: features?, batch_norm, relu },
        "average_pool" => OpSpec::AveragePool { kernel: kernel?, stride: stride.or(kernel)?, padding: valid },
        "max_pool" => OpSpec::MaxPool { kernel: kernel?, stride: stride.or(kernel)?, padding: valid },
        "global_average_pool" => OpSpec::GlobalAveragePool,
        "add" => OpSpec::Add { relu },
        "flatten" => OpSpec::Flatten,
        "batch_norm" => OpSpec::BatchNorm,
        "relu" => OpSpec::Relu,
        other => unreachable!("{other} is not in the list of operators"),
    })
}
