//! What an imported network answers in floats.

use super::Foreign;
use crate::import::floats;
use crate::import::lower::{Lowered, Placed};
use crate::import::model::{Array, Grid};

impl Foreign {
    /// What the network answers in floats: the numbers of each output, and their grid if the file quantises
    /// them. `input` is in the order of the file, too, one input after the other. `None` if the end of the
    /// network, which is left to the firmware, computes something that is not known here.
    pub fn execute(&self, input: &[f32]) -> Option<Vec<(Array, Option<Grid>)>> {
        let values = floats::execute(&self.graph, &self.initial, &self.image(input));
        let last = values.last().map(Vec::as_slice).unwrap_or(&[]);
        self.answers_of(|name| {
            let own = self.graph.outputs.iter().find(|own| own.name == name);
            own.map_or(last, |own| values[own.node].as_slice()).to_vec()
        })
    }

    /// What the first layers read of the inputs: in the order row, column, channel, one after the other.
    pub(crate) fn image(&self, input: &[f32]) -> Vec<f32> {
        let Lowered { inputs, scalings, spec, .. } = &self.lowered;
        let mut rest = input;
        let mut row = Vec::new();
        for ((placed, scaling), own) in inputs.iter().zip(scalings).zip(&spec.inputs) {
            let mut image = vec![0.0; own.shape.elements()];
            for (place, value) in placed.places.iter().zip(rest) {
                image[*place] = match scaling.get(place % own.shape.channels) {
                    Some(own) => (f64::from(*value) * own.factor + own.summand) as f32,
                    None => *value,
                };
            }
            rest = rest.get(placed.places.len()..).unwrap_or(&[]);
            row.extend(image);
        }
        row
    }

    /// What the network answers where layers write these numbers, by the names of layers.
    pub(crate) fn answers_of(
        &self,
        written: impl Fn(&str) -> Vec<f32>,
    ) -> Option<Vec<(Array, Option<Grid>)>> {
        let Lowered { outputs, tail, .. } = &self.lowered;
        let numbers = outputs.iter().map(|output| {
            let Placed { dims, places } = &output.placed;
            let written = written(&output.layer);
            let ordered = places.iter().map(|place| written[*place]).collect();
            (output.name.clone(), Array::floats(dims.clone(), ordered))
        });
        let answers = tail.answers(numbers.collect())?;
        Some(answers.into_iter().zip(tail.outputs.iter().map(|(_, grid)| grid.clone())).collect())
    }

    /// The names of the numbers that the model answers, and their dimensions; `None` where the end of the
    /// network computes something that is not known here.
    pub fn answers(&self) -> Vec<(String, Option<Vec<usize>>)> {
        let Lowered { outputs, tail, .. } = &self.lowered;
        let zeros = outputs.iter().map(|output| {
            let dims = output.placed.dims.clone();
            (output.name.clone(), Array::floats(dims, vec![0.0; output.placed.places.len()]))
        });
        let answers = tail.answers(zeros.collect());
        let dims = |place: usize| answers.as_ref().map(|answers| answers[place].dims.clone());
        tail.outputs.iter().enumerate().map(|(place, (name, _))| (name.clone(), dims(place))).collect()
    }
}
