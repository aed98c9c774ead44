//! The layers of a network that has bits, but no weights: enough to say what it costs.

use mixq_format::target::{Outline, Steps};
use mixq_format::{
    Add, Bits, Constants, Conv, Depthwise, Elementwise, Layer, Linear, Multiply, Pool, Prelu, Requant, Stage,
    Tensor, held_layers,
};

use super::Allocation;
use super::flash::Tables;
use super::schedule::Step;
use crate::graph::op::{AveragePool, Conv as ConvOp, Depthwise as DepthwiseOp, MaxPool};
use crate::graph::{Graph, Op};
use crate::settings::Scheme;

/// Bytes of the largest arena that kernels can address, as mixq-format has it.
pub const MOST_ARENA: u32 = 1 << 28;

impl Allocation {
    /// What `of` answers to the network as the cost model takes it; `None`, if it needs more RAM than kernels
    /// can address.
    pub fn with_outline<A>(
        &self,
        graph: &Graph,
        scheme: Scheme,
        of: impl FnOnce(&Outline<'_>) -> A,
    ) -> Option<A> {
        let arena_bytes = u32::try_from(self.ram).ok().filter(|bytes| *bytes <= MOST_ARENA)?;
        let (layers, kept) = (self.outline(graph, scheme), self.kept(graph));
        let stages: Vec<Stage> = self.stages.iter().map(|stripes| stripes.stage).collect();
        let placed = held_layers(&layers, &stages);
        let steps = Steps { layers: &layers, placed: &placed, stages: &stages, kept: &kept };
        Some(of(&Outline { steps, parameters: None, arena_bytes }))
    }

    /// The layers in the order of execution, with tensors where they lie. Weights and tables have no place,
    /// and zero points are 0.
    pub fn outline(&self, graph: &Graph, scheme: Scheme) -> Vec<Layer> {
        let tensor = |index: usize| self.placed(index);
        let layer = |step: &Step| {
            let (input, output) = (tensor(step.inputs[0]), tensor(step.output));
            let (weights, weight_bits) = (0, self.weights[step.node].unwrap_or(Bits::B8));
            let tables = Tables::new(graph, step.node, weight_bits, [input.bits, output.bits], scheme);
            let requant = Requant { fraction: Requant::FRACTION, ..tables.requant() };
            match &graph.nodes[step.node].op {
                Op::Conv(ConvOp { window }) => {
                    let window = window.table();
                    Layer::Conv(Conv { input, output, window, weights, weight_bits, requant })
                }
                Op::Depthwise(DepthwiseOp { window }) => {
                    let window = window.table();
                    Layer::Depthwise(Depthwise { input, output, window, weights, weight_bits, requant })
                }
                Op::GroupedConv(conv) => {
                    Layer::GroupedConv(conv.table([input, output], weights, weight_bits, requant))
                }
                Op::Linear(_) => Layer::Linear(Linear { input, output, weights, weight_bits, requant }),
                Op::AveragePool(AveragePool { window }) => {
                    Layer::AveragePool(Pool { input, output, window: window.table() })
                }
                Op::MaxPool(MaxPool { window }) => {
                    Layer::MaxPool(Pool { input, output, window: window.table() })
                }
                Op::Add(_) => Layer::Add(Add {
                    a: input,
                    b: tensor(step.inputs[1]),
                    output,
                    multiplier_a: 1,
                    multiplier_b: 1,
                    shift: 1,
                }),
                Op::Multiply(_) => Layer::Multiply(Multiply {
                    a: input,
                    b: tensor(step.inputs[1]),
                    output,
                    multiplier: 1,
                    shift: *Multiply::SHIFTS.end(),
                }),
                Op::Constants(constants) => Layer::Constants(Constants {
                    input,
                    output,
                    weights,
                    weight_bits,
                    weight_zero_point: 0,
                    operation: constants.operation,
                    multiplier: 1,
                    multiplier_constant: 0,
                    shift: *Multiply::SHIFTS.end(),
                }),
                Op::Prelu(_) => Layer::Prelu(Prelu { input, output, slopes: 0, multiplier: 1, shift: 1 }),
                Op::Elementwise(_) => Layer::Elementwise(Elementwise { input, output, codes: 0 }),
                Op::Rearrange(rearrange) => {
                    Layer::Rearrange(rearrange.table(input, output, step.inputs.len() > 1))
                }
                Op::Resize(resize) => Layer::Resize(resize.table(input, output)),
                Op::Flatten(_) => unreachable!("flatten is not a step"),
            }
        };
        self.schedule.steps.iter().map(layer).collect()
    }

    /// The outputs beside that of the last layer, as in [`Allocation::outline`].
    pub fn kept(&self, graph: &Graph) -> Vec<Tensor> {
        let others = graph.outputs.iter().skip(1);
        others.map(|output| self.placed(self.schedule.tensor_of_node[output.node])).collect()
    }

    fn placed(&self, index: usize) -> Tensor {
        let placed = self.tensors[index];
        let size = |size: usize| u16::try_from(size).expect("the graph bounds every axis");
        Tensor {
            height: size(placed.shape.height),
            width: size(placed.shape.width),
            channels: size(placed.shape.channels),
            bits: placed.bits,
            zero_point: 0,
            offset: placed.offset as u32,
        }
    }
}
