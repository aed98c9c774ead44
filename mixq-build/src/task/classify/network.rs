//! What a network that classifies must be.

use mixq_format::Header;

use super::Classification;
use crate::error::Problem;
use crate::task::{LastLayer, NetworkRules};

impl NetworkRules for Classification {
    fn last_layer(&self, layer: &LastLayer<'_>) -> Vec<Problem> {
        let LastLayer { name, output: [height, width, channels], mixes_channels, activation } = *layer;
        let shape = format!("{height}x{width}x{channels}");
        if !mixes_channels {
            let message = format!("the last layer {name} ({shape}) is neither linear nor a convolution");
            let help = "end with a linear layer that has a feature for each class";
            return vec![Problem::new(message).help(help)];
        }
        let mut problems = Vec::new();
        if (height, width) != (1, 1) {
            let message = format!("the last layer {name} writes {shape}, more than one pixel of logits");
            let help = "put a global_average_pool before it, or end with a linear layer";
            problems.push(Problem::new(message).help(help));
        }
        if let Some(activation) = activation {
            let message = format!("the last layer {name} ends in a {activation}, but writes the logits");
            problems.push(Problem::new(message).help(format!("remove the {activation}")));
        }
        problems
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
