//! Which outputs have one grid: one scale, one zero point, one width.
//!
//! What an operator moves keeps its grid. So the outputs that a concatenation joins have one grid, and with
//! them all that pools and the like make of them.

use crate::error::Problem;

use super::resolve::quoted;
use super::{Activation, Graph, Node, Op, Source};

impl Graph {
    /// For each node the first node whose output has the same grid. That one computes its codes.
    pub fn grids(&self) -> Vec<usize> {
        let mut first: Vec<usize> = (0..self.nodes.len()).collect();
        for (index, node) in self.nodes.iter().enumerate() {
            if node.op.output().has_own_grid() {
                continue;
            }
            for source in &node.inputs {
                let Source::Node(input) = source else { continue };
                let (one, other) = (first[index], first[*input]);
                let (low, high) = (one.min(other), one.max(other));
                first.iter_mut().filter(|grid| **grid == high).for_each(|grid| *grid = low);
            }
        }
        first
    }

    /// For each node, whether the codes of its output surely have the zero point 0: all outputs of its grid
    /// are never negative.
    pub fn zero_based(&self) -> Vec<bool> {
        let grids = self.grids();
        // What an input becomes has its zero point, whatever that is.
        let is_negative = |index: &usize| match self.nodes[*index].op.output().has_own_grid() {
            true => !self.nodes[*index].starts_at_zero(),
            false => self.input_of(Source::Node(*index)).is_some(),
        };
        let negative: Vec<usize> =
            (0..self.nodes.len()).filter(is_negative).map(|index| grids[index]).collect();
        grids.iter().map(|grid| !negative.contains(grid)).collect()
    }

    /// What keeps outputs from having one grid: the node that joins them, and the problem.
    ///
    /// The ReLU of a layer costs nothing because its codes end where those of the grid do. So all outputs of
    /// a grid have it, with one bound, or none has.
    pub(super) fn contradicting_grids(&self) -> Option<(&str, Problem)> {
        let grids = self.grids();
        let clamps = |node: &Node| match node.op {
            Op::Elementwise(_) | Op::Prelu(_) => None,
            Op::Conv(_)
            | Op::Depthwise(_)
            | Op::GroupedConv(_)
            | Op::Linear(_)
            | Op::Add(_)
            | Op::Multiply(_)
            | Op::Constants(_)
            | Op::AveragePool(_)
            | Op::MaxPool(_)
            | Op::Flatten(_)
            | Op::Rearrange(_)
            | Op::Resize(_) => Some(node.activation),
        };
        let makers = |grid: usize| -> Vec<&Node> {
            let nodes = self.nodes.iter().zip(&grids).filter(|(_, other)| **other == grid);
            nodes.map(|(node, _)| node).filter(|node| node.op.output().has_own_grid()).collect()
        };
        (0..self.nodes.len()).find_map(|grid| {
            let makers = makers(grid);
            let clamping: Vec<&Node> = makers.iter().copied().filter(|node| clamps(node).is_some()).collect();
            let one = *clamping.first()?;
            let rectified = |node: &Node| node.activation != Activation::None;
            let other = clamping.iter().find(|node| node.activation != one.activation);
            // A function may be negative where a ReLU is not.
            let below = || makers.iter().find(|node| rectified(one) && !node.starts_at_zero());
            let other = *other.or_else(below)?;
            let says = |node: &Node| match node.activation {
                Activation::None => format!("{} (without ReLU)", quoted(&node.name)),
                activation => format!("{} (with {})", quoted(&node.name), activation.name()),
            };
            let joiner = self.joiner_of(grid)?;
            let message = format!(
                "layer {} joins what {} and {} write, which need one range",
                quoted(&joiner.name),
                says(one),
                says(other)
            );
            let help = "give all joined layers the same activation; instead, a function may be a layer of \
                        its own behind the concat";
            Some((joiner.name.as_str(), Problem::new(message).help(help)))
        })
    }

    /// The last node that joins outputs of a grid.
    fn joiner_of(&self, grid: usize) -> Option<&Node> {
        let grids = self.grids();
        let joins = |(index, node): &(usize, &Node)| grids[*index] == grid && node.inputs.len() > 1;
        let mut nodes = self.nodes.iter().enumerate().rev();
        nodes.find(|each| joins(each) && !each.1.op.output().has_own_grid()).map(|(_, node)| node)
    }
}
