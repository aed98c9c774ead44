//! What a network is to answer for each image.

/// A mask as it stands in a file: the class of each pixel, row after row.
#[derive(Clone, Copy, Debug)]
pub struct Mask<'a> {
    /// Rows of pixels.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
    /// A byte for each pixel.
    pub classes: &'a [u8],
}

/// The targets of some images, one for each, or the answers that a network gave for them.
///
/// A target is a number of bytes that is the same for all images. Only the task knows what they mean: for a
/// classification they are a class, for other tasks they may be numbers or a class for each pixel. All others
/// count, select and keep targets, and look into none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    /// Bytes of a target; 0 while there is none.
    each: usize,
    /// Target after target.
    bytes: Vec<u8>,
}

impl Targets {
    /// Those in `bytes`, `each` bytes a target.
    ///
    /// # Panics
    /// If the last target is not whole.
    pub fn new(each: usize, bytes: Vec<u8>) -> Targets {
        assert!(bytes.len().checked_rem(each).unwrap_or(bytes.len()) == 0, "targets are whole");
        Targets { each: if bytes.is_empty() { 0 } else { each }, bytes }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.bytes.len().checked_div(self.each).unwrap_or(0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Target after target.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The target of one image.
    ///
    /// # Panics
    /// If `index` is out of range.
    pub fn get(&self, index: usize) -> &[u8] {
        &self.bytes[index * self.each..][..self.each]
    }

    /// All targets in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks_exact(self.each.max(1))
    }

    /// Appends a target.
    ///
    /// # Panics
    /// If the others are of another size.
    pub fn push(&mut self, target: &[u8]) {
        if self.is_empty() {
            self.each = target.len();
        }
        assert_eq!(target.len(), self.each, "all targets of a dataset are of one size");
        self.bytes.extend_from_slice(target);
    }

    /// Appends targets.
    ///
    /// # Panics
    /// If the others are of another size.
    pub fn append(&mut self, others: &Targets) {
        others.iter().for_each(|target| self.push(target));
    }

    /// Those with these indices, in this order; an index may occur repeatedly.
    ///
    /// # Panics
    /// If an index is out of range.
    pub fn select(&self, indices: &[usize]) -> Targets {
        Targets::new(self.each, indices.iter().flat_map(|index| self.get(*index)).copied().collect())
    }

    /// The first `index` targets and the others.
    pub(crate) fn split_at(mut self, index: usize) -> (Targets, Targets) {
        let others = self.bytes.split_off(index * self.each);
        (Targets::new(self.each, self.bytes), Targets::new(self.each, others))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_of_any_size_are_selected_and_split() {
        for each in 1..5 {
            let of = |values: &[u8]| -> Targets {
                let mut targets = Targets::default();
                values.iter().for_each(|value| targets.push(&vec![*value; each]));
                targets
            };
            let targets = of(&[0, 1, 2, 3]);
            assert_eq!((targets.len(), targets.get(2)), (4, &vec![2; each][..]));
            assert_eq!(targets.select(&[3, 0, 0]), of(&[3, 0, 0]));
            assert_eq!(targets.clone().split_at(1), (of(&[0]), of(&[1, 2, 3])));
            assert_eq!(targets.clone().split_at(4), (targets.clone(), Targets::default()));
            assert_eq!(Targets::new(each, targets.bytes().to_vec()), targets);
        }
        assert!(Targets::default().is_empty());
        assert_eq!(Targets::default().len(), 0);
        assert_eq!(Targets::default().select(&[]), Targets::default());
    }
}
