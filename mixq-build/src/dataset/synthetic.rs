//! Images that are made up, for a network that has no dataset: they fill its inputs from end to end.

use crate::config::DatasetConfig;
use crate::graph::{Input, Inputs, Shape};
use crate::task::{Targets, rules};

use super::{Dataset, Split};

/// The number of images.
const IMAGES: usize = 256;

/// How coarse images are: colours on a grid of so many rows and columns, with all between interpolated.
const GRIDS: [usize; 5] = [2, 3, 5, 9, 17];

/// Images to calibrate a network with, without labels, and none to measure with. They are random, but the
/// same for the same seed.
pub fn synthetic(config: &DatasetConfig, inputs: &Inputs, output: Shape, seed: u64) -> Dataset {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut pixels = Vec::with_capacity(IMAGES * inputs.elements());
    for image in 0..IMAGES {
        for input in inputs.iter() {
            push(input, GRIDS[image % GRIDS.len()], &mut random, &mut pixels);
        }
    }
    let rules = rules(config.task);
    let grid = if rules.takes_masks() { output.height * output.width } else { 1 };
    let each = rules.target_bytes(output.channels) * grid;
    let train = Split { pixels: pixels.into(), targets: Targets::new(each, vec![0; each * IMAGES]) };
    let labels = config.labels.clone().unwrap_or_else(|| rules.default_labels(output.channels));
    Dataset {
        inputs: inputs.clone(),
        task: config.task,
        outputs: output.channels,
        labels,
        train,
        test: Split::default(),
        unlabelled: [true; 2],
        synthetic: true,
        samples: inputs.iter().map(|_| Vec::new()).collect(),
        groups: Vec::new(),
    }
}

/// Appends an image whose codes are drawn at the points of a grid. Neighbouring pixels are alike, as in
/// photographs; what has no neighbours is drawn.
fn push(input: &Input, grid: usize, random: &mut fastrand::Rng, pixels: &mut Vec<u8>) {
    let (Shape { height, width, channels }, last) = (input.shape, input.bits.max_code());
    let [rows, columns] = [height, width].map(|size| grid.min(size));
    let points: Vec<f64> = (0..rows * columns * channels).map(|_| random.f64() * f64::from(last)).collect();
    let along = |at: usize, size: usize, points: usize| {
        let place = at as f64 * (points - 1) as f64 / (size - 1).max(1) as f64;
        let before = (place as usize).min(points.saturating_sub(2));
        (before, (before + 1).min(points - 1), place - before as f64)
    };
    for y in 0..height {
        let (above, below, down) = along(y, height, rows);
        for x in 0..width {
            let (left, right, across) = along(x, width, columns);
            for channel in 0..channels {
                let point = |row: usize, column: usize| points[(row * columns + column) * channels + channel];
                let row = |row: usize| point(row, left) * (1.0 - across) + point(row, right) * across;
                pixels.push((row(above) * (1.0 - down) + row(below) * down).round() as u8);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_fill_their_range_and_follow_the_seed() {
        let config = DatasetConfig::absent();
        for shape in [[1, 1, 7], [1, 40, 2], [9, 8, 3], [28, 28, 1]] {
            let [height, width, channels] = shape;
            let inputs = Inputs::from(Shape { height, width, channels });
            let made = |seed| synthetic(&config, &inputs, 4.into(), seed);
            let dataset = made(3);
            assert_eq!((dataset.train.len(), dataset.test.len()), (IMAGES, 0));
            assert_eq!(dataset.train.pixels.len(), IMAGES * height * width * channels);
            let (least, most) = (dataset.train.pixels.iter().min(), dataset.train.pixels.iter().max());
            assert!(least < Some(&8) && most > Some(&247), "{shape:?}: {least:?} to {most:?}");
            assert_eq!(dataset, made(3));
            assert_ne!(dataset.train, made(4).train);
        }
    }
}
