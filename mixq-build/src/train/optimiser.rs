//! The optimisers, with their state in the open, so that a checkpoint can hold it.

use std::collections::BTreeMap;

use tch::Tensor;

use crate::settings::OptimiserKind;

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;
const MOMENTUM: f64 = 0.9;

/// An optimiser between two steps.
pub struct Optimiser {
    /// Which it is.
    pub kind: OptimiserKind,
    /// Steps taken.
    pub steps: i64,
    /// By parameter: Adam's running averages of gradients and of their squares, or the one momentum of SGD.
    pub moments: BTreeMap<String, Vec<Tensor>>,
}

/// What is trained in a step: name, value, and weight decay (L2, added to the gradient).
pub type Trained<'a> = (&'a String, &'a mut Tensor, f64);

impl Optimiser {
    /// Before the first step.
    pub fn new(kind: OptimiserKind) -> Optimiser {
        Optimiser { kind, steps: 0, moments: BTreeMap::new() }
    }

    /// Moments of each parameter.
    pub fn moments_of(kind: OptimiserKind) -> usize {
        match kind {
            OptimiserKind::Adam => 2,
            OptimiserKind::Sgd => 1,
        }
    }

    /// One step on all parameters.
    pub fn step(&mut self, parameters: Vec<Trained<'_>>, gradients: &[Tensor], rate: f64) {
        self.steps += 1;
        tch::no_grad(|| {
            for ((name, parameter, decay), gradient) in parameters.into_iter().zip(gradients) {
                let gradient =
                    if decay == 0.0 { gradient.shallow_clone() } else { gradient + &*parameter * decay };
                let moments = self.moments.entry(name.clone()).or_insert_with(|| {
                    (0..Optimiser::moments_of(self.kind)).map(|_| parameter.zeros_like()).collect()
                });
                let change = match self.kind {
                    OptimiserKind::Adam => adam(moments, &gradient, self.steps),
                    OptimiserKind::Sgd => nesterov(moments, &gradient),
                };
                let _ = parameter.subtract_(&(change * rate));
            }
        });
    }
}

/// arXiv 1412.6980.
fn adam(moments: &mut [Tensor], gradient: &Tensor, steps: i64) -> Tensor {
    let corrections = [BETA_1, BETA_2].map(|beta| 1.0 - beta.powi(steps as i32));
    let _ = moments[0].lerp_(gradient, 1.0 - BETA_1);
    let _ = moments[1].lerp_(&gradient.square(), 1.0 - BETA_2);
    let deviation = (&moments[1] / corrections[1]).sqrt() + EPSILON;
    &moments[0] / deviation / corrections[0]
}

/// Momentum that looks ahead (Nesterov), in the form of Sutskever et al. 2013, section 3, as libtorch has it.
fn nesterov(moments: &mut [Tensor], gradient: &Tensor) -> Tensor {
    let velocity = &mut moments[0];
    *velocity = &*velocity * MOMENTUM + gradient;
    gradient + &*velocity * MOMENTUM
}
