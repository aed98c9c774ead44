//! What a network that makes images again must be.

use mixq_format::Header;

use super::Reconstruction;
use crate::error::Problem;
use crate::task::{LastLayer, NetworkRules};

impl NetworkRules for Reconstruction {
    fn last_layer(&self, layer: &LastLayer<'_>) -> Vec<Problem> {
        let elements: usize = layer.input.iter().product();
        let wanted = format!("a linear layer that has a feature for each of the image's {elements} elements");
        let mut problems = layer.linear("elements", &wanted);
        let found = layer.output[2];
        if problems.is_empty() && found != elements {
            let [height, width, channels] = layer.input;
            let message = format!(
                "the last layer {} writes {found} elements, but the image has {height}x{width}x{channels} = \
                 {elements}",
                layer.name
            );
            problems.push(Problem::new(message).help(format!("end with {wanted}")));
        }
        problems
    }

    fn differences(&self, header: &Header, outputs: usize, _labels: Option<&[String]>) -> Vec<String> {
        let own = usize::from(header.output.channels);
        if own == outputs {
            return Vec::new();
        }
        vec![format!("it makes {own} elements, the network {outputs}")]
    }
}
