//! A quantised network of another tool, taken over as it is: the same codes of weights, the same scales and
//! zero points. Nothing is trained, and no data are needed.

#[cfg(feature = "integer")]
mod execute;
#[cfg(feature = "integer")]
mod floats;
mod input;
mod layer;

#[cfg(feature = "integer")]
pub use execute::Integers;
#[cfg(feature = "integer")]
pub use floats::float_outputs;
pub use input::check_codes;

use mixq_format::Bits;

use crate::convert::{Arithmetic, Grid, TrainedNetwork};
#[cfg(feature = "integer")]
use crate::convert::{Converted, convert_by};
use crate::error::{Error, Problem};
use crate::graph::{Activation, Graph, Source};
use crate::import::foreign::Foreign;
use crate::import::lower::integers::Integers as FileIntegers;
use crate::import::model::Format;
use crate::memory::Allocation;
use crate::settings::{Ram, Rounding, Scheme};

/// What helps where a file cannot be taken over as it is.
const AS_NUMBERS: &str = "leave `bits` out: the network is then one in floats, which gets bits of its own";

/// A network with the integers of its file.
#[derive(Clone, Debug)]
pub struct AsImported {
    /// The network; its input has the bits of the file.
    pub graph: Graph,
    /// Weights and grids.
    pub network: TrainedNetwork,
    /// What the engine of the file's format computes with.
    pub arithmetic: Arithmetic,
    /// By node: the bits of its weights.
    weights: Vec<Option<Bits>>,
    /// By node: the bits of what it writes.
    activations: Vec<Bits>,
}

impl AsImported {
    /// The network of a file that was read with its integers.
    ///
    /// # Errors
    /// Every layer for which the file has no integers, or has some that mixq has no codes for.
    pub fn new(foreign: &Foreign, scheme: Scheme) -> Result<AsImported, Error> {
        let Some(input) = foreign.lowered.integers.input else {
            let message = if foreign.is_quantised {
                "the file does not say how its input is quantised"
            } else {
                "the file is not quantised"
            };
            return Err(Problem::new(message).help(AS_NUMBERS).into());
        };
        let Some(bits) = input.bits().filter(|_| input.are_sound()) else {
            let message = format!(
                "the input has integers from {} to {}, the scale {} and the zero point {}",
                input.least, input.most, input.scale, input.zero
            );
            return Err(Problem::new(message).help(AS_NUMBERS).into());
        };
        let inputs = foreign.graph.inputs.clone().with_bits(|_| bits);
        let graph = Graph { inputs, ..foreign.graph.clone() };
        let mut taking = Taking {
            foreign,
            graph: &graph,
            scheme,
            input: grid(&input),
            activations: Vec::new(),
            layers: Vec::new(),
            weights: Vec::new(),
            bits: Vec::new(),
            problems: Vec::new(),
        };
        for node in 0..graph.nodes.len() {
            taking.node(node);
        }
        let Taking { input, activations, layers, weights, bits, mut problems, .. } = taking;
        problems.extend(shared_widths(&graph, &bits));
        if !problems.is_empty() {
            return Err(Error { problems });
        }
        let inputs = vec![input];
        let network = TrainedNetwork { inputs, layers, activations, rounding: Rounding::Nearest };
        let arithmetic = match foreign.format {
            Format::Tflite => Arithmetic::LiteRt,
            Format::Onnx => Arithmetic::OnnxRuntime,
        };
        Ok(AsImported { graph, network, arithmetic, weights, activations: bits })
    }

    /// The integers of the file, by the rules that its engine has for their codes.
    ///
    /// # Errors
    /// Every channel that cannot be computed in 32 bits, by layer.
    #[cfg(feature = "integer")]
    pub fn convert(&self, allocation: &Allocation, scheme: Scheme) -> Result<Converted, Error> {
        convert_by(self.arithmetic, &self.graph, allocation, scheme, &self.network)
    }

    /// The bits of the file, and the memory that they take. Layers are executed in stripes if they do not fit
    /// `ram` otherwise.
    pub fn allocation(&self, scheme: Scheme, ram: Ram) -> Allocation {
        Allocation::with_bits(&self.graph, scheme, self.weights.clone(), &self.activations, ram)
    }
}

/// The grid of a file's integers: codes begin at 0 on the device.
fn grid(integers: &FileIntegers) -> Grid {
    Grid { scale: integers.scale, zero_point: integers.zero_point() as i32 }
}

