//! The `.mixq` file.
//!
//! ```text
//! 4 bytes   "MIXQ"
//! u32       format version
//! u32       bytes of the header
//! u32       bytes of the parameters
//! header    JSON: layers, tensors, labels, fingerprint, figures
//! parameters
//! 32 bytes  SHA-256 of all that stands before
//! ```
//!
//! Integers are little endian. Equal contents give equal bytes: no dates, no paths, sorted keys.

use std::collections::BTreeMap;

use hmac_sha256::Hash as Sha256;
use serde::{Deserialize, Serialize};

use crate::{FORMAT_VERSION, Input, Layer, Layers, Network, Readout, SampleChannel, Stage, Task, Tensor};

const MAGIC: &[u8; 4] = b"MIXQ";
const PREFIX: usize = 16;
const CHECKSUM: usize = 32;

/// A trained network with all that is known about it, as in a `.mixq` file.
#[derive(Clone, Debug, PartialEq)]
pub struct Artifact {
    /// Everything but the parameters.
    pub header: Header,
    /// Packed weights and requantisation tables.
    pub parameters: Vec<u8>,
}

/// The readable part of a `.mixq` file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The model's key in `[package.metadata.mixq.models]`.
    pub name: String,
    /// What the network is trained for; files of the default task do not have this field.
    #[serde(default, skip_serializing_if = "Task::is_default")]
    pub task: Task,
    /// What the outputs mean, one text for each, in their order.
    pub labels: Vec<String>,
    /// The image.
    pub input: Tensor,
    /// How samples of a sensor become the codes of the image: for each channel, or once for all. Empty, and
    /// not in the file, if the image is one of pixels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<SampleChannel>,
    /// Of a network with several inputs all of them, the first of which is `input` with its `samples`; files
    /// of other networks do not have it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Input>,
    /// What the last layer writes: logits, or codes of 8 bits.
    pub output: Tensor,
    /// Bytes of RAM for all activations.
    pub arena_bytes: u32,
    /// What one unit of the output is worth on the scale of the float network.
    pub logit_scale: f64,
    /// Of a network with several outputs all of them, the first of which is that of the last layer; files of
    /// other networks do not have it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<Output>,
    /// How outputs are read, and how good they are in detail; files without such things do not have it.
    #[serde(default, skip_serializing_if = "Readout::is_empty")]
    pub readout: Readout,
    /// The steps, in order.
    pub layers: Vec<NamedLayer>,
    /// Runs of layers that are executed in stripes of rows, in order; files of networks without any do not
    /// have it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<Stage>,
    /// What the network was made from: digests by the name of the input.
    pub fingerprint: BTreeMap<String, String>,
    /// The budget that it was made for.
    pub budget: Budget,
    /// How well it does on the test part of the dataset.
    pub accuracy: Accuracy,
}

/// An output of a network that has several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The name of its layer.
    pub name: String,
    /// Where it lies when all layers are done: logits, or codes of 8 bits.
    pub tensor: Tensor,
    /// What one unit of it is worth on the scale of the float network.
    pub scale: f64,
}

/// A layer with what a report says of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedLayer {
    /// Its name in the network's description.
    pub name: String,
    /// Multiply-accumulates for one image.
    pub macs: u64,
    /// The step itself.
    pub layer: Layer,
}

/// What a network may take, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Bytes of constants.
    pub flash: u64,
    /// Bytes of RAM.
    pub ram: u64,
}

/// Scores by the task's measure: of a classification the share of images that are classified rightly, 0 to 1;
/// of a multi-label network the mean average precision, 0 to 1; of a regression the mean R^2 of its outputs,
/// at most 1; of a reconstruction the share of the variance that is explained, at most 1; of a dense network
/// the mean intersection over union, 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accuracy {
    /// Of the float network before quantisation.
    pub float: f64,
    /// Of the network trained with fake quantisation.
    pub fake_quant: f64,
    /// Of the integer network, by the kernels of mixq-rt.
    pub integer: f64,
    /// How many images these are measured on.
    pub test_images: u64,
    /// How many of them the integer network answers otherwise than the one trained with fake quantisation.
    pub disagreements: u64,
    /// Of the float network on the validation part of the training images: what settings may be chosen by.
    pub float_validation: f64,
    /// Of the network trained with fake quantisation on the validation part.
    pub fake_quant_validation: f64,
    /// Whether the test images have no labels: scores then are how far networks agree with the float network.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub agreement: bool,
}

/// Why bytes are no readable `.mixq` file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// It does not begin as a `.mixq` file does.
    NotMixq,
    /// It is of another format version.
    Version {
        /// The version in the file.
        found: u32,
    },
    /// It has fewer or more bytes than it announces.
    Length {
        /// Bytes announced.
        expected: u64,
        /// Bytes there.
        found: u64,
    },
    /// The bytes do not match their checksum.
    Checksum,
    /// The header cannot be read, or describes a network that cannot be executed.
    Malformed(String),
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ReadError::NotMixq => f.write_str("this is no .mixq file: it does not begin with \"MIXQ\""),
            ReadError::Version { found } => {
                write!(f, "it has format version {found}, this mixq reads version {FORMAT_VERSION}")
            }
            ReadError::Length { expected, found } if found < expected => {
                write!(f, "it is truncated: {found} bytes of {expected}")
            }
            ReadError::Length { expected, found } => {
                write!(f, "it has {found} bytes, {} too many", found - expected)
            }
            ReadError::Checksum => f.write_str("its checksum does not match: the file is damaged"),
            ReadError::Malformed(reason) => write!(f, "it is malformed: {reason}"),
        }
    }
}

