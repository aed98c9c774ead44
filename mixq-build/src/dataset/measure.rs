//! A dataset to measure a trained network with: the network was trained with other images.

use mixq_format::{Bits, Header, SampleChannel, Tensor};

use super::codes::Column;
use super::parts::{Values, Wanted};
use super::{Split, background, check, codes, grouped, test_part};
use crate::config::{DatasetConfig, InputConfig, NamedInput};
use crate::error::{Error, Problem};
use crate::graph::{Inputs, Shape};
use crate::observer::Observer;

/// Images to measure with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    /// The images; their targets are those of the network's outputs.
    pub images: Split,
    /// Whether they are the test part that the dataset has; else they are all its images, or the part that
    /// `test` takes from it.
    pub own_test_part: bool,
    /// Whether they have no labels: their targets are zeros.
    pub unlabelled: bool,
    /// What the outputs mean: the labels of the network, or those that the dataset gives to one without.
    pub labels: Vec<String>,
}

/// A trained network, as far as images for it depend on it.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// Its inputs.
    pub inputs: &'a Inputs,
    /// Shape of what the network answers.
    pub output: Shape,
    /// What the channels of the output mean; empty: the dataset says it, if anyone.
    pub labels: &'a [String],
    /// How samples become the codes of each input; empty: it reads pixels.
    pub samples: &'a [&'a [SampleChannel]],
}

/// Reads a dataset for the network of an artifact: see [`measure`].
///
/// # Errors
/// The same.
pub fn measure_artifact(
    config: &DatasetConfig,
    header: &Header,
    observer: &mut dyn Observer,
) -> Result<Measure, Error> {
    let shape = |tensor: &Tensor| {
        let [height, width, channels] = [tensor.height, tensor.width, tensor.channels].map(usize::from);
        Shape { height, width, channels }
    };
    let (tensors, samples): (Vec<&Tensor>, Vec<&[SampleChannel]>) = header.all_inputs().into_iter().unzip();
    let names: Vec<&str> = header.input_names();
    let shapes = tensors.iter().map(|tensor| shape(tensor));
    let inputs = Inputs::new(names.iter().map(|name| name.to_string()).zip(shapes)).with_bits(|input| {
        let index = names.iter().position(|name| *name == input.name);
        index.map_or(Bits::B8, |index| tensors[index].bits)
    });
    let output = shape(&header.output);
    measure(config, Reader { inputs: &inputs, output, labels: &header.labels, samples: &samples }, observer)
}

/// Reads a dataset for a trained network. Samples become codes as when it was trained.
///
/// Labels that the dataset has are found among `labels` by their names, in any order; it may lack some, which
/// is warned of. A network without labels takes those of the dataset. Where the dataset has none, its numbers
/// are those of the outputs, or of the classes with `background`. If `config` has `test`, that part is
/// measured with of a dataset without a test part, else all of it. `labels` of `config` do not count.
///
/// # Errors
/// What keeps the dataset from being read, the first of the images that are wrong, labels that the network
/// does not know.
pub fn measure(
    config: &DatasetConfig,
    network: Reader<'_>,
    observer: &mut dyn Observer,
) -> Result<Measure, Error> {
    let Reader { inputs, output, labels, samples } = network;
    let outputs = background::classes(config, output.channels)?;
    // Those that images can be of.
    let labels = labels.get(output.channels - outputs..).unwrap_or_default();
    let named = (!labels.is_empty()).then(|| labels.to_vec());
    let mut config = DatasetConfig { labels: named, ..super::found(config) };
    for (input, samples) in inputs.iter().zip(samples) {
        if samples.is_empty() {
            continue;
        }
        match config.inputs.get_mut(&input.name) {
            Some(named) => drop(named.codes.get_or_insert_default()),
            None if inputs.are_several() => {
                let codes = Some(InputConfig::default());
                config.inputs.insert(input.name.clone(), NamedInput { array: None, codes });
            }
            None => drop(config.input.get_or_insert_default()),
        }
    }
    let config = &config;
    let (shape, grid) = (inputs[0].shape, [output.height, output.width]);
    let wanted = Wanted { config, shape, inputs, input: None, outputs, grid, model: Some(labels) };
    let mut parts = super::before(&wanted)?(&wanted, observer)?;
    let columns = parts.columns(inputs);
    let own_test_part = parts.test.is_some() && config.test.is_none();
    let unlabelled = parts.unlabelled[usize::from(parts.test.is_some())];
    let mut images = match (parts.test.take(), std::mem::take(&mut parts.train)) {
        (Some(test), _) => test,
        (None, all) if config.test.is_none() => all,
        (None, all) if parts.groups.of.is_empty() => test_part::from_end(&wanted, all)?.1,
        (None, all) => grouped::test_part(&wanted, &all, &parts.groups)?.1,
    };
    for (index, (input, samples)) in inputs.iter().zip(samples).enumerate() {
        is_of_sensor(&wanted, &input.name, parts.values_of(index), samples)?;
    }
    let columns: Vec<Column<'_>> = (inputs.iter().zip(columns).zip(samples))
        .map(|((input, bytes), samples)| Column { bytes, samples, bits: input.bits })
        .collect();
    codes::encode(&mut images, &columns);
    let (path, found) = (config.path.display(), parts.labels);
    check::maximum(config, [&images, &Split::default()])?;
    let labels = match found {
        Some(found) if labels.is_empty() => {
            let names: Vec<&str> = found.iter().map(String::as_str).collect();
            if let Some(problem) = wanted.rules().found_labels(&config.path, &names, outputs, None) {
                return Err(problem.into());
            }
            found
        }
        Some(found) => {
            wanted.rules().relabel(&config.path, &mut images.targets, &found, labels)?;
            labels.to_vec()
        }
        None if labels.is_empty() => wanted.rules().default_labels(outputs),
        None => labels.to_vec(),
    };
    if images.is_empty() {
        let part = if own_test_part { "its test part is empty" } else { "it is empty" };
        return Err(Problem::new(format!("{path} has no images: {part}")).into());
    }
    if !unlabelled {
        let warning = wanted.rules().measured_part(&check::part(config, &images, &labels));
        warning.iter().for_each(|warning| observer.warn(warning));
    }
    background::shifted(config, &mut images.targets);
    Ok(Measure { images, own_test_part, unlabelled, labels: background::labels(config, labels) })
}

/// An input that is to be measured with has pixels or samples as when the network was trained.
fn is_of_sensor(
    wanted: &Wanted<'_>,
    input: &str,
    values: Values,
    samples: &[SampleChannel],
) -> Result<(), Problem> {
    let path = wanted.config.path.display();
    let whose = if wanted.is_named() { format!(" in the input `{input}`") } else { String::new() };
    match (values, samples.is_empty()) {
        (Values::Samples, false) | (Values::Pixels, true) => Ok(()),
        (Values::Samples, true) => {
            let message = format!("{path} has samples{whose}, but the network was trained with pixels");
            Err(Problem::new(message).help("measure it with pixels: bytes from 0 to 255"))
        }
        (Values::Pixels, false) => {
            let message = format!("{path} has pixels{whose}, but the network was trained with samples");
            Err(Problem::new(message).help("measure it with samples of the same sensor"))
        }
    }
}