/// Whether codes of a grid end where an activation does.
fn ends(activation: Activation, grid: Grid, bits: Bits) -> bool {
    let most = grid.scale * f64::from(bits.max_code() - grid.zero_point);
    match activation {
        Activation::None => true,
        Activation::Relu => grid.zero_point == 0,
        Activation::ReluUpTo(bound) => grid.zero_point == 0 && bound.get() > most - grid.scale,
        // A function is a node of its own.
        Activation::Function(_) => false,
    }
}

/// A network on its way.
struct Taking<'a> {
    foreign: &'a Foreign,
    graph: &'a Graph,
    scheme: Scheme,
    input: Grid,
    activations: Vec<Option<Grid>>,
    layers: Vec<Option<crate::convert::TrainedLayer>>,
    weights: Vec<Option<Bits>>,
    bits: Vec<Bits>,
    problems: Vec<Problem>,
}

impl Taking<'_> {
    /// Grid and bits of what a source writes.
    fn of(&self, source: Source) -> (Grid, Bits) {
        let Source::Node(node) = source else { return (self.input, self.graph.inputs[0].bits) };
        match self.activations[node] {
            Some(own) => (own, self.bits[node]),
            None => self.of(self.graph.nodes[node].inputs[0]),
        }
    }

    fn node(&mut self, index: usize) {
        let node = &self.graph.nodes[index];
        let before = self.of(node.inputs[0]);
        let (layer, bits) = self.weighted(index, before.0);
        let copies = layer.as_ref().is_some_and(layer::copies);
        let (own, width) = if self.graph.is_logits(index) {
            (None, Bits::B32)
        } else if !node.op.output().has_own_grid() {
            (None, before.1)
        } else {
            let integers = self.foreign.lowered.integers.layers.get(&node.name);
            let own = integers.and_then(|integers| integers.output);
            let own = own.and_then(|own| Some((grid(&own), own.bits()?))).or(copies.then_some(before));
            if let Some((own, bits)) = own
                && !ends(node.activation, own, bits)
            {
                let message = format!(
                    "layer `{}` has an activation that does not end where its integers do",
                    node.name
                );
                self.problems.push(Problem::new(message).help(AS_NUMBERS));
            }
            let (own, bits) = own.unwrap_or_else(|| {
                let message = format!("layer `{}`: the file has no integers for what it writes", node.name);
                self.problems.push(Problem::new(message).help(AS_NUMBERS));
                before
            });
            (Some(own), bits)
        };
        self.activations.push(own);
        self.layers.push(layer);
        self.weights.push(bits);
        self.bits.push(width);
    }

    /// The weights of a node that reads codes of `input`, and their bits.
    fn weighted(
        &mut self,
        index: usize,
        input: Grid,
    ) -> (Option<crate::convert::TrainedLayer>, Option<Bits>) {
        let node = &self.graph.nodes[index];
        let Some(weights) = &self.foreign.initial.layers[index] else { return (None, None) };
        let integers = self.foreign.lowered.integers.layers.get(&node.name);
        let integers = integers.and_then(|integers| integers.weights.as_ref());
        match layer::taken(self.graph, index, weights, integers, input, self.scheme) {
            Ok((layer, bits)) => (Some(layer), bits),
            Err(layer::Wrong { what, help }) => {
                self.problems.push(Problem::new(format!("layer `{}` {what}", node.name)).help(help));
                (None, None)
            }
        }
    }
}

/// Layers whose outputs take one place in memory, and so have one width, where the file has several.
fn shared_widths(graph: &Graph, bits: &[Bits]) -> Vec<Problem> {
    let schedule = crate::memory::schedule::Schedule::new(graph);
    let mut first: Vec<Option<usize>> = vec![None; schedule.fixed.len()];
    let mut problems = Vec::new();
    for step in &schedule.steps {
        let width = schedule.tensors[step.output].width;
        let node = *first[width].get_or_insert(step.node);
        if bits[node] != bits[step.node] && !schedule.fixed[width] {
            let name = |node: usize| &graph.nodes[node].name;
            let message = format!(
                "layers `{}` and `{}` write {} and {} bits into one place of the arena",
                name(node),
                name(step.node),
                bits[node].count(),
                bits[step.node].count()
            );
            problems.push(Problem::new(message).help(AS_NUMBERS));
        }
    }
    problems
}
