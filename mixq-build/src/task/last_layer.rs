//! The last layer of a network, as a task judges it.

use crate::error::Problem;

/// The last layer of a network, which writes its outputs.
#[derive(Clone, Copy, Debug)]
pub struct LastLayer<'a> {
    /// Its name, as messages show it.
    pub name: &'a str,
    /// Height, width and channels of the image.
    pub input: [usize; 3],
    /// Height, width and channels of what it writes.
    pub output: [usize; 3],
    /// What the activation or the function that it ends in is called.
    pub activation: Option<&'a str>,
}

impl LastLayer<'_> {
    /// What keeps it from writing one pixel of `outputs` ("values").
    pub(super) fn pixel(&self, outputs: &str) -> Vec<Problem> {
        let LastLayer { name, output: [height, width, channels], .. } = *self;
        if (height, width) == (1, 1) {
            return Vec::new();
        }
        let message = format!(
            "the last layer {name} writes {height}x{width}x{channels}, more than one pixel of {outputs}"
        );
        let help = "put a global_average_pool before or behind it, or end with a linear layer";
        vec![Problem::new(message).help(help)]
    }

    /// What keeps it from writing one pixel of `outputs` ("logits") without an activation.
    pub(super) fn vector(&self, outputs: &str) -> Vec<Problem> {
        self.pixel(outputs).into_iter().chain(self.sums(outputs)).collect()
    }

    /// What keeps it from writing `outputs` that have no bounds.
    pub(super) fn sums(&self, outputs: &str) -> Vec<Problem> {
        let problem = self.activation.map(|activation| {
            let message =
                format!("the last layer {} ends in a {activation}, but writes the {outputs}", self.name);
            Problem::new(message).help(format!("remove the {activation}"))
        });
        problem.into_iter().collect()
    }
}
