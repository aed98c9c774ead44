//! From a model's configuration to its network and its bits: all that is known without training.

mod as_imported;
mod inputs;
mod laid_out;
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
use crate::graph::op::Constants;
use crate::graph::{Graph, Input, Node, Op};
use crate::import::{self, Imported, NetworkSource};
use crate::memory::{
    Allocation, Infeasible, Losses, allocate_by_losses, allocate_uniformly, allocate_with_delta,
};
use crate::settings::Ram;
use crate::shortage::{MemoryModel, Request, Shortage, accumulator, rows};
use crate::text::enumerate;

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

/// How the memory of a model is counted.
fn memory_model(model: &Model) -> MemoryModel {
    MemoryModel::Runtime { delta: model.delta, execution: model.execution }
}

impl<'a> Prepared<'a> {
    /// Reads and resolves the network; `cache` is a folder for decoded images and digests of datasets.
    ///
    /// # Errors
    /// What is wrong with the network, or an unreadable dataset.
    pub fn new(model: &'a Model, cache: Option<&'a Path>) -> Result<Prepared<'a>, Error> {
        let (imported, graph) = network(model)?;
        let graph = Graph { inputs: inputs::cut(model, &graph, model.ram), ..graph };
        batch_norm_can_be_trained(model, &graph)?;
        something_is_trained(model, &imported)?;
        fixed_constants_have_values(model, &imported, &graph)?;
        comes_in_rows(model, &graph, Bits::B8)?;
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
        let (flash, ram, scheme) = (model.flash, model.ram_in_execution(), model.scheme);
        if model.as_imported {
            return self.allocate_as_imported();
        }
        let allocation = match model.policy.uniform() {
            Some(bits) => {
                comes_in_rows(model, &self.graph, bits)?;
                allocate_uniformly(&self.graph, bits, flash, ram, scheme)
                    .map_err(|infeasible| self.uniform_shortage(bits, infeasible))?
            }
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
        let allocation =
            allocate_by_losses(&self.graph, model.flash, model.ram_in_execution(), model.scheme, losses)
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
        let any = Ram { bytes: u64::MAX, execution: model.execution };
        let need = allocate_uniformly(&self.graph, bits, u64::MAX, any, model.scheme);
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
            memory_model: memory_model(model),
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

/// A model's network; what is wrong with a built-in one points to where it is named.
fn network(model: &Model) -> Result<(Imported, Graph), Error> {
    let located = |problem: Problem| match problem.location {
        Some(_) => problem,
        None => Problem { location: model.network_at.clone(), ..problem },
    };
    let read = match &model.network {
        NetworkSource::File(path) if model.as_imported => import::read_as_it_is(path, model.dataset.task),
        source => import::read_for(source, Some(model.dataset.task)),
    };
    read.and_then(|imported| {
        let own = inputs::normalisations(model, &imported)?;
        // Of integers that are taken as they are it is checked, and changes nothing.
        let own = if model.as_imported { vec![None; own.len()] } else { own };
        let imported = Imported {
            normalisations: own,
            weights: imported.weights.filter(|_| model.as_imported || !model.training.from_scratch),
            ..imported
        };
        let graph = Graph::resolve_for(&imported.spec, model.dataset.task)?;
        let bits = |input: &Input| model.dataset.input_bits(&input.name).unwrap_or(Bits::B8);
        let inputs = graph.inputs.clone().with_bits(bits);
        inputs::check_bits(model, &inputs)?;
        Ok((imported, Graph { inputs, ..graph }))
    })
    .map_err(|error| Error { problems: error.problems.into_iter().map(located).collect() })
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

/// Constants that are not trained are those of the weights, which nothing else makes.
fn fixed_constants_have_values(model: &Model, imported: &Imported, graph: &Graph) -> Result<(), Problem> {
    let is_fixed = |node: &&Node| matches!(node.op, Op::Constants(Constants { trained: false, .. }));
    let fixed: Vec<String> =
        graph.nodes.iter().filter(is_fixed).map(|node| format!("`{}`", node.name)).collect();
    if fixed.is_empty() || imported.weights.is_some() || model.as_imported {
        return Ok(());
    }
    let message = format!(
        "model `{}`: training.method = \"scratch\" leaves the weights out, but constants of {} are not \
         trained: they would have no values",
        model.name,
        enumerate(&fixed)
    );
    let help = "set training.method = \"finetune\", or leave `trained` = false out of these layers";
    Err(Problem { location: model.network_at.clone(), ..Problem::new(message).help(help) })
}

/// The image can come in rows, where Cargo.toml says that it does, and tensors have at most these bits.
fn comes_in_rows(model: &Model, graph: &Graph, bits: Bits) -> Result<(), Problem> {
    let who = format!("model `{}`", model.name);
    let located = |problem| Problem { location: model.network_at.clone(), ..problem };
    rows::check(&who, graph, model.execution, bits).map_err(located)
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
