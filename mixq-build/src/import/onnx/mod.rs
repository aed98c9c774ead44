//! ONNX files.

mod operators;
mod proto;
mod tensors;

use std::path::Path;

use prost::Message;

use super::model::{Array, Attribute, Attributes, Element, Format, Input, Model, Node};
use crate::error::{Error, Problem};
use proto::{AttributeProto, GraphProto, ModelProto, NodeProto, ValueInfo};
use tensors::Tensors;

/// The newest version of ONNX's operators that mixq knows.
const NEWEST_OPSET: i64 = 25;

/// The kinds of attributes, by their numbers in a file.
const FLOAT: i32 = 1;
const INT: i32 = 2;
const STRING: i32 = 3;
const TENSOR: i32 = 4;
const GRAPH: i32 = 5;
const FLOATS: i32 = 6;
const INTS: i32 = 7;

/// Reads a model; `path` is what messages call it, and in its folder lie tensors that it keeps in other
/// files.
///
/// # Errors
/// All that keeps the file from being an ONNX model.
pub fn read(path: &Path, bytes: &[u8]) -> Result<Model, Error> {
    let shown = path.display();
    let damaged = |what: String| {
        Problem::new(format!("{shown} is not a whole ONNX file: {what}"))
            .help("export it again, or copy it again: it may have been cut off")
    };
    let file = ModelProto::decode(bytes).map_err(|error| damaged(error.to_string()))?;
    let Some(graph) = file.graph else { return Err(damaged("it has no graph".to_string()).into()) };
    let version = file.opset_import.iter().find(|set| matches!(set.domain.as_str(), "" | "ai.onnx"));
    if let Some(set) = version.filter(|set| set.version > NEWEST_OPSET) {
        let message = format!("{shown} has operators of version {}, mixq knows those up to", set.version);
        let help = format!("export it with opset_version = {NEWEST_OPSET} or less");
        return Err(Problem::new(format!("{message} {NEWEST_OPSET}")).help(help).into());
    }
    model(path, graph, version.map_or(1, |set| set.version))
}

fn model(path: &Path, graph: GraphProto, version: i64) -> Result<Model, Error> {
    let shown = path.display();
    let mut tensors = Tensors::new(path);
    let mut problems = Vec::new();
    let mut model = Model {
        format: Format::Onnx,
        inputs: Vec::new(),
        outputs: graph.output.iter().map(|output| output.name.clone()).collect(),
        nodes: Vec::new(),
        constants: Default::default(),
        grids: Default::default(),
        files: Default::default(),
    };
    if !graph.sparse_initializer.is_empty() {
        problems.push(Problem::new(format!("{shown} has sparse tensors")).help("export them as dense ones"));
    }
    for tensor in &graph.initializer {
        match tensors.read(tensor) {
            Ok(array) => drop(model.constants.insert(tensor.name.clone(), array)),
            Err(why) => {
                let name = tensor.name.escape_debug();
                problems.push(Problem::new(format!("{shown}: tensor `{name}` {}", why.what)).help(why.help));
                // Nodes that read it are not to be named for that, too.
                model.constants.insert(tensor.name.clone(), Array::floats(vec![0], Vec::new()));
            }
        }
    }
    let given = graph.input.iter().filter(|input| !model.constants.contains_key(&input.name));
    model.inputs = given.map(input).collect();
    for (index, node) in graph.node.iter().enumerate() {
        match self::node(node, index, version, &mut tensors) {
            Ok(node) => operators::write(&mut model, node),
            Err(why) => problems.push(Problem::new(format!("{shown}: {why}")).help("export it again")),
        }
    }
    model.files = tensors.files;
    if problems.is_empty() { Ok(model) } else { Err(Error { problems }) }
}

fn input(value: &ValueInfo) -> Input {
    let tensor = value.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref());
    let shape = tensor.and_then(|tensor| tensor.shape.as_ref());
    let size = |size: Option<i64>| size.and_then(|size| usize::try_from(size).ok()).filter(|size| *size > 0);
    Input {
        name: value.name.clone(),
        dims: shape.map_or(Vec::new(), |shape| shape.dim.iter().map(|dim| size(dim.dim_value)).collect()),
        element: tensor.and_then(|tensor| tensors::element(tensor.elem_type)).unwrap_or(Element::Float),
    }
}

fn node(node: &NodeProto, index: usize, version: i64, tensors: &mut Tensors) -> Result<Node, String> {
    let operator = match node.domain.as_str() {
        "" | "ai.onnx" => node.op_type.clone(),
        domain => format!("{domain}.{}", node.op_type),
    };
    let shown = operator.escape_debug();
    let label = match node.name.as_str() {
        "" => format!("node {index} ({shown})"),
        name => format!("node `{}` ({shown})", name.escape_debug()),
    };
    let mut attributes = Attributes::default();
    for entry in &node.attribute {
        let value = attribute(entry, tensors)
            .map_err(|why| format!("{label} has an attribute `{}` that {why}", entry.name.escape_debug()))?;
        attributes.0.insert(entry.name.clone(), value);
    }
    // Rules that differ by version are asked for by this name.
    attributes.0.insert("opset".to_string(), Attribute::Int(version));
    let name = if node.name.is_empty() { node.output.first() } else { Some(&node.name) };
    Ok(Node {
        operator,
        name: name.cloned().unwrap_or_default(),
        label,
        inputs: node.input.clone(),
        outputs: node.output.clone(),
        attributes,
    })
}

fn attribute(entry: &AttributeProto, tensors: &mut Tensors) -> Result<Attribute, String> {
    // Files of the first versions do not say what an attribute is: the value that is there says it.
    let kind = match entry.kind {
        0 if entry.f.is_some() => FLOAT,
        0 if entry.i.is_some() => INT,
        0 if entry.s.is_some() => STRING,
        0 if entry.t.is_some() => TENSOR,
        0 if entry.g.is_some() => GRAPH,
        0 if !entry.floats.is_empty() => FLOATS,
        0 => INTS,
        kind => kind,
    };
    Ok(match kind {
        FLOAT => Attribute::Float(entry.f.unwrap_or(0.0)),
        INT => Attribute::Int(entry.i.unwrap_or(0)),
        STRING => Attribute::Text(String::from_utf8_lossy(entry.s.as_deref().unwrap_or(b"")).into_owned()),
        TENSOR => {
            let tensor = entry.t.as_ref().ok_or("is a tensor without values")?;
            Attribute::Array(tensors.read(tensor).map_err(|why| why.what)?)
        }
        FLOATS => Attribute::Floats(entry.floats.clone()),
        INTS => Attribute::Ints(entry.ints.clone()),
        _ => Attribute::Other,
    })
}

#[cfg(test)]
mod tests;