impl std::error::Error for ReadError {}

impl Artifact {
    /// The integer network over this artifact's parameters; `layers` comes from [`Artifact::layers`].
    pub fn network<'a>(&'a self, layers: &'a Layers) -> Network<'a> {
        Network {
            layers,
            stages: &self.header.stages,
            parameters: &self.parameters,
            input: self.header.input,
            others: layers.others(),
            output: self.header.output,
            arena_bytes: self.header.arena_bytes,
        }
    }

    /// The tensors of the outputs beside that of the last layer.
    pub fn kept(&self) -> Vec<Tensor> {
        self.header.outputs.iter().skip(1).map(|output| output.tensor).collect()
    }

    /// Bytes of constants in the linked image, as [`Network::flash_bytes`].
    pub fn flash_bytes(&self) -> usize {
        self.network(&self.layers()).flash_bytes()
    }

    /// Bytes of RAM in the linked image, as [`Network::ram_bytes`].
    pub fn ram_bytes(&self) -> usize {
        self.header.arena_bytes as usize
    }

    /// The file's bytes.
    ///
    /// # Panics
    /// If header or parameters exceed 4 GiB.
    pub fn to_bytes(&self) -> Vec<u8> {
        let header = serde_json::to_vec_pretty(&self.header).expect("a header is always representable");
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("over 4 GiB").to_le_bytes();
        let mut bytes = Vec::with_capacity(PREFIX + header.len() + self.parameters.len() + CHECKSUM);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes.extend_from_slice(&length(&header));
        bytes.extend_from_slice(&length(&self.parameters));
        bytes.extend_from_slice(&header);
        bytes.extend_from_slice(&self.parameters);
        let checksum = Sha256::hash(&bytes);
        bytes.extend_from_slice(&checksum);
        bytes
    }

    /// Reads a file's bytes, and checks that the network in it can be executed.
    ///
    /// # Errors
    /// Says in one sentence what is wrong with the file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Artifact, ReadError> {
        if !bytes.starts_with(MAGIC) {
            return Err(ReadError::NotMixq);
        }
        let found = bytes.len() as u64;
        let word = |at: usize| {
            let word = bytes.get(at..at + 4).ok_or(ReadError::Length { expected: PREFIX as u64, found })?;
            Ok(u32::from_le_bytes(word.try_into().expect("four bytes")))
        };
        let version = word(4)?;
        if version != FORMAT_VERSION {
            return Err(ReadError::Version { found: version });
        }
        let (header, parameters) = (word(8)? as usize, word(12)? as usize);
        let expected = (PREFIX + CHECKSUM) as u64 + header as u64 + parameters as u64;
        if found != expected {
            return Err(ReadError::Length { expected, found });
        }
        let (contents, checksum) = bytes.split_at(bytes.len() - CHECKSUM);
        if Sha256::hash(contents).as_slice() != checksum {
            return Err(ReadError::Checksum);
        }
        let (header, parameters) = contents[PREFIX..].split_at(header);
        let header: Header =
            serde_json::from_slice(header).map_err(|e| ReadError::Malformed(e.to_string()))?;
        let artifact = Artifact { header, parameters: parameters.to_vec() };
        let layers = artifact.layers();
        artifact.network(&layers).validate().map_err(|e| ReadError::Malformed(e.to_string()))?;
        artifact.check_outputs().map_err(ReadError::Malformed)?;
        artifact.header.check_inputs().map_err(ReadError::Malformed)?;
        let Header { task, labels, input, output, readout, .. } = &artifact.header;
        if output.pixels() != 1 && !matches!(task, Task::Dense | Task::Reconstruction) {
            return Err(ReadError::Malformed("the output has more than one pixel".to_string()));
        }
        let outputs = usize::from(output.channels);
        if labels.len() != task.labels(outputs) {
            return Err(ReadError::Malformed("labels and logits differ in number".to_string()));
        }
        readout.check(*task, outputs).map_err(ReadError::Malformed)?;
        if *task == Task::Reconstruction && output.elements() != input.elements() {
            return Err(ReadError::Malformed("image and outputs differ in number of elements".to_string()));
        }
        Ok(artifact)
    }

    /// All of several outputs are there when all layers are done, each with a name of its own.
    fn check_outputs(&self) -> Result<(), String> {
        let Header { outputs, output, logit_scale, .. } = &self.header;
        let Some((first, others)) = outputs.split_first() else { return Ok(()) };
        if first.tensor != *output || first.scale.to_bits() != logit_scale.to_bits() || others.is_empty() {
            return Err("the first of several outputs is not that of the last layer".to_string());
        }
        let layers = self.layers();
        for (index, Output { name, tensor, .. }) in outputs.iter().enumerate() {
            if !is_identifier(name) || outputs[..index].iter().any(|other| other.name == *name) {
                return Err(format!("an output has the name `{}`", name.escape_debug()));
            }
            if index > 0 {
                self.network(&layers).keeps(tensor).map_err(|reason| format!("output `{name}` {reason}"))?;
            }
        }
        Ok(())
    }
}

/// Whether an output may have this name, which becomes that of a field and of a module in Rust: letters of
/// ASCII, digits and underscores, and no word that can be neither.
pub fn is_identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && !["_", "self", "super", "crate"].contains(&name)
}
