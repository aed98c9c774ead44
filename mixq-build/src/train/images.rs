//! Some of the images of a dataset.

use std::ops::Range;

use crate::dataset::Split;
use crate::task::Targets;

/// Images of a part of a dataset, which stay where they are.
pub struct Images<'a> {
    part: &'a Split,
    /// Their indices in the part.
    indices: Vec<usize>,
}

impl<'a> Images<'a> {
    /// Those with these indices, in this order.
    pub fn some(part: &'a Split, indices: Vec<usize>) -> Images<'a> {
        Images { part, indices }
    }

    /// All of the part.
    pub fn all(part: &'a Split) -> Images<'a> {
        Images { part, indices: (0..part.len()).collect() }
    }

    /// The first of them, at most `count`.
    pub fn first(&self, count: usize) -> Images<'a> {
        Images { part: self.part, indices: self.indices.iter().copied().take(count).collect() }
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// The pixels of one of them, in the order row, column, channel.
    pub fn image(&self, index: usize) -> &'a [u8] {
        self.part.image(self.indices[index])
    }

    /// The targets of all of them.
    pub fn targets(&self) -> Targets {
        self.part.targets.select(&self.indices)
    }

    /// The targets of those with these indices.
    pub fn targets_of(&self, indices: &[usize]) -> Targets {
        let indices: Vec<usize> = indices.iter().map(|index| self.indices[*index]).collect();
        self.part.targets.select(&indices)
    }

    /// The elements of an input of all of them, image after image; `range` is where they are in an image.
    pub fn elements(&self, range: Range<usize>) -> impl Iterator<Item = &'a u8> {
        self.indices.iter().flat_map(move |index| &self.part.image(*index)[range.clone()])
    }

    /// Of the same elements those at these places.
    pub fn elements_at(&self, range: Range<usize>, places: &[usize]) -> impl Iterator<Item = &'a u8> {
        self.indices.iter().flat_map(move |index| {
            let image = &self.part.image(*index)[range.clone()];
            places.iter().map(move |place| &image[*place])
        })
    }
}
