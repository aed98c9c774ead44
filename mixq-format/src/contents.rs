//! What the bytes of a layer's tables must be.

use crate::{Bits, Elementwise, Prelu, Requant, Rule, Tensor};

/// The entries of an elementwise layer's table are codes of the output. The table lies within the parameters.
///
/// # Errors
/// The rule, if it is broken.
pub(crate) fn codes(table: &Elementwise, parameters: &[u8]) -> Result<(), &'static str> {
    let codes = &parameters[table.codes as usize..][..table.entries()];
    let most = table.output.bits.max_code();
    match codes.iter().all(|code| i32::from(*code) <= most) {
        true => Ok(()),
        false => Err("an entry of an elementwise layer's table is not a code of its output"),
    }
}

/// The slopes of a PReLU are multipliers whose products 32 bits hold. The table lies within the parameters.
///
/// # Errors
/// The rule, if it is broken.
pub(crate) fn slopes(table: &Prelu, parameters: &[u8]) -> Result<(), &'static str> {
    let (words, _) = parameters[table.slopes as usize..].as_chunks();
    let mut slopes = words[..usize::from(table.input.channels)].iter().map(|word| i32::from_le_bytes(*word));
    match slopes.all(|slope| slope.unsigned_abs() < Prelu::LIMIT.unsigned_abs()) {
        true => Ok(()),
        false => Err("a slope of a PReLU is out of range"),
    }
}

/// Shifts are below 64, zero points of weights are codes of weights, and thresholds ascend. The tables lie
/// within the parameters.
///
/// # Errors
/// The first rule that is broken.
pub(crate) fn tables(
    requant: &Requant,
    weight_bits: Bits,
    output: &Tensor,
    parameters: &[u8],
) -> Result<(), &'static str> {
    let channels = usize::from(output.channels);
    // Offsets that are not read may be any.
    let table =
        |offset: u32, bytes: usize| parameters.get(offset as usize..).unwrap_or_default().iter().take(bytes);
    if table(requant.shift, requant.multipliers(channels)).any(|shift| *shift > 63) {
        return Err("a shift is over 63");
    }
    let half = 1i32 << (weight_bits.count() - 1);
    let mut zero_points = table(requant.weight_zero_point, requant.zero_points(channels));
    if zero_points.any(|code| !(-half..half).contains(&i32::from(*code as i8))) {
        return Err("a weight's zero point has more bits than the weights");
    }
    let thresholds = &parameters[requant.multiplier as usize..];
    let ascend = match requant.rule {
        Rule::Multiplier => true,
        Rule::Thresholds16 => ascend(thresholds, output, |bytes: [u8; 2]| i16::from_le_bytes(bytes).into()),
        Rule::Thresholds32 => ascend(thresholds, output, i32::from_le_bytes),
    };
    if ascend { Ok(()) } else { Err("the thresholds of a channel do not ascend") }
}

/// Whether the thresholds of each channel do.
fn ascend<const BYTES: usize>(table: &[u8], output: &Tensor, value: fn([u8; BYTES]) -> i32) -> bool {
    let row = output.bits.max_code() as usize;
    let thresholds = &table.as_chunks().0[..row * usize::from(output.channels)];
    thresholds.chunks(row).all(|row| row.is_sorted_by(|a, b| value(*a) <= value(*b)))
}
