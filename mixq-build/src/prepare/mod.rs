//! From a model's configuration to its network and its bits: all that is known without training.

mod as_imported;
mod share;
mod state;

#[cfg(feature = "import")]
pub use as_imported::taken;
pub use share::share;

use std::path::Path;

use mixq_format::Bits;

use crate::artifact::{Fingerprint, fingerprint};
use crate::config::Model;
use crate::error::{Error, Problem};
use crate::graph::{Graph, Input, Inputs};
use crate::import::{self, Imported, InputNormalisation, NetworkSource, Reads};
use crate::memory::{
    Allocation, Infeasible, Losses, allocate_by_losses, allocate_uniformly, allocate_with_delta,
};
use crate::shortage::{MemoryModel, Request, Shortage, accumulator};
use crate::task::Task;

/// A model with its network.
#[derive(Clone, Debug)]
pub struct Prepared<'a> {
    /// The configuration.
    pub model: &'a Model,
    /// The network as its source says it.
    pub imported: Imported,
    /// The network.
    pub graph: Graph,
    /// What an artifact must have been made from to be fresh.
    pub fingerprint: Fingerprint,
    /// The folder for decoded images and digests of datasets; `None`: everything is read anew.
    pub cache: Option<&'a Path>,
}

impl<'a> Prepared<'a> {
    /// Reads and resolves the network; `cache` is a folder for decoded images and digests of datasets.
    ///
    /// # Errors
    /// What is wrong with the network, or an unreadable dataset.
    pub fn new(model: &'a Model, cache: Option<&'a Path>) -> Result<Prepared<'a>, Error> {
        let (imported, graph) = network(model)?;
        batch_norm_can_be_trained(model, &graph)?;
        something_is_trained(model, &imported)?;
        let fingerprint = fingerprint(model, &imported, &graph, cache)?;
        Ok(Prepared { model, imported, graph, fingerprint, cache })
    }

    /// The bits of every tensor.
    ///
    /// # Errors
    /// No allocation meets the budget: which layer needs how much, and what near it would fit. The sums of a
    /// layer may leave 32 bits.
    pub fn allocate(&self) -> Result<Allocation, Error> {
        let model = self.model;
        let (flash, ram, scheme) = (model.flash, model.ram, model.scheme);
        if model.as_imported {
            return self.allocate_as_imported();
        }
        let allocation = match model.policy.uniform() {
            Some(bits) => allocate_uniformly(&self.graph, bits, flash, ram, scheme)
                .map_err(|infeasible| self.uniform_shortage(bits, infeasible))?,
            None => allocate_with_delta(&self.graph, flash, ram, scheme, model.delta)
                .map_err(|_| self.shortage())?,
        };
        self.fits_accumulators(allocation)
    }

    /// The bits that lose least, given the sensitivity of each tensor.
    ///
    /// # Errors
    /// As [`Prepared::allocate`].
    pub fn allocate_by_losses(&self, losses: &Losses) -> Result<Allocation, Error> {
        let model = self.model;
        let allocation = allocate_by_losses(&self.graph, model.flash, model.ram, model.scheme, losses)
            .map_err(|_| self.shortage())?;
        self.fits_accumulators(allocation)
    }

    fn fits_accumulators(&self, allocation: Allocation) -> Result<Allocation, Error> {
        let who = format!("model `{}`", self.model.name);
        let problems = accumulator::problems(&who, &self.graph, &allocation);
        let located = |problem| Problem { location: self.model.network_at.clone(), ..problem };
        match problems.is_empty() {
            true => Ok(allocation),
            false => Err(Error { problems: problems.into_iter().map(located).collect() }),
        }
    }

    /// What all tensors at these bits need, found by asking for any amount.
    fn uniform_shortage(&self, bits: Bits, infeasible: Infeasible) -> Error {
        let model = self.model;
        let need = allocate_uniformly(&self.graph, bits, u64::MAX, u64::MAX, model.scheme);
        let (flash, ram) = need.map_or((0, 0), |allocation| (allocation.flash, allocation.ram));
        let (what, needed, budget, location) = match infeasible {
            Infeasible::Ram { .. } => ("RAM", ram, model.ram, &model.ram_at),
            Infeasible::Flash { .. } => ("flash", flash, model.flash, &model.flash_at),
        };
        let bits = bits.count();
        let message = format!(
            "model `{}`: needs {needed} B of {what} with {bits} bits for every tensor, budget {budget} B",
            model.name
        );
        let help = "policy = \"rules\" or \"sensitivity\" gives tensors as many bits as fit";
        Problem { location: location.clone(), ..Problem::new(message).help(help) }.into()
    }

    /// What does not fit, with the places of the budgets.
    fn shortage(&self) -> Error {
        let model = self.model;
        let request = Request {
            who: format!("model `{}`", model.name),
            source: &model.network,
            graph: &self.graph,
            flash: model.flash,
            ram: model.ram,
            scheme: model.scheme,
            memory_model: MemoryModel::Runtime { delta: model.delta },
        };
        let located = |(shortage, problem): (Shortage, Problem)| {
            let location = match shortage {
                Shortage::Flash { .. } => model.flash_at.clone(),
                Shortage::Ram { .. } => model.ram_at.clone(),
            };
            let narrower = match shortage {
                Shortage::Ram { .. } => self.narrower_input(),
                Shortage::Flash { .. } => None,
            };
            let help = problem.help.clone().into_iter().chain(narrower).collect::<Vec<_>>();
            let help = (!help.is_empty()).then(|| help.join("; "));
            Problem { location, help, ..problem }
        };
        match request.problems() {
            Ok(problems) => Error { problems: problems.into_iter().map(located).collect() },
            Err(problem) => problem.into(),
        }
    }
}

