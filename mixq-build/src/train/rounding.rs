//! The codes of a layer's weights that change what it computes least.
//!
//! With the covariance `H` of the values that meet the weights `w` of an output channel, codes that stand for
//! `v` change its sums by the variance `(v - w) H (v - w)`; their mean is for the bias to make up for. Codes
//! are chosen one after the other, and weights that are still free make up for those that are not, as in
//! GPTQ (arXiv 2210.17323, section 3). Where that does not help, each weight has the nearest code.

use tch::{Kind, Tensor};

use super::model::Model;
use super::part::Part;
use super::pools::{ints, padded};
use super::quantise::Grids;
use super::reconstruct::{Seen, damped, descended};
use super::steps::least_bounds;
use super::value::Value;

/// Rows of values that are enough for a covariance, for each element of the window and in all, if they are of
/// [`IMAGES`] images or more.
const ROWS_FOR_EACH: i64 = 16;
const MORE_ROWS_FOR_EACH: i64 = 64;
const ROWS: std::ops::RangeInclusive<i64> = 1 << 13..=1 << 16;
const IMAGES: i64 = 32;

/// Elements that are brought together at a time.
const ELEMENTS: i64 = 1 << 24;

/// Windows of more elements have a covariance that takes too long to invert: nearest codes for them.
const LARGEST: i64 = 2304;

/// Share of the mean variance that is added to all of them, so that values that always move together, or
/// never, do not count for more than images can tell.
const DAMPING: f64 = 0.01;

/// Gives a layer's weights the values of their codes. `inputs` is what the layer reads, image after image. If
/// there is `lacking`, by how much its outputs are too small for each of the inputs, in the units of the sums
/// of its weights, weights make up for that.
pub fn round(model: &mut Model<'_>, node: usize, inputs: &[&Value], lacking: Option<&[Tensor]>) {
    let Some(weight) = model.get(node, Part::Weight).map(Tensor::shallow_clone) else { return };
    let real = model.real_weight(node);
    let size = real.size();
    let groups = model.convolution(node).map_or(1, |conv| conv.groups as i64);
    let rows = real.to_kind(Kind::Double).reshape([groups, size[0] / groups, -1]);
    let seen = seen(model, node, (inputs, lacking), [groups, rows.size()[2]]);
    let rows = seen.fitted(&rows);
    let covariance = &seen.covariance;
    if !model.scheme.per_layer() {
        set_channel_bounds(model, node, &rows, covariance);
    }
    let grids = on_grid(model, node);
    let levels = f64::from(model.weight_bits(node).max_code());
    let by_row = |x: &Tensor| {
        let x = x.to_kind(Kind::Double);
        if x.numel() == 1 { x.reshape([1, 1]) } else { x.reshape([groups, -1]) }
    };
    let (scale, zero_point) = (by_row(&grids.scale), by_row(&grids.zero_point));
    let nearest = |x: &Tensor, scale: &Tensor, zero_point: &Tensor| {
        let codes = ((x / scale + 0.5).floor() + zero_point).clamp(0.0, levels);
        (codes - zero_point) * scale
    };
    let plain = nearest(&rows, &scale.unsqueeze(-1), &zero_point.unsqueeze(-1));
    let damping = seen.damping(DAMPING);
    let chosen = match inverse_root(covariance, damping) {
        None => plain,
        Some(root) => {
            let one = |x: &Tensor| nearest(x, &scale, &zero_point);
            let compensated = compensated(&rows, &root, one);
            let error = |found: &Tensor| {
                let error = found - &rows;
                (error.matmul(covariance) * error).sum_dim_intlist(&[2i64][..], true, Kind::Double)
            };
            let better = error(&compensated).lt_tensor(&error(&plain));
            let chosen = compensated.where_self(&better, &plain);
            match seen.lacking {
                Some(_) => descended(&chosen, &rows, &damped(covariance, damping), one),
                None => chosen,
            }
        }
    };
    // What the scheme and the input's normalisation multiply weights by is taken off again.
    model.set(node, Part::Weight, weight.ones_like());
    let factor = model.real_weight(node);
    let values = chosen.reshape(&size[..]).to_kind(Kind::Float) / &factor;
    model.set(node, Part::Weight, values.where_self(&factor.ne(0.0), &weight));
}

