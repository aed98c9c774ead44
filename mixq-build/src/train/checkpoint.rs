//! The state of a phase in a file, so that a killed training goes on where it was, and a finished one is not done again.

use std::collections::BTreeMap;
use std::path::Path;

use tch::{Device, Kind, Tensor};

use super::optimiser::Optimiser;
use super::state::{Best, State};
use crate::config::OptimiserKind;
use crate::error::Problem;

const PARAMETERS: &str = "parameters/";
const AVERAGE: &str = "average/";
const MOMENTS: [&str; 2] = ["means/", "squares/"];
const BEST: &str = "best/";
const NUMBERS: &str = "numbers";

/// Writes the state, atomically: the file before stays until the new one is whole.
///
/// # Errors
/// The disk is full, or the file cannot be written.
pub fn save(path: &Path, state: &State) -> Result<(), Problem> {
    let mut named: Vec<(String, Tensor)> = Vec::new();
    let mut add = |prefix: &str, name: &str, tensor: &Tensor| {
        let tensor = tensor.detach().to_device(Device::Cpu).contiguous().copy();
        named.push((format!("{prefix}{name}"), tensor));
    };
    state.parameters.iter().for_each(|(name, tensor)| add(PARAMETERS, name, tensor));
    state.average.iter().flatten().for_each(|(name, tensor)| add(AVERAGE, name, tensor));
    for (name, moments) in &state.optimiser.moments {
        moments.iter().zip(MOMENTS).for_each(|(moment, prefix)| add(prefix, name, moment));
    }
    let best = state.best.as_ref();
    best.iter().flat_map(|best| &best.parameters).for_each(|(name, tensor)| add(BEST, name, tensor));
    let numbers = [
        state.epoch as f64,
        state.batch as f64,
        state.loss_sum,
        f64::from(state.halvings),
        state.images as f64,
        state.seconds,
        state.optimiser.steps as f64,
        best.map_or(f64::NAN, |best| best.accuracy),
        best.map_or(f64::NAN, |best| best.loss),
    ];
    add("", NUMBERS, &Tensor::from_slice(&numbers));

    let failed = |error: &std::io::Error| Problem::io("write the checkpoint", path, error);
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|e| failed(&e))?;
    let file = tempfile::NamedTempFile::new_in(folder).map_err(|e| failed(&e))?;
    Tensor::write_safetensors(&named, file.path()).map_err(|e| failed(&io_error(e)))?;
    file.persist(path).map_err(|e| failed(&e.error))?;
    Ok(())
}

fn io_error(error: tch::TchError) -> std::io::Error {
    match error {
        tch::TchError::Io(error) => error,
        // libtorch appends its call stack, which helps nobody.
        other => std::io::Error::other(other.to_string().lines().next().unwrap_or_default().to_string()),
    }
}

/// The state that [`save`] wrote, of a training with this optimiser; `None` if there is none that can be read (training then
/// starts over).
pub fn load(path: &Path, kind: OptimiserKind, device: Device) -> Option<State> {
    if !path.exists() {
        return None;
    }
    let named = Tensor::read_safetensors(path).ok()?;
    let mut groups: BTreeMap<&str, BTreeMap<String, Tensor>> = BTreeMap::new();
    let mut numbers = None;
    for (name, tensor) in named {
        if name == NUMBERS {
            numbers = Vec::<f64>::try_from(tensor.to_kind(Kind::Double)).ok();
            continue;
        }
        let prefixes = [PARAMETERS, AVERAGE, MOMENTS[0], MOMENTS[1], BEST];
        let prefix = prefixes.into_iter().find(|prefix| name.starts_with(prefix))?;
        groups.entry(prefix).or_default().insert(name[prefix.len()..].to_string(), tensor.to_device(device));
    }
    let numbers: [f64; 9] = numbers?.try_into().ok()?;
    let [epoch, batch, loss_sum, halvings, images, seconds, steps, accuracy, loss] = numbers;
    let mut group = |prefix: &str| groups.remove(prefix).unwrap_or_default();
    let mut optimiser = Optimiser::new(kind);
    optimiser.steps = steps as i64;
    for prefix in &MOMENTS[..Optimiser::moments_of(kind)] {
        for (name, moment) in group(prefix) {
            optimiser.moments.entry(name).or_default().push(moment);
        }
    }
    let whole = |moments: &Vec<Tensor>| moments.len() == Optimiser::moments_of(kind);
    if !optimiser.moments.values().all(whole) {
        return None;
    }
    let (average, best) = (group(AVERAGE), group(BEST));
    Some(State {
        parameters: group(PARAMETERS),
        average: (!average.is_empty()).then_some(average),
        optimiser,
        epoch: epoch as usize,
        batch: batch as usize,
        loss_sum,
        halvings: halvings as u32,
        images: images as u64,
        seconds,
        best: (!best.is_empty()).then_some(Best { accuracy, loss, parameters: best }),
    })
}
