//! The state of a phase in a file, so that a killed training goes on where it was, and a finished one is not
//! done again.
//!
//! A line of JSON says what the state is of and holds its numbers; the values of its tensors follow, 32 bits
//! each, low byte first.

mod wanted;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use hmac_sha256::Hash as Sha256;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind as Element, Tensor};

pub use wanted::Wanted;

use super::device::Machine;
use super::optimiser::Optimiser;
use super::part::is_bound;
use super::state::{Best, Parameters, State};
use crate::error::Problem;
use crate::hex::hexadecimal;
use crate::sealed::{self, Kind};

const PARAMETERS: &str = "parameters/";
const AVERAGE: &str = "average/";
const MOMENTS: [&str; 2] = ["means/", "squares/"];
const OSCILLATIONS: [&str; 4] = ["codes/", "changes/", "turns/", "code-means/"];
const BEST: &str = "best/";

/// Version 1 had neither version nor seal.
const KIND: Kind = Kind { name: "checkpoint", version: 2 };

/// A file for the state of one phase of one training.
pub struct Checkpoint {
    /// The file.
    path: PathBuf,
    /// What the state belongs to.
    origin: Origin,
}

/// What a state belongs to: one phase of one training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Origin {
    /// The file's name without its ending: the phase, and a digest of all that the phase depends on.
    inputs: String,
    /// For fake quantisation, the digest of the float network that it began with.
    float: Option<String>,
}

/// All but the tensors' values.
#[derive(Serialize, Deserialize)]
struct Head {
    origin: Origin,
    threads: u32,
    cpu: String,
    epoch: usize,
    batch: usize,
    loss_sum: f64,
    halvings: u32,
    images: u64,
    seconds: f64,
    steps: i64,
    /// Accuracy and loss.
    best: Option<[f64; 2]>,
    /// Names and shapes, in the order of the values.
    tensors: Vec<(String, Vec<i64>)>,
}

impl Checkpoint {
    /// In this file, which is named by all that the phase depends on; fake quantisation begins with a float
    /// network.
    pub fn new(path: &Path, float: Option<&Parameters>) -> Checkpoint {
        let inputs = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Checkpoint { path: path.to_path_buf(), origin: Origin { inputs, float: float.map(digest) } }
    }

    /// Writes the state, atomically: the file before stays until the new one is whole.
    ///
    /// # Errors
    /// The disk is full, or the file cannot be written.
    pub fn save(&self, state: &State) -> Result<(), Problem> {
        let bytes = self.bytes(state)?;
        sealed::write(&self.path, KIND, &[&bytes])
            .map_err(|error| Problem::io("write the checkpoint", &self.path, &error))
    }

    /// The state that [`Checkpoint::save`] wrote; `None` if there is no file.
    ///
    /// # Errors
    /// Why the file cannot be used, or is of another training; one line that names the file.
    #[cfg(test)]
    pub fn load(&self, wanted: &Wanted<'_>) -> Result<Option<State>, String> {
        self.read()?.map(|kept| self.parse(&kept, wanted)).transpose()
    }

    /// A state as the file has it.
    pub fn bytes(&self, state: &State) -> Result<Vec<u8>, Problem> {
        let (head, values) = contents(&self.origin, state);
        let head = serde_json::to_string(&head);
        let head = head.map_err(|error| Problem::io("write the checkpoint", &self.path, &error.into()))?;
        Ok([head.as_bytes(), b"\n", &values].concat())
    }

    /// What the file has; `None` if there is none.
    ///
    /// # Errors
    /// Why it cannot be read; one line that names the file.
    pub fn read(&self) -> Result<Option<Bytes>, String> {
        sealed::read(&self.path, KIND).map_err(|reason| self.unused(&reason))
    }

    /// The state in what [`Checkpoint::read`] has found.
    ///
    /// # Errors
    /// Why it cannot be used, or is of another training; one line that names the file.
    pub fn parse(&self, kept: &[u8], wanted: &Wanted<'_>) -> Result<State, String> {
        parse(kept, &self.origin, wanted).map_err(|reason| self.unused(&reason))
    }

    fn unused(&self, reason: &str) -> String {
        format!("the checkpoint {} is not used: {reason}", self.path.display())
    }
}

fn contents(origin: &Origin, state: &State) -> (Head, Vec<u8>) {
    let mut named: Vec<(String, &Tensor)> = Vec::new();
    let mut add = |prefix: &str, name: &str, tensor| named.push((format!("{prefix}{name}"), tensor));
    state.parameters.iter().for_each(|(name, tensor)| add(PARAMETERS, name, tensor));
    state.average.iter().flatten().for_each(|(name, tensor)| add(AVERAGE, name, tensor));
    for (name, moments) in &state.optimiser.moments {
        moments.iter().zip(MOMENTS).for_each(|(moment, prefix)| add(prefix, name, moment));
    }
    for (name, oscillations) in &state.oscillations {
        oscillations
            .tensors()
            .into_iter()
            .zip(OSCILLATIONS)
            .for_each(|(tensor, prefix)| add(prefix, name, tensor));
    }
    let best = state.best.as_ref();
    best.iter().flat_map(|best| &best.parameters).for_each(|(name, tensor)| add(BEST, name, tensor));
    let &State { epoch, batch, loss_sum, halvings, images, seconds, .. } = state;
    let Machine { threads, cpu } = state.machine.clone();
    let head = Head {
        origin: origin.clone(),
        threads,
        cpu,
        epoch,
        batch,
        loss_sum,
        halvings,
        images,
        seconds,
        steps: state.optimiser.steps,
        best: best.map(|best| [best.accuracy, best.loss]),
        tensors: named.iter().map(|(name, tensor)| (name.clone(), tensor.size())).collect(),
    };
    let mut values = Vec::new();
    named.iter().for_each(|(_, tensor)| append(tensor, &mut values));
    (head, values)
}

