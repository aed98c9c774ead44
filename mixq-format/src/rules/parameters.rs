//! Weights and tables that lie in the parameters.

use super::{MOST_BYTES, Verdict, taps};
use crate::{Bits, Layer, Requant, Tensor};

/// Where a layer's weights lie in the parameters, how many bytes they take, and their width.
const fn weights(layer: &Layer) -> Option<(u32, u64, Bits)> {
    let (offset, bits, filters) = match layer {
        Layer::Conv(conv) => (conv.weights, conv.weight_bits, conv.output.channels),
        Layer::Linear(linear) => (linear.weights, linear.weight_bits, linear.output.channels),
        Layer::Depthwise(depthwise) => (depthwise.weights, depthwise.weight_bits, 1),
        Layer::GroupedConv(conv) => (conv.weights, conv.weight_bits, conv.output.channels),
        Layer::Constants(table) => (table.weights, table.weight_bits, 1),
        Layer::AveragePool(_)
        | Layer::MaxPool(_)
        | Layer::Add(_)
        | Layer::Multiply(_)
        | Layer::Elementwise(_)
        | Layer::Rearrange(_)
        | Layer::Resize(_)
        | Layer::Prelu(_) => return None,
    };
    let channels = match layer {
        Layer::GroupedConv(conv) => conv.group_channels(),
        Layer::Conv(_)
        | Layer::Depthwise(_)
        | Layer::Linear(_)
        | Layer::AveragePool(_)
        | Layer::MaxPool(_)
        | Layer::Add(_)
        | Layer::Constants(_)
        | Layer::Elementwise(_)
        | Layer::Multiply(_)
        | Layer::Prelu(_)
        | Layer::Rearrange(_)
        | Layer::Resize(_) => layer.first_input().channels as usize,
    };
    let row = bits.row_bytes(channels) as u64;
    Some((offset, (filters as u64).saturating_mul(taps(layer)).saturating_mul(row), bits))
}

/// Weights and tables lie in the parameters.
///
/// # Errors
/// The first rule that is broken.
pub(crate) const fn check(layer: &Layer, parameter_bytes: u64) -> Verdict {
    if let Layer::Elementwise(table) = layer {
        let holds = within(table.codes, table.entries() as u64, parameter_bytes);
        require!(holds, "the table of an elementwise layer reaches beyond the parameters");
    }
    if let Layer::Prelu(prelu) = layer {
        let holds = within(prelu.slopes, 4 * prelu.input.channels as u64, parameter_bytes);
        require!(holds, "the slopes of a PReLU reach beyond the parameters");
    }
    let Some((offset, bytes, bits)) = weights(layer) else { return Ok(()) };
    require!(!matches!(bits, Bits::B32), "weights have 8, 4 or 2 bits");
    require!(within(offset, bytes, parameter_bytes), "weights reach beyond the parameters");
    // More than a device has; 32 bits would not hold the number of their bits.
    require!(bytes <= MOST_BYTES, "a layer has more than 256 MiB of weights");
    if let Layer::Constants(table) = layer {
        let (half, zero_point) = ((bits.max_code() + 1) / 2, table.weight_zero_point as i32);
        require!(
            -half <= zero_point && zero_point < half,
            "the zero point of constants is not one of their codes"
        );
    }
    match layer.requant() {
        Some(requant) => requantisation(requant, layer.output(), parameter_bytes),
        None => Ok(()),
    }
}

const fn within(offset: u32, bytes: u64, all: u64) -> bool {
    bytes <= all && offset as u64 <= all - bytes
}

const fn requantisation(requant: &Requant, output: &Tensor, parameter_bytes: u64) -> Verdict {
    require!(requant.multiplier_step <= 1 && requant.zero_point_step <= 1, "a step is neither 0 nor 1");
    require!(requant.fraction <= 8, "a bias has more than 8 bits of fraction");
    let narrow = matches!(output.bits, Bits::B2 | Bits::B4);
    let threshold_bytes = requant.rule.threshold_bytes();
    require!(threshold_bytes.is_none() || narrow, "thresholds make codes of 4 or 2 bits");
    let channels = output.channels as usize;
    let by_rule = match threshold_bytes {
        None => {
            let multipliers = requant.multipliers(channels) as u64;
            within(requant.bias, 4 * channels as u64, parameter_bytes)
                && within(requant.multiplier, 4 * multipliers, parameter_bytes)
                && within(requant.shift, multipliers, parameter_bytes)
        }
        Some(bytes) => {
            let thresholds = output.bits.max_code() as u64 * channels as u64;
            within(requant.multiplier, bytes as u64 * thresholds, parameter_bytes)
        }
    };
    let zero_points = requant.zero_points(channels) as u64;
    require!(
        by_rule && within(requant.weight_zero_point, zero_points, parameter_bytes),
        "a requantisation table reaches beyond the parameters"
    );
    Ok(())
}
