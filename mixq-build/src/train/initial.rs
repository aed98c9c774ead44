//! Parameters that come with a network, in a model.

use std::collections::BTreeMap;

use tch::Tensor;

use super::calibrate::set_bounds;
use super::model::Model;
use super::part::Part;
use crate::import::{After, Initial};

impl Model<'_> {
    /// Takes these parameters in place of random ones.
    pub fn begin_with(&mut self, initial: &Initial) {
        for (node, layer) in initial.layers.iter().enumerate() {
            let Some(layer) = layer else { continue };
            let parts = [Part::Weight, Part::Constant, Part::Slope];
            let part = parts.into_iter().find(|part| self.get(node, *part).is_some());
            self.fill(node, part.expect("the graph has such parameters"), &layer.weight);
            match &layer.after {
                After::Nothing => {}
                After::Bias(bias) => self.fill(node, Part::Bias, bias),
                After::Norm { gamma, beta, mean, variance } => {
                    self.fill(node, Part::Gamma, gamma);
                    self.fill(node, Part::Beta, beta);
                    self.fill(node, Part::Mean, mean);
                    self.fill(node, Part::Variance, variance);
                }
            }
        }
    }

    /// Takes the ranges of outputs that come with the parameters in place of those of images. Outputs of one
    /// grid get a range that holds all of theirs.
    pub fn take_ranges(&mut self, initial: &Initial) {
        let mut of_grids: BTreeMap<usize, [f32; 2]> = BTreeMap::new();
        for (grid, range) in self.grids.iter().zip(&initial.ranges) {
            let Some([low, high]) = *range else { continue };
            let all = of_grids.entry(*grid).or_insert([low, high]);
            *all = [all[0].min(low), all[1].max(high)];
        }
        for (node, [low, high]) in of_grids {
            if self.get(node, Part::High).is_some() {
                set_bounds(self, node, (Part::Low, f64::from(low)), (Part::High, f64::from(high)));
            }
        }
    }

    /// Multiplies each output by a factor and adds a summand, in the weights of the last layer.
    pub fn change_outputs(&mut self, factors: &[f64], summands: &[f64]) {
        let last = self.graph.output_node();
        let by_output = |values: &[f64]| {
            let values: Vec<f32> = values.iter().map(|value| *value as f32).collect();
            Tensor::from_slice(&values).to_device(self.device)
        };
        let (factors, summands) = (by_output(factors), by_output(summands));
        let of = |model: &Model<'_>, part| model.get(last, part).map(Tensor::shallow_clone);
        // Batch norm, if there is one, has the last word.
        let (gain, shift) =
            if self.graph.nodes[last].norm { (Part::Gamma, Part::Beta) } else { (Part::Weight, Part::Bias) };
        let weight = of(self, gain).expect("the last layer has weights");
        let mut shape = vec![1; weight.dim()];
        shape[0] = -1;
        self.set(last, gain, weight * factors.view(&shape[..]));
        let bias = of(self, shift).expect("the last layer has a bias or batch norm");
        self.set(last, shift, bias * &factors + summands);
    }

    fn fill(&mut self, node: usize, part: Part, values: &[f32]) {
        let shape = self.get(node, part).expect("the graph has such parameters").size();
        self.set(node, part, Tensor::from_slice(values).reshape(shape).to_device(self.device));
    }
}

#[cfg(test)]
mod tests;
