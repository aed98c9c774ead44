//! What a network that predicts quantities must be.

use mixq_format::Header;

use super::Regression;
use crate::error::Problem;
use crate::task::{LastLayer, NetworkRules, vectors};

impl NetworkRules for Regression {
    /// Any layer that writes one pixel: a function at the end bounds the values.
    fn last_layer(&self, layer: &LastLayer<'_>) -> Vec<Problem> {
        layer.pixel("values")
    }

    fn differences(&self, header: &Header, outputs: usize, labels: Option<&[String]>) -> Vec<String> {
        vectors::differences(header, outputs, labels)
    }
}
