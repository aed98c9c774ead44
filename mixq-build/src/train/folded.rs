//! Warnings of layers whose weights lose their precision when batch norm is folded into them.

use tch::Tensor;

use super::model::Model;

/// The least number of codes that the weights of a layer's median channel should use.
const CODES: f64 = 4.0;

/// Warns of each layer whose folded weights differ so much between channels that, on the one grid of the
/// layer, the weights of the median channel use fewer than [`CODES`] codes. A channel that never varies has a
/// factor `gamma / sigma` that may be hundreds of times that of the others.
pub fn warnings(model: &Model<'_>) -> Vec<String> {
    (0..model.graph.nodes.len())
        .filter(|node| model.folded_factor(*node).is_some())
        .filter_map(|node| warning(model, node))
        .collect()
}

fn warning(model: &Model<'_>, node: usize) -> Option<String> {
    let largest = largest_by_channel(&model.real_weight(node));
    let channel = (0..largest.len()).max_by(|a, b| largest[*a].total_cmp(&largest[*b]))?;
    let mut sorted = largest.clone();
    sorted.sort_by(f64::total_cmp);
    let ratio = largest[channel] / sorted[sorted.len() / 2].max(f64::MIN_POSITIVE);
    let bits = model.weight_bits(node);
    let codes = f64::from(bits.max_code()) / ratio;
    (codes < CODES).then(|| {
        format!(
            "layer `{}`: folded batch norm makes the weights of channel {channel} {ratio:.1} times those of \
             the median channel, which has {codes:.1} of {} codes left at {} bits; scheme = \"per-layer\" \
             or \"per-channel\" folds nothing",
            model.graph.nodes[node].name,
            bits.max_code() + 1,
            bits.count()
        )
    })
}

/// The largest magnitude of each output channel's weights.
fn largest_by_channel(weight: &Tensor) -> Vec<f64> {
    let largest = weight.detach().abs().flatten(1, -1).amax(&[1i64][..], false);
    Vec::try_from(largest.to_kind(tch::Kind::Double)).expect("a flat tensor of numbers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_weight_of_each_channel_is_found() {
        let weight = Tensor::from_slice(&[1.0f32, -3.0, 0.5, 0.25, 2.0, -2.5]).view([3, 2, 1, 1]);
        assert_eq!(largest_by_channel(&weight), [3.0, 0.5, 2.5]);
    }
}
