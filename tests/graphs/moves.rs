//! Layers that move elements.

use mixq_build::engine::graph::op::{
    ChannelShuffle, Concat, Coordinates, DepthToSpace, Interpolation, Pad, PointwiseSpec, Reshape,
    ResizeSpec, Slice, SpaceToDepth, Transpose, Upsample,
};
use mixq_build::engine::graph::{Activation, Padding, Shape};

use super::{Builder, NOTHING};

impl Builder<'_> {
    /// Elements at other places.
    pub(super) fn rearrange(&mut self) {
        let Shape { height, width, channels } = self.current.1;
        let factors = |size: usize| (1..=size).filter(move |factor| size.is_multiple_of(*factor));
        match self.rng.usize(0..9) {
            0 => {
                let first = self.rng.usize(0..channels);
                let count = self.rng.usize(1..=channels - first);
                self.push(
                    Slice { first, channels: count },
                    NOTHING,
                    Shape { height, width, channels: count },
                );
            }
            1 => {
                let groups = self.rng.choice(factors(channels).collect::<Vec<_>>()).expect("1 is a factor");
                self.push(ChannelShuffle { groups }, NOTHING, self.current.1);
            }
            2 => {
                let padding = [0; 4].map(|_| self.rng.usize(0..=2));
                let [top, bottom, left, right] = padding;
                let shape = Shape { height: height + top + bottom, width: width + left + right, channels };
                self.push(Pad { padding: Padding::Explicit(padding) }, NOTHING, shape);
            }
            3 => {
                let factor = [0; 2].map(|_| self.rng.usize(1..=2));
                let shape = Shape { height: height * factor[0], width: width * factor[1], channels };
                self.push(Upsample { factor }, NOTHING, shape);
            }
            4 => {
                let size = [0; 2].map(|_| self.rng.usize(1..=11));
                let interpolation =
                    if self.rng.u8(0..3) == 0 { Interpolation::Nearest } else { Interpolation::Bilinear };
                let coordinates = Coordinates::CHOICES[self.rng.usize(0..3)].1;
                let op = ResizeSpec { size: Some(size), factor: None, interpolation, coordinates };
                self.push(op, NOTHING, Shape { height: size[0], width: size[1], channels });
            }
            5 => {
                let blocks = (1..=3).filter(|block| channels.is_multiple_of(block * block));
                let block = self.rng.choice(blocks.collect::<Vec<_>>()).expect("1 is one");
                let channels = channels / block / block;
                let shape = Shape { height: height * block, width: width * block, channels };
                self.push(DepthToSpace { block }, NOTHING, shape);
            }
            6 => {
                let all = height * width * channels;
                let rows = self.rng.choice(factors(all).collect::<Vec<_>>()).expect("1 is one");
                let columns = self.rng.choice(factors(all / rows).collect::<Vec<_>>()).expect("1 is one");
                let shape = Shape { height: rows, width: columns, channels: all / rows / columns };
                self.push(Reshape { shape }, NOTHING, shape);
            }
            7 => {
                let mut order = [0, 1, 2];
                self.rng.shuffle(&mut order);
                let [height, width, channels] = order.map(|axis| [height, width, channels][axis]);
                self.push(Transpose { order }, NOTHING, Shape { height, width, channels });
            }
            _ => {
                let blocks = factors(height).filter(|block| width.is_multiple_of(*block) && *block <= 3);
                let block = self.rng.choice(blocks.collect::<Vec<_>>()).expect("1 is one");
                let channels = channels * block * block;
                let shape = Shape { height: height / block, width: width / block, channels };
                self.push(SpaceToDepth { block }, NOTHING, shape);
            }
        }
    }

    /// Two or three layers on the same input, joined; with the first layer's output, too, as DenseNet has it.
    pub(super) fn concat(&mut self) {
        let start = self.current.clone();
        let activation = if self.rng.bool() { Activation::Relu } else { Activation::None };
        let mut branches: Vec<(String, Shape)> = Vec::new();
        for index in 0..self.rng.usize(2..=3) {
            self.current = match branches.first() {
                Some(first) if index == 2 => first.clone(),
                _ => start.clone(),
            };
            let filters = self.rng.usize(1..=9);
            let norm = self.rng.bool();
            let op = PointwiseSpec { filters, stride: [1, 1] };
            self.push(op, (norm, activation), Shape { channels: filters, ..start.1 });
            branches.push(self.current.clone());
        }
        let channels = branches.iter().map(|(_, shape)| shape.channels).sum();
        let names: Vec<&str> = branches.iter().map(|(name, _)| &name[..]).collect();
        self.push_from(Concat, NOTHING, &names, Shape { channels, ..start.1 });
    }
}
