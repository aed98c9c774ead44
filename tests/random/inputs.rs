//! Several inputs.

use mixq_format::{Bits, Input, Tensor};

use super::{Builder, samples_of};

impl Builder {
    /// Another input, with codes of this width; for a [`Builder::read`] to come.
    ///
    /// # Panics
    /// If there is a layer already: inputs are there before all layers.
    pub fn input(&mut self, [height, width, channels]: [u16; 3], bits: Bits) -> Tensor {
        assert!(self.layers.is_empty(), "inputs come before layers");
        let zero_point = self.rng.u8(..) & bits.max_code() as u8;
        let input = Tensor { height, width, channels, bits, zero_point, offset: self.arena_bytes };
        self.arena_bytes += input.bytes().next_multiple_of(4) as u32;
        self.others.push(input);
        self.kept.push(input);
        input
    }

    /// The next layer reads this input; what the last layer wrote stays in the arena.
    pub fn read(&mut self, input: Tensor) -> Tensor {
        let before = self.keep();
        self.kept.retain(|kept| *kept != input);
        self.current = input;
        before
    }

    /// All inputs, if there are several: `image`, `input_1`, ...
    pub(super) fn inputs(&self) -> Vec<Input> {
        if self.others.is_empty() {
            return Vec::new();
        }
        let all = std::iter::once(&self.input).chain(&self.others).enumerate();
        let input = |(index, tensor): (usize, &Tensor)| Input {
            name: if index == 0 { "image".to_string() } else { format!("input_{index}") },
            tensor: *tensor,
            samples: samples_of(tensor),
        };
        all.map(input).collect()
    }
}
