//! Channels to blocks of pixels, and back.

use super::{Form, Input, Layer, Op, OpSpec, Rearrange, Shape, Written, form};

pub(in super::super) static DEPTH_TO_SPACE: Form = form("depth_to_space", &["block"], &[], |values| {
    Some(OpSpec::DepthToSpace(DepthToSpace { block: values.block? }))
});

pub(in super::super) static SPACE_TO_DEPTH: Form = form("space_to_depth", &["block"], &[], |values| {
    Some(OpSpec::SpaceToDepth(SpaceToDepth { block: values.block? }))
});

/// The channels of a pixel become a block of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepthToSpace {
    /// Side of a block in pixels.
    pub block: usize,
}

/// A block of pixels becomes the channels of a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpaceToDepth {
    /// Side of a block in pixels.
    pub block: usize,
}

impl Written for DepthToSpace {
    fn form(&self) -> &'static Form {
        &DEPTH_TO_SPACE
    }

    fn resolve(&self, layer: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        let (block, Shape { height, width, channels }) = (self.block, inputs[0].shape);
        let area = block.saturating_mul(block);
        if block == 0 || !channels.is_multiple_of(area) {
            let (me, input) = (layer.me(), layer.describe(inputs[0]));
            let message = format!("layer {me} makes blocks of {block}x{block} pixels of {input}");
            layer.report(message, "the number of channels must be a multiple of `block` times `block`");
            return None;
        }
        let shape = Shape { height: height * block, width: width * block, channels: channels / area };
        Some((Op::Rearrange(Rearrange::DepthToSpace { block }), shape))
    }
}

impl Written for SpaceToDepth {
    fn form(&self) -> &'static Form {
        &SPACE_TO_DEPTH
    }

    fn resolve(&self, layer: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        let (block, Shape { height, width, channels }) = (self.block, inputs[0].shape);
        if block == 0 || !height.is_multiple_of(block) || !width.is_multiple_of(block) {
            let (me, input) = (layer.me(), layer.describe(inputs[0]));
            let message = format!("layer {me} takes blocks of {block}x{block} pixels of {input}");
            layer.report(message, "height and width must be multiples of `block`");
            return None;
        }
        // Both sides are divided by the block: the number of elements stays, and so fits.
        let channels = channels * block * block;
        let shape = Shape { height: height / block, width: width / block, channels };
        Some((Op::Rearrange(Rearrange::SpaceToDepth { block }), shape))
    }
}
