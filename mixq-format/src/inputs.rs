//! The inputs of a network, and what an artifact must say of them.

use serde::{Deserialize, Serialize};

use crate::target::Steps;
use crate::{
    Artifact, Bits, Header, Layer, SampleChannel, Stage, Task, Tensor, channels, held_layers, is_identifier,
    pack_codes,
};

/// An input of a network that has several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Its name in the network's description.
    pub name: String,
    /// Where it lies when the first layer is executed: codes of 8, 4 or 2 bits.
    pub tensor: Tensor,
    /// How samples become its codes, as [`Header::samples`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<SampleChannel>,
}

/// The steps of a network in the order of execution, and its inputs beside the first one: what
/// [`Artifact::network`] borrows.
#[derive(Clone, Debug, PartialEq)]
pub struct Layers {
    layers: Vec<Layer>,
    placed: Vec<Layer>,
    stages: Vec<Stage>,
    others: Vec<Tensor>,
}

impl std::ops::Deref for Layers {
    type Target = [Layer];

    fn deref(&self) -> &[Layer] {
        &self.layers
    }
}

/// The layers leave nothing but the output of the last one.
impl<'a> From<&'a Layers> for Steps<'a> {
    fn from(layers: &'a Layers) -> Steps<'a> {
        layers.steps(&[])
    }
}

impl Layers {
    /// The layers with the rows that the arena holds of their tensors: see [`held_layers`].
    pub fn placed(&self) -> &[Layer] {
        &self.placed
    }

    /// What a target is asked about, with the outputs that are kept: see [`Artifact::kept`].
    pub fn steps<'a>(&'a self, kept: &'a [Tensor]) -> Steps<'a> {
        Steps { layers: &self.layers, placed: &self.placed, stages: &self.stages, kept }
    }

    /// The inputs beside the first one.
    pub fn others(&self) -> &[Tensor] {
        &self.others
    }
}

impl Artifact {
    /// The steps alone, without their names.
    pub fn layers(&self) -> Layers {
        let header = &self.header;
        let layers: Vec<Layer> = header.layers.iter().map(|named| named.layer).collect();
        Layers {
            placed: held_layers(&layers, &header.stages),
            layers,
            stages: header.stages.clone(),
            others: header.inputs.iter().skip(1).map(|input| input.tensor).collect(),
        }
    }
}

impl Header {
    /// All inputs: tensor and samples of each, the first one first.
    pub fn all_inputs(&self) -> Vec<(&Tensor, &[SampleChannel])> {
        if self.inputs.is_empty() {
            return vec![(&self.input, &self.samples)];
        }
        self.inputs.iter().map(|Input { tensor, samples, .. }| (tensor, &samples[..])).collect()
    }

    /// The name of each input; "image" for the only one of a network.
    pub fn input_names(&self) -> Vec<&str> {
        if self.inputs.is_empty() {
            return vec!["image"];
        }
        self.inputs.iter().map(|input| &input.name[..]).collect()
    }

    /// Elements of all inputs together: codes of a row, which has one input after the other.
    pub fn row_elements(&self) -> usize {
        self.all_inputs().iter().map(|(tensor, _)| tensor.elements()).sum()
    }

    /// The bytes of a row of codes, which has one input after the other, as they are written to the arena:
    /// for each input its tensor and its bytes.
    ///
    /// # Panics
    /// If the row has fewer than [`Header::row_elements`] codes.
    pub fn packed<'a>(&'a self, row: &[u8]) -> Vec<(&'a Tensor, Vec<u8>)> {
        let mut rest = row;
        let mut next = |tensor: &Tensor| {
            let (codes, others) = rest.split_at(tensor.elements());
            rest = others;
            if tensor.bits == Bits::B8 {
                return codes.to_vec();
            }
            let mut bytes = vec![0; tensor.bytes()];
            pack_codes(codes, tensor.channels.into(), tensor.bits, &mut bytes);
            bytes
        };
        self.all_inputs().into_iter().map(|(tensor, _)| (tensor, next(tensor))).collect()
    }

    /// Each of several inputs has a name of its own, and samples fit the channels of their input.
    pub(crate) fn check_inputs(&self) -> Result<(), String> {
        let Header { inputs, input, samples, task, .. } = self;
        if let Some(first) = inputs.first() {
            if first.tensor != *input || first.samples != *samples || inputs.len() < 2 {
                return Err("the first of several inputs is not the input".to_string());
            }
            for (index, Input { name, .. }) in inputs.iter().enumerate() {
                if !is_identifier(name) || inputs[..index].iter().any(|other| other.name == *name) {
                    return Err(format!("an input has the name `{}`", name.escape_debug()));
                }
            }
            if *task == Task::Reconstruction {
                return Err("a reconstruction has several inputs".to_string());
            }
        }
        for (tensor, samples) in self.all_inputs() {
            if !samples.is_empty() {
                channels::check(samples, tensor.channels.into())?;
            }
            if tensor.bits != Bits::B8 && (samples.is_empty() || *task == Task::Reconstruction) {
                return Err(
                    "an input has not 8 bits, but is one of pixels, or what the outputs are compared with"
                        .to_string(),
                );
            }
        }
        Ok(())
    }
}
