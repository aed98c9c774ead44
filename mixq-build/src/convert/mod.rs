//! From the network as trained, on quantised grids, to integers.

#[cfg(feature = "integer")]
mod channel;
#[cfg(feature = "integer")]
mod elementwise;
#[cfg(feature = "integer")]
mod engine;
#[cfg(feature = "integer")]
mod fixed_point;
#[cfg(feature = "integer")]
mod integer;
#[cfg(feature = "integer")]
mod litert;
#[cfg(feature = "integer")]
mod pack;
#[cfg(feature = "integer")]
mod pairs;
#[cfg(feature = "integer")]
mod requant;
#[cfg(feature = "integer")]
mod thresholds;
#[cfg(all(test, feature = "integer"))]
mod thresholds_tests;
#[cfg(feature = "integer")]
mod walk;
#[cfg(feature = "integer")]
mod weighted;

#[cfg(feature = "train")]
pub use elementwise::code_of;
#[cfg(feature = "integer")]
pub use fixed_point::FixedPoint;
#[cfg(feature = "integer")]
pub use integer::{convert, convert_by};
#[cfg(feature = "train")]
pub use pairs::{product, slopes};

use std::collections::BTreeMap;

use mixq_format::{
    Accuracy, Artifact, Budget, Header, Input, NamedLayer, Output, Readout, SampleChannel, Stage, Task,
    Tensor,
};

use crate::settings::Rounding;

/// The values that a code stands for: `scale * (code - zero_point)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// The distance of neighbouring values.
    pub scale: f64,
    /// The code of real 0; for activations unsigned, for weights in the signed range.
    pub zero_point: i32,
}

/// A layer with weights, as trained: `y = multiplier(c) * sum(x w) + offset(c)` for output channel `c`. A
/// PReLU has its slopes as multipliers, and nothing else; a layer with constants has codes and a grid, and
/// nothing else.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainedLayer {
    /// Signed codes of the weights, in the order of [`crate::graph::Graph::weight_shape`].
    pub codes: Vec<i8>,
    /// What the codes stand for: one grid, or one for each output channel.
    pub grids: Vec<Grid>,
    /// `gamma / sigma` of the batch norm; 1 without, or where it is folded into the weights.
    pub multiplier: Vec<f64>,
    /// `beta - mu gamma / sigma` of the batch norm; without it the bias.
    pub offset: Vec<f64>,
}

#[cfg(feature = "integer")]
impl TrainedLayer {
    /// What the codes of an output channel stand for.
    fn grid(&self, channel: usize) -> Grid {
        self.grids[if self.grids.len() == 1 { 0 } else { channel }]
    }
}

/// The fake-quantised network: all that the conversion needs beside graph and allocation.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainedNetwork {
    /// The grid of each input.
    pub inputs: Vec<Grid>,
    /// By node; `None` for a node without weights or slopes.
    pub layers: Vec<Option<TrainedLayer>>,
    /// By node; `None` for pools and flatten (which keep their input's grid) and for the logits.
    pub activations: Vec<Option<Grid>>,
    /// How activations are rounded.
    pub rounding: Rounding,
}

/// The arithmetic that says which code a sum has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// That of real numbers, as training approximates it; halves as [`Rounding`] says.
    Exact,
    /// That of LiteRT's kernels (XNNPACK): a sum, as a float of 32 bits, times one; halves to even. Additions
    /// have multipliers of 21 bits.
    LiteRt,
    /// That of ONNX Runtime: the same, with additions in floats.
    OnnxRuntime,
}

/// An integer network, ready for an artifact.
#[derive(Clone, Debug, PartialEq)]
pub struct Converted {
    /// The steps with their names.
    pub layers: Vec<NamedLayer>,
    /// Runs of them that are executed in stripes.
    pub stages: Vec<Stage>,
    /// Packed weights and requantisation tables.
    pub parameters: Vec<u8>,
    /// The inputs; how samples become their codes is not said yet.
    pub inputs: Vec<Input>,
    /// What the last layer writes: logits, or codes of 8 bits.
    pub output: Tensor,
    /// Bytes of the arena.
    pub arena_bytes: u32,
    /// What one unit of the output is worth.
    pub logit_scale: f64,
    /// Of a network with several outputs all of them, in the order of the graph.
    pub outputs: Vec<Output>,
}

/// What an artifact says beside the network itself.
#[derive(Clone, Debug, PartialEq)]
pub struct About {
    /// The model's name.
    pub name: String,
    /// What the network is trained for.
    pub task: Task,
    /// What the outputs mean, in their order.
    pub labels: Vec<String>,
    /// How samples become the codes of each input; empty: it is one of pixels.
    pub samples: Vec<Vec<SampleChannel>>,
    /// How the outputs are read.
    pub readout: Readout,
    /// What the network was made from.
    pub fingerprint: BTreeMap<String, String>,
    /// What it was made for.
    pub budget: Budget,
    /// How well it does.
    pub accuracy: Accuracy,
}

impl Converted {
    /// The artifact that holds this network.
    pub fn into_artifact(self, about: About) -> Artifact {
        let About { name, task, labels, samples, readout, fingerprint, budget, accuracy } = about;
        let Converted { layers, stages, parameters, mut inputs, output, arena_bytes, logit_scale, outputs } =
            self;
        inputs.iter_mut().zip(samples).for_each(|(input, samples)| input.samples = samples);
        let Input { tensor: input, samples, .. } = inputs[0].clone();
        if inputs.len() == 1 {
            inputs.clear();
        }
        let header = Header {
            name,
            task,
            labels,
            input,
            samples,
            inputs,
            output,
            arena_bytes,
            logit_scale,
            outputs,
            readout,
            layers,
            stages,
            fingerprint,
            budget,
            accuracy,
        };
        Artifact { header, parameters }
    }
}