/// Columns of `rows`, `[groups, channels, window]`, one after the other on their grids; what a column loses
/// is made up for by those after it. `root` is the upper Cholesky factor of the inverse covariance.
fn compensated(rows: &Tensor, root: &Tensor, nearest: impl Fn(&Tensor) -> Tensor) -> Tensor {
    let (rest, found) = (rows.copy(), rows.zeros_like());
    let window = rows.size()[2];
    for column in 0..window {
        let wanted = rest.select(2, column);
        let value = nearest(&wanted);
        found.select(2, column).copy_(&value);
        let after = window - column - 1;
        if after > 0 {
            let factors = root.select(1, column);
            let error = (wanted - value) / factors.narrow(1, column, 1);
            let changes = error.unsqueeze(2) * factors.narrow(1, column + 1, after).unsqueeze(1);
            let _ = rest.narrow(2, column + 1, after).subtract_(&changes);
        }
    }
    found
}

/// The upper Cholesky factor of the inverse of a covariance, `[groups, window, window]`; `None` if its window
/// is too large, or no values vary.
fn inverse_root(covariance: &Tensor, damping: f64) -> Option<Tensor> {
    if covariance.size()[1] > LARGEST || covariance.dim() == 2 {
        return None;
    }
    let (inverse, failed) = Tensor::linalg_inv_ex(&damped(covariance, damping), false);
    let (root, failed_again) = inverse.linalg_cholesky_ex(true, false);
    let sound = failed.count_nonzero(None::<i64>).int64_value(&[]) == 0
        && failed_again.count_nonzero(None::<i64>).int64_value(&[]) == 0
        && root.isfinite().all().int64_value(&[]) == 1;
    sound.then_some(root)
}

/// What these inputs tell of the values that meet the weights of an output channel, in doubles.
fn seen(
    model: &Model<'_>,
    node: usize,
    (inputs, lacking): (&[&Value], Option<&[Tensor]>),
    [groups, window]: [i64; 2],
) -> Seen {
    let options = (Kind::Double, model.device);
    let is_large = window > LARGEST;
    let lacking = lacking.filter(|_| !is_large);
    let output = model.graph.nodes[node].output;
    let channels = output.channels as i64 / groups;
    let shape = if is_large { vec![groups, window] } else { vec![groups, window, window] };
    let (mut products, mut sums) =
        (Tensor::zeros(&shape[..], options), Tensor::zeros([groups, window], options));
    let (mut common, mut missing) =
        (Tensor::zeros([groups, channels, window], options), Tensor::zeros([groups, channels], options));
    let for_each = if lacking.is_some() { MORE_ROWS_FOR_EACH } else { ROWS_FOR_EACH };
    let enough = (for_each * window).clamp(*ROWS.start(), *ROWS.end());
    let (mut rows, mut images) = (0, 0);
    for (at, input) in inputs.iter().enumerate() {
        let each = (output.height * output.width) as i64;
        let step = (ELEMENTS / (groups * window * each)).max(1);
        for first in (0..input.tensor.size()[0]).step_by(step as usize) {
            if rows >= enough && images >= IMAGES {
                break;
            }
            let count = step.min(input.tensor.size()[0] - first);
            let tensor = input.tensor.narrow(0, first, count);
            let unit = input.unit.as_ref().map(Tensor::shallow_clone);
            let part = Value { tensor, unit, scale: None }.real();
            let patches = patches(model, node, &part, [groups, window]);
            (rows, images) = (rows + patches.size()[2], images + count);
            sums += patches.sum_dim_intlist(&[2i64][..], false, Kind::Double);
            products += match is_large {
                true => patches.square().sum_dim_intlist(&[2i64][..], false, Kind::Double),
                false => patches.bmm(&patches.transpose(1, 2)).to_kind(Kind::Double),
            };
            if let Some(lacking) = lacking {
                let lacking = lacking[at].narrow(0, first, count).reshape([count, groups, channels, each]);
                let lacking = lacking.permute([1, 2, 0, 3]).reshape([groups, channels, -1]);
                missing += lacking.sum_dim_intlist(&[2i64][..], false, Kind::Double);
                common += lacking.bmm(&patches.transpose(1, 2)).to_kind(Kind::Double);
            }
        }
    }
    let count = rows.max(1) as f64;
    let (means, missing) = (sums / count, missing / count);
    let squares = if is_large { means.square() } else { means.unsqueeze(2) * means.unsqueeze(1) };
    let lacking = lacking.map(|_| common / count - missing.unsqueeze(2) * means.unsqueeze(1));
    Seen { covariance: products / count - squares, lacking, rows }
}

/// What meets the weights of a layer, `[groups, window, rows]`: a row for each pixel of its output.
fn patches(model: &Model<'_>, node: usize, x: &Tensor, [groups, window]: [i64; 2]) -> Tensor {
    let Some(conv) = model.convolution(node) else {
        return x.permute([0, 2, 3, 1]).flatten(1, -1).transpose(0, 1).unsqueeze(0).contiguous();
    };
    let x = padded(x, &conv.window, 0.0);
    let [kernel, dilation, stride] = [conv.window.kernel, conv.dilation, conv.window.stride].map(ints);
    let patches = x.contiguous().im2col(kernel, dilation, [0, 0], stride);
    let size = patches.size();
    let by_group = patches.reshape([size[0], groups, window, size[2]]);
    by_group.permute([1, 2, 0, 3]).reshape([groups, window, -1])
}

