//! Fully connected layer.

use mixq_format::Linear;

use super::{Loops, filters};
use crate::requant::{Requantiser, Rule};
use crate::tensor::{PixelWriter, split};

/// Executes a fully connected layer with `X`-bit input and `W`-bit weights, and the rule that
/// its table names; any width of output.
#[inline(never)]
pub fn linear<const X: usize, const W: usize>(
    layer: &Linear,
    rule: Rule,
    parameters: &[u8],
    arena: &mut [u8],
) {
    execute(layer, rule, parameters, arena, const { &Loops::of::<X, W>() });
}

#[inline(never)]
fn execute(layer: &Linear, rule: Rule, parameters: &[u8], arena: &mut [u8], loops: &Loops) {
    let (input, output) = split(arena, &layer.input, &layer.output);
    let requant = Requantiser::new(&layer.requant, rule, &layer.output, parameters);
    let needs_input_sum = requant.needs_input_sum(layer.output.channels);
    let channels = usize::from(layer.input.channels);
    let filter_bytes = layer.input.pixels() * layer.weight_bits.row_bytes(channels);

    let input_sum = if needs_input_sum { (loops.sum_codes)(input, channels) } else { 0 };
    let mut writer = PixelWriter::new(output, layer.output.bits);
    let filters = filters(parameters, layer.weights, filter_bytes, layer.output.channels);
    for (channel, filter) in filters.enumerate() {
        requant.write(&mut writer, channel, (loops.dot)(input, filter, channels), input_sum);
    }
    writer.finish();
}
