//! What a network must be that answers a class for each pixel.

use mixq_format::Header;

use super::Dense;
use crate::error::Problem;
use crate::task::{LastLayer, NetworkRules, vectors};

impl NetworkRules for Dense {
    /// Any grid of pixels, with a channel for each class.
    fn last_layer(&self, layer: &LastLayer<'_>) -> Vec<Problem> {
        layer.sums("logits of all pixels")
    }

    fn differences(&self, header: &Header, outputs: usize, labels: Option<&[String]>) -> Vec<String> {
        vectors::differences(header, outputs, labels)
    }
}
