//! What a network that finds labels must be.

use mixq_format::Header;

use super::MultiLabel;
use crate::error::Problem;
use crate::task::{LastLayer, NetworkRules, vectors};

impl NetworkRules for MultiLabel {
    fn last_layer(&self, layer: &LastLayer<'_>) -> Vec<Problem> {
        layer.vector("logits")
    }

    fn differences(&self, header: &Header, outputs: usize, labels: Option<&[String]>) -> Vec<String> {
        vectors::differences(header, outputs, labels)
    }
}
