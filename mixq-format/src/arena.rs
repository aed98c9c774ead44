//! A network in an arena with room to spare.

use crate::target::Steps;
use crate::{Artifact, Layer, Tensor, held_input};

impl Artifact {
    /// The same network in an arena of `bytes` bytes: a multiple of 4, and at least what it has.
    ///
    /// Tensors that end where the arena ends move with its end. So the bytes that a layer leaves free lie in
    /// one part, between the tensors at the start and the tensors at the end.
    pub fn in_arena(&self, bytes: u32) -> Artifact {
        let header = &self.header;
        let place = |tensor: &Tensor| tensor.in_arena(header.arena_bytes, bytes);
        let mut larger = self.clone();
        let layers = self.layers();
        larger.header.arena_bytes = bytes;
        larger.header.input.offset = place(&held_input(&header.input, &layers, &header.stages)).offset;
        larger.header.output = place(&header.output);
        larger.header.inputs.iter_mut().for_each(|input| input.tensor = place(&input.tensor));
        larger.header.outputs.iter_mut().for_each(|output| output.tensor = place(&output.tensor));
        let moved = in_arena(layers.steps(&[]), header.arena_bytes, bytes);
        for stage in &mut larger.header.stages {
            stage.state = place(&stage.state()).offset;
        }
        for (named, moved) in larger.header.layers.iter_mut().zip(moved) {
            named.layer = moved;
        }
        larger
    }
}

/// The layers of a network whose arena has `before` bytes, in one of `bytes` bytes: see
/// [`Artifact::in_arena`].
pub fn in_arena(steps: Steps<'_>, before: u32, bytes: u32) -> Vec<Layer> {
    let moved = |(layer, placed): (&Layer, &Layer)| {
        // Where a tensor ends that lies there in part, the rows say that it holds.
        let mut offsets = Vec::new();
        placed.with_tensors(|tensor| {
            offsets.push(tensor.in_arena(before, bytes).offset);
            *tensor
        });
        let mut offsets = offsets.into_iter();
        layer.with_tensors(|tensor| Tensor { offset: offsets.next().unwrap_or(tensor.offset), ..*tensor })
    };
    steps.layers.iter().zip(steps.placed).map(moved).collect()
}

impl Tensor {
    /// The tensor in an arena of `bytes` bytes instead of `before`.
    ///
    /// Tensors that did not overlap do not overlap afterwards: all tensors that move do so by the same
    /// distance, away from the others.
    pub(crate) fn in_arena(&self, before: u32, bytes: u32) -> Tensor {
        let last = self.range().end.next_multiple_of(4) == before as usize;
        Tensor { offset: if last { self.offset + (bytes - before) } else { self.offset }, ..*self }
    }
}

impl Layer {
    /// The layer with other tensors: `place` makes them of its own, first of the inputs, then of the output.
    pub fn with_tensors(self, mut place: impl FnMut(&Tensor) -> Tensor) -> Layer {
        let mut layer = self;
        let tensors: &mut [&mut Tensor] = match &mut layer {
            Layer::Conv(l) => &mut [&mut l.input, &mut l.output],
            Layer::Depthwise(l) => &mut [&mut l.input, &mut l.output],
            Layer::Linear(l) => &mut [&mut l.input, &mut l.output],
            Layer::AveragePool(l) | Layer::MaxPool(l) => &mut [&mut l.input, &mut l.output],
            Layer::Add(l) => &mut [&mut l.a, &mut l.b, &mut l.output],
            Layer::Multiply(l) => &mut [&mut l.a, &mut l.b, &mut l.output],
            Layer::Elementwise(l) => &mut [&mut l.input, &mut l.output],
            Layer::Prelu(l) => &mut [&mut l.input, &mut l.output],
            Layer::Rearrange(l) => &mut [&mut l.input, &mut l.output],
            Layer::Resize(l) => &mut [&mut l.input, &mut l.output],
            Layer::GroupedConv(l) => &mut [&mut l.input, &mut l.output],
            Layer::Constants(l) => &mut [&mut l.input, &mut l.output],
        };
        for tensor in tensors {
            **tensor = place(tensor);
        }
        layer
    }
}
