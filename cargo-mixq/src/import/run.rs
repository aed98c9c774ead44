//! `--run`: what the network answers, beside what another engine answered.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::problem;
use mixq_build::engine::as_imported::Integers;
use mixq_build::engine::dataset;
use mixq_build::engine::error::Error;
use mixq_build::engine::import::foreign::Foreign;
use mixq_build::engine::import::model::Grid;

/// What was compared.
pub struct Compared {
    /// The number of samples that were executed.
    samples: usize,
    /// The largest difference from an output in the file: of floats relative to the range of the first one,
    /// of
    /// quantised ones in codes. `None`: there are no outputs.
    difference: Option<f64>,
    /// Whether that is in codes.
    in_codes: bool,
    /// The share of the samples whose largest element of the first output is the same.
    same_argmax: Option<f64>,
}

/// An output of the file, for all samples.
struct Wanted {
    values: Vec<f64>,
    /// The number of elements for each sample.
    each: usize,
}

/// Executes the network on all samples of a file, in integers if they are given.
pub fn run(foreign: &Foreign, integers: Option<&Integers>, path: &Path) -> Result<Compared, Error> {
    let mut arrays = dataset::npz_numbers(path)?;
    let inputs = inputs(foreign, &mut arrays, path)?;
    let samples = inputs[0].1.len() / inputs[0].0;
    let mut wanted = Vec::new();
    while let Some(values) = arrays.remove(&format!("out{}", wanted.len())) {
        if !values.len().is_multiple_of(samples) {
            let wrong = format!("`out{}` has {} values for {samples} inputs", wanted.len(), values.len());
            return Err(problem(path, &wrong, "give an output for each input").into());
        }
        let each = values.len() / samples;
        wanted.push(Wanted { values, each });
    }
    let answers = foreign.answers().len();
    if wanted.len() > answers {
        let wrong = format!("it has {} outputs, and the network {answers}", wanted.len());
        return Err(problem(path, &wrong, "take arrays of this very network").into());
    }
    let mut found: Vec<Vec<f64>> = vec![Vec::new(); wanted.len()];
    let mut grids: Vec<Option<Grid>> = vec![None; wanted.len()];
    let bar = progress(samples);
    for sample in 0..samples {
        let own = inputs.iter().flat_map(|(each, values)| &values[sample * each..][..*each]);
        let input: Vec<f32> = own.map(|value| *value as f32).collect();
        let answers = integers.map_or_else(|| foreign.execute(&input), |integers| integers.execute(&input));
        let Some(answers) = answers else {
            let left = foreign.lowered.tail.operators().join(", ");
            let wrong = format!("the end of the network ({left}) has operators that are not executed here");
            return Err(problem(path, &wrong, "cut the model before them").into());
        };
        for (place, (array, grid)) in answers.into_iter().take(wanted.len()).enumerate() {
            let values = array.to_floats();
            if values.len() != wanted[place].each {
                let wrong = format!("`out{place}` has {} values, not {}", wanted[place].each, values.len());
                return Err(problem(path, &wrong, "take arrays of this very network").into());
            }
            found[place].extend(values.into_iter().map(|value| code(f64::from(value), grid.as_ref())));
            grids[place] = grid;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let in_codes = grids.first().is_some_and(Option::is_some);
    let first = wanted.first().map_or(1.0, |wanted| range(&wanted.values));
    let differences = found.iter().zip(&wanted).zip(&grids);
    let differences = differences.map(|((found, wanted), grid)| {
        let scale = if grid.is_some() { 1.0 } else { first };
        let pairs = found.iter().zip(&wanted.values);
        // NaN is no agreement.
        pairs
            .map(|(a, b)| (a - b).abs() / scale)
            .fold(0.0, |most: f64, it| if it <= most { most } else { it })
    });
    let same_argmax = found.first().zip(wanted.first()).map(|(found, wanted)| {
        let pairs = found.chunks(wanted.each).zip(wanted.values.chunks(wanted.each));
        pairs.filter(|(found, wanted)| argmax(found) == argmax(wanted)).count() as f64 / samples as f64
    });
    Ok(Compared { samples, difference: differences.reduce(f64::max), in_codes, same_argmax })
}

/// The number of elements of each input, and the values of all samples.
fn inputs(
    foreign: &Foreign,
    arrays: &mut BTreeMap<String, Vec<f64>>,
    path: &Path,
) -> Result<Vec<(usize, Vec<f64>)>, Error> {
    let mut inputs: Vec<(usize, Vec<f64>)> = Vec::new();
    let mut problems = Vec::new();
    for (index, (input, placed)) in foreign.inputs.iter().zip(&foreign.lowered.inputs).enumerate() {
        let (array, each) = (format!("in{index}"), placed.dims.iter().product::<usize>());
        let Some(values) = arrays.remove(&array) else {
            let help = format!("call the array of input `{}` `{array}`", input.name.escape_debug());
            problems.push(problem(path, &format!("has no array `{array}`"), &help));
            continue;
        };
        let samples = values.len() / each;
        let before = inputs.first().map(|(each, values)| values.len() / each);
        if values.is_empty() || !values.len().is_multiple_of(each) {
            let wrong = format!("`{array}` has {} values, and the network reads {each}", values.len());
            problems.push(problem(path, &wrong, "give one input or several, one after the other"));
        } else if let Some(before) = before.filter(|before| *before != samples) {
            let wrong = format!("`{array}` has {samples} inputs, and the arrays before it {before}");
            problems.push(problem(path, &wrong, "give as many of each input"));
        }
        inputs.push((each, values));
    }
    if problems.is_empty() { Ok(inputs) } else { Err(Error { problems }) }
}

/// A number as the file's own output has it.
fn code(value: f64, grid: Option<&Grid>) -> f64 {
    let Some(grid) = grid else { return value };
    let code = (value / f64::from(grid.scales[0])).round() + grid.zero_points[0] as f64;
    grid.element.range().map_or(code, |(least, most)| code.clamp(least as f64, most as f64))
}

/// The range of numbers; of equal ones their size.
fn range(values: &[f64]) -> f64 {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if most > least { most - least } else { most.abs().max(1e-9) }
}

fn argmax(values: &[f64]) -> usize {
    let larger = |best: usize, at: usize| if values[at] > values[best] { at } else { best };
    (0..values.len()).fold(0, larger)
}

/// A bar for what takes longer than two seconds.
fn progress(samples: usize) -> ProgressBar {
    let bar = ProgressBar::new(samples as u64);
    let style = ProgressStyle::with_template("{elapsed} [{bar:40}] {pos}/{len} inputs, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_secs(2));
    bar
}

/// The figures in words.
pub fn text(compared: &Compared, integers: bool) -> String {
    let how = if integers { " in integers" } else { "" };
    let Compared { samples, difference, in_codes, same_argmax } = compared;
    let (Some(difference), Some(same)) = (difference, same_argmax) else {
        return format!("executed {samples} inputs{how}; the file has no outputs to compare with");
    };
    let difference = if *in_codes {
        format!("at most {difference:.0} codes apart")
    } else {
        format!("at most {difference:.1e} of the range apart")
    };
    format!("executed {samples} inputs{how}: {difference}, the same largest output for {:.1} %", 100.0 * same)
}

/// The figures as JSON.
pub fn report(compared: &Compared, json: &mut Value) {
    json["samples"] = compared.samples.into();
    json["max_difference"] = json!(compared.difference);
    json["same_argmax"] = json!(compared.same_argmax);
}
