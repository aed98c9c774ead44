//! Padding that is written as a layer goes into the convolutions that read it: it then costs nothing.

use super::op::{ConvSpec, DepthwiseSpec, GroupedConvSpec, Pad};
use super::resolve::Link;
use super::{LayerSpec, OpSpec, Padding, Source, Spec};

/// A network whose convolutions pad in place of layers before them.
pub(super) struct Padded {
    /// The network, with the padding of these convolutions.
    pub(super) spec: Spec,
    /// Whether a layer is such a padding: it computes nothing.
    pub(super) folded: Vec<bool>,
}

impl Padded {
    /// A padding stays a layer if something else reads it, if the firmware does, or if it is as large as a
    /// window, which would then see nothing of the input.
    pub(super) fn new(spec: &Spec, links: &[Vec<Link>]) -> Padded {
        let mut padded = Padded { spec: spec.clone(), folded: vec![false; spec.layers.len()] };
        for (index, layer) in spec.layers.iter().enumerate() {
            let OpSpec::Pad(Pad { padding: Padding::Explicit(around) }) = layer.op else { continue };
            let reads = |reader: &usize| links[*reader].contains(&Some(Source::Node(index)));
            let readers: Vec<usize> = (0..links.len()).filter(reads).collect();
            let larger: Option<Vec<OpSpec>> =
                readers.iter().map(|reader| with(&spec.layers[*reader], around)).collect();
            let Some(larger) = larger.filter(|larger| !larger.is_empty() && !layer.is_output) else {
                continue;
            };
            padded.folded[index] = true;
            for (reader, op) in readers.into_iter().zip(larger) {
                padded.spec.layers[reader].op = op;
            }
        }
        padded
    }
}

/// A convolution that also pads by these pixels at top, bottom, left, right.
fn with(layer: &LayerSpec, around: [usize; 4]) -> Option<OpSpec> {
    let mut op = layer.op;
    let (padding, kernel, dilation) = match &mut op {
        OpSpec::Conv(ConvSpec { padding, kernel, .. })
        | OpSpec::Depthwise(DepthwiseSpec { padding, kernel, .. }) => (padding, *kernel, [1, 1]),
        OpSpec::GroupedConv(GroupedConvSpec { padding, kernel, dilation, .. }) => {
            (padding, *kernel, *dilation)
        }
        _ => return None,
    };
    let span = |axis: usize| kernel[axis].checked_sub(1)?.checked_mul(dilation[axis])?.checked_add(1);
    let spans = [span(0)?, span(1)?];
    let own = match *padding {
        // It depends on the size of what is padded.
        Padding::Same => return None,
        other => other.pixels([0; 2], spans, [1; 2]),
    };
    let all: [usize; 4] = std::array::from_fn(|side| own[side].saturating_add(around[side]));
    if (0..4).any(|side| all[side] >= spans[side / 2]) {
        return None;
    }
    *padding = Padding::Explicit(all);
    Some(op)
}
