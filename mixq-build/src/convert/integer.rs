//! The walk over the network: tensors to arena, layers to tables, weights and requantisation to one block.

use mixq_format::{Bits, Conv, Depthwise, Input, Layer, Linear, NamedLayer, Output, Pool};

use super::walk::Walk;
use super::weighted::logits_in_parts;
use super::{Arithmetic, Converted, TrainedNetwork};
use crate::error::Error;
use crate::graph::op::{
    Addition, AveragePool, Conv as ConvOp, Depthwise as DepthwiseOp, Elementwise as ElementwiseOp, MaxPool,
};
use crate::graph::{Graph, Op};
use crate::memory::Allocation;
use crate::settings::Scheme;

/// Turns a trained network into integers.
///
/// # Errors
/// Every channel that cannot be computed in 32 bits, by layer.
pub fn convert(
    graph: &Graph,
    allocation: &Allocation,
    scheme: Scheme,
    trained: &TrainedNetwork,
) -> Result<Converted, Error> {
    convert_by(Arithmetic::Exact, graph, allocation, scheme, trained)
}

/// The same, with the codes of another arithmetic than that of training.
///
/// # Errors
/// As [`convert`].
pub fn convert_by(
    arithmetic: Arithmetic,
    graph: &Graph,
    allocation: &Allocation,
    scheme: Scheme,
    trained: &TrainedNetwork,
) -> Result<Converted, Error> {
    let (parameters, problems) = (Vec::new(), Vec::new());
    let mut walk = Walk { graph, allocation, scheme, trained, arithmetic, parameters, problems };
    let grids = walk.grids();
    let mut layers = Vec::new();
    for step in &allocation.schedule.steps {
        let node = &graph.nodes[step.node];
        let input = walk.tensor(step.inputs[0], &grids);
        let output = walk.tensor(step.output, &grids);
        let layer = match node.op {
            Op::Conv(ConvOp { window }) => {
                let (weights, weight_bits, requant) = walk.weighted(step, input, output, &grids);
                let window = window.table();
                Layer::Conv(Conv { input, output, window, weights, weight_bits, requant })
            }
            Op::Depthwise(DepthwiseOp { window }) => {
                let (weights, weight_bits, requant) = walk.weighted(step, input, output, &grids);
                let window = window.table();
                Layer::Depthwise(Depthwise { input, output, window, weights, weight_bits, requant })
            }
            Op::GroupedConv(conv) => {
                let (weights, weight_bits, requant) = walk.weighted(step, input, output, &grids);
                Layer::GroupedConv(conv.table([input, output], weights, weight_bits, requant))
            }
            Op::Linear(_) => {
                let (weights, weight_bits, requant) = walk.weighted(step, input, output, &grids);
                Layer::Linear(Linear { input, output, weights, weight_bits, requant })
            }
            Op::AveragePool(AveragePool { window }) => {
                Layer::AveragePool(Pool { input, output, window: window.table() })
            }
            Op::MaxPool(MaxPool { window }) => Layer::MaxPool(Pool { input, output, window: window.table() }),
            Op::Add(Addition { subtracts }) => walk.addition(step, subtracts, output, &grids),
            Op::Multiply(_) => walk.multiplication(step, output, &grids),
            Op::Constants(constants) => walk.constants(step, constants.operation, [input, output], &grids),
            Op::Prelu(_) => walk.prelu(step, input, output, &grids),
            Op::Elementwise(ElementwiseOp { function }) => {
                Layer::Elementwise(walk.elementwise(function, step, input, output, &grids))
            }
            Op::Rearrange(rearrange) => {
                Layer::Rearrange(rearrange.table(input, output, step.inputs.len() > 1))
            }
            Op::Resize(resize) => Layer::Resize(resize.table(input, output)),
            Op::Flatten(_) => unreachable!("flatten is not a step"),
        };
        layers.push(NamedLayer { name: node.name.clone(), macs: graph.macs(step.node), layer });
    }
    let last = allocation.schedule.tensor_of_node[graph.output_node()];
    let output = walk.tensor(last, &grids);
    let inputs = (graph.inputs.iter().enumerate()).map(|(index, input)| Input {
        name: input.name.clone(),
        tensor: walk.tensor(index, &grids),
        samples: Vec::new(),
    });
    let inputs: Vec<Input> = inputs.collect();
    if !walk.problems.is_empty() {
        return Err(Error { problems: walk.problems });
    }
    let arena_bytes = allocation.ram as u32;
    let fraction = layers.last().and_then(|last| last.layer.requant()).map_or(0, |requant| requant.fraction);
    let logit_scale = match output.bits {
        Bits::B32 => logits_in_parts(grids[last], fraction).scale,
        Bits::B2 | Bits::B4 | Bits::B8 => grids[last].scale,
    };
    let outputs = graph.outputs.iter().map(|offered| {
        let index = allocation.schedule.tensor_of_node[offered.node];
        let scale = if index == last { logit_scale } else { grids[index].scale };
        Output { name: offered.name.clone(), tensor: walk.tensor(index, &grids), scale }
    });
    let outputs = outputs.collect();
    let stages = allocation.stages.iter().map(|stripes| stripes.stage).collect();
    let parameters = walk.parameters;
    Ok(Converted { layers, stages, parameters, inputs, output, arena_bytes, logit_scale, outputs })
}
