//! Adam (arXiv 1412.6980) with its state in the open, so that a checkpoint can hold it.

use std::collections::BTreeMap;

use tch::Tensor;

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// The optimiser's state.
pub struct Adam {
    /// Steps taken.
    pub steps: i64,
    /// Running averages of gradients and of their squares, by parameter.
    pub moments: BTreeMap<String, (Tensor, Tensor)>,
}

impl Adam {
    /// Before the first step.
    pub fn new() -> Adam {
        Adam { steps: 0, moments: BTreeMap::new() }
    }

    /// One step on all parameters, each with its weight decay (L2, added to the gradient).
    pub fn step(&mut self, parameters: Vec<(&String, &mut Tensor, f64)>, gradients: &[Tensor], rate: f64) {
        self.steps += 1;
        let corrections = [BETA_1, BETA_2].map(|beta| 1.0 - beta.powi(self.steps as i32));
        tch::no_grad(|| {
            for ((name, parameter, decay), gradient) in parameters.into_iter().zip(gradients) {
                let gradient = gradient + &*parameter * decay;
                let (mean, square) = self
                    .moments
                    .entry(name.clone())
                    .or_insert_with(|| (parameter.zeros_like(), parameter.zeros_like()));
                *mean = &*mean * BETA_1 + &gradient * (1.0 - BETA_1);
                *square = &*square * BETA_2 + gradient.square() * (1.0 - BETA_2);
                let deviation = (&*square / corrections[1]).sqrt() + EPSILON;
                let _ = parameter.subtract_(&(&*mean / deviation * (rate / corrections[0])));
            }
        });
    }
}
