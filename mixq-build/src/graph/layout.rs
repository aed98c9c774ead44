//! In which order layers read the axes of an input: a `transpose` may stand between, as for NCHW data.

use std::collections::BTreeSet;

use crate::error::Problem;

use super::op::{OpSpec, Transpose};
use super::resolve::{self, Link, Problems, quoted};
use super::{Graph, Op, Shape, Source, Spec, op};

/// Which axis of an input is read as height, which as width, which as channels: 0 is height, 1 width, 2
/// channels.
pub type Order = [usize; 3];

/// The axes as they are.
pub const AS_IT_IS: Order = [0, 1, 2];

/// The order after another one.
fn after(before: Order, order: Order) -> Order {
    order.map(|axis| before.get(axis).copied().unwrap_or(axis))
}

impl Shape {
    /// The same elements with the axes in another order.
    pub fn ordered(&self, order: Order) -> Shape {
        let sides = [self.height, self.width, self.channels];
        let [height, width, channels] = order.map(|axis| sides[axis]);
        Shape { height, width, channels }
    }
}

impl Spec {
    /// The orders in which layers read each input; none of an input that no layer reads.
    pub(super) fn orders(&self, links: &[Vec<Link>]) -> Vec<BTreeSet<Order>> {
        let mut orders = vec![BTreeSet::new(); self.inputs.len()];
        let mut moved: Vec<Option<(usize, Order)>> = Vec::with_capacity(self.layers.len());
        for (layer, links) in self.layers.iter().zip(links) {
            let read = |link: &Link| match (*link)? {
                Source::Input(input) => Some((input, AS_IT_IS)),
                Source::Node(before) => moved[before],
            };
            let read: Vec<(usize, Order)> = links.iter().filter_map(read).collect();
            match (&layer.op, &read[..]) {
                (OpSpec::Transpose(Transpose { order }), [(input, before)]) => {
                    moved.push(Some((*input, after(*before, *order))));
                }
                _ => {
                    for (input, order) in &read {
                        orders[*input].insert(*order);
                    }
                    moved.push(None);
                }
            }
        }
        orders
    }

    /// The shape of each input as the layers read it that have weights: behind a `transpose`, if there is
    /// one.
    pub fn images(&self) -> Vec<Shape> {
        let mut problems = Problems::new(&self.layers);
        let names = resolve::names(self, &mut problems);
        let links = resolve::links(self, &names, &mut problems);
        let orders = self.orders(&links);
        let image = |(input, orders): (&super::InputSpec, &BTreeSet<Order>)| {
            let order = orders.first().copied().filter(is_order).unwrap_or(AS_IT_IS);
            input.shape.ordered(order)
        };
        self.inputs.iter().zip(&orders).map(image).collect()
    }

    /// An input that layers read in more than one order: it has one scale, and channels in one place.
    pub(super) fn contradicting_orders(&self, links: &[Vec<Link>]) -> Vec<Problem> {
        let orders = self.orders(links);
        let several = (0..orders.len()).filter(|input| orders[*input].len() > 1);
        let problem = |input: usize| {
            let axes =
                |order: &Order| order.map(|axis| op::AXES.get(axis).copied().unwrap_or("?")).join(", ");
            let found: Vec<String> = orders[input].iter().map(axes).collect();
            let message = format!(
                "layers read {} with its axes in different orders: {}",
                self.describe_input(input),
                found.join("; ")
            );
            let location = self.inputs[input].location.clone();
            let help = "let all read what one `transpose` writes, or make it an input of its own";
            Problem { location, ..Problem::new(message).help(help) }
        };
        several.map(problem).collect()
    }
}

/// Whether it names each axis once: what does not is another problem.
fn is_order(order: &Order) -> bool {
    let mut sorted = *order;
    sorted.sort_unstable();
    sorted == AS_IT_IS
}

impl Graph {
    /// The input whose elements a source is, as they are or in another order.
    pub fn input_of(&self, source: Source) -> Option<usize> {
        Some(self.moved_input(source)?.0)
    }

    /// The same, with the order of its axes.
    fn moved_input(&self, source: Source) -> Option<(usize, Order)> {
        match source {
            Source::Input(input) => Some((input, AS_IT_IS)),
            Source::Node(index) => match self.nodes[index].op {
                Op::Rearrange(op::Rearrange::Transpose { order }) => {
                    let (input, before) = self.moved_input(self.nodes[index].inputs[0])?;
                    Some((input, after(before, order)))
                }
                _ => None,
            },
        }
    }

    /// The nodes that read an input as it is or in another order, but for those that only move it.
    pub fn readers_of_input(&self, input: usize) -> Vec<usize> {
        let reads = |index: &usize| {
            let is_moved = self.moved_input(Source::Node(*index)).is_some();
            !is_moved && self.nodes[*index].inputs.iter().any(|source| self.input_of(*source) == Some(input))
        };
        (0..self.nodes.len()).filter(reads).collect()
    }

    /// The graph with the order in which layers read each of its inputs.
    pub(super) fn with_orders(mut self) -> Graph {
        let orders = (0..self.inputs.len()).map(|input| {
            let mut readers = self.readers_of_input(input).into_iter();
            let reader = readers.next()?;
            let mut sources = self.nodes[reader].inputs.iter().filter_map(|source| self.moved_input(*source));
            sources.find(|(read, _)| *read == input).map(|(_, order)| order)
        });
        let orders: Vec<Order> = orders.map(|order| order.unwrap_or(AS_IT_IS)).collect();
        self.inputs = self.inputs.with_orders(&orders);
        self
    }

    /// A node that is an output, and only moves what the network reads.
    pub(super) fn moved_output(&self) -> Option<(&str, Problem)> {
        let outputs = self.outputs.iter().map(|output| output.node).chain([self.output_node()]);
        let node = outputs.into_iter().find(|node| self.input_of(Source::Node(*node)).is_some())?;
        let name = &self.nodes[node].name;
        let message = format!("layer {} is an output, but only moves what the network reads", quoted(name));
        Some((name, Problem::new(message).help("the firmware has these elements: leave the output out")))
    }
}
