//! A network as steps over tensors in the arena: what the device executes, before bits are known.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use mixq_format::{Bits, Layer, Stage};

use super::arena::ALIGNMENT;
use super::stripes::{self, Stripes};
use crate::graph::op::Output;
use crate::graph::{Graph, Op, Shape, Source};

/// The steps and tensors of a network. Flatten is not a step: its output is its input's tensor.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// All tensors: first the inputs, last the output.
    pub tensors: Vec<Tensor>,
    /// All steps, in order.
    pub steps: Vec<Step>,
    /// By width: whether it is given, as those of the inputs and the output are. All others are free to
    /// choose.
    pub fixed: Vec<bool>,
    /// The bits of the inputs, which have the first widths and places.
    input_bits: Vec<Bits>,
    /// The width of the logits, if the output are logits.
    logits: Option<usize>,
    /// The tensor that holds each node's output.
    pub tensor_of_node: Vec<usize>,
    /// The steps as far as it matters to rows: see [`stripes::outline`].
    outline: Vec<Layer>,
    /// By step: whether it is a convolution that sees several channels.
    pub(super) convolutions: Vec<bool>,
    /// By step: about how many instructions it takes on whole tensors.
    work: Vec<u64>,
    /// All runs of steps that can be executed in stripes, once somebody has asked. Copies share them.
    candidates: Arc<OnceLock<Vec<Stripes>>>,
    /// The same of the runs to which the image comes in rows.
    fed: Arc<OnceLock<Vec<Stripes>>>,
    /// Rows from one window of a signal to the next one, which overlaps it; 0: each image stands alone.
    hop: u16,
}

/// A tensor of the arena.
#[derive(Clone, Copy, Debug)]
pub struct Tensor {
    /// Its shape.
    pub shape: Shape,
    /// Index of its width: input and output of a pool share one.
    pub width: usize,
    /// First and last step at which it lives.
    pub life: (usize, usize),
    /// Index of the place in the arena that it takes: what is made in place takes that of an input.
    pub place: usize,
}

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// The node that it executes.
    pub node: usize,
    /// Tensors that it reads.
    pub inputs: Vec<usize>,
    /// The tensor that it writes.
    pub output: usize,
}

impl Schedule {
    /// The schedule of a resolved graph.
    pub fn new(graph: &Graph) -> Schedule {
        // All inputs are there from the start.
        let input = |index: usize| {
            let shape = graph.inputs[index].shape;
            Tensor { shape, width: index, life: (0, 0), place: index }
        };
        let inputs = graph.inputs.len();
        let mut tensors: Vec<Tensor> = (0..inputs).map(input).collect();
        let (mut steps, mut fixed) = (Vec::<Step>::new(), vec![true; inputs]);
        let (mut tensor_of_node, mut places) = (Vec::new(), inputs);
        // By grid: the width of its outputs, once one of them has one.
        let (grids, mut width_of) = (graph.grids(), HashMap::new());
        for (index, node) in graph.nodes.iter().enumerate() {
            let inputs: Vec<usize> = (node.inputs.iter())
                .map(|source| match source {
                    Source::Input(input) => *input,
                    Source::Node(earlier) => tensor_of_node[*earlier],
                })
                .collect();
            let shared = width_of.get(&grids[index]).copied();
            let mut own = || {
                let width = shared.unwrap_or_else(|| {
                    fixed.push(false);
                    fixed.len() - 1
                });
                (width, places)
            };
            let (width, place) = match node.op.output() {
                Output::InputTensor => {
                    tensor_of_node.push(inputs[0]);
                    continue;
                }
                Output::InputGrid => (tensors[inputs[0]].width, places),
                Output::Own => own(),
                Output::SecondInput => (tensors[inputs[1]].width, tensors[inputs[1]].place),
                Output::InPlace => match free_input(graph, index) {
                    Some(input) if shared.is_none_or(|shared| shared == tensors[inputs[input]].width) => {
                        (tensors[inputs[input]].width, tensors[inputs[input]].place)
                    }
                    Some(_) | None => own(),
                },
            };
            width_of.insert(grids[index], width);
            places = places.max(place + 1);
            let now = steps.len();
            inputs.iter().for_each(|&input| tensors[input].life.1 = now);
            tensors.push(Tensor { shape: node.output, width, life: (now, now), place });
            tensor_of_node.push(tensors.len() - 1);
            steps.push(Step { node: index, inputs, output: tensors.len() - 1 });
        }
        // The firmware reads whole bytes.
        let output = graph.output_node();
        for node in graph.outputs.iter().map(|output| output.node).chain([output]) {
            let tensor: &mut Tensor = &mut tensors[tensor_of_node[node]];
            tensor.life.1 = steps.len() - 1;
            fixed[tensor.width] = true;
        }
        let width = tensors[tensor_of_node[output]].width;
        let logits = graph.is_logits(output).then_some(width);
        let input_bits = graph.inputs.iter().map(|input| input.bits).collect();
        let outline = stripes::outline(graph, &tensors, &steps);
        let is_convolution =
            |step: &Step| matches!(graph.nodes[step.node].op, Op::Conv(_) | Op::GroupedConv(_));
        let convolutions = steps.iter().map(is_convolution).collect();
        let elements = |step: &Step| tensors[step.output].shape.elements() as u64;
        let work = steps.iter().map(|step| graph.macs(step.node) + 4 * elements(step)).collect();
        let (candidates, fed) = Default::default();
        Schedule {
            tensors,
            steps,
            fixed,
            input_bits,
            logits,
            tensor_of_node,
            outline,
            convolutions,
            work,
            candidates,
            fed,
            hop: 0,
        }
    }

