//! Messages for networks that do not fit.

use super::{Alternatives, MemoryModel, Shortage};

use crate::error::Problem;
use crate::graph::Graph;
use crate::import::NetworkSource;
use crate::settings::Scheme;
use crate::size::{bytes, thousands};

/// A network and the memory in which it should fit.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// What messages call it: "model `digits`".
    pub who: String,
    /// Where it comes from.
    pub source: &'a NetworkSource,
    /// The network itself.
    pub graph: &'a Graph,
    /// Bytes of flash that it may take.
    pub flash: u64,
    /// Bytes of RAM that it may take.
    pub ram: u64,
    /// How finely weights are scaled.
    pub scheme: Scheme,
    /// How memory is counted.
    pub memory_model: MemoryModel,
}

impl Request<'_> {
    /// A problem for every memory that is too small, the last one with what near it would fit; empty if all
    /// fits.
    ///
    /// # Errors
    /// The memory model does not know such networks.
    pub fn problems(&self) -> Result<Vec<(Shortage, Problem)>, Problem> {
        let shortages = self.memory_model.shortages(self.graph, self.flash, self.ram, self.scheme)?;
        let mut problems: Vec<_> = shortages.into_iter().map(|short| (short, self.problem(short))).collect();
        if let Some((_, last)) = problems.last_mut() {
            let alternatives = describe(&self.alternatives()?);
            last.help = last.help.take().map(|help| format!("{help}; {alternatives}"));
        }
        Ok(problems)
    }

    /// Similar networks that would fit.
    ///
    /// # Errors
    /// The memory model does not know such networks.
    pub fn alternatives(&self) -> Result<Alternatives, Problem> {
        let (flash, ram) = (self.flash, self.ram);
        Alternatives::find(self.source, self.graph, flash, ram, self.scheme, self.memory_model)
    }

    fn problem(&self, shortage: Shortage) -> Problem {
        let (who, graph) = (&self.who, self.graph);
        let layer = |node: usize| {
            let kind = graph.nodes[node].op.kind();
            format!("layer {} `{}` ({kind})", node + 1, graph.nodes[node].name)
        };
        match shortage {
            Shortage::Ram { node, at_2_bits, at_8_bits, least } => Problem::new(format!(
                "{who}: needs {} of RAM for {} with all activations at 2 bits, budget {}; at 8 bits it \
                 would need {}",
                bytes(at_2_bits),
                layer(node),
                bytes(self.ram),
                bytes(at_8_bits),
            ))
            .help(format!("the whole network needs at least ram = \"{}\"", bytes(least))),
            Shortage::Flash { largest, at_2_bits, at_8_bits } => Problem::new(format!(
                "{who}: needs {} of flash with all weights at 2 bits, budget {}; at 8 bits it would need \
                 {}; the largest is {} with {} weights",
                bytes(at_2_bits),
                bytes(self.flash),
                bytes(at_8_bits),
                layer(largest),
                thousands(graph.weight_count(largest) as u64)
            ))
            .help(format!("it needs at least flash = \"{}\"", bytes(at_2_bits))),
        }
    }
}

fn describe(alternatives: &Alternatives) -> String {
    let Alternatives { resolution, width, input, chip } = alternatives;
    let changes: Vec<String> = [
        resolution.map(|resolution| format!("resolution = {resolution}")),
        width.map(|width| format!("width = {width}")),
        input.map(|shape| format!("input = [{}, {}, {}]", shape.height, shape.width, shape.channels)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let changes = match &changes[..] {
        [] => "no usual change of image or width alone makes it fit".to_string(),
        changes => format!("try {}", changes.join(", or ")),
    };
    let chip = match chip {
        Some(chip) => format!(
            "unchanged it fits a whole {} (flash {}, RAM {})",
            chip.name,
            bytes(chip.flash),
            bytes(chip.ram)
        ),
        None => "unchanged it fits no listed chip".to_string(),
    };
    format!("{changes}; {chip}")
}
