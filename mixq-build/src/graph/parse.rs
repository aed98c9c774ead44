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

use crate::error::{Error, Problem};
use crate::toml::{File, Table};

use super::keys::Keys;
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
        let file = File::parse(path, text)?;
        let (root, mut problems) = (file.root(), Vec::new());
        root.allow_in("a network", &["input", "layer"], &mut problems);
        if !root.contains("input") {
            let problem = Problem::new("the network has no `input`").at(root.location());
            problems.push(problem.help("add input = [height, width, channels]"));
        }
        let input = Keys { table: &root, problems: &mut problems }.shape("input");
        let layers = layers(&root, &mut problems);
        match input {
            Some([height, width, channels]) if problems.is_empty() => {
                Ok(Spec { input: Shape { height, width, channels }, layers })
            }
            _ => Err(Error { problems: in_order(problems) }),
        }
    }
}

fn in_order(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by_key(|problem| problem.location.as_ref().map_or(0, |location| location.span.start));
    problems
}

/// The layers, written as `[[layer]]` or as a list of inline tables.
fn layers(root: &Table<'_>, problems: &mut Vec<Problem>) -> Vec<LayerSpec> {
    let before = problems.len();
    let tables = root.get("layer").and_then(|entry| entry.tables(problems)).unwrap_or_default();
    if tables.is_empty() && problems.len() == before {
        problems.push(Problem::new("the network has no layers").at(root.location()));
    }
    // What is not a list of tables, and what is none, is helped by the same example.
    for problem in &mut problems[before..] {
        problem.help = Some(EXAMPLE.to_string());
    }
    tables.iter().filter_map(|table| layer(table, problems)).collect()
}

/// One layer; nothing if its operator is unknown or lacks a key, which has been reported.
fn layer(table: &Table<'_>, problems: &mut Vec<Problem>) -> Option<LayerSpec> {
    let list = || OPERATORS.map(|(name, _)| name).join(", ");
    let Some(entry) = table.get("op") else {
        let problem = Problem::new("a layer has no `op`").help(format!("add one of {}", list()));
        problems.push(problem.at(table.location()));
        return None;
    };
    let at = entry.value_location();
    let name = entry.string(problems)?;
    let Some((name, own)) = OPERATORS.into_iter().find(|(known, _)| *known == name) else {
        let help = names::help(name, &OPERATORS.map(|(known, _)| known));
        let problem = Problem::new(format!("there is no operator \"{}\"", name.escape_debug()));
        problems.push(problem.help(help).at(at));
        return None;
    };
    let article = if name.starts_with('a') { "an" } else { "a" };
    let owner = format!("{article} {name} layer");
    table.allow_in(&owner, &[own, &["op", "name", "inputs"]].concat(), problems);
    for required in ["filters", "features", "kernel"] {
        if own.contains(&required) && !table.contains(required) {
            let problem = Problem::new(format!("{owner} needs `{required}`"));
            problems.push(problem.help(format!("add {required} = ... to this layer")).at(at.clone()));
        }
    }
    // Every key is read before anything may be missing: all its problems are wanted at once.
    let mut keys = Keys { table, problems };
    let layer_name = keys.text("name").map(String::from);
    let inputs = keys.texts("inputs");
    let op = operator(&mut keys, name, own)?;
    Some(LayerSpec { name: layer_name, op, inputs, location: Some(at) })
}

/// The operator `name`, whose keys are `own`.
fn operator(keys: &mut Keys<'_, '_>, name: &str, own: &[&str]) -> Option<OpSpec> {
    let has = |key: &str| own.contains(&key);
    let filters = has("filters").then(|| keys.number("filters")).flatten();
    let features = has("features").then(|| keys.number("features")).flatten();
    let kernel = has("kernel").then(|| keys.pair("kernel")).flatten();
    let stride = has("stride").then(|| keys.pair("stride")).flatten();
    let padding = has("padding").then(|| keys.padding("padding")).flatten();
    let batch_norm = has("batch_norm").then(|| keys.flag("batch_norm")).flatten();
    let relu = has("activation").then(|| keys.relu()).flatten();
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
