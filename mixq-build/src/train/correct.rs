//! What makes up for the errors of a quantised layer: for each output channel a factor and a summand.
//!
//! The summand is the mean error, as in bias correction (arXiv 1906.04721, section 4.2, measured on images).
//! Where the layer has a factor of its own that integers take for nothing, it is that with the least squared
//! error, as if the statistics of batch norm were estimated again.

use tch::{Kind, Tensor};

use super::model::Model;
use super::part::Part;
use crate::settings::Scheme;

/// Factors are no farther from 1 than this: few images say little.
const FARTHEST: f64 = 2.0;

/// Moments of what a layer should compute and of what it computes, by output channel, before its activation.
#[derive(Default)]
pub struct Fit {
    sums: Option<Sums>,
}

/// Sums over all pixels of all images, `[channels]`, of doubles.
struct Sums {
    count: f64,
    wanted: Tensor,
    found: Tensor,
    products: Tensor,
    squares: Tensor,
}

impl Fit {
    /// Adds some images: `[n, channels, height, width]` each.
    pub fn add(&mut self, wanted: &Tensor, found: &Tensor) {
        let sum = |x: &Tensor| x.sum_dim_intlist(&[0i64, 2, 3][..], false, Kind::Double);
        let size = wanted.size();
        let more = Sums {
            count: (size[0] * size[2] * size[3]) as f64,
            wanted: sum(wanted),
            found: sum(found),
            products: sum(&(wanted * found)),
            squares: sum(&found.square()),
        };
        self.sums = Some(match self.sums.take() {
            None => more,
            Some(before) => Sums {
                count: before.count + more.count,
                wanted: before.wanted + more.wanted,
                found: before.found + more.found,
                products: before.products + more.products,
                squares: before.squares + more.squares,
            },
        });
    }

    /// The factor with the least squared error, and the summand that belongs to it. `scales`: whether there
    /// is a factor; else it is 1.
    fn solve(&self, scales: bool) -> Option<(Tensor, Tensor)> {
        let Sums { count, wanted, found, products, squares } = self.sums.as_ref()?;
        let (wanted, found) = (wanted / *count, found / *count);
        let covariance = products / *count - &wanted * &found;
        let variance = squares / *count - found.square();
        let factor = &covariance / &variance;
        // A channel that does not vary has no factor.
        let is_sound = variance.gt(1e-12).logical_and(&factor.ge(1.0 / FARTHEST));
        let factor = factor.clamp_max(FARTHEST).where_self(&is_sound, &variance.ones_like());
        let factor = if scales { factor } else { factor.ones_like() };
        let summand = wanted - &factor * found;
        Some((factor, summand))
    }

    /// Changes a layer by its factors and summands.
    pub fn correct(&self, model: &mut Model<'_>, node: usize) {
        let normalises = model.graph.nodes[node].norm;
        let (gain, shift) = if normalises { (Part::Gamma, Part::Beta) } else { (Part::Weight, Part::Bias) };
        let scales = match model.scheme {
            // Its factors are in the weights, which have their codes already.
            Scheme::PerLayerFolded => false,
            Scheme::PerLayer => normalises,
            // Each channel has a grid, which can be scaled.
            Scheme::PerChannel | Scheme::PerChannelThresholds => true,
        };
        let Some((factor, summand)) = self.solve(scales) else { return };
        let (factor, summand) = (factor.to_kind(Kind::Float), summand.to_kind(Kind::Float));
        if scales {
            let parts: &[Part] =
                if normalises { &[gain] } else { &[gain, Part::WeightLow, Part::WeightHigh] };
            for part in parts {
                let Some(value) = model.get(node, *part) else { continue };
                let mut shape = vec![1; value.dim()];
                shape[0] = -1;
                let value = value * factor.view(&shape[..]);
                model.set(node, *part, value);
            }
        }
        if let Some(before) = model.get(node, shift) {
            let value = before * &factor + summand;
            model.set(node, shift, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::take_turn;

    #[test]
    fn factor_and_summand_are_those_of_least_squares() {
        let _turn = take_turn(1, 1);
        let random = || Tensor::randn([6, 3, 4, 5], (Kind::Float, tch::Device::Cpu));
        let (found, noise) = (random() + 0.7, random());
        let factors = Tensor::from_slice(&[0.8f32, 1.0, 1.3]).view([1, 3, 1, 1]);
        let wanted = &found * factors - 0.4 + noise * 0.1;
        let mut fit = Fit::default();
        fit.add(&wanted.narrow(0, 0, 2), &found.narrow(0, 0, 2));
        fit.add(&wanted.narrow(0, 2, 4), &found.narrow(0, 2, 4));
        let error = |(factor, summand): (Tensor, Tensor)| {
            let [factor, summand] = [factor, summand].map(|x| x.view([1, 3, 1, 1]));
            (&found * factor + summand - &wanted).square().sum(Kind::Double).double_value(&[])
        };
        let solved = |by: f64, plus: f64| {
            let (factor, summand) = fit.solve(true).unwrap();
            (factor + by, summand + plus)
        };
        let least = error(solved(0.0, 0.0));
        for (by, plus) in [(0.01, 0.0), (-0.01, 0.0), (0.0, 0.01), (0.0, -0.01)] {
            assert!(error(solved(by, plus)) > least);
        }
        let (one, mean) = fit.solve(false).unwrap();
        assert_eq!(Vec::<f64>::try_from(one).unwrap(), [1.0; 3]);
        let difference = (&wanted - &found).mean_dim(&[0i64, 2, 3][..], false, Kind::Double);
        assert!((mean - difference).abs().max().double_value(&[]) < 1e-6);
    }

    #[test]
    fn a_channel_that_does_not_vary_keeps_its_factor() {
        let mut fit = Fit::default();
        let constant = Tensor::ones([2, 1, 3, 3], (Kind::Float, tch::Device::Cpu));
        fit.add(&(&constant * 3.0), &constant);
        let (factor, summand) = fit.solve(true).unwrap();
        assert_eq!((factor.double_value(&[0]), summand.double_value(&[0])), (1.0, 2.0));
    }
}
