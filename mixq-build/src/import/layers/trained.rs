//! The keys of a network that has been trained elsewhere.

use std::path::Path;

use crate::error::Problem;
use crate::folders;
use crate::import::{InputNormalisation, Reads, WeightsFile, is_foreign};
use crate::toml::{Entry, Table};

/// `weights = "net.safetensors"`, a path from the folder of the layer list, or one that begins with
/// `$MIXQ_DATA/`. A network of another tool has weights, too.
pub(super) fn weights(root: &Table<'_>, list: &Path, problems: &mut Vec<Problem>) -> Option<WeightsFile> {
    let entry = root.get("weights")?;
    let path = entry.string(problems)?;
    let extension = Path::new(path).extension();
    if extension.is_none_or(|extension| extension != "safetensors") && !is_foreign(Path::new(path)) {
        let help = "write them with safetensors.torch.save_file(model.state_dict(), \"net.safetensors\")";
        problems.push(
            entry
                .problem(format!("is {path:?}, it must be a .safetensors file, or .onnx or .tflite"))
                .help(help),
        );
        return None;
    }
    let folder = list.parent().unwrap_or(Path::new(""));
    let path = match folders::shared(path) {
        Some(rest) => folders::resolve(rest, &folders::data_folders()),
        None => folder.join(path),
    };
    Some(WeightsFile { path, location: entry.value_location(), task: None })
}

/// `normalisation = { mean = ..., std = ... }`: a number for all channels or a list of one for each.
pub(super) fn normalisation(
    entry: &Entry<'_>,
    channels: Option<usize>,
    problems: &mut Vec<Problem>,
) -> Option<InputNormalisation> {
    let table = entry.table(problems)?;
    table.allow(&["mean", "std"], problems);
    let mut read = |key: &str, valid: fn(f64) -> bool, wanted: &str| {
        let Some(entry) = table.get(key) else {
            let help = "the network reads (value - mean) / std, values of pixels are 0 to 255";
            problems.push(entry.problem(format!("has no `{key}`")).help(help));
            return None;
        };
        let values = numbers(&entry).filter(|values| values.iter().all(|value| valid(*value)));
        let channels = channels.unwrap_or(values.as_ref().map_or(1, Vec::len));
        match values {
            Some(values) if values.len() == 1 => Some(vec![values[0]; channels]),
            Some(values) if values.len() == channels => Some(values),
            Some(values) => {
                let found = values.len();
                problems
                    .push(entry.problem(format!("has {found} values, the input has {channels} channels")));
                None
            }
            None => {
                problems.push(entry.wrong_value(wanted));
                None
            }
        }
    };
    let mean = read("mean", f64::is_finite, "a number, or a list of one for each channel");
    let positive = |value: f64| value.is_finite() && value > 0.0;
    let std = read("std", positive, "a number over 0, or a list of one for each channel");
    Some(InputNormalisation { mean: mean?, std: std?, reads: Reads::Values })
}

fn numbers(entry: &Entry<'_>) -> Option<Vec<f64>> {
    let numbers = entry.as_number().map(|number| vec![number]).or_else(|| entry.as_numbers());
    numbers.filter(|numbers| !numbers.is_empty())
}