    /// The same for windows of a signal of which each begins `hop` rows after the one before; 0: they do not
    /// overlap.
    pub fn sliding(self, hop: u16) -> Schedule {
        Schedule { hop, fed: Arc::default(), ..self }
    }

    /// Widths before any cut: 8 bits, and 32 for the logits. Those of the inputs are the first ones.
    pub fn initial_widths(&self) -> Vec<Bits> {
        let width = |width| match self.input_bits.get(width) {
            Some(bits) => *bits,
            None if self.logits == Some(width) => Bits::B32,
            None => Bits::B8,
        };
        (0..self.fixed.len()).map(width).collect()
    }

    /// The widths of which the nodes' outputs have these bits.
    pub fn widths_of(&self, activations: &[Bits]) -> Vec<Bits> {
        let mut widths = self.initial_widths();
        for step in &self.steps {
            let width = self.tensors[step.output].width;
            if !self.fixed[width] {
                widths[width] = activations[step.node];
            }
        }
        widths
    }

    /// The bits that the rules cut no width below: those that are given, and the widest of those at which its
    /// tensors take as few bytes as with 2. Pixels are padded to whole bytes, so that fewer bits of a tensor
    /// of one channel save nothing.
    pub fn least_widths(&self) -> Vec<Bits> {
        let saves_nothing = |width: usize, bits: Bits| {
            let mut channels = self
                .tensors
                .iter()
                .filter(|tensor| tensor.width == width)
                .map(|tensor| tensor.shape.channels);
            channels.all(|channels| bits.row_bytes(channels) == Bits::B2.row_bytes(channels))
        };
        let least = |(width, initial): (usize, Bits)| {
            let as_few = Bits::QUANTISED.into_iter().filter(|bits| saves_nothing(width, *bits));
            if self.fixed[width] { initial } else { as_few.max().unwrap_or(Bits::B2) }
        };
        self.initial_widths().into_iter().enumerate().map(least).collect()
    }

    /// The first node whose output has a width.
    ///
    /// # Panics
    /// If no node has it: it is that of an input.
    pub fn first_with_width(&self, width: usize) -> usize {
        let writes = |step: &&Step| self.tensors[step.output].width == width;
        self.steps.iter().find(writes).expect("a step writes it").node
    }

