//! A dataset to measure a trained network with: the network was trained with other images.

use mixq_format::{Bits, Header, SampleChannel, Tensor};

use super::parts::{Parts, Values, Wanted};
use super::{Split, check, codes};
use crate::config::DatasetConfig;
use crate::error::{Error, Problem};
use crate::graph::Shape;
use crate::observer::Observer;

/// Images to measure with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    /// The images; their targets are those of the network's outputs.
    pub images: Split,
    /// Whether they are the test part that the dataset has; else they are all its images.
    pub own_test_part: bool,
}

/// A trained network, as far as images for it depend on it.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// Shape of an image.
    pub input: Shape,
    /// Shape of what the network answers.
    pub output: Shape,
    /// What the channels of the output mean, if they have names.
    pub labels: &'a [String],
    /// How samples become the codes that it reads; empty: it reads pixels.
    pub samples: &'a [SampleChannel],
    /// Bits of these codes.
    pub bits: Bits,
}

impl Reader<'_> {
    /// That of the network of an artifact.
    pub fn of(header: &Header) -> Reader<'_> {
        let shape = |tensor: &Tensor| {
            let [height, width, channels] = [tensor.height, tensor.width, tensor.channels].map(usize::from);
            Shape { height, width, channels }
        };
        Reader {
            input: shape(&header.input),
            output: shape(&header.output),
            labels: &header.labels,
            samples: &header.samples,
            bits: header.input.bits,
        }
    }
}

/// Reads a dataset for a trained network. Samples become codes as when it was trained.
///
/// Labels that the dataset has are found among `labels` by their names, in any order; it may lack some, which
/// is warned of. Where it has none, its numbers are those of the outputs. `test` and `labels`
/// of `config` do not count.
///
/// # Errors
/// What keeps the dataset from being read, the first of the images that are wrong, labels that the network
/// does not know.
pub fn measure(
    config: &DatasetConfig,
    network: Reader<'_>,
    observer: &mut dyn Observer,
) -> Result<Measure, Error> {
    let Reader { input, output, labels, samples, bits } = network;
    let named = (!labels.is_empty()).then(|| labels.to_vec());
    let mut config = DatasetConfig { test: None, labels: named, ..super::found(config) };
    if !samples.is_empty() {
        config.input.get_or_insert_default();
    }
    let config = &config;
    let grid = [output.height, output.width];
    let wanted = Wanted { config, shape: input, outputs: output.channels, grid, model: Some(labels) };
    let Parts { train, test, labels: found, values, .. } = super::before(&wanted)?(&wanted, observer)?;
    let own_test_part = test.is_some();
    let mut images = test.unwrap_or(train);
    let path = config.path.display();
    match (values, samples.is_empty()) {
        (Values::Samples, false) => codes::encode(&mut images, samples, bits),
        (Values::Pixels, true) => {}
        (Values::Samples, true) => {
            let message = format!("{path} has samples, but the network was trained with pixels");
            return Err(Problem::new(message).help("measure it with pixels: bytes from 0 to 255").into());
        }
        (Values::Pixels, false) => {
            let message = format!("{path} has pixels, but the network was trained with samples");
            return Err(Problem::new(message).help("measure it with samples of the same sensor").into());
        }
    }
    check::maximum(config, [&images, &Split::default()])?;
    if let Some(found) = found {
        wanted.rules().relabel(&config.path, &mut images.targets, &found, labels)?;
    }
    if images.is_empty() {
        let part = if own_test_part { "its test part is empty" } else { "it is empty" };
        return Err(Problem::new(format!("{path} has no images: {part}")).into());
    }
    let warning = wanted.rules().measured_part(&check::part(config, &images, labels));
    warning.iter().for_each(|warning| observer.warn(warning));
    Ok(Measure { images, own_test_part })
}
