//! Targets that are vectors of numbers.

use super::Targets;

impl Targets {
    /// Vectors of `each` numbers.
    ///
    /// # Panics
    /// If the last vector is not whole.
    pub fn of_values(each: usize, values: impl IntoIterator<Item = f64>) -> Targets {
        Targets::new(each * size_of::<f64>(), values.into_iter().flat_map(f64::to_le_bytes).collect())
    }

    /// Vector after vector.
    pub fn values(&self) -> Vec<f64> {
        numbers(self.bytes())
    }

    /// One number of each vector.
    pub fn values_of(&self, output: usize) -> Vec<f64> {
        self.iter().map(|target| numbers(target)[output]).collect()
    }
}

/// The numbers that bytes are.
pub(super) fn numbers(bytes: &[u8]) -> Vec<f64> {
    bytes.as_chunks().0.iter().map(|number| f64::from_le_bytes(*number)).collect()
}

/// The bytes of numbers.
pub(super) fn bytes(values: &[f64]) -> Vec<u8> {
    values.iter().copied().flat_map(f64::to_le_bytes).collect()
}
