//! A part of a dataset.

use bytes::Bytes;

use crate::task::Targets;

/// Images of one shape with their targets.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Split {
    /// Image after image, each in the order row, column, channel; one byte a pixel and channel.
    pub pixels: Bytes,
    /// What a network is to answer for each image.
    pub targets: Targets,
}

impl Split {
    /// The number of images.
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// The pixels of one image, in the order row, column, channel.
    ///
    /// # Panics
    /// If `index` is out of range.
    pub fn image(&self, index: usize) -> &[u8] {
        let elements = self.elements();
        &self.pixels[index * elements..][..elements]
    }

    /// The images with these indices, in this order; an index may occur repeatedly.
    ///
    /// # Panics
    /// If an index is out of range.
    pub fn select(&self, indices: &[usize]) -> Split {
        Split {
            pixels: indices.iter().flat_map(|index| self.image(*index)).copied().collect(),
            targets: self.targets.select(indices),
        }
    }

    /// Mean and standard deviation (of the population) of all pixels, in units of a pixel; zeros if there
    /// are no images.
    pub fn mean_and_std(&self) -> (f64, f64) {
        moments(&self.pixels)
    }

    /// The first `index` images and the others.
    pub(super) fn split_at(mut self, index: usize) -> (Split, Split) {
        let pixels = self.pixels.split_off(index * self.elements());
        let (targets, others) = self.targets.split_at(index);
        (Split { pixels: self.pixels, targets }, Split { pixels, targets: others })
    }

    /// Bytes of an image, or of all inputs together.
    pub(crate) fn elements(&self) -> usize {
        self.pixels.len().checked_div(self.len()).unwrap_or(0)
    }
}

/// A part while its images are read.
#[derive(Default)]
pub(super) struct Growing {
    /// Image after image.
    pub pixels: Vec<u8>,
    /// The target of each image.
    pub targets: Targets,
}

impl From<Growing> for Split {
    fn from(Growing { pixels, targets }: Growing) -> Split {
        Split { pixels: pixels.into(), targets }
    }
}

/// Mean and standard deviation (of the population), in units of a pixel; zeros if there are none.
pub(crate) fn moments<'a>(pixels: impl IntoIterator<Item = &'a u8>) -> (f64, f64) {
    let (mut count, mut sum, mut squares) = (0u128, 0u128, 0u128);
    for pixel in pixels {
        count += 1;
        sum += u128::from(*pixel);
        squares += u128::from(*pixel).pow(2);
    }
    if count == 0 {
        return (0.0, 0.0);
    }
    // Integers keep E[x^2] - E[x]^2 from cancelling: n^2 times the variance, exactly.
    let variance = (count * squares - sum * sum) as f64 / (count * count) as f64;
    (sum as f64 / count as f64, variance.sqrt())
}
