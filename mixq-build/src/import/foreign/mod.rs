//! Networks of other tools: a file, as layers with weights.

mod execute;
mod write;

use std::path::{Path, PathBuf};

use hmac_sha256::Hash as Sha256;

use crate::error::{Error, Location, Problem};
use crate::graph::Graph;
use crate::hex::hexadecimal;
use crate::import::lower::{Lowered, Reading, Unsupported, lower};
use crate::import::model::{Element, Format, Input, Model};
use crate::import::weights::Tensors;
use crate::import::{
    Imported, Initial, InputNormalisation, Reads, WeightsFile, initial, onnx, resolve, tflite,
};
use crate::task::Task;

/// A network of another tool.
#[derive(Clone, Debug)]
pub struct Foreign {
    /// The format of its file.
    pub format: Format,
    /// Its layers, and their weights.
    pub lowered: Lowered,
    /// The layers with shapes.
    pub graph: Graph,
    /// The task that it was resolved for: the first that it may have.
    pub task: Task,
    /// Its inputs, in the order of the file.
    pub inputs: Vec<FileInput>,
    /// Their weights, for the numbers that the file's network reads.
    pub initial: Initial,
    /// Whether the file says how numbers become integers.
    pub is_quantised: bool,
    /// Its file.
    pub path: PathBuf,
}

/// An input of a network of another tool.
#[derive(Clone, Debug)]
pub struct FileInput {
    /// Its name in the file.
    pub name: String,
    /// Whether it has integers, not floats.
    pub reads_integers: bool,
    /// How values that firmware has become what the first layer reads; `None`: the file does not say it.
    pub normalisation: Option<InputNormalisation>,
}

