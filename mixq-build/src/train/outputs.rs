//! Outputs of a network that was trained elsewhere, in the units of this training.

use super::Job;
use crate::error::Problem;
use crate::import::InputNormalisation;
use crate::task::{Fit, Task};

impl Job<'_> {
    /// Outputs change in the weights of the last layer.
    pub(super) fn can_change_outputs(&self) -> Result<(), Problem> {
        let last = self.graph.output_node();
        let input = &self.graph.inputs[0];
        let differs = self.given(0).is_some_and(InputNormalisation::differs);
        if self.dataset.task == Task::Reconstruction && input.is_moved() && differs {
            let message = "the image's channels are normalised each in its own way, and a `transpose` moves \
                           them: the outputs cannot be brought to one scale";
            return Err(Problem::new(message).help("give one mean and one std for all channels"));
        }
        if self.graph.is_logits(last) {
            return Ok(());
        }
        let name = &self.graph.nodes[last].name;
        let message = format!(
            "the network brings weights, but its last layer `{name}` has none that could take the scale of \
             the targets"
        );
        Err(Problem::new(message).help("end with a linear layer or a convolution without an activation"))
    }

    /// The factor and the summand of each output by which a network that was trained elsewhere becomes one
    /// that is trained here. A regression learns standardised targets. An autoencoder learns the pixels on
    /// the image's grid, which all channels share. `None`: outputs are what they were.
    pub(super) fn output_change(&self, fit: &Fit) -> Option<(Vec<f64>, Vec<f64>)> {
        let change = match self.dataset.task {
            Task::Classification | Task::MultiLabel | Task::Dense => return None,
            Task::Regression => {
                let units = fit.units.iter();
                units.map(|unit| (1.0 / unit.scale, -unit.offset / unit.scale)).unzip()
            }
            Task::Reconstruction => {
                let given = self.given(0)?;
                let channels = given.gains().into_iter().zip(given.offsets(self.graph.inputs[0].bits));
                let all = channels.map(|(gain, offset)| (1.0 / gain, -offset / gain)).cycle();
                all.take(self.graph.outputs()).unzip()
            }
        };
        Some(change)
    }
}
