//! The normalisation of pixels, in the first weights and in what follows them.
//!
//! The device has one scale and one zero point for the whole image. A channel that was normalised otherwise
//! differs by a factor and a summand: the factor goes into the weights that read the channel, the summand
//! times these weights into the bias or the means of the batch norm.

use super::{After, Graph, Initial, InputNormalisation, LayerWeights};
use crate::graph::op::Weights;
use crate::graph::{Input, Node};

/// Summands below this, in deviations of the training images, are not worth a warning.
const VISIBLE: f64 = 0.1;

/// Changes the weights of all layers that read an input, as it is or with its axes in another order: a graph
/// has no others that do. `normalisations` are those of the inputs.
pub(super) fn normalise(graph: &Graph, normalisations: &[&InputNormalisation], initial: &mut Initial) {
    let Initial { layers, warnings, .. } = initial;
    for (node, layer) in graph.nodes.iter().zip(layers) {
        if let (Some(layout), Some(layer), Some(input)) =
            (node.op.weights(), layer, graph.input_of(node.inputs[0]))
        {
            let (normalisation, input) = (normalisations[input], &graph.inputs[input]);
            let offsets = normalisation.offsets(input.bits);
            take_up(layer, layout, &normalisation.gains(), &offsets);
            warnings.extend(border(node, input, normalisation, &offsets, graph.inputs.are_several()));
        }
    }
}

/// Takes factors and summands of the channels into a layer.
fn take_up(layer: &mut LayerWeights, layout: Weights, gains: &[f64], offsets: &[f64]) {
    let channels = gains.len();
    let outputs = match &layer.after {
        After::Nothing => return,
        After::Bias(bias) => bias.len(),
        After::Norm { mean, .. } => mean.len(),
    };
    let each = layer.weight.len() / outputs;
    let mut sums = vec![0.0; outputs];
    for (index, weight) in layer.weight.iter_mut().enumerate() {
        let (output, place) = (index / each, index % each);
        let channel = match layout {
            Weights::Filters { kernel: [height, width], groups } => {
                let group = output / (outputs / groups);
                group * (channels / groups) + place / (height * width)
            }
            Weights::Channels { .. } => output,
            Weights::Dense => place % channels,
            Weights::Elements => unreachable!("constants are not added to the image"),
        };
        sums[output] += f64::from(*weight) * offsets[channel];
        *weight = (f64::from(*weight) * gains[channel]) as f32;
    }
    let (values, sign) = match &mut layer.after {
        After::Nothing => return,
        After::Bias(bias) => (bias, 1.0),
        After::Norm { mean, .. } => (mean, -1.0),
    };
    for (value, sum) in values.iter_mut().zip(sums) {
        *value = (f64::from(*value) + sign * sum) as f32;
    }
}

/// A warning where padding is not what it was: the network was trained with the mean of each channel around
/// the image, and the device has its zero point there.
fn border(
    node: &Node,
    input: &Input,
    normalisation: &InputNormalisation,
    offsets: &[f64],
    is_named: bool,
) -> Option<String> {
    let padded = node.op.window().is_some_and(|window| window.padding != [0; 4]);
    let largest = offsets.iter().map(|offset| offset.abs()).fold(0.0, f64::max);
    (padded && largest >= VISIBLE).then(|| {
        let (_, zero_point) = normalisation.shared(input.bits);
        let whole = if is_named { format!("the input `{}`", input.name) } else { "the image".to_string() };
        format!(
            "layer `{}` pads {whole} with {zero_point} in all channels, and was trained with their means \
             {:?}: at the border its inputs are up to {largest:.2} off; epochs of training make up for it",
            node.name, normalisation.mean
        )
    })
}
