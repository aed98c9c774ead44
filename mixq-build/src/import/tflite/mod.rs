//! TensorFlow Lite files.
//!
//! A file's operators become nodes of ONNX: images are batch, rows, columns, channels there, so a convolution
//! becomes one between two transpositions, which move nothing. Integers that stand for numbers become those
//! numbers; the range of a quantised tensor is kept by a node `mixq.Range`.

mod dilated;
mod flatbuffer;
mod functions;
mod nodes;
mod products;
mod schema;
mod slices;
mod sparse;
mod windows;

use std::path::Path;

use super::model::{Array, Element, Format, Input, Model};
use crate::error::{Error, Problem};
use flatbuffer::{Damaged, Table};
use nodes::{Operator, Writer};

/// What a file of this format has in bytes 4 to 7.
const MAGIC: &[u8] = b"TFL3";

/// Reads a model; `path` is what messages call it.
///
/// # Errors
/// All that keeps the file from being a TFLite model, and all operators that mixq does not know.
pub fn read(path: &Path, bytes: &[u8]) -> Result<Model, Error> {
    let shown = path.display();
    if bytes.get(4..8) != Some(MAGIC) {
        let help = "a .tflite file has TFL3 in its bytes 4 to 7";
        return Err(Problem::new(format!("{shown} is not a TFLite file")).help(help).into());
    }
    model(path, bytes).map_err(|wrong| match wrong {
        Wrong::Damaged(Damaged { at }) => {
            let help = "export it again, or copy it again: it may have been cut off";
            Problem::new(format!("{shown} is damaged at byte {at}")).help(help).into()
        }
        Wrong::Problems(problems) => Error { problems },
    })
}

enum Wrong {
    Damaged(Damaged),
    Problems(Vec<Problem>),
}

impl From<Damaged> for Wrong {
    fn from(damaged: Damaged) -> Wrong {
        Wrong::Damaged(damaged)
    }
}

fn model(path: &Path, bytes: &[u8]) -> Result<Model, Wrong> {
    let shown = path.display();
    let root = Table::root(bytes)?;
    let graphs = root.tables(2)?;
    let Some(graph) = graphs.first() else {
        let problem = Problem::new(format!("{shown} has no network")).help("export it again");
        return Err(Wrong::Problems(vec![problem]));
    };
    let tensors = schema::tensors(&root, graph)?;
    let mut problems = Vec::new();
    let names = |indices: Vec<i32>| -> Vec<String> {
        let name = |index: i32| tensors.get(index as usize).map_or(String::new(), |it| it.name.clone());
        indices.into_iter().map(name).collect()
    };
    let mut model = Model {
        format: Format::Tflite,
        inputs: Vec::new(),
        outputs: names(graph.ints(2)?),
        nodes: Vec::new(),
        constants: Default::default(),
        grids: Default::default(),
        files: Default::default(),
    };
    for tensor in &tensors {
        match &tensor.values {
            Some(Ok(array)) => {
                let array = match &tensor.grid {
                    Some(grid) => schema::dequantised(array, grid),
                    None => Some(array.clone()),
                };
                let array = array.unwrap_or_else(|| Array::floats(vec![0], Vec::new()));
                model.constants.insert(tensor.name.clone(), array);
            }
            Some(Err(why)) => {
                let name = tensor.name.escape_debug();
                problems
                    .push(Problem::new(format!("{shown}: tensor `{name}` {why}")).help("export it again"));
            }
            None => {}
        }
        if let Some(grid) = &tensor.grid {
            model.grids.insert(tensor.name.clone(), grid.clone());
        }
    }
    for index in graph.ints(1)? {
        let Some(tensor) = tensors.get(index as usize) else { return Err(Damaged { at: 0 }.into()) };
        model.inputs.push(Input {
            name: tensor.name.clone(),
            dims: tensor
                .dims
                .iter()
                .map(|size| usize::try_from(*size).ok().filter(|size| *size > 0))
                .collect(),
            element: tensor.element.unwrap_or(Element::Float),
        });
    }
    let codes = codes(&root)?;
    let mut writer = Writer::new(model);
    let mut operators = Vec::new();
    for (index, table) in graph.tables(3)?.into_iter().enumerate() {
        let code = codes.get(table.int(0, 0)? as usize).cloned().unwrap_or_default();
        operators.push(Operator::read(index, &code, &table, &tensors)?);
    }
    dilated::join(&mut operators);
    for operator in &operators {
        writer.write(operator)?;
    }
    if problems.is_empty() { Ok(writer.model) } else { Err(Wrong::Problems(problems)) }
}

/// The names of the operators that a file uses.
fn codes(root: &Table) -> Result<Vec<String>, Damaged> {
    let name = |code: Table| -> Result<String, Damaged> {
        // The first field ends at 127; newer numbers stand in the last one.
        let number = i32::from(code.byte(0, 0)?).max(code.int(3, 0)?);
        let known = usize::try_from(number).ok().and_then(|number| schema::NAMES.get(number));
        Ok(match known {
            Some(&"CUSTOM") => format!("custom.{}", code.text(1)?),
            Some(name) => (*name).to_string(),
            None => format!("operator {number}"),
        })
    };
    root.tables(1)?.into_iter().map(name).collect()
}

#[cfg(test)]
mod tests;
