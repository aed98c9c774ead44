//! Some of the channels.

use super::{Form, Input, Layer, Op, OpSpec, Rearrange, Shape, Written, form};

pub(in super::super) static SLICE: Form = form("slice", &["channels"], &["first"], |values| {
    Some(OpSpec::Slice(Slice { first: values.first.unwrap_or(0), channels: values.channels? }))
});

/// `channels` channels, beginning with channel `first`, counted from 0. A split is several of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// The first channel.
    pub first: usize,
    /// The number of channels.
    pub channels: usize,
}

impl Written for Slice {
    fn form(&self) -> &'static Form {
        &SLICE
    }

    fn resolve(&self, layer: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        let Slice { first, channels } = *self;
        let end = first.checked_add(channels).filter(|end| *end <= inputs[0].shape.channels);
        if channels == 0 || end.is_none() {
            let (me, input) = (layer.me(), layer.describe(inputs[0]));
            let message = format!("layer {me} takes {channels} channels from channel {first} on of {input}");
            layer.report(
                message,
                "`first` is counted from 0; `first` + `channels` is at most the input's channels",
            );
            return None;
        }
        Some((Op::Rearrange(Rearrange::Slice { first, channels }), Shape { channels, ..inputs[0].shape }))
    }
}
