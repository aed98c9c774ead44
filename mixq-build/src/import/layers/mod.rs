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
//! count_padding = false       # average_pool: whether padding counts as zeros, or is left out
//! axis = "height"             # global pools: along this axis alone; or "width"
//! batch_norm = true           # default of conv, depthwise, pointwise
//! activation = "relu"         # default of conv, depthwise, pointwise; "none"; a function, such as
//!                             # "hard_swish"; or with its parameters, such as { leaky_relu = 0.1 }
//! trained = true              # add_constant, multiply_constant: whether training changes the constants; or
//!                             # they stay those of `weights`
//! inputs = ["image"]          # default: the layer before
//! output = true               # the firmware can read what this layer writes, too; default false
//! ```
//!
//! A network with several inputs names them. Layers read them by their names, as they read layers; the first
//! layer reads the first one unless it says otherwise. `input` may stand beside them: it is called "image".
//!
//! ```toml
//! [inputs]
//! photo = [32, 32, 3]         # height, width, channels
//! meta = { shape = [1, 1, 5] } # the same, as a table; it may have `normalisation`
//! ```
//!
//! A network that has been trained elsewhere has two keys more before its layers:
//!
//! ```toml
//! weights = "net.safetensors"                                # beside this file; names: see import::initial
//! normalisation = { mean = [124, 116, 104], std = [58, 57, 57] } # (value - mean) / std, pixels 0 to 255
//! ```
//!
//! A `normalisation` is of values as the data have them: of pixels, or of samples in their unit. It has a
//! number for each channel that the layers see, also where a `transpose` has moved the channels.
//!
//! By default the last layer has neither batch norm nor activation, and a layer that a `batch_norm`, a
//! `relu` or another function reads has what those bring.
//!
//! The functions are those of [`functions`](crate::graph::op::functions); as layers they have their
//! parameters as keys: `op = "clip"` with `min = -1` and `max = 1`.

mod activation;
mod inputs;
mod keys;
mod names;
mod trained;
mod write;

use std::path::Path;

use crate::error::{Error, Problem};
use crate::graph::op::{Axis, Constants, Coordinates, FORMS, Form, Interpolation, Values};
use crate::graph::{LayerSpec, OpSpec, Spec};
use crate::import::{Imported, unknown_normalisation};
use crate::toml::{File, Table};
use keys::Keys;
pub use write::write;

const EXAMPLE: &str = "begin each layer with [[layer]], for example with op = \"conv\"";

/// Reads a layer list from a file.
///
/// # Errors
/// If the file cannot be read, and as [`parse`].
pub fn read(path: &Path) -> Result<Imported, Error> {
    let text = std::fs::read_to_string(path).map_err(|error| Problem::io("read", path, &error))?;
    parse_with_weights(path, &text)
}

/// The layers of [`parse_with_weights`].
///
/// # Errors
/// The same.
pub fn parse(path: &Path, text: &str) -> Result<Spec, Error> {
    Ok(parse_with_weights(path, text)?.spec)
}

/// Reads a layer list from a text; `path` is what messages call it, and what the path of the weights begins
/// with.
///
/// # Errors
/// All misspelt keys, missing keys and values that cannot be, each with its line and column. Whether the
/// layers fit together [`Graph::resolve`](crate::graph::Graph::resolve) says.
pub fn parse_with_weights(path: &Path, text: &str) -> Result<Imported, Error> {
    let file = File::parse(path, text)?;
    let (root, mut problems) = (file.root(), Vec::new());
    root.allow_in("a network", &["input", "inputs", "weights", "normalisation", "layer"], &mut problems);
    let inputs = inputs::read(&root, &mut problems);
    let weights = trained::weights(&root, path, &mut problems);
    let layers = layers(&root, &mut problems);
    let spec = inputs.map(|inputs| Spec { inputs, layers: layers.clone() });
    let mut normalisations = Vec::new();
    if let Some(spec) = &spec {
        let entries = inputs::normalisations(&root, &spec.inputs, &mut problems);
        // Whether an input of several is of samples, which need no normalisation, the data say.
        if let (Some(file), [None]) = (&weights, &entries[..]) {
            problems.push(unknown_normalisation(file, &spec.inputs, 0));
        }
        for (entry, image) in entries.iter().zip(spec.images()) {
            let read = |entry| trained::normalisation(entry, Some(image.channels), &mut problems);
            normalisations.push(entry.as_ref().and_then(read));
        }
    } else if let Some(entry) = root.get("normalisation") {
        // Its problems are wanted, too.
        trained::normalisation(&entry, None, &mut problems);
    }
    if !root.contains("weights") {
        problems.extend(layers.iter().filter_map(untrained));
    }
    match spec {
        Some(spec) if problems.is_empty() => Ok(Imported { spec, weights, normalisations }),
        Some(_) | None => Err(Error { problems: in_order(problems) }),
    }
}

