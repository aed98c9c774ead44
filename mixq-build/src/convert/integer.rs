//! The walk over the network: tensors to arena, layers to tables, weights and requantisation to one block.

use mixq_format::{Add, Conv, Depthwise, Layer, Linear, NamedLayer, Pool, Tensor, Window};

use super::weighted::logits_in_parts;
use super::{Converted, Grid, TrainedLayer, TrainedNetwork};
use crate::error::{Error, Problem};
use crate::graph::{Graph, Op};
use crate::memory::{Allocation, PlacedTensor};
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
    let mut walk = Walk { graph, allocation, scheme, trained, parameters: Vec::new(), problems: Vec::new() };
    let grids = walk.grids();
    let mut layers = Vec::new();
    for step in &allocation.schedule.steps {
        let node = &graph.nodes[step.node];
        let input = walk.tensor(step.inputs[0], &grids);
        let output = walk.tensor(step.output, &grids);
        let layer = match node.op {
            Op::Conv { window, .. } => {
                let (weights, weight_bits, requant) = walk.weighted(step, input, output, &grids);
                let window = window_table(&window);
                Layer::Conv(Conv { input, output, window, weights, weight_bits, requant })
            }
            Op::Depthwise { window, .. } => {
                let (weights, weight_bits, requant) = walk.weighted(step, input, output, &grids);
                let window = window_table(&window);
                Layer::Depthwise(Depthwise { input, output, window, weights, weight_bits, requant })
            }
            Op::Linear { .. } => {
                let (weights, weight_bits, requant) = walk.weighted(step, input, output, &grids);
                Layer::Linear(Linear { input, output, weights, weight_bits, requant })
            }
            Op::AveragePool { window } => {
                Layer::AveragePool(Pool { input, output, window: window_table(&window) })
            }
            Op::MaxPool { window } => Layer::MaxPool(Pool { input, output, window: window_table(&window) }),
            Op::Add { .. } => {
                let b = step.inputs[1];
                walk.addition(step.node, [input, walk.tensor(b, &grids)], output, [step.inputs[0], b], &grids)
            }
            Op::Flatten => unreachable!("flatten is no step"),
        };
        layers.push(NamedLayer { name: node.name.clone(), macs: graph.macs(step.node), layer });
    }
    let logits = *allocation.schedule.steps.last().map(|step| &step.output).expect("a network has layers");
    let (input, output) = (walk.tensor(0, &grids), walk.tensor(logits, &grids));
    if !walk.problems.is_empty() {
        return Err(Error { problems: walk.problems });
    }
    let arena_bytes = allocation.ram as u32;
    let fraction = layers.last().and_then(|last| last.layer.requant()).map_or(0, |requant| requant.fraction);
    let logit_scale = logits_in_parts(grids[logits], fraction).scale;
    Ok(Converted { layers, parameters: walk.parameters, input, output, arena_bytes, logit_scale })
}

pub(super) struct Walk<'a> {
    pub(super) graph: &'a Graph,
    pub(super) allocation: &'a Allocation,
    pub(super) scheme: Scheme,
    pub(super) trained: &'a TrainedNetwork,
    parameters: Vec<u8>,
    pub(super) problems: Vec<Problem>,
}

impl<'a> Walk<'a> {
    /// The grid of every tensor of the schedule.
    fn grids(&self) -> Vec<Grid> {
        let mut grids = vec![self.trained.input];
        for step in &self.allocation.schedule.steps {
            let own = self.trained.activations[step.node];
            let inherited = grids[step.inputs[0]];
            let last = self.graph.is_last(step.node);
            grids.push(if last { self.logit_grid(step.node, inherited) } else { own.unwrap_or(inherited) });
        }
        grids
    }

    /// The one scale of all logits, but for the fraction: the unit of the accumulator of the channel with the
    /// largest.
    fn logit_grid(&self, node: usize, input: Grid) -> Grid {
        let layer = self.layer(node);
        let units = (0..self.graph.nodes[node].output.channels)
            .map(|c| (layer.multiplier[c] * input.scale * layer.grid(c).scale).abs());
        let scale = units.fold(0.0, f64::max);
        Grid { scale: if scale > 0.0 { scale } else { 1.0 }, zero_point: 0 }
    }

    pub(super) fn layer(&self, node: usize) -> &'a TrainedLayer {
        self.trained.layers[node].as_ref().expect("a weighted node is trained")
    }

    fn tensor(&self, index: usize, grids: &[Grid]) -> Tensor {
        let PlacedTensor { shape, bits, offset, .. } = self.allocation.tensors[index];
        let size = |size: usize| u16::try_from(size).expect("the graph bounds every axis");
        Tensor {
            height: size(shape.height),
            width: size(shape.width),
            channels: size(shape.channels),
            bits,
            zero_point: grids[index].zero_point as u8,
            offset: offset as u32,
        }
    }

    /// Adds a table to the parameters; its offset.
    pub(super) fn append(&mut self, bytes: &[u8]) -> u32 {
        let offset = self.parameters.len() as u32;
        self.parameters.extend_from_slice(bytes);
        offset
    }

    fn addition(
        &mut self,
        node: usize,
        [a, b]: [Tensor; 2],
        y: Tensor,
        xs: [usize; 2],
        grids: &[Grid],
    ) -> Layer {
        let output = self.trained.activations[node].expect("an addition has a grid");
        let ratios = xs.map(|tensor| grids[tensor].scale / output.scale);
        let largest = ratios[0].max(ratios[1]);
        // The largest shift at which both multipliers stay below 2^22.
        let shift = (1..=31).rev().find(|shift| (largest * 2f64.powi(*shift)).round() < f64::from(1 << 22));
        let Some(shift) = shift else {
            let name = &self.graph.nodes[node].name;
            self.problems.push(
                Problem::new(format!("layer `{name}`: its inputs' scale is {largest:e} times its output's"))
                    .help("the network has diverged: lower the learning rate, or retrain with another seed"),
            );
            return Layer::Add(Add { a, b, output: y, multiplier_a: 0, multiplier_b: 0, shift: 1 });
        };
        let multipliers = ratios.map(|ratio| (ratio * 2f64.powi(shift)).round() as i32);
        Layer::Add(Add {
            a,
            b,
            output: y,
            multiplier_a: multipliers[0],
            multiplier_b: multipliers[1],
            shift: shift as u32,
        })
    }
}

fn window_table(window: &crate::graph::Window) -> Window {
    let size = |size: usize| u16::try_from(size).expect("the graph bounds every axis");
    Window {
        kernel_height: size(window.kernel[0]),
        kernel_width: size(window.kernel[1]),
        stride_height: size(window.stride[0]),
        stride_width: size(window.stride[1]),
        pad_top: size(window.padding[0]),
        pad_left: size(window.padding[2]),
    }
}
