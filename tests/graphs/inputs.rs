//! Random networks with several inputs.

use fastrand::Rng;
use mixq_build::engine::graph::op::{
    Concat, DepthwiseSpec, GlobalAveragePool, LinearSpec, Multiply, Transpose,
};
use mixq_build::engine::graph::{Graph, InputSpec, Padding, Shape, Spec};
use mixq_build::engine::task::Task;
use mixq_format::Bits;

use super::{Builder, NOTHING};

/// A network that resolves and reads two or three inputs, of any shapes and any bits: each but the first one
/// joins the others somewhere on the way.
pub fn random_graph_of_inputs(rng: &mut Rng) -> Graph {
    let inputs: Vec<(String, Shape)> = (0..rng.usize(2..=3))
        .map(|index| {
            let mut side = |most: usize| if rng.bool() { 1 } else { rng.usize(1..=most) };
            let shape = Shape { height: side(7), width: side(7), channels: side(9) };
            (format!("input_{index}"), shape)
        })
        .collect();
    let mut builder = Builder::new(rng, inputs[0].clone());
    builder.begin();
    for input in &inputs[1..] {
        for _ in 0..builder.rng.usize(0..=2) {
            builder.any();
        }
        builder.take_in(input.clone());
    }
    let layers = builder.end();
    let inputs = inputs.into_iter().map(|(name, shape)| InputSpec { name, shape, location: None }).collect();
    let graph =
        Graph::resolve_for(&Spec { inputs, layers }, Task::Dense).expect("the builder keeps the rules");
    let bits: Vec<Bits> = (0..3).map(|_| Bits::QUANTISED[rng.usize(0..3)]).collect();
    let index = |name: &str| name["input_".len()..].parse::<usize>().expect("it ends with its index");
    Graph { inputs: graph.inputs.clone().with_bits(|input| bits[index(&input.name)]), ..graph }
}

impl Builder<'_> {
    /// A layer that may read an input, or what a `transpose` makes of it.
    fn begin(&mut self) {
        if self.rng.usize(0..3) == 0 {
            let orders = [[2, 0, 1], [1, 2, 0], [0, 2, 1], [1, 0, 2], [2, 1, 0]];
            let order = orders[self.rng.usize(0..orders.len())];
            self.push(Transpose { order }, NOTHING, self.current.1.ordered(order));
            // No other layer may read it.
            self.moved.extend(self.written.pop().map(|(name, _)| name));
        }
        match self.rng.usize(0..4) {
            0 => {
                let (features, follows) = (self.rng.usize(1..=9), self.follows());
                self.push(LinearSpec { features }, follows, Shape::from(features));
            }
            1 => {
                let follows = self.follows();
                let op = DepthwiseSpec { kernel: [1, 1], stride: [1, 1], padding: Padding::Valid };
                self.push(op, follows, self.current.1);
            }
            2 => self.pointwise(),
            _ => self.conv(),
        }
    }

    /// Layers on another input, joined with what the network has so far.
    fn take_in(&mut self, input: (String, Shape)) {
        let before = std::mem::replace(&mut self.current, input);
        self.begin();
        if self.rng.bool() {
            self.any();
        }
        let (channels, follows) = (before.1.channels, self.follows());
        if self.rng.bool() {
            // A factor for each channel.
            self.push(LinearSpec { features: channels }, follows, Shape::from(channels));
            self.join(Multiply, &before.0, before.1);
            return;
        }
        // Channels beside channels, of one pixel.
        let (features, own) = (self.rng.usize(1..=9), self.rng.usize(1..=9));
        self.push(LinearSpec { features }, follows, Shape::from(features));
        let branch = std::mem::replace(&mut self.current, before);
        if self.current.1 != Shape::from(channels) {
            self.push(GlobalAveragePool, NOTHING, Shape::from(channels));
        }
        // They have one range.
        let follows = (self.rng.bool(), follows.1);
        self.push(LinearSpec { features: own }, follows, Shape::from(own));
        let main = self.current.0.clone();
        self.push_from(Concat, NOTHING, &[&main, &branch.0], Shape::from(own + features));
    }
}
