//! What a network that classifies must be.

use mixq_format::Header;

use super::Classification;
use crate::error::Problem;
use crate::task::{LastLayer, NetworkRules};

impl NetworkRules for Classification {
    fn last_layer(&self, layer: &LastLayer<'_>) -> Vec<Problem> {
        layer.vector("logits")
    }

    fn differences(&self, header: &Header, outputs: usize, labels: Option<&[String]>) -> Vec<String> {
        let mut found = Vec::new();
        let own = usize::from(header.output.channels);
        if own != outputs {
            found.push(format!("it has {own} classes, the network {outputs}"));
        }
        if let Some(labels) = labels.filter(|labels| *labels != header.labels) {
            let (own, labels) = (header.labels.join(", "), labels.join(", "));
            found.push(format!("its classes are called {own}, in Cargo.toml {labels}"));
        }
        found
    }
}
