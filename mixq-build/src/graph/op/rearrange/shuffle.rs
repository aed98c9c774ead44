//! A shuffle of channels.

use super::{Form, Input, Layer, Op, OpSpec, Rearrange, Shape, Written, form};

pub(in super::super) static CHANNEL_SHUFFLE: Form = form("channel_shuffle", &["groups"], &[], |values| {
    Some(OpSpec::ChannelShuffle(ChannelShuffle { groups: values.groups? }))
});

/// The first channel of each group, then the second one of each, and so on (ShuffleNet, arXiv 1707.01083).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelShuffle {
    /// The number of groups.
    pub groups: usize,
}

impl Written for ChannelShuffle {
    fn form(&self) -> &'static Form {
        &CHANNEL_SHUFFLE
    }

    fn resolve(&self, layer: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        let (groups, shape) = (self.groups, inputs[0].shape);
        if groups == 0 || !shape.channels.is_multiple_of(groups) {
            let (me, input) = (layer.me(), layer.describe(inputs[0]));
            let message = format!("layer {me} shuffles {groups} groups of the channels of {input}");
            layer.report(message, "the number of channels must be a multiple of `groups`");
            return None;
        }
        Some((Op::Rearrange(Rearrange::Shuffle { groups }), shape))
    }
}
