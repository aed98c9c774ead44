//! The weights of a layer as the codes that its file has.

use mixq_format::Bits;

use super::AS_NUMBERS;
use crate::convert::{Grid, TrainedLayer};
use crate::graph::op::Weights;
use crate::graph::{Graph, Op};
use crate::import::lower::integers::WeightIntegers;
use crate::import::{After, LayerWeights};
use crate::settings::Scheme;

/// What batch norm adds to variances.
const EPSILON: f64 = 1e-5;

/// How far from an integer the quotient of a weight and its scale may be: what 32-bit floats lose.
const OFF: f64 = 0.01;

/// Why weights cannot be taken; `what` is the end of a sentence that begins with the layer.
pub(super) struct Wrong {
    pub(super) what: String,
    pub(super) help: &'static str,
}

fn wrong<T>(what: impl Into<String>, help: &'static str) -> Result<T, Wrong> {
    Err(Wrong { what: what.into(), help })
}

/// Whether a layer has the factor 1 for what it copies, and no summands.
pub(super) fn copies(layer: &TrainedLayer) -> bool {
    let ones = layer.grids.iter().all(|grid| *grid == Grid { scale: 1.0, zero_point: 0 });
    let codes = layer.codes.iter().all(|code| [0, 1].contains(code));
    let plain =
        layer.multiplier.iter().all(|one| *one == 1.0) && layer.offset.iter().all(|zero| *zero == 0.0);
    ones && codes && plain && !layer.codes.is_empty()
}

/// The weights of a node that reads codes of `input`, and their bits.
pub(super) fn taken(
    graph: &Graph,
    index: usize,
    weights: &LayerWeights,
    integers: Option<&WeightIntegers>,
    input: Grid,
    scheme: Scheme,
) -> Result<(TrainedLayer, Option<Bits>), Wrong> {
    let node = &graph.nodes[index];
    if let Op::Prelu(_) = node.op {
        let multiplier = weights.weight.iter().map(|slope| f64::from(*slope)).collect();
        return Ok((TrainedLayer { codes: vec![], grids: vec![], multiplier, offset: vec![] }, None));
    }
    let Some(layout) = node.op.weights().filter(|_| node.op.accumulates()) else {
        return wrong("has constants for each element, whose integers are not known", AS_NUMBERS);
    };
    let channels = node.output.channels;
    let (factors, mut offset) = after(&weights.after, channels);
    let each = weights.weight.len() / channels.max(1);
    let rows = weights.weight.chunks(each.max(1));
    let (codes, bits, mut grids, signs) = match integers {
        Some(integers) => codes(rows, integers)?,
        None => {
            let (codes, steps) = steps(rows)?;
            let grids = steps.iter().map(|step| Grid { scale: *step, zero_point: 0 }).collect();
            (codes, Bits::B2, grids, vec![1.0; channels])
        }
    };
    let multiplier: Vec<f64> = factors.iter().zip(&signs).map(|(factor, sign)| factor * sign).collect();
    if grids.windows(2).all(|two| two[0] == two[1]) {
        grids.truncate(1);
    } else if scheme.per_layer() {
        let what = format!("has scales for each output channel, and the scheme is \"{}\"", scheme.name());
        return wrong(what, "write scheme = \"per-channel\"");
    }
    for (channel, offset) in offset.iter_mut().enumerate() {
        let grid = grids[if grids.len() == 1 { 0 } else { channel }];
        let unit = multiplier[channel] * input.scale * grid.scale;
        // A bias is a number of these units in the file, and lost some digits as a float.
        let whole = (*offset / unit).round();
        let lost = OFF.max(whole.abs() * f64::from(f32::EPSILON));
        if unit != 0.0 && (*offset / unit - whole).abs() < lost {
            *offset = whole * unit;
        }
    }
    let codes = ordered(&codes, layout, channels);
    Ok((TrainedLayer { codes, grids, multiplier, offset }, Some(bits)))
}