/// Why a file does not become layers.
#[derive(Clone, Debug)]
pub enum Refused {
    /// It cannot be read, it is damaged, or its layers do not fit together.
    Wrong(Error),
    /// It has operators that mixq has no layers for: all of them.
    Unsupported(PathBuf, Vec<Unsupported>),
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Error {
        match refused {
            Refused::Wrong(error) => error,
            Refused::Unsupported(path, found) => {
                let shown = path.display();
                let problem = |it: Unsupported| Problem::new(format!("{shown}: {}", it.what)).help(it.help);
                Error { problems: found.into_iter().map(problem).collect() }
            }
        }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Refused {
        Refused::Wrong(error)
    }
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
pub fn read(path: &Path) -> Result<Foreign, Refused> {
    read_as(path, Reading::NUMBERS)
}

/// Reads a file for a task, and keeps its integers if they are taken as they are.
///
/// # Errors
/// As [`read`]. What keeps integers from being taken as they are is in it, too.
pub fn read_as(path: &Path, reading: Reading) -> Result<Foreign, Refused> {
    parse_as(path, &bytes(path)?, reading)
}

/// The files that a network is read from: its own, and those beside it that its weights lie in.
///
/// # Errors
/// The file cannot be read, or is damaged.
pub fn files(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let model = model(path, &bytes(path)?)?;
    Ok(std::iter::once(path.to_path_buf()).chain(model.files).collect())
}

/// SHA-256 of a network's files.
///
/// # Errors
/// A file cannot be read, or is damaged.
pub fn digest(path: &Path) -> Result<String, Error> {
    let mut digest = Sha256::new();
    for file in files(path)? {
        digest.update(bytes(&file)?);
    }
    Ok(hexadecimal(&digest.finalize()))
}

/// The weights of a network that is read for a task, and the digest of its files.
///
/// # Errors
/// As [`read`].
pub fn tensors(path: &Path, task: Option<Task>) -> Result<(Tensors, String), Error> {
    let reading = Reading { task, ..Reading::NUMBERS };
    Ok((read_as(path, reading)?.lowered.tensors, digest(path)?))
}

fn bytes(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|error| Problem::io("read", path, &error).into())
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
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Foreign, Refused> {
    parse_as(path, bytes, Reading::NUMBERS)
}

/// The same for a task, and keeps integers if they are taken as they are.
///
/// # Errors
/// As [`read_as`].
pub fn parse_as(path: &Path, bytes: &[u8], reading: Reading) -> Result<Foreign, Refused> {
    let model = model(path, bytes)?;
    let lowered = lower(&model, reading).map_err(|found| Refused::Unsupported(path.to_path_buf(), found))?;
    let (task, graph) = match reading.task {
        Some(task) => (task, Graph::resolve_for(&lowered.spec, task)?),
        None => resolve(&lowered.spec)?,
    };
    let none = |channels: usize| Some(InputNormalisation::none(channels));
    let imported = Imported {
        spec: lowered.spec.clone(),
        weights: None,
        normalisations: graph.inputs.iter().map(|input| none(input.shape.channels)).collect(),
    };
    let initial = initial(&imported, &graph, &weights_file(path, reading.task), &lowered.tensors)?;
    let inputs = model.read_inputs().into_iter().enumerate().map(|(index, input)| {
        Ok(FileInput {
            name: input.name.clone(),
            reads_integers: input.element != Element::Float,
            normalisation: normalisation(&model, input, &lowered, index)?,
        })
    });
    Ok(Foreign {
        format: model.format,
        inputs: inputs.collect::<Result<_, Error>>()?,
        is_quantised: model.is_quantised(),
        lowered,
        graph,
        task,
        initial,
        path: path.to_path_buf(),
    })
}

/// Messages about tensors name the file as a whole.
fn weights_file(path: &Path, task: Option<Task>) -> WeightsFile {
    let location = Location { path: path.to_path_buf(), source: "".into(), span: 0..0 };
    WeightsFile { path: path.to_path_buf(), location, task }
}

/// What the file says of an input. Layers that change the input alone are in its scaling.
fn normalisation(
    model: &Model,
    input: &Input,
    lowered: &Lowered,
    index: usize,
) -> Result<Option<InputNormalisation>, Error> {
    let scaling = &lowered.scalings[index];
    let first = match input.element {
        Element::Signed(8) => -128,
        Element::Float | Element::Signed(_) | Element::Unsigned(_) | Element::Bool => 0,
    };
    let reads = if model.grids.contains_key(&input.name) { Reads::Integers { first } } else { Reads::Values };
    let channels = lowered.spec.inputs[index].shape.channels;
    if scaling.is_empty() {
        let whole = InputNormalisation { reads, ..InputNormalisation::none(channels) };
        return Ok((input.element != Element::Float).then_some(whole));
    }
    if let Some(wrong) = scaling.iter().find(|scaling| scaling.factor <= 0.0) {
        let message =
            format!("the network multiplies input `{}` by {}", input.name.escape_debug(), wrong.factor);
        return Err(Problem::new(message).help("a factor on the input must be over 0").into());
    }
    let (mean, std) = scaling.iter().map(|it| (-it.summand / it.factor, 1.0 / it.factor)).unzip();
    Ok(Some(InputNormalisation { mean, std, reads }))
}

impl Foreign {
    /// The network with its weights, as one that is declared.
    pub fn imported(self) -> Imported {
        Imported {
            weights: Some(weights_file(&self.path, Some(self.task))),
            normalisations: self.inputs.into_iter().map(|input| input.normalisation).collect(),
            spec: self.lowered.spec,
        }
    }

    /// Whether its first input has integers, not floats.
    pub fn reads_integers(&self) -> bool {
        self.inputs.first().is_some_and(|input| input.reads_integers)
    }

    /// The number of trained parameters.
    pub fn parameters(&self) -> u64 {
        (0..self.graph.nodes.len()).map(|node| self.graph.parameters(node) as u64).sum()
    }

    /// Multiply-accumulates for one input.
    pub fn macs(&self) -> u64 {
        (0..self.graph.nodes.len()).map(|node| self.graph.macs(node)).sum()
    }
}
