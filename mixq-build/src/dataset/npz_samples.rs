//! Arrays of samples in an NPZ file: whole numbers and floats of any size, with any number of channels.

use super::Split;
use super::npy::Array;
use super::parts::{Values, Wanted};
use super::split::Growing;
use crate::error::Problem;
use crate::task::Targets;

/// Appends the target of an image, by its index.
pub(super) trait Push: Fn(usize, &mut Targets) -> Result<(), String> {}

impl<T: Fn(usize, &mut Targets) -> Result<(), String>> Push for T {}

/// What the elements of arrays are: pixels if all are bytes and the dataset's table does not say otherwise.
pub(super) fn values<'a>(wanted: &Wanted<'_>, mut arrays: impl Iterator<Item = &'a Array>) -> Values {
    let is_samples = wanted.config.input.is_some() || arrays.any(|array| array.bytes().is_none());
    if is_samples { Values::Samples } else { Values::Pixels }
}

/// Images of samples, or of bytes that are codes as they are, of an array that [`fits`]; `push` appends the
/// target of an image. `name` is that of the array.
pub(super) fn split(
    wanted: &Wanted<'_>,
    name: &str,
    array: &Array,
    values: Values,
    push: impl Push,
) -> Result<Split, Problem> {
    let (path, shape) = (wanted.config.path.display(), wanted.shape);
    if values == Values::Pixels {
        let pixels = array.bytes().unwrap_or_default().to_vec();
        return with_targets(wanted, name, array, pixels, push);
    }
    let Some(numbers) = array.numbers() else {
        let message = format!("{path}: {name} is {array}, but samples are whole numbers or floats");
        return Err(Problem::new(message).help("save it as int16 or float32"));
    };
    let each = shape.elements().max(1);
    let is_wrong = |value: &f64| !(*value as f32).is_finite();
    if let Some(at) = numbers.iter().position(is_wrong) {
        let (row, column) = (at / each, at % each);
        let channel = column % shape.channels;
        let message = format!(
            "{path}: {name} has {} at row {row}, element {column} (channel {channel}), all counted from 0",
            numbers[at]
        );
        let more = numbers.iter().filter(|value| is_wrong(value)).count() - 1;
        let more = if more > 0 { format!("; {more} more values are not finite") } else { String::new() };
        return Err(Problem::new(message + &more).help("a sample is a finite number: remove the row"));
    }
    let pixels = numbers.iter().flat_map(|value| (*value as f32).to_le_bytes()).collect();
    with_targets(wanted, name, array, pixels, push)
}

/// An array must have the shape of the network's input, but for sizes of 1.
pub(super) fn fits(wanted: &Wanted<'_>, name: &str, array: &Array) -> Result<(), Problem> {
    let without_ones =
        |sizes: &[usize]| -> Vec<usize> { sizes.iter().copied().filter(|size| *size != 1).collect() };
    let shape = wanted.shape;
    let sizes = [shape.height, shape.width, shape.channels];
    if !array.shape.is_empty() && without_ones(&array.shape[1..]) == without_ones(&sizes) {
        return Ok(());
    }
    let path = wanted.config.path.display();
    let message = format!("{path}: {name} is {array}, but the network wants images of {shape}");
    let help =
        format!("its shape must be [n, {}, {}, {}]; sizes of 1 may lack", sizes[0], sizes[1], sizes[2]);
    Err(Problem::new(message).help(help))
}

fn with_targets(
    wanted: &Wanted<'_>,
    name: &str,
    array: &Array,
    pixels: Vec<u8>,
    push: impl Push,
) -> Result<Split, Problem> {
    let path = wanted.config.path.display();
    let mut split = Growing { pixels, ..Growing::default() };
    for index in 0..array.shape[0] {
        push(index, &mut split.targets)
            .map_err(|reason| Problem::new(format!("{path}: image {index} of {name}: {reason}")))?;
    }
    Ok(split.into())
}
