//! How random networks end.

use mixq_build::engine::graph::op::{
    ConvSpec, DepthwiseSpec, Flatten, GlobalAveragePool, GlobalMaxPool, LinearSpec,
};
use mixq_build::engine::graph::{Activation, LayerSpec, OpSpec, Padding, Shape};

use super::{Builder, NOTHING};

impl Builder<'_> {
    /// The end of the network, in one of its forms; a layer in the middle may be an output, too.
    pub(super) fn end(mut self) -> Vec<LayerSpec> {
        if self.rng.usize(0..3) == 0 {
            let layer = self.rng.usize(0..self.layers.len());
            // What only moves an input is not computed.
            let name = self.layers[layer].name.as_ref();
            self.layers[layer].is_output = name.is_none_or(|name| !self.moved.contains(name));
        }
        match self.rng.usize(0..4) {
            // Codes, as they are.
            0 if !self.ends_in_an_activation() => self.layers,
            1 => {
                let follows = (self.rng.bool(), Activation::None);
                let (kernel, stride, padding, [height, width]) = self.window();
                if self.rng.bool() {
                    let op = DepthwiseSpec { kernel, stride, padding };
                    self.push(op, follows, Shape { height, width, ..self.current.1 });
                } else {
                    let filters = self.rng.usize(1..=6);
                    let op = ConvSpec { filters, kernel, stride, padding };
                    self.push(op, follows, Shape { height, width, channels: filters });
                }
                self.layers
            }
            _ => self.logits(),
        }
    }

    fn ends_in_an_activation(&self) -> bool {
        self.layers.last().is_some_and(|last| {
            last.activation != Some(Activation::None) || matches!(last.op, OpSpec::Elementwise(_))
        })
    }

    /// One pixel of logits.
    fn logits(mut self) -> Vec<LayerSpec> {
        let classes = self.rng.usize(1..=7);
        let shape = self.current.1;
        let end = self.rng.usize(0..5);
        if end == 0 {
            let average = OpSpec::from(GlobalAveragePool);
            let op = if classes.is_multiple_of(2) { average } else { GlobalMaxPool.into() };
            self.push(op, NOTHING, Shape { height: 1, width: 1, ..shape });
        } else if end == 1 {
            self.push(Flatten, NOTHING, Shape { height: 1, width: 1, channels: shape.elements() });
        } else if end == 2 {
            let follows = self.follows();
            self.push(
                LinearSpec { features: classes + 2 },
                follows,
                Shape { height: 1, width: 1, channels: classes + 2 },
            );
        }
        let follows = (self.rng.bool(), Activation::None);
        let output = Shape { height: 1, width: 1, channels: classes };
        if end == 3 {
            let (kernel, stride, padding) = ([shape.height, shape.width], [1, 1], Padding::Valid);
            self.push(ConvSpec { filters: classes, kernel, stride, padding }, follows, output);
        } else {
            self.push(LinearSpec { features: classes }, follows, output);
        }
        self.layers
    }
}