/// Factors and summands of what follows the sums.
fn after(after: &After, channels: usize) -> (Vec<f64>, Vec<f64>) {
    match after {
        After::Nothing => (vec![1.0; channels], vec![0.0; channels]),
        After::Bias(bias) => (vec![1.0; channels], bias.iter().map(|bias| f64::from(*bias)).collect()),
        After::Norm { gamma, beta, mean, variance } => {
            let factor =
                |channel: usize| f64::from(gamma[channel]) / (f64::from(variance[channel]) + EPSILON).sqrt();
            let factors: Vec<f64> = (0..channels).map(factor).collect();
            let summand =
                |channel: usize| f64::from(beta[channel]) - f64::from(mean[channel]) * factors[channel];
            (factors.clone(), (0..channels).map(summand).collect())
        }
    }
}

/// Codes, bits, a grid and a sign for each output channel.
type Codes = (Vec<i8>, Bits, Vec<Grid>, Vec<f64>);

/// The codes of weights, a row for each output channel, by the integers of the file.
fn codes<'a>(rows: impl Iterator<Item = &'a [f32]>, integers: &WeightIntegers) -> Result<Codes, Wrong> {
    let Some((bits, middle)) = integers.codes() else {
        let what = format!("has weights from {} to {}", integers.least, integers.most);
        return wrong(what, "mixq has weights of at most 8 bits; leave `bits` out for a float network");
    };
    let half = 1i64 << (bits.count() - 1);
    let (mut codes, mut grids, mut signs) = (Vec::new(), Vec::new(), Vec::new());
    for (channel, row) in rows.enumerate() {
        let (scale, zero) = integers.channel(channel);
        let zero = zero.saturating_sub(middle);
        if !(-half..half).contains(&zero) {
            let what = format!(
                "has the zero point {} for weights of {} bits",
                zero.saturating_add(middle),
                bits.count()
            );
            return wrong(what, AS_NUMBERS);
        }
        for weight in row {
            // A factor of 0 leaves no integers, and needs none.
            let exact = if scale == 0.0 { 0.0 } else { f64::from(*weight) / scale };
            let code = (exact.round() as i64).saturating_add(zero);
            // NaN is no multiple.
            let whole = (exact - exact.round()).abs() <= OFF;
            if !whole || !(-half..half).contains(&code) {
                let what = format!("has a weight {weight} that is not a multiple of its scale {scale}");
                return wrong(what, AS_NUMBERS);
            }
            codes.push(code as i8);
        }
        signs.push(if scale == 0.0 { 0.0 } else { scale.signum() });
        let scale = if scale == 0.0 { 1.0 } else { scale.abs() };
        grids.push(Grid { scale, zero_point: zero as i32 });
    }
    Ok((codes, bits, grids, signs))
}

/// Weights that the file does not quantise, as of a factor for each channel: in each row one number, its
/// opposite, and 0. They are codes 1, -1 and 0 times that number.
fn steps<'a>(rows: impl Iterator<Item = &'a [f32]>) -> Result<(Vec<i8>, Vec<f64>), Wrong> {
    let (mut codes, mut steps) = (Vec::new(), Vec::new());
    for row in rows {
        let step = row.iter().map(|weight| weight.abs()).find(|weight| *weight > 0.0).unwrap_or(1.0);
        for weight in row {
            if ![0.0, step].contains(&weight.abs()) {
                return wrong("has weights in floats, and the file has no integers for them", AS_NUMBERS);
            }
            codes.push(if *weight == 0.0 { 0 } else { weight.signum() as i8 });
        }
        steps.push(f64::from(step));
    }
    Ok((codes, steps))
}

/// From the order `[out, in, row, column]` of imported weights to that of a graph.
fn ordered(codes: &[i8], layout: Weights, channels: usize) -> Vec<i8> {
    let each = codes.len() / channels.max(1);
    match layout {
        Weights::Dense | Weights::Elements => codes.to_vec(),
        Weights::Channels { .. } => {
            (0..each).flat_map(|tap| (0..channels).map(move |channel| codes[channel * each + tap])).collect()
        }
        Weights::Filters { kernel: [height, width], .. } => {
            let taps = height * width;
            let filter = |filter: &[i8]| -> Vec<i8> {
                (0..taps).flat_map(|tap| filter.iter().skip(tap).step_by(taps).copied()).collect()
            };
            codes.chunks(each.max(1)).flat_map(filter).collect()
        }
    }
}
