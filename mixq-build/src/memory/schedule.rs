//! A network as steps over tensors in the arena: what the device executes, before bits are known.

use mixq_format::Bits;

use super::arena::Lifetime;
use crate::graph::{Graph, Op, Shape, Source};

/// The steps and tensors of a network. Flatten is no step: its output is its input's tensor.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// All tensors; the first is the image, the last the logits.
    pub tensors: Vec<Tensor>,
    /// All steps, in order.
    pub steps: Vec<Step>,
    /// Tensors whose width is free to choose are numbered densely; here the fixed ones: image and logits.
    pub fixed: Vec<bool>,
    /// The tensor that holds each node's output.
    pub tensor_of_node: Vec<usize>,
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
        let image = Tensor { shape: graph.input, width: 0, life: (0, 0) };
        let (mut tensors, mut steps, mut fixed) = (vec![image], Vec::<Step>::new(), vec![true]);
        let mut tensor_of_node = Vec::new();
        for (index, node) in graph.nodes.iter().enumerate() {
            let inputs: Vec<usize> = (node.inputs.iter())
                .map(|source| match source {
                    Source::Image => 0,
                    Source::Node(earlier) => tensor_of_node[*earlier],
                })
                .collect();
            if node.op == Op::Flatten {
                tensor_of_node.push(inputs[0]);
                continue;
            }
            let width = match node.op {
                Op::AveragePool { .. } | Op::MaxPool { .. } => tensors[inputs[0]].width,
                _ => {
                    fixed.push(index + 1 == graph.nodes.len());
                    fixed.len() - 1
                }
            };
            let now = steps.len();
            inputs.iter().for_each(|&input| tensors[input].life.1 = now);
            tensors.push(Tensor { shape: node.output, width, life: (now, now) });
            tensor_of_node.push(tensors.len() - 1);
            steps.push(Step { node: index, inputs, output: tensors.len() - 1 });
        }
        Schedule { tensors, steps, fixed, tensor_of_node }
    }

    /// Widths before any cut: 8 bits, and 32 for the logits.
    pub fn initial_widths(&self) -> Vec<Bits> {
        let mut widths = vec![Bits::B8; self.fixed.len()];
        *widths.last_mut().expect("at least the image") = Bits::B32;
        widths
    }

    /// Bytes and lives of all tensors at these widths, in the order of `tensors`.
    pub fn lifetimes(&self, widths: &[Bits]) -> Vec<Lifetime> {
        let bytes = |tensor: &Tensor| {
            tensor.shape.height * tensor.shape.width * widths[tensor.width].row_bytes(tensor.shape.channels)
        };
        let life = |tensor: &Tensor| (tensor.life.0, tensor.life.1);
        (self.tensors.iter())
            .map(|tensor| Lifetime { bytes: bytes(tensor), first: life(tensor).0, last: life(tensor).1 })
            .collect()
    }
}
