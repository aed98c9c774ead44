//! Blocks of pixels as channels, and back.

use super::layers::LARGEST;
use super::view::{Axis, Part};
use super::{Call, Lowering, Reader, Refusal, Value, refuse};
use crate::graph::Shape;
use crate::graph::op::{DepthToSpace, SpaceToDepth};

pub(super) const OPERATORS: &[(&str, Reader)] =
    &[("DepthToSpace", depth_to_space), ("SpaceToDepth", space_to_depth)];

fn depth_to_space(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let view = lowering.padded(call.tensor(0)?)?;
    let view = lowering.image(&view)?;
    let attributes = &call.node.attributes;
    let block = attributes
        .int("blocksize")
        .and_then(|block| usize::try_from(block).ok().filter(|block| *block <= LARGEST))
        .unwrap_or(0);
    let Shape { height, width, channels } = view.shape;
    if block == 0 || !channels.is_multiple_of(block * block) || view.dims.len() != 4 {
        return refuse(format!("makes blocks of {block} of {channels} channels"), "check the model");
    }
    let depth = channels / (block * block);
    let shape = Shape { height: height * block, width: width * block, channels: depth };
    let mut view = view;
    if attributes.text("mode") == Some("CRD") && depth > 1 {
        // Channels are depth, row, column there; mixq has row, column, depth.
        let part = |size: usize, step: usize| Part { axis: Axis::Channels, size, step };
        view.dims[1] = vec![part(block * block, 1), part(depth, block * block)];
        view = lowering.channels_in_order(&view)?;
    }
    let made = lowering.layers.add(call.wish(), DepthToSpace { block }, &[&view], shape)?;
    Ok(vec![Value::Tensor(made)])
}

fn space_to_depth(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let view = lowering.padded(call.tensor(0)?)?;
    let view = lowering.image(&view)?;
    let block = call
        .node
        .attributes
        .int("blocksize")
        .and_then(|block| usize::try_from(block).ok().filter(|block| *block <= LARGEST));
    let block = block.unwrap_or(0);
    let Shape { height, width, channels } = view.shape;
    if block == 0 || !height.is_multiple_of(block) || !width.is_multiple_of(block) || view.dims.len() != 4 {
        return refuse(format!("makes blocks of {block} of {height}x{width} pixels"), "check the model");
    }
    let shape = Shape { height: height / block, width: width / block, channels: channels * block * block };
    let made = lowering.layers.add(call.wish(), SpaceToDepth { block }, &[&view], shape)?;
    Ok(vec![Value::Tensor(made)])
}
