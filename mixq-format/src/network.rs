//! The whole network, and the checks that make it safe to execute.

use crate::stage::{self, state_over};
use crate::{Bits, Layer, Stage, Tensor, contents, rules};
#[cfg(feature = "file")]
use crate::{held_input, held_layers};

/// An integer network: layers in the order of execution, their parameters, and the shape of its arena.
#[derive(Clone, Copy, Debug)]
pub struct Network<'a> {
    /// The steps, in order.
    pub layers: &'a [Layer],
    /// Runs of layers that are executed in stripes, in order. Their tensors have the shapes of whole tensors;
    /// those inside lie in the arena in part.
    pub stages: &'a [Stage],
    /// Packed weights and requantisation tables.
    pub parameters: &'a [u8],
    /// The image: codes of 8 bits, or of fewer where they are made of samples.
    pub input: Tensor,
    /// The inputs beside the first one, of a network that has several.
    pub others: &'a [Tensor],
    /// What the last layer writes: 32-bit integers on one common scale (logits), or 8-bit codes.
    pub output: Tensor,
    /// Bytes of RAM for all activations, a multiple of 4.
    pub arena_bytes: u32,
}

/// What makes a network unfit to be executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// Index of the layer, or `None` for the network as a whole.
    pub layer: Option<usize>,
    /// What is wrong.
    pub reason: &'static str,
}

impl core::fmt::Display for Invalid {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.layer {
            Some(layer) => write!(f, "layer {layer}: {}", self.reason),
            None => f.write_str(self.reason),
        }
    }
}

impl core::error::Error for Invalid {}

