//! A network in an arena with room to spare.

use crate::{Artifact, Layer, Tensor};

impl Artifact {
    /// The same network in an arena of `bytes` bytes, a multiple of 4 and no less than it has. Tensors that
    /// end where the arena ends move with its end: what is free while a layer is executed then is free in one
    /// part, between those at the start and those at the end.
    pub fn in_arena(&self, bytes: u32) -> Artifact {
        let header = &self.header;
        let before = header.arena_bytes;
        let place = |tensor: &Tensor| Tensor { offset: offset(tensor, before, bytes), ..*tensor };
        let mut moved = self.clone();
        moved.header.arena_bytes = bytes;
        moved.header.input = place(&header.input);
        moved.header.output = place(&header.output);
        for named in &mut moved.header.layers {
            named.layer = named.layer.with_tensors(place);
        }
        moved
    }
}

/// Where a tensor lies in an arena of `bytes` bytes instead of `before`.
///
/// No two tensors overlap then that did not before: those that move were the last, and all keep their
/// distances.
fn offset(tensor: &Tensor, before: u32, bytes: u32) -> u32 {
    let last = tensor.range().end.next_multiple_of(4) == before as usize;
    if last { tensor.offset + (bytes - before) } else { tensor.offset }
}

impl Layer {
    /// The layer with other tensors.
    fn with_tensors(self, place: impl Fn(&Tensor) -> Tensor) -> Layer {
        let mut layer = self;
        let tensors: &mut [&mut Tensor] = match &mut layer {
            Layer::Conv(l) => &mut [&mut l.input, &mut l.output],
            Layer::Depthwise(l) => &mut [&mut l.input, &mut l.output],
            Layer::Linear(l) => &mut [&mut l.input, &mut l.output],
            Layer::AveragePool(l) | Layer::MaxPool(l) => &mut [&mut l.input, &mut l.output],
            Layer::Add(l) => &mut [&mut l.a, &mut l.b, &mut l.output],
        };
        for tensor in tensors {
            **tensor = place(tensor);
        }
        layer
    }
}