fn parse(kept: &[u8], origin: &Origin, wanted: &Wanted<'_>) -> Result<State, String> {
    let line = kept.iter().position(|byte| *byte == b'\n').ok_or("it has no first line")?;
    let head: Head =
        serde_json::from_slice(&kept[..line]).map_err(|error| format!("its numbers: {error}"))?;
    if head.origin != *origin {
        return Err("it is of another training".to_string());
    }
    if head.epoch > wanted.epochs {
        return Err(format!("it has {} epochs of {}", head.epoch, wanted.epochs));
    }
    let mut groups = tensors(&head.tensors, &kept[line + 1..], wanted.device)?;
    let mut group = |prefix: &str| groups.remove(prefix).unwrap_or_default();
    let (parameters, average, best) = (group(PARAMETERS), group(AVERAGE), group(BEST));
    let (moments, oscillations) = (MOMENTS.map(&mut group), OSCILLATIONS.map(group));
    let finished = head.epoch == wanted.epochs;
    let whole = match finished {
        true => !best.is_empty() && parameters.is_empty() && average.is_empty(),
        false => !parameters.is_empty() && average.is_empty() != wanted.averaged,
    };
    if !whole || best.is_empty() != head.best.is_none() {
        return Err("a part of it is not there".to_string());
    }
    for group in [&parameters, &average, &best].into_iter().filter(|group| !group.is_empty()) {
        wanted.check(group)?;
    }
    let optimiser = Optimiser {
        kind: wanted.optimiser,
        steps: head.steps,
        moments: wanted.moments(moments, &parameters, head.steps)?,
    };
    let oscillations = wanted.oscillations(oscillations, &parameters, head.steps)?;
    let best = head.best.map(|[accuracy, loss]| Best { accuracy, loss, parameters: best });
    Ok(State {
        average: (!average.is_empty()).then_some(average),
        parameters,
        optimiser,
        oscillations,
        epoch: head.epoch,
        batch: head.batch,
        loss_sum: head.loss_sum,
        halvings: head.halvings,
        images: head.images,
        seconds: head.seconds,
        machine: Machine { threads: head.threads.max(1), cpu: head.cpu },
        best,
    })
}

/// The tensors by their groups.
fn tensors(
    named: &[(String, Vec<i64>)],
    mut values: &[u8],
    device: Device,
) -> Result<BTreeMap<&'static str, Parameters>, String> {
    let mut groups: BTreeMap<&str, Parameters> = BTreeMap::new();
    for (name, shape) in named {
        let prefixes = [PARAMETERS, AVERAGE, BEST].into_iter().chain(MOMENTS).chain(OSCILLATIONS);
        let prefix = prefixes.into_iter().find(|prefix| name.starts_with(prefix));
        let prefix = prefix.ok_or_else(|| format!("`{name}` is not one of its tensors"))?;
        let size = shape
            .iter()
            .try_fold(size_of::<f32>(), |bytes, side| bytes.checked_mul(usize::try_from(*side).ok()?));
        let own = size.and_then(|size| values.split_off(..size));
        let own = own.ok_or_else(|| format!("the values of `{name}` are not there"))?;
        let floats: Vec<f32> = own.as_chunks().0.iter().map(|value| f32::from_le_bytes(*value)).collect();
        if floats.iter().any(|value| !value.is_finite()) {
            return Err(format!("values of `{name}` are not numbers"));
        }
        let tensor = Tensor::from_slice(&floats).reshape(shape.as_slice()).to_device(device);
        groups.entry(prefix).or_default().insert(name[prefix.len()..].to_string(), tensor);
    }
    if values.is_empty() { Ok(groups) } else { Err("it has more values than its tensors".to_string()) }
}

/// SHA-256 of all values of a state, and of how good its best epoch is.
pub fn values_digest(state: &State) -> String {
    let mut hasher = Sha256::new();
    let best = state.best.as_ref();
    let groups = [Some(&state.parameters), state.average.as_ref(), best.map(|best| &best.parameters)];
    for tensor in groups.into_iter().flatten().flat_map(Parameters::values) {
        let mut values = Vec::new();
        append(tensor, &mut values);
        hasher.update(values);
    }
    let numbers = best.map(|best| [best.accuracy, best.loss].map(f64::to_le_bytes));
    hasher.update(numbers.as_slice().concat().concat());
    hexadecimal(&hasher.finalize())
}

/// SHA-256 of a network's values, without quantisers' bounds.
fn digest(parameters: &Parameters) -> String {
    let mut hasher = Sha256::new();
    for (name, tensor) in parameters.iter().filter(|(name, _)| !is_bound(name)) {
        hasher.update(format!("{name} {:?}\n", tensor.size()));
        let mut values = Vec::new();
        append(tensor, &mut values);
        hasher.update(values);
    }
    hexadecimal(&hasher.finalize())
}

/// Appends the values of a tensor. The loop is fast without optimisation, too: build scripts have none.
fn append(tensor: &Tensor, bytes: &mut Vec<u8>) {
    let flat = tensor.detach().to_device(Device::Cpu).to_kind(Element::Float).flatten(0, -1);
    let values = Vec::<f32>::try_from(flat).expect("a flat tensor of numbers");
    bytes.reserve(size_of_val(&values[..]));
    for value in values {
        bytes.extend_from_slice(&value.to_le_bytes());
    }
}

#[cfg(test)]
mod tests;
