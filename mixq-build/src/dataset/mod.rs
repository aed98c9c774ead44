//! Images as 8-bit pixels, as the device's camera delivers them.
//!
//! One file for each kind of dataset: a function that reads all images in the file's order. A new kind is
//! such a file and a line in `KINDS`.

mod check;
mod csv;
mod digest;
mod split;

use std::path::Path;

pub use digest::digest;
pub use split::Split;

use crate::config::{DatasetConfig, TestPart};
use crate::error::{Error, Problem};
use crate::graph::Shape;

/// Images with their labels, in a part to train with and a part to measure with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// Shape of an image.
    pub shape: Shape,
    /// How many classes there are.
    pub classes: usize,
    /// What the classes mean, one for each.
    pub labels: Vec<String>,
    /// Images to train with, in the file's order; every class occurs.
    pub train: Split,
    /// Images to measure with, in the file's order.
    pub test: Split,
}

/// What every image of a dataset must be like.
#[derive(Clone, Copy)]
struct Expected {
    /// Shape of an image: the network's input.
    shape: Shape,
    /// Labels are 0 to one less; at most 65,536.
    classes: usize,
    /// Largest value of a pixel.
    max: u8,
}

/// Reads all images of a dataset, in the file's order.
type Read = fn(&Path, Expected) -> Result<Split, Error>;

/// Kinds of datasets by the end of their file's name.
const KINDS: [(&str, Read); 2] = [(".csv", csv::read), (".csv.gz", csv::read_gz)];

impl Dataset {
    /// Reads a dataset for a network with images of shape `input` and `classes` logits.
    ///
    /// # Errors
    /// What keeps the file from being read, the first of the images that are wrong, or what makes the whole
    /// unfit to train with. All point at the file's key in Cargo.toml, if the configuration names it.
    pub fn load(config: &DatasetConfig, input: Shape, classes: usize) -> Result<Dataset, Error> {
        read(config, input, classes).map_err(|mut error| {
            for problem in &mut error.problems {
                problem.location = problem.location.take().or_else(|| config.location.clone());
            }
            error
        })
    }
}

fn read(config: &DatasetConfig, input: Shape, classes: usize) -> Result<Dataset, Error> {
    let read = check::before(config, input, classes)?;
    let images = read(&config.path, Expected { shape: input, classes, max: config.max })?;
    let test = match config.test {
        TestPart::Rows(rows) => rows,
        TestPart::Share(share) => (share * images.len() as f64).round() as usize,
    };
    check::test_part(config, test, images.len())?;
    let labels = match &config.labels {
        Some(labels) => labels.clone(),
        None => (0..classes).map(|class| class.to_string()).collect(),
    };
    let trained = images.len() - test;
    let (train, test) = images.split_at(trained);
    check::training_part(config, &train, &labels)?;
    Ok(Dataset { shape: input, classes, labels, train, test })
}

/// The reader for a file of this name.
fn reader(path: &Path) -> Result<Read, Problem> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let kind = KINDS.iter().find(|(suffix, _)| name.ends_with(suffix));
    kind.map(|(_, read)| *read).ok_or_else(|| {
        let suffixes: Vec<_> = KINDS.iter().map(|(suffix, _)| *suffix).collect();
        Problem::new(format!("{} is no kind of dataset that mixq reads", path.display()))
            .help(format!("supported are files that end in {}", suffixes.join(", ")))
    })
}