impl Prepared<'_> {
    /// What helps where the device makes the codes of an input, and the network would fit with fewer bits of
    /// these.
    fn narrower_input(&self) -> Option<String> {
        let Model { dataset, flash, ram, scheme, delta, .. } = self.model;
        let needs_bytes = dataset.task == Task::Reconstruction || self.imported.normalisation.is_some();
        let inputs = &self.graph.inputs;
        let is_made = |input: &Input| dataset.codes_of(&input.name).is_some();
        if needs_bytes || !inputs.iter().any(is_made) {
            return None;
        }
        let narrowed = |bits: Bits| {
            let of = |input: &Input| if is_made(input) { bits.min(input.bits) } else { input.bits };
            inputs.clone().with_bits(of)
        };
        let fits = |bits: &Bits| {
            let graph = Graph { inputs: narrowed(*bits), ..self.graph.clone() };
            narrowed(*bits) != *inputs && allocate_with_delta(&graph, *flash, *ram, *scheme, *delta).is_ok()
        };
        let bits = [Bits::B4, Bits::B2].into_iter().find(fits)?.count();
        Some(match inputs.are_several() {
            true => format!("with bits = {bits} for the samples in `inputs` of the dataset's table it fits"),
            false => format!("with bits = {bits} in `input` of the dataset's table it fits"),
        })
    }
}

/// A model's network; what is wrong with a built-in one points to where it is named.
fn network(model: &Model) -> Result<(Imported, Graph), Error> {
    let located = |problem: Problem| match problem.location {
        Some(_) => problem,
        None => Problem { location: model.network_at.clone(), ..problem },
    };
    let read = match &model.network {
        NetworkSource::File(path) if model.as_imported => import::read_as_it_is(path),
        source => import::read(source),
    };
    read.and_then(|imported| {
        let own = if model.as_imported { None } else { normalisation(model, &imported)? };
        let imported = Imported {
            normalisation: own,
            weights: imported.weights.filter(|_| model.as_imported || !model.training.from_scratch),
            ..imported
        };
        let graph = Graph::resolve_for(&imported.spec, model.dataset.task)?;
        let inputs = graph.inputs.clone().with_bits(|input| model.dataset.input_bits(&input.name));
        check_bits(model, &imported, &inputs)?;
        Ok((imported, Graph { inputs, ..graph }))
    })
    .map_err(|error| Error { problems: error.problems.into_iter().map(located).collect() })
}

/// How the network's input is normalised: as it says itself, and as Cargo.toml says.
fn normalisation(model: &Model, imported: &Imported) -> Result<Option<InputNormalisation>, Problem> {
    let Some(input) = &model.input else { return Ok(imported.normalisation.clone()) };
    let [only] = &imported.spec.inputs[..] else {
        let message = format!("model `{}` has `input`, but its network has several inputs", model.name);
        let help = "leave it out: training finds how each is normalised";
        return Err(Problem::new(message).help(help).at(input.at.clone()));
    };
    let given = input.of(only.shape.channels)?;
    match &imported.normalisation {
        None => Ok(Some(given)),
        Some(own) if own.reads != Reads::Codes => Ok(Some(own.after(&given))),
        Some(_) => {
            let message = format!("model `{}` has `input`, and its network `normalisation`", model.name);
            Err(Problem::new(message).help("both say the same: leave one out").at(input.at.clone()))
        }
    }
}

/// Some networks need inputs of 8 bits.
fn check_bits(model: &Model, imported: &Imported, inputs: &Inputs) -> Result<(), Problem> {
    let needs_bytes = if model.dataset.task == Task::Reconstruction {
        "a reconstruction compares its outputs with codes of 8 bits"
    } else if imported.normalisation.is_some() {
        "the network's `normalisation` is that of codes from 0 to 255"
    } else {
        return Ok(());
    };
    let Some(narrow) = inputs.iter().find(|input| input.bits != Bits::B8) else { return Ok(()) };
    let bits = narrow.bits.count();
    let message = format!("model `{}`: its input has {bits} bits, but {needs_bytes}", model.name);
    let problem = Problem::new(message).help("leave `bits` out of `input` in the dataset's table");
    Err(Problem { location: model.dataset.location.clone(), ..problem })
}

/// Without weights, float training makes them.
fn something_is_trained(model: &Model, imported: &Imported) -> Result<(), Problem> {
    if model.as_imported || imported.weights.is_some() || model.training.epochs(false) > 0 {
        return Ok(());
    }
    let message =
        format!("model `{}`: `training.epochs` is 0, and its network comes without weights", model.name);
    let help = "train it for 1 epoch or more, or add weights = \"net.safetensors\" to its layer list";
    Err(Problem { location: model.network_at.clone(), ..Problem::new(message).help(help) })
}

/// Batch norm on a single pixel needs two images for a variance.
fn batch_norm_can_be_trained(model: &Model, graph: &Graph) -> Result<(), Problem> {
    match graph.normalises_single_pixels() {
        Some(node) if model.training.batch == 1 => {
            let message = format!(
                "`training.batch` is 1, but layer `{}` has batch norm on a single pixel: one image gives \
                 one value of each channel, and a variance needs two",
                node.name
            );
            let help = "set `batch` to 2 or more, or batch_norm = false for this layer";
            Err(Problem { location: model.network_at.clone(), ..Problem::new(message).help(help) })
        }
        _ => Ok(()),
    }
}
