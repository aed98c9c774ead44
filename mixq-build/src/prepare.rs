//! From a model's configuration to its network and its bits: all that is known without training.

use crate::artifact::{Fingerprint, fingerprint};
use crate::config::{Model, NetworkSource};
use crate::error::{Error, Problem};
use crate::graph::{Graph, Spec, builtin};
use crate::memory::{Allocation, Infeasible, allocate};

/// A model with its network.
#[derive(Clone, Debug)]
pub struct Prepared<'a> {
    /// The configuration.
    pub model: &'a Model,
    /// The network.
    pub graph: Graph,
    /// What an artifact must have been made from to be fresh.
    pub fingerprint: Fingerprint,
}

impl<'a> Prepared<'a> {
    /// Reads and resolves the network.
    ///
    /// # Errors
    /// What is wrong with the network, or an unreadable dataset.
    pub fn new(model: &'a Model) -> Result<Prepared<'a>, Error> {
        let graph = graph(model)?;
        let fingerprint = fingerprint(model, &graph)?;
        Ok(Prepared { model, graph, fingerprint })
    }

    /// The bits of every tensor.
    ///
    /// # Errors
    /// No allocation meets the budget.
    pub fn allocate(&self) -> Result<Allocation, Error> {
        let model = self.model;
        allocate(&self.graph, model.flash, model.ram, model.scheme).map_err(|e| self.infeasible(e).into())
    }

    fn infeasible(&self, infeasible: Infeasible) -> Problem {
        let (model, bytes) = (self.model, crate::report::bytes);
        let (problem, at) = match infeasible {
            Infeasible::Ram { node, needed, least } => {
                let name = &self.graph.nodes[node].name;
                let kind = self.graph.nodes[node].op.kind();
                let message = format!(
                    "model `{}`: needs {} of RAM for layer `{name}` ({kind}) with all activations at 2 bits, budget {}",
                    model.name,
                    bytes(needed),
                    bytes(model.ram)
                );
                let help = format!(
                    "the whole network needs at least ram = \"{least} B\"; a smaller image, fewer filters or a larger \
                     stride up to `{name}` lower that"
                );
                (Problem::new(message).help(help), &model.ram_at)
            }
            Infeasible::Flash { least } => {
                let largest = (0..self.graph.nodes.len()).max_by_key(|&node| self.graph.weight_count(node));
                let largest = largest.unwrap_or(0);
                let message = format!(
                    "model `{}`: needs {} of flash with all weights at 2 bits, budget {}",
                    model.name,
                    bytes(least),
                    bytes(model.flash)
                );
                let help = format!(
                    "give it at least flash = \"{least} B\", or fewer filters: the largest layer is `{}` ({}) with {} weights",
                    self.graph.nodes[largest].name,
                    self.graph.nodes[largest].op.kind(),
                    self.graph.weight_count(largest)
                );
                (Problem::new(message).help(help), &model.flash_at)
            }
        };
        Problem { location: at.clone(), ..problem }
    }
}

fn graph(model: &Model) -> Result<Graph, Error> {
    match &model.network {
        NetworkSource::File(path) => Graph::resolve(&Spec::read(path)?),
        NetworkSource::Builtin(chosen) => {
            let published = builtin::published(&chosen.name);
            let classes = chosen.classes.or(published.map(|published| published.classes));
            let options = builtin::Options {
                width: chosen.width,
                resolution: chosen.resolution,
                channels: chosen.channels,
                classes: classes.unwrap_or(2),
                stem_stride: None,
            };
            let located = |problem: Problem| Problem { location: model.network_at.clone(), ..problem };
            let spec = builtin::spec(&chosen.name, &options).map_err(located)?;
            Graph::resolve(&spec)
                .map_err(|error| Error { problems: error.problems.into_iter().map(located).collect() })
        }
    }
}