    /// The width of each node's output, from those of the tensors.
    pub fn activations(&self, widths: &[Bits]) -> Vec<Bits> {
        self.tensor_of_node.iter().map(|&tensor| widths[self.tensors[tensor].width]).collect()
    }

    /// All runs of steps that can be executed in stripes.
    pub fn candidates(&self) -> &[Stripes] {
        let last_reader = |step: usize| self.tensors[self.steps[step].output].life.1;
        self.candidates.get_or_init(|| stripes::candidates(&self.outline, last_reader))
    }

    /// All runs of steps that can be executed in stripes to which the image comes in rows; none, if the
    /// network has several inputs.
    pub fn fed(&self) -> &[Stripes] {
        let last_reader = |step: usize| self.tensors[self.steps[step].output].life.1;
        self.fed.get_or_init(|| match self.image_reader() {
            Some(reader) => {
                let window = stripes::Window { hop: self.hop, work: &self.work };
                stripes::fed(&self.outline, last_reader, reader, window)
            }
            None => Vec::new(),
        })
    }

    /// The last step that reads the image, if it is the only input.
    pub fn image_reader(&self) -> Option<usize> {
        (self.tensors.len() - self.steps.len() == 1).then_some(self.tensors[0].life.1)
    }

    /// The steps as far as it matters to rows: see [`stripes::outline`].
    pub fn outline(&self) -> &[Layer] {
        &self.outline
    }

    /// Whether all rows that a stage reads and writes are whole words of the arena, at these widths.
    pub fn of_words(&self, stripes: &Stripes, widths: &[Bits]) -> bool {
        stripes.stage.range().all(|index| {
            let step = &self.steps[index];
            // A pixel that multiplies all others has no rows.
            let by_channel = matches!(&self.outline[index], Layer::Multiply(table) if table.by_channel());
            let rows = if by_channel { &step.inputs[..1] } else { &step.inputs[..] };
            rows.iter().chain([&step.output]).all(|&tensor| {
                let Tensor { shape, width, .. } = self.tensors[tensor];
                (shape.width * widths[width].row_bytes(shape.channels)).is_multiple_of(ALIGNMENT)
            })
        })
    }

    /// Whether rows that are whole words of the arena at the widest bits are so at 2 bits, too.
    pub fn rows_stay_words(&self) -> bool {
        let widest = self.initial_widths();
        self.tensors.iter().all(|Tensor { shape, width, .. }| {
            let is_word =
                |bits: Bits| (shape.width * bits.row_bytes(shape.channels)).is_multiple_of(ALIGNMENT);
            // A single row is in no stripe.
            shape.height == 1 || self.fixed[*width] || !is_word(widest[*width]) || is_word(Bits::B2)
        })
    }

    /// These runs of steps, with what they hold; `None`, if one cannot be executed in stripes.
    pub fn stripes(&self, stages: &[Stage]) -> Option<Vec<Stripes>> {
        stages.iter().map(|stage| stripes::stripes(*stage, &self.outline)).collect()
    }
}

/// For a node that works in place: the input whose place its output takes, and with it the width. It has the
/// shape of the output, no node may read it afterwards, and it is not an output of the network. Of several
/// such inputs it is the one that is written last: the others can then have any width.
fn free_input(graph: &Graph, node: usize) -> Option<usize> {
    let inputs = &graph.nodes[node].inputs;
    let reads = |reader: usize, place: Source| {
        graph.nodes[reader].inputs.iter().any(|input| graph.storage(*input) == place)
    };
    let free = (0..inputs.len()).filter(|&input| {
        let place = graph.storage(inputs[input]);
        // A flatten moves nothing: its readers read its input.
        let later = (node + 1..graph.nodes.len()).any(|reader| reads(reader, place));
        let is_kept = matches!(place, Source::Node(node) if graph.is_output(node));
        let fits = graph.shape(inputs[input]) == graph.nodes[node].output;
        matches!(place, Source::Node(_)) && !later && !is_kept && fits
    });
    free.max_by_key(|&input| graph.storage(inputs[input]))
}
