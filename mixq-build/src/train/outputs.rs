//! The units of a network's outputs: those that training chooses, and those of a network that was trained
//! elsewhere.

use mixq_format::Unit;

use super::{Job, Normalisation};
use crate::error::Problem;
use crate::task::{End, Fit, Targets, Task, rules};

/// The factor and the summand of each output.
pub(super) type Change = (Vec<f64>, Vec<f64>);

impl Job<'_> {
    /// What the outputs can be, for images that are normalised in this way.
    ///
    /// # Errors
    /// An autoencoder was trained elsewhere on channels that were normalised each in its own way.
    pub(super) fn end(&self, normalisations: &[Normalisation]) -> Result<End, Problem> {
        let image = &normalisations[0].image;
        let number = |code: i32| image.scale * f64::from(code - image.zero_point);
        let keeps_units = self.initial.is_some() && !self.graph.is_logits(self.graph.output_node());
        let given = match self.dataset.task {
            _ if !keeps_units => None,
            Task::Reconstruction => {
                let units = self.image_units()?.unwrap_or_else(|| vec![(1.0, 0.0)]);
                let (scale, offset) = units[0];
                if units.iter().any(|unit| *unit != units[0]) {
                    return Err(Self::differing("and its last layer has no weights"));
                }
                Some(Unit { scale, offset })
            }
            Task::Classification | Task::MultiLabel | Task::Dense | Task::Regression => {
                Some(Unit { scale: 1.0, offset: 0.0 })
            }
        };
        Ok(End {
            range: self.graph.output_range(),
            given,
            image: [number(0), number(self.graph.inputs[0].bits.max_code())],
        })
    }

    /// Of a network that was trained elsewhere: normalised numbers of an image by those that its first layer
    /// read, as factor and summand of each channel. `None`: they are the same.
    fn image_units(&self) -> Result<Option<Vec<(f64, f64)>>, Problem> {
        let input = &self.graph.inputs[0];
        let Some(given) = self.given(0) else { return Ok(None) };
        if input.is_moved() && given.differs() {
            return Err(Self::differing("and a `transpose` moves them"));
        }
        let channels = given.gains().into_iter().zip(given.offsets(input.bits));
        Ok(Some(channels.map(|(gain, offset)| (1.0 / gain, -offset / gain)).collect()))
    }

    fn differing(reason: &str) -> Problem {
        let message = format!(
            "the image's channels are normalised each in its own way, {reason}: the outputs cannot be \
             brought to one scale"
        );
        Problem::new(message).help("give one mean and one std for all channels")
    }

    /// The factor and the summand of each output by which a network that was trained elsewhere becomes one
    /// that is trained here. A regression learns standardised targets. An autoencoder learns the pixels on
    /// the image's grid, which all channels share. `None`: outputs are what they were, as they are where the
    /// last layer has no weights that could take a factor.
    ///
    /// # Errors
    /// As [`Job::end`].
    pub(super) fn output_change(&self, fit: &Fit) -> Result<Option<Change>, Problem> {
        if !self.graph.is_logits(self.graph.output_node()) {
            return Ok(None);
        }
        Ok(match self.dataset.task {
            Task::Classification | Task::MultiLabel | Task::Dense => None,
            Task::Regression => {
                let units = fit.units.iter();
                Some(units.map(|unit| (1.0 / unit.scale, -unit.offset / unit.scale)).unzip())
            }
            Task::Reconstruction => {
                let units = self.image_units()?;
                units.map(|units| units.into_iter().cycle().take(self.graph.outputs()).unzip())
            }
        })
    }

    /// Targets that the outputs cannot come to: a training from random weights is refused, of other networks
    /// it is said.
    ///
    /// # Errors
    /// The network is trained from random weights, and there are such targets.
    pub(super) fn check_reach(&self, end: &End, train: &Targets) -> Result<Option<String>, Problem> {
        let found = rules(self.dataset.task).out_of_reach(train, &self.dataset.labels, end);
        let Some(found) = found else { return Ok(None) };
        if self.initial.is_some() {
            return Ok(Some(found));
        }
        let help = "bring the targets into this range, or remove the function at the end of the network";
        Err(Problem::new(found).help(help))
    }
}
