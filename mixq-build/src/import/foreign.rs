//! Networks of other tools: a file, as layers with weights.

use std::path::Path;

use super::lower::{Lowered, Placed, lower};
use super::model::{Array, Format, Grid, Model};
use super::{Imported, Initial, InputNormalisation, WeightsFile, initial, onnx, tflite};
use crate::error::{Error, Location, Problem};
use crate::graph::Graph;
use crate::task::Task;

/// The tasks that a network may have, the most usual first: a file does not say which it is.
const TASKS: [Task; 5] =
    [Task::Classification, Task::MultiLabel, Task::Regression, Task::Dense, Task::Reconstruction];

/// A network of another tool.
#[derive(Clone, Debug)]
pub struct Foreign {
    /// The format of its file.
    pub format: Format,
    /// Its layers, and their weights.
    pub lowered: Lowered,
    /// The layers with shapes.
    pub graph: Graph,
    /// Their weights, for the numbers that the file's network reads.
    pub initial: Initial,
}

/// The format of a file: what its name ends in; `None` if that is neither `.onnx` nor `.tflite`.
pub fn format(path: &Path) -> Option<Format> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    [Format::Onnx, Format::Tflite].into_iter().find(|format| format.name() == extension)
}

/// Reads a file.
///
/// # Errors
/// The file cannot be read, is damaged, or has something that mixq has no layers for: all of it.
pub fn read(path: &Path) -> Result<Foreign, Error> {
    let bytes = std::fs::read(path).map_err(|error| Problem::io("read", path, &error))?;
    parse(path, &bytes)
}

/// The model of a file with this content; `path` is what messages call it.
///
/// # Errors
/// As [`read`].
pub fn model(path: &Path, bytes: &[u8]) -> Result<Model, Error> {
    match format(path) {
        Some(Format::Onnx) => onnx::read(path, bytes),
        Some(Format::Tflite) => tflite::read(path, bytes),
        None => {
            let message = format!("{} is not a network that mixq reads", path.display());
            Err(Problem::new(message).help("it reads .onnx and .tflite files").into())
        }
    }
}

/// Reads the content of a file; `path` is what messages call it.
///
/// # Errors
/// As [`read`].
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Foreign, Error> {
    let model = model(path, bytes)?;
    let lowered = lower(&model).map_err(|unsupported| {
        let shown = path.display();
        let problem =
            |what: super::lower::Unsupported| Problem::new(format!("{shown}: {}", what.what)).help(what.help);
        Error { problems: unsupported.into_iter().map(problem).collect() }
    })?;
    let graphs = TASKS.map(|task| Graph::resolve_for(&lowered.spec, task));
    let mut first = None;
    let mut found = None;
    for graph in graphs {
        match graph {
            Ok(graph) => found = found.or(Some(graph)),
            Err(error) => first = first.or(Some(error)),
        }
    }
    let Some(graph) = found else {
        return Err(first.unwrap_or_else(|| Problem::new("the network has no layers").into()));
    };
    let imported = Imported {
        spec: lowered.spec.clone(),
        weights: None,
        normalisation: Some(InputNormalisation::none(lowered.spec.input.channels)),
    };
    // Messages about tensors name the file as it is.
    let location = Location { path: path.to_path_buf(), source: "".into(), span: 0..0 };
    let file = WeightsFile { path: path.to_path_buf(), location };
    let initial = initial(&imported, &graph, &file, &lowered.tensors)?;
    Ok(Foreign { format: model.format, lowered, graph, initial })
}

impl Foreign {
    /// What the network answers in floats: the numbers of each output, and their grid if the file quantises
    /// them. `input` is in the order of the file, too. `None` if the end of the network, which is left to the
    /// firmware, computes something that is not known here.
    pub fn execute(&self, input: &[f32]) -> Option<Vec<(Array, Option<Grid>)>> {
        let Lowered { input: placed, outputs, scaling, spec, tail, .. } = &self.lowered;
        let mut image = vec![0.0; spec.input.elements()];
        for (place, value) in placed.places.iter().zip(input) {
            image[*place] = match scaling.get(place % spec.input.channels) {
                Some(own) => (f64::from(*value) * own.factor + own.summand) as f32,
                None => *value,
            };
        }
        let values = crate::floats::execute(&self.graph, &self.initial, &image);
        let last = values.last().map(Vec::as_slice).unwrap_or(&[]);
        let numbers = outputs.iter().map(|output| {
            let own = self.graph.outputs.iter().find(|own| own.name == output.layer);
            let written = own.map_or(last, |own| values[own.node].as_slice());
            let Placed { dims, places } = &output.placed;
            let ordered = places.iter().map(|place| written[*place]).collect();
            (output.name.clone(), Array::floats(dims.clone(), ordered))
        });
        let answers = tail.answers(numbers.collect())?;
        Some(answers.into_iter().zip(tail.outputs.iter().map(|(_, grid)| grid.clone())).collect())
    }
}
