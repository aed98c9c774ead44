//! Fake quantisation: values on the grid of the integers, with straight-through gradients
//! (section 2 of the method; PACT: arXiv 1805.06085).

use mixq_format::Bits;
use tch::Tensor;

use crate::settings::Rounding;

/// Scale and zero point as tensors that broadcast over what they quantise.
pub struct Grids {
    /// Distance of neighbouring values.
    pub scale: Tensor,
    /// Unsigned code of real 0.
    pub zero_point: Tensor,
}

/// The code's value in the forward pass, the identity in the backward pass.
pub fn straight_through(real: &Tensor, quantised: &Tensor) -> Tensor {
    real + (quantised - real).detach()
}

/// Unsigned codes of `real`, 0 to `N_b`.
fn codes(real: &Tensor, grids: &Grids, bits: Bits, rounding: Rounding) -> Tensor {
    let steps = real / &grids.scale;
    let rounded = match rounding {
        Rounding::Nearest => (steps + 0.5).floor(),
        Rounding::Floor => steps.floor(),
    };
    (rounded + &grids.zero_point).clamp(0.0, f64::from(bits.max_code()))
}

fn values(codes: &Tensor, grids: &Grids) -> Tensor {
    (codes - &grids.zero_point) * &grids.scale
}

/// The grid of `low..high`, widened to contain 0, which is on it.
fn grids_of_range(low: &Tensor, high: &Tensor, bits: Bits) -> Grids {
    let levels = f64::from(bits.max_code());
    let (low, high) = (low.clamp_max(0.0), high.clamp_min(0.0));
    // A range of nothing but 0 gets some scale, so that nothing divides by 0.
    let scale = ((high - &low) / levels).clamp_min(1e-12);
    let zero_point = (-low / &scale + 0.5).floor().clamp(0.0, levels);
    Grids { scale: scale.detach(), zero_point: zero_point.detach() }
}

/// Per-channel weights: minimum and maximum of each output channel (the first axis); nothing learned.
pub fn per_channel_grids(weights: &Tensor, bits: Bits) -> Grids {
    let axes: Vec<i64> = (1..weights.dim() as i64).collect();
    grids_of_range(&weights.amin(&axes[..], true), &weights.amax(&axes[..], true), bits)
}

/// Per-layer weights: learned bounds, which are scalars.
pub fn per_layer_grids(low: &Tensor, high: &Tensor, bits: Bits) -> Grids {
    grids_of_range(low, high, bits)
}

/// Values within bounds, which pass gradients; 0 always is within.
fn clamped(real: &Tensor, bounds: Option<(&Tensor, &Tensor)>) -> Tensor {
    match bounds {
        Some((low, high)) => real.maximum(&low.clamp_max(0.0)).minimum(&high.clamp_min(0.0)),
        None => real.shallow_clone(),
    }
}

/// Weights on their grid; the weight grid always rounds to the nearest. Outside of `bounds` the gradient goes
/// to the bound instead of the weight.
pub fn weights(real: &Tensor, grids: &Grids, bits: Bits, bounds: Option<(&Tensor, &Tensor)>) -> Tensor {
    let clamped = clamped(real, bounds);
    straight_through(&clamped, &values(&codes(&clamped, grids, bits, Rounding::Nearest), grids))
}

/// Weights on a grid whose step is learned (LSQ, arXiv 1902.08153). Within the grid the gradient goes to the
/// weight, and as much of it to the step as rounding has moved the weight, in steps; beyond the ends of the
/// grid all of it goes to the step.
pub fn stepped_weights(real: &Tensor, grids: &Grids, bits: Bits) -> Tensor {
    let lowest = grids.zero_point.neg();
    let highest = &lowest + f64::from(bits.max_code());
    let steps = (real / &grids.scale).maximum(&lowest).minimum(&highest);
    straight_through(&steps, &(&steps + 0.5).floor()) * &grids.scale
}

/// Unsigned codes of weights, as the forward pass uses them.
pub fn weight_codes(real: &Tensor, grids: &Grids, bits: Bits, bounds: Option<(&Tensor, &Tensor)>) -> Tensor {
    codes(&clamped(real, bounds), grids, bits, Rounding::Nearest)
}

/// The step of a grid from 0 to `high`, which passes gradients.
pub fn step(high: &Tensor, bits: Bits) -> Tensor {
    (high / f64::from(bits.max_code())).clamp_min(1e-12)
}

/// The grid of an activation between learned bounds; after a ReLU `low` is `None` and the zero point 0.
pub fn activation_grids(low: Option<&Tensor>, high: &Tensor, bits: Bits) -> Grids {
    grids_of_range(low.unwrap_or(&high.zeros_like()), high, bits)
}

/// An activation on its grid. PACT: inside the bounds the gradient passes, outside it goes to the bound.
///
/// The forward pass clamps codes, as the device does, and not values: with [`Rounding::Floor`] a value that
/// was clamped to the upper bound would be rounded down to the code below the last one wherever the bound is
/// not on the grid.
pub fn activation(
    real: &Tensor,
    low: Option<&Tensor>,
    high: &Tensor,
    grids: &Grids,
    bits: Bits,
    rounding: Rounding,
) -> Tensor {
    straight_through(&within(real, low, high), &values(&codes(real, grids, bits, rounding), grids))
}

/// An activation between its learned bounds, with the gradients of [`activation`].
pub fn within(real: &Tensor, low: Option<&Tensor>, high: &Tensor) -> Tensor {
    let above = match low {
        None => real.relu(),
        Some(low) => real.maximum(&low.clamp_max(0.0)),
    };
    above.minimum(&high.clamp_min(0.0))
}

/// The bounds, as shares of the data's own, at which quantisation to `bits` loses least (squared error).
/// `low` is 0 after a ReLU.
pub fn best_range(data: &Tensor, relu: bool, bits: Bits, rounding: Rounding) -> (f64, f64) {
    let data = if relu { data.relu() } else { data.shallow_clone() };
    let (low, high) = (data.min().double_value(&[]).min(0.0), data.max().double_value(&[]).max(0.0));
    let candidates = (4..=40).map(|share| f64::from(share) / 40.0);
    let error = |share: f64| {
        let (low, high) = (Tensor::from(low * share), Tensor::from(high * share));
        let (low, high) = (low.to_kind(data.kind()), high.to_kind(data.kind()));
        let grids = grids_of_range(&low, &high, bits);
        let quantised = values(&codes(&data, &grids, bits, rounding), &grids);
        (&data - quantised).square().mean(tch::Kind::Double).double_value(&[])
    };
    let errors = candidates.map(|share| (error(share), share));
    let (_, share) = errors.min_by(|a, b| a.0.total_cmp(&b.0)).expect("there are candidates");
    (low * share, high * share)
}

#[cfg(test)]
mod tests;