/// A problem of a layer whose constants neither training nor a file would give a value.
fn untrained(layer: &LayerSpec) -> Option<Problem> {
    let OpSpec::Constants(Constants { trained: false, .. }) = layer.op else { return None };
    let message =
        "a layer has `trained` = false, but the network has no `weights`: its constants have no values";
    let help = "add weights = \"...\" before the layers, or leave `trained` out";
    let problem = Problem::new(message).help(help);
    Some(Problem { location: layer.location.clone(), ..problem })
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
    let Some(entry) = table.get("op") else {
        let list = FORMS.map(|form| form.name).join(", ");
        let problem = Problem::new("a layer has no `op`").help(format!("add one of {list}"));
        problems.push(problem.at(table.location()));
        return None;
    };
    let at = entry.value_location();
    let name = entry.string(problems)?;
    let Some(form) = FORMS.into_iter().find(|form| form.name == name) else {
        let help = names::help(name, &FORMS.map(|form| form.name));
        let problem = Problem::new(format!("there is no operator \"{}\"", name.escape_debug()));
        problems.push(problem.help(help).at(at));
        return None;
    };
    let article = if name.starts_with(['a', 'e']) { "an" } else { "a" };
    let owner = format!("{article} {name} layer");
    table.allow_in(&owner, &[&keys_of(form), &["op", "name", "inputs", "output"][..]].concat(), problems);
    let parameters = form.parameters.iter().filter(|parameter| parameter.default.is_none());
    let required = form.required.iter().copied().chain(parameters.map(|parameter| parameter.key));
    for required in required.filter(|key| !table.contains(key)) {
        let problem = Problem::new(format!("{owner} needs `{required}`"));
        problems.push(problem.help(format!("add {required} = ... to this layer")).at(at.clone()));
    }
    // Every key is read before anything may be missing: all its problems are wanted at once.
    let mut keys = Keys { table, problems };
    let layer_name = keys.text("name").map(String::from);
    let inputs = keys.texts("inputs");
    let is_output = keys.flag("output").unwrap_or(false);
    let values = values(&mut keys, form);
    let norm = form.follows.norm.then(|| keys.flag("batch_norm")).flatten();
    let activation = form.follows.activation.then(|| keys.activation()).flatten();
    Some(LayerSpec {
        name: layer_name,
        op: (form.read)(&values)?,
        norm,
        activation,
        inputs,
        is_output,
        location: Some(at),
    })
}

/// The keys that an operator has beside `op`, `name`, `inputs` and `output`.
fn keys_of(form: &Form) -> Vec<&'static str> {
    let mut keys = [form.required, form.optional].concat();
    keys.extend(form.parameters.iter().map(|parameter| parameter.key));
    keys.extend(form.follows.norm.then_some("batch_norm"));
    keys.extend(form.follows.activation.then_some("activation"));
    keys
}

/// The values of the keys of an operator.
fn values(keys: &mut Keys<'_, '_>, form: &Form) -> Values {
    let mut values = Values::default();
    for key in form.required.iter().chain(form.optional) {
        match *key {
            "filters" => values.filters = keys.number(key),
            "features" => values.features = keys.number(key),
            "kernel" => values.kernel = keys.pair(key),
            "stride" => values.stride = keys.pair(key),
            "padding" => values.padding = keys.padding(key),
            "first" => values.first = keys.number_from_zero(key),
            "channels" => values.channels = keys.number(key),
            "groups" => values.groups = keys.number(key),
            "multiplier" => values.multiplier = keys.number(key),
            "dilation" => values.dilation = keys.pair(key),
            "factor" => values.factor = keys.factor(key),
            "size" => values.size = keys.pair(key),
            "interpolation" => values.interpolation = keys.choice(key, &Interpolation::CHOICES),
            "coordinates" => values.coordinates = keys.choice(key, &Coordinates::CHOICES),
            "shape" => values.shape = keys.shape(key),
            "order" => values.order = keys.order(key),
            "block" => values.block = keys.number(key),
            "count_padding" => values.count_padding = keys.flag(key),
            "trained" => values.trained = keys.flag(key),
            "axis" => values.axis = keys.choice(key, &Axis::CHOICES),
            other => unreachable!("no key is called {other}"),
        }
    }
    values.parameters = keys.parameters(form);
    values
}