/// Gives each output channel the bounds with the least error, where a weight counts by the variance of what
/// it meets. Without them a channel's grid reaches from its smallest weight to its largest.
fn set_channel_bounds(model: &mut Model<'_>, node: usize, rows: &Tensor, covariance: &Tensor) {
    let bits = model.weight_bits(node);
    let size = rows.size();
    let variances =
        if covariance.dim() == 3 { covariance.diagonal(0, 1, 2) } else { covariance.shallow_clone() };
    let mean = variances.mean_dim(&[1i64][..], true, Kind::Double);
    let counts = (variances.clamp_min(0.0) + mean * DAMPING).clamp_min(1e-12).unsqueeze(1).expand_as(rows);
    let [rows, counts] =
        [rows, &counts].map(|x| x.reshape([size[0] * size[1], size[2]]).to_kind(Kind::Float));
    let [low, high] = least_bounds(&rows, &counts, bits);
    let mut shape = vec![1; model.real_weight(node).dim()];
    shape[0] = -1;
    model.set(node, Part::WeightLow, low.reshape(&shape[..]));
    model.set(node, Part::WeightHigh, high.reshape(&shape[..]));
}

/// The grids of a layer's weights. Their bounds become ends of the grids, so that no value between loses its
/// code to a bound.
fn on_grid(model: &mut Model<'_>, node: usize) -> Grids {
    let grids = model.weight_grids(node);
    let levels = f64::from(model.weight_bits(node).max_code());
    let low = grids.zero_point.neg() * &grids.scale;
    let high = (levels - &grids.zero_point) * &grids.scale;
    model.set(node, Part::WeightLow, low);
    model.set(node, Part::WeightHigh, high);
    grids
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::train::take_turn;

    /// Values that move together, as those of neighbouring pixels do.
    fn values(rows: i64, window: i64) -> Tensor {
        let options = (Kind::Double, Device::Cpu);
        let mixed = Tensor::randn([window, window], options) * 0.5 + 1.0;
        Tensor::randn([rows, window], options).matmul(&mixed)
    }

    #[test]
    fn weights_make_up_for_each_other() {
        for seed in 0..5 {
            let _turn = take_turn(1, seed);
            let (groups, channels, window) = (2, 6, 12);
            let options = (Kind::Double, Device::Cpu);
            let weights = Tensor::randn([groups, channels, window], options);
            let inputs: Vec<Tensor> = (0..groups).map(|_| values(500, window)).collect();
            let covariances: Vec<Tensor> = inputs
                .iter()
                .map(|x| {
                    let centred = x - x.mean_dim(&[0i64][..], true, Kind::Double);
                    centred.transpose(0, 1).matmul(&centred) / 500.0
                })
                .collect();
            let covariance = Tensor::stack(&covariances, 0);
            let nearest = |x: &Tensor| (x / 0.4 + 0.5).floor().clamp(-8.0, 7.0) * 0.4;
            let root = inverse_root(&covariance, DAMPING).unwrap();
            let chosen = compensated(&weights, &root, nearest);
            assert_eq!(nearest(&chosen), chosen, "all of them are on the grid");
            // The variance of what a layer computes wrongly, by its inputs themselves.
            let error = |found: &Tensor| -> f64 {
                let wrong = (0..groups).map(|group| {
                    let sums =
                        inputs[group as usize].matmul(&(found - &weights).select(0, group).transpose(0, 1));
                    sums.var_dim(&[0i64][..], false, false).sum(Kind::Double).double_value(&[])
                });
                wrong.sum()
            };
            let (plain, found) = (error(&nearest(&weights)), error(&chosen));
            assert!(found < 0.5 * plain, "{seed}: {found} {plain}");
        }
    }

    #[test]
    fn values_that_never_vary_leave_the_nearest_codes() {
        let root = inverse_root(&Tensor::zeros([1, 3, 3], (Kind::Double, Device::Cpu)), DAMPING).unwrap();
        let weights = Tensor::from_slice(&[0.3f64, -1.2, 0.9]).reshape([1, 1, 3]);
        let found = compensated(&weights, &root, |x| (x + 0.5).floor());
        assert_eq!(Vec::<f64>::try_from(found.flatten(0, -1)).unwrap(), [0.0, -1.0, 1.0]);
    }
}
