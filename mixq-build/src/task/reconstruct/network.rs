//! What a network that makes images again must be.

use mixq_format::Header;

use super::Reconstruction;
use crate::error::Problem;
use crate::task::{LastLayer, NetworkRules};

impl NetworkRules for Reconstruction {
    fn last_layer(&self, layer: &LastLayer<'_>) -> Vec<Problem> {
        let elements: usize = layer.input.iter().product();
        let [height, width, channels] = layer.input;
        let wanted = format!(
            "a linear layer that has a feature for each of the image's {elements} elements, or with a layer \
             that writes {height}x{width}x{channels}"
        );
        // In the order row, column, channel: one pixel of all elements, or all pixels.
        let found: usize = layer.output.iter().product();
        let is_vector = layer.output[..2] == [1, 1];
        if found == elements && (is_vector || layer.output == layer.input) {
            return Vec::new();
        }
        let message = format!(
            "the last layer {} writes {found} elements, but the image has {height}x{width}x{channels} = \
             {elements}",
            layer.name
        );
        vec![Problem::new(message).help(format!("end with {wanted}"))]
    }

    /// None: it makes as many elements as its image has.
    fn differences(&self, _: &Header, _outputs: usize, _labels: Option<&[String]>) -> Vec<String> {
        Vec::new()
    }
}
