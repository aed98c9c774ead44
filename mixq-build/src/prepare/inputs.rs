//! The inputs of a model's network: how they are normalised, and how many bits their codes have.

use mixq_format::Bits;

use super::Prepared;
use crate::config::{Model, ModelInput};
use crate::error::{Error, Problem, nearest};
use crate::graph::{Graph, Input, Inputs};
use crate::import::{Imported, InputNormalisation, NetworkSource, is_foreign};
use crate::memory::{allocate_with_delta, input_bits};
use crate::settings::{Policy, Ram};
use crate::task::Task;

/// How the network's inputs are normalised: as it says itself, and as Cargo.toml says.
pub(super) fn normalisations(
    model: &Model,
    imported: &Imported,
) -> Result<Vec<Option<InputNormalisation>>, Error> {
    let (spec, own) = (&imported.spec, &imported.normalisations);
    let mut problems = Vec::new();
    let mut given: Vec<Option<&ModelInput>> =
        spec.inputs.iter().map(|input| model.inputs.get(&input.name)).collect();
    let names: Vec<&str> = spec.inputs.iter().map(|input| &input.name[..]).collect();
    for (name, input) in model.inputs.iter().filter(|(name, _)| !names.contains(&&name[..])) {
        let name = name.escape_debug();
        let message =
            format!("model `{}` has `inputs.{name}`, but its network has no such input", model.name);
        let help = match nearest(&name.to_string(), names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("its inputs are {}", names.join(", ")),
        };
        problems.push(Problem::new(message).help(help).at(input.at.clone()));
    }
    if let Some(input) = &model.input {
        let wrong = match &mut given[..] {
            [only @ None] => {
                *only = Some(input);
                None
            }
            [Some(_)] => Some((
                format!("model `{}` has `input` and `inputs`, but its network has one input", model.name),
                "both say the same: leave one out".to_string(),
            )),
            _ => Some((
                format!("model `{}` has `input`, which does not say which input it is about", model.name),
                format!("write inputs = {{ {} = {{ mean, std }} }}", names[0]),
            )),
        };
        let problem =
            |(message, help): (String, String)| Problem::new(message).help(help).at(input.at.clone());
        problems.extend(wrong.map(problem));
    }
    // A file of another tool says what its own layers do to the values that it is given.
    let is_foreign = matches!(&model.network, NetworkSource::File(path) if is_foreign(path));
    let mut found = Vec::new();
    for ((own, given), image) in own.iter().zip(given).zip(spec.images()) {
        let Some(input) = given else {
            found.push(own.clone());
            continue;
        };
        match (input.of(image.channels), own) {
            (Ok(given), None) => found.push(Some(given)),
            (Ok(given), Some(own)) if is_foreign => found.push(Some(own.after(&given))),
            (Ok(_), Some(_)) => {
                let message =
                    format!("model `{}` has `{}`, and its network `normalisation`", model.name, input.key);
                let help = "both say the same: leave one out";
                problems.push(Problem::new(message).help(help).at(input.at.clone()));
            }
            (Err(problem), _) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(Error { problems }) }
}

/// A reconstruction needs an input of 8 bits.
pub(super) fn check_bits(model: &Model, inputs: &Inputs) -> Result<(), Problem> {
    if model.dataset.task != Task::Reconstruction {
        return Ok(());
    }
    let Some(narrow) = inputs.iter().find(|input| input.bits != Bits::B8) else { return Ok(()) };
    let message = format!(
        "model `{}`: its input has {} bits, but a reconstruction compares its outputs with codes of 8 bits",
        model.name,
        narrow.bits.count()
    );
    let problem = Problem::new(message).help("leave `bits` out of `input` in the dataset's table");
    Err(Problem { location: model.dataset.location.clone(), ..problem })
}

/// Whether the device makes the codes of an input, so that these may have fewer bits.
fn is_made(model: &Model, input: &Input) -> bool {
    model.dataset.task != Task::Reconstruction && model.dataset.has_samples(&input.name)
}

/// The inputs with their bits under the bytes of `ram`. Where the device makes the codes of an input, and the
/// dataset's table does not say their bits, the rules cut them as those of other tensors. By sensitivity,
/// which is not measured of inputs, they are cut where nothing fits without.
pub(super) fn cut(model: &Model, graph: &Graph, ram: u64) -> Inputs {
    let is_free = |input: &Input| is_made(model, input) && model.dataset.input_bits(&input.name).is_none();
    let free: Vec<bool> = graph.inputs.iter().map(is_free).collect();
    let Model { flash, scheme, delta, policy, execution, .. } = *model;
    let ram = Ram { bytes: ram, execution };
    let fits = || allocate_with_delta(graph, flash, ram, scheme, delta).is_ok();
    let is_kept = match policy {
        Policy::Rules => false,
        Policy::Sensitivity => fits(),
        Policy::Uniform8 | Policy::Uniform4 | Policy::Uniform2 => true,
    };
    if is_kept || model.as_imported || !free.contains(&true) {
        return graph.inputs.clone();
    }
    let bits = input_bits(graph, &free, ram);
    let of = |input: &Input| graph.inputs.iter().position(|other| other == input).map(|index| bits[index]);
    graph.inputs.clone().with_bits(|input| of(input).unwrap_or(input.bits))
}

impl Prepared<'_> {
    /// What helps where the device makes the codes of an input, and the network would fit with fewer bits of
    /// these.
    pub(super) fn narrower_input(&self) -> Option<String> {
        let Model { flash, scheme, delta, .. } = self.model;
        let ram = self.model.ram_in_execution();
        let inputs = &self.graph.inputs;
        let narrowed = |bits: Bits| {
            let of =
                |input: &Input| if is_made(self.model, input) { bits.min(input.bits) } else { input.bits };
            inputs.clone().with_bits(of)
        };
        let fits = |bits: &Bits| {
            let graph = Graph { inputs: narrowed(*bits), ..self.graph.clone() };
            narrowed(*bits) != *inputs && allocate_with_delta(&graph, *flash, ram, *scheme, *delta).is_ok()
        };
        let bits = [Bits::B4, Bits::B2].into_iter().find(fits)?.count();
        Some(match inputs.are_several() {
            true => format!("with bits = {bits} for the samples in `inputs` of the dataset's table it fits"),
            false => format!("with bits = {bits} in `input` of the dataset's table it fits"),
        })
    }
}
