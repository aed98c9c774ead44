//! The state of a training in a file, so that a killed one goes on where it was.

use std::collections::BTreeMap;
use std::path::Path;

use tch::{Kind, Tensor};

use super::adam::Adam;
use super::phase::{Best, State};
use crate::error::Problem;

const PARAMETERS: &str = "parameters/";
const AVERAGE: &str = "average/";
const MEANS: &str = "means/";
const SQUARES: &str = "squares/";
const BEST: &str = "best/";
const FLOAT: &str = "float/";
const NUMBERS: &str = "numbers";

/// Writes the state, atomically: the file before stays until the new one is whole.
///
/// # Errors
/// The disk is full, or the file cannot be written.
pub fn save(path: &Path, state: &State) -> Result<(), Problem> {
    let mut named: Vec<(String, Tensor)> = Vec::new();
    let mut add = |prefix: &str, name: &str, tensor: &Tensor| {
        named.push((format!("{prefix}{name}"), tensor.detach().copy()));
    };
    state.parameters.iter().for_each(|(name, tensor)| add(PARAMETERS, name, tensor));
    state.average.iter().for_each(|(name, tensor)| add(AVERAGE, name, tensor));
    for (name, (mean, square)) in &state.adam.moments {
        add(MEANS, name, mean);
        add(SQUARES, name, square);
    }
    let best = state.best.as_ref();
    best.iter().flat_map(|best| &best.parameters).for_each(|(name, tensor)| add(BEST, name, tensor));
    state.float.iter().flatten().for_each(|(name, tensor)| add(FLOAT, name, tensor));
    let numbers = [
        state.epoch as f64,
        state.adam.steps as f64,
        f64::from(u8::from(state.float.is_some())),
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

/// The state that [`save`] wrote; `None` if there is none that can be read (training then starts over).
pub fn load(path: &Path) -> Option<State> {
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
        let prefix =
            [PARAMETERS, AVERAGE, MEANS, SQUARES, BEST, FLOAT].into_iter().find(|p| name.starts_with(p))?;
        groups.entry(prefix).or_default().insert(name[prefix.len()..].to_string(), tensor);
    }
    let [epoch, steps, quantised, accuracy, loss] = numbers?.try_into().ok()?;
    let mut group = |prefix| groups.remove(prefix).unwrap_or_default();
    let (mut means, squares) = (group(MEANS), group(SQUARES));
    let moments =
        squares.into_iter().map(|(name, square)| Some((name.clone(), (means.remove(&name)?, square))));
    let adam = Adam { steps: steps as i64, moments: moments.collect::<Option<_>>()? };
    let best = group(BEST);
    Some(State {
        parameters: group(PARAMETERS),
        average: group(AVERAGE),
        adam,
        epoch: epoch as usize,
        best: (!best.is_empty()).then_some(Best { accuracy, loss, parameters: best }),
        float: (quantised == 1.0).then(|| group(FLOAT)),
    })
}