impl Network<'_> {
    /// Bytes of constants that the linked image holds for this network: parameters (padded to a
    /// multiple of 4) and layer tables.
    pub fn flash_bytes(&self) -> usize {
        let tables: usize = self.layers.iter().map(Layer::table_bytes).sum();
        let striped: usize = self.stages.iter().map(Stage::table_bytes).sum();
        self.parameters.len().next_multiple_of(4) + tables + striped
    }

    /// Bytes of RAM that the linked image holds for this network: the arena, which includes the
    /// image and the logits.
    pub fn ram_bytes(&self) -> usize {
        self.arena_bytes as usize
    }

    /// Checks all that the kernels rely on: shapes that chain, windows that meet their input, aligned offsets
    /// inside the parameter block and the arena, no output over a tensor that is still to be read, zero
    /// points and entries of tables that are codes, thresholds that ascend, and pools and windows whose sums
    /// fit 32 bits. (Stages only with the feature `file`.)
    ///
    /// That the sums of weights and inputs do, the build proves of the weights that it writes; where they do
    /// not, all targets wrap alike.
    ///
    /// # Errors
    /// The first layer that breaks a rule, and which.
    pub fn validate(&self) -> Result<(), Invalid> {
        let whole = |reason| Invalid { layer: None, reason };
        if self.layers.is_empty() {
            return Err(whole("no layers"));
        }
        if self.inputs().any(|input| input.bits == Bits::B32) {
            return Err(whole("an input is 32 bits wide"));
        }
        let output = &self.output;
        if !matches!(output.bits, Bits::B32 | Bits::B8) || !output.offset.is_multiple_of(4) {
            return Err(whole("the output is not aligned, or has neither 32 nor 8 bits"));
        }
        if self.layers[self.layers.len() - 1].output() != output {
            return Err(whole("the last layer does not write the output"));
        }
        let beyond = |input: &Tensor| rules::range(input).end > u64::from(self.arena_bytes);
        let held = core::iter::once(self.placed_input());
        if !self.arena_bytes.is_multiple_of(4)
            || held.chain(self.others.iter().copied()).any(|it| beyond(&it))
        {
            return Err(whole("an input does not fit the arena"));
        }
        self.inputs_are_apart().map_err(whole)?;
        stage::validate(self).map_err(|(index, reason)| Invalid { layer: Some(index), reason })?;
        let placed = self.placed();
        for (index, layer) in self.layers.iter().enumerate() {
            let verdict = self.validate_layer(index, layer, &placed);
            verdict.map_err(|reason| Invalid { layer: Some(index), reason })?;
        }
        Ok(())
    }

    /// The layers with the rows that the arena holds of their tensors.
    #[cfg(feature = "file")]
    fn placed(&self) -> impl core::ops::Deref<Target = [Layer]> {
        held_layers(self.layers, self.stages)
    }

    /// The same. Without the feature `file`, which reads artifacts, there are no stages.
    #[cfg(not(feature = "file"))]
    fn placed(&self) -> impl core::ops::Deref<Target = [Layer]> {
        self.layers
    }

    /// The first input with the rows that the arena holds of it: all, unless it is fed.
    #[cfg(feature = "file")]
    pub fn placed_input(&self) -> Tensor {
        held_input(&self.input, self.layers, self.stages)
    }

    /// The same. Without the feature `file` there are no stages.
    #[cfg(not(feature = "file"))]
    fn placed_input(&self) -> Tensor {
        self.input
    }

    /// The stage whose input comes in rows, if the network has one: see [`Stage::fed`].
    pub fn fed(&self) -> Option<&Stage> {
        self.stages.first().filter(|stage| stage.fed)
    }

    /// All inputs, the first one first.
    pub fn inputs(&self) -> impl Iterator<Item = &Tensor> {
        core::iter::once(&self.input).chain(self.others)
    }

    /// All inputs are written before the first layer is executed: each has bytes of its own, and a layer
    /// reads it. (That nothing writes over it before, [`inputs_are_there`] says.)
    fn inputs_are_apart(&self) -> Result<(), &'static str> {
        if self.others.is_empty() {
            return Ok(());
        }
        for (index, input) in self.inputs().enumerate() {
            let range = rules::range(input);
            let meets = |other: &Tensor| {
                let other = rules::range(other);
                other.start < range.end && range.start < other.end
            };
            if self.inputs().take(index).any(meets) {
                return Err("two inputs overlap");
            }
            if !self.layers.iter().any(|layer| layer.inputs().any(|read| read == input)) {
                return Err("an input is read by no layer");
            }
        }
        Ok(())
    }

    /// Whether codes of 8 bits are still there when all layers are done: a layer writes them, and no later
    /// one writes over them.
    ///
    /// # Errors
    /// What is wrong with them, as a sentence goes on.
    pub fn keeps(&self, output: &Tensor) -> Result<(), &'static str> {
        if output.bits != Bits::B8 {
            return Err("has not 8 bits");
        }
        let Some(writer) = self.layers.iter().rposition(|layer| layer.output() == output) else {
            return Err("is written by no layer");
        };
        let inside = |stage: &Stage| stage.range().contains(&writer) && writer + 1 < stage.range().end;
        if self.stages.iter().any(inside) {
            return Err("is made inside a stage, which does not keep all its rows");
        }
        let placed = self.placed();
        let wanted = rules::range(output);
        let over = |other: &Layer| {
            let other = rules::range(other.output());
            other.start < wanted.end && wanted.start < other.end
        };
        let until = self.layers.len();
        if placed[writer + 1..].iter().any(over) || state_over(self.stages, Some(writer), output, until) {
            Err("is written over")
        } else {
            Ok(())
        }
    }

    /// `placed`: the layers with the rows that the arena holds.
    fn validate_layer(&self, index: usize, layer: &Layer, placed: &[Layer]) -> Result<(), &'static str> {
        let output = layer.output();
        let last = index + 1 == self.layers.len();
        if !self.stages.iter().any(|stage| stage.range().contains(&index)) {
            rules::layer(layer, self.parameters.len(), self.arena_bytes as usize)?;
        }
        for input in layer.inputs() {
            let written = || self.layers[..index].iter().any(|earlier| earlier.output() == input);
            if !self.inputs().any(|other| other == input) && !written() {
                return Err("an input is written by no earlier layer");
            }
        }
        if output.bits == Bits::B32 && !last {
            return Err("logits are written by a layer that is not the last one");
        }
        inputs_are_there(self.layers, placed, self.stages, index)?;
        if let Layer::Elementwise(table) = layer {
            contents::codes(table, self.parameters)?;
        }
        if let Layer::Prelu(table) = layer {
            contents::slopes(table, self.parameters)?;
        }
        match (layer.weights(), layer.requant()) {
            (Some((.., bits)), Some(requant)) => contents::tables(requant, bits, output, self.parameters),
            _ => Ok(()),
        }
    }
}

/// What a layer reads is still there: no layer after the one that wrote it has written over it. (What the
/// layers of a stage write over one another, the checks of stages say.) `placed`: the layers with the rows
/// that the arena holds.
fn inputs_are_there(
    layers: &[Layer],
    placed: &[Layer],
    stages: &[Stage],
    reader: usize,
) -> Result<(), &'static str> {
    for (input, held) in layers[reader].inputs().zip(placed[reader].inputs()) {
        let wanted = rules::range(held);
        let writer = layers[..reader].iter().rposition(|layer| layer.output() == input);
        let beside = stages.iter().find(|stage| stage.range().contains(&reader));
        let until = beside.map_or(reader, |stage| stage.range().start);
        let after = writer.map_or(0, |writer| writer + 1);
        let mut since = placed[after.min(until)..until].iter();
        let over = |other: &Layer| {
            let other = rules::range(other.output());
            other.start < wanted.end && wanted.start < other.end
        };
        if since.any(over) || state_over(stages, writer, held, reader) {
            return Err("an input has been written over by a layer between");
        }
    }
    Ok(())
}
