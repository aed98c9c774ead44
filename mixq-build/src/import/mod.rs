//! Networks from where people write or keep them: one module for each form, one door for all.
//!
//! | form | module |
//! | --- | --- |
//! | a layer list in TOML, with trained weights beside it or without | [`layers`] |
//! | a network that comes with mixq | [`builtin`] |
//! | a file of another tool: ONNX, TensorFlow Lite | `foreign` |

pub mod builtin;
#[cfg(feature = "import")]
pub mod floats;
#[cfg(feature = "import")]
pub mod foreign;
mod initial;
pub mod layers;
#[cfg(feature = "import")]
pub mod lower;
#[cfg(feature = "import")]
pub mod model;
mod normalisation;
#[cfg(feature = "import")]
pub mod onnx;
mod source;
#[cfg(all(test, feature = "import"))]
mod testing;
#[cfg(feature = "import")]
pub mod tflite;
pub mod weights;

use initial::unknown_normalisation;
pub use initial::{After, Initial, LayerWeights, initial};
pub use normalisation::{InputNormalisation, Reads};
pub use source::{BUILTIN_NAMES, Builtin, NetworkSource};

use std::path::{Path, PathBuf};

use mixq_format::SampleChannel;

use crate::error::{Error, Location, Problem};
use crate::graph::{Graph, Spec};
use crate::task::Task;
#[cfg(feature = "import")]
use lower::Reading;

/// What a source says of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// Its layers, before names and shapes.
    pub spec: Spec,
    /// The file of its trained weights, if it has been trained.
    pub weights: Option<WeightsFile>,
    /// By input: how its values become the numbers that layers were trained on; `None`: training finds it.
    pub normalisations: Vec<Option<InputNormalisation>>,
}

impl Imported {
    /// How codes of each input become the numbers that layers were trained on, for data whose codes stand for
    /// samples like these, or for pixels where there are none; `None`: training finds it.
    ///
    /// # Errors
    /// It was trained elsewhere on pixels, and says not how they were changed.
    pub fn normalisations_of(
        &self,
        samples: &[Vec<SampleChannel>],
    ) -> Result<Vec<Option<InputNormalisation>>, Error> {
        let (mut found, mut problems) = (Vec::new(), Vec::new());
        for (input, (image, samples)) in self.spec.images().into_iter().zip(samples).enumerate() {
            found.push(match (self.normalisations.get(input).cloned().flatten(), &self.weights) {
                (Some(own), _) => Some(own.of_codes(samples)),
                (None, None) => None,
                // Samples are what they are; pixels are changed by everyone.
                (None, Some(_)) if !samples.is_empty() => {
                    let none = InputNormalisation::none(image.channels);
                    Some(InputNormalisation { reads: Reads::Values, ..none }.of_codes(samples))
                }
                (None, Some(file)) => {
                    problems.push(unknown_normalisation(file, &self.spec.inputs, input));
                    None
                }
            });
        }
        if problems.is_empty() { Ok(found) } else { Err(Error { problems }) }
    }
}

/// The file of a network's weights.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightsFile {
    /// Its path.
    pub path: PathBuf,
    /// The key that names it.
    pub location: Location,
    /// What a file of another tool is read for; `None`: that is not known, or it is not such a file.
    pub task: Option<Task>,
}

/// Reads a network, whatever it is for. The file of its weights is not opened.
///
/// # Errors
/// What is wrong with the file or the options; of a built-in network without a place.
pub fn read(source: &NetworkSource) -> Result<Imported, Error> {
    read_for(source, None)
}

/// Reads a network for a task: where values are answered, functions at the end of a file of another tool are
/// layers. The file of its weights is not opened.
///
/// # Errors
/// As [`read`]; and what keeps a file of another tool from having that task.
pub fn read_for(source: &NetworkSource, task: Option<Task>) -> Result<Imported, Error> {
    match source {
        NetworkSource::File(path) if is_foreign(path) => read_foreign(path, task),
        NetworkSource::File(path) => layers::read(path),
        NetworkSource::Builtin(chosen) => {
            let spec = builtin::spec(&chosen.name, &chosen.options())?;
            let normalisations = vec![None; spec.inputs.len()];
            Ok(Imported { spec, weights: None, normalisations })
        }
    }
}

/// Reads a network whose integers are taken over as they are, for a task.
///
/// # Errors
/// What is wrong with the file, or keeps its integers from being taken over.
pub fn read_as_it_is(path: &Path, task: Task) -> Result<Imported, Error> {
    if !is_foreign(path) {
        return read(&NetworkSource::File(path.to_path_buf()));
    }
    #[cfg(feature = "import")]
    return Ok(foreign::read_as(path, Reading { task: Some(task), ..Reading::AS_IT_IS })?.imported());
    #[cfg(not(feature = "import"))]
    read_foreign(path, Some(task))
}

/// The tasks that a network may have, the most usual first: a file does not say which it is.
const TASKS: [Task; 5] =
    [Task::Classification, Task::MultiLabel, Task::Regression, Task::Dense, Task::Reconstruction];

/// The layers with shapes, for the first task that they fit.
///
/// # Errors
/// They fit no task: what is wrong for the most usual one.
pub fn resolve(spec: &Spec) -> Result<(Task, Graph), Error> {
    let mut first = None;
    for task in TASKS {
        match Graph::resolve_for(spec, task) {
            Ok(graph) => return Ok((task, graph)),
            Err(error) => first = first.or(Some(error)),
        }
    }
    Err(first.unwrap_or_else(|| Problem::new("the network has no layers").into()))
}

/// Whether a file of this name is a network of another tool.
pub fn is_foreign(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    FOREIGN.iter().any(|foreign| foreign.eq_ignore_ascii_case(extension))
}

/// What the names of files of other tools end in.
pub const FOREIGN: [&str; 2] = ["onnx", "tflite"];

#[cfg(feature = "import")]
fn read_foreign(path: &Path, task: Option<Task>) -> Result<Imported, Error> {
    Ok(foreign::read_as(path, Reading { task, ..Reading::NUMBERS })?.imported())
}

#[cfg(not(feature = "import"))]
fn read_foreign(path: &Path, _task: Option<Task>) -> Result<Imported, Error> {
    let message = format!("{} is a network of another tool", path.display());
    let help = "in [build-dependencies] write mixq-build = { version = \"...\", features = [\"import\"] }";
    Err(Problem::new(message).help(help).into())
}

/// A file with the files that it keeps weights in.
#[cfg(feature = "import")]
fn foreign_files(path: &Path) -> Vec<PathBuf> {
    let own = vec![path.to_path_buf()];
    foreign::files(path).unwrap_or(own)
}

#[cfg(not(feature = "import"))]
fn foreign_files(path: &Path) -> Vec<PathBuf> {
    vec![path.to_path_buf()]
}

/// The files that a network is read from: its own and that of its weights, whether they are there or not.
pub fn files(source: &NetworkSource) -> Vec<PathBuf> {
    match source {
        NetworkSource::File(path) if is_foreign(path) => foreign_files(path),
        NetworkSource::File(path) => {
            let weights = layers::read(path).ok().and_then(|imported| imported.weights);
            std::iter::once(path.clone()).chain(weights.map(|weights| weights.path)).collect()
        }
        NetworkSource::Builtin(_) => Vec::new(),
    }
}
