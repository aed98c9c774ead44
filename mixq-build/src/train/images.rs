//! Some of the images of a dataset.

use crate::dataset::Split;

/// Images of a part of a dataset, which stay where they are.
pub struct Images<'a> {
    part: &'a Split,
    /// Theirs in the part.
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

    /// How many there are.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// The pixels of one of them, in the order row, column, channel.
    pub fn image(&self, index: usize) -> &'a [u8] {
        self.part.image(self.indices[index])
    }

    /// The class of one of them.
    pub fn label(&self, index: usize) -> u16 {
        self.part.labels[self.indices[index]]
    }

    /// All their pixels, image after image.
    pub fn pixels(&self) -> impl Iterator<Item = &'a u8> {
        self.indices.iter().flat_map(|index| self.part.image(*index))
    }

    /// How many of these answers, one for each image, are right.
    pub fn right(&self, answers: &[i64]) -> usize {
        answers.iter().enumerate().filter(|(index, answer)| **answer == i64::from(self.label(*index))).count()
    }
}
