//! Some indices of a dimension, in any order, where no layer moves numbers so: a convolution copies them.

use super::constants::Span;
use super::layers::LARGEST;
use super::view::{Axis, Part, View, size, whole};
use super::{Lowering, Refusal, refuse};
use crate::graph::op::{DepthwiseSpec, PointwiseSpec};
use crate::graph::{Padding, Shape};

/// The most weights of a convolution that only copies.
const MOST_WEIGHTS: usize = 1 << 22;

impl Lowering<'_> {
    /// The channels of these indices of a dimension, which has channels only.
    pub(super) fn some_channels(
        &mut self,
        view: &View,
        dim: usize,
        chosen: &[usize],
    ) -> Result<View, Refusal> {
        let count = size(&view.dims[dim]);
        if view.channels_of(dim).is_none() || view.dims[dim].is_empty() {
            let what = format!("takes indices {chosen:?} of dimension {dim} of {:?}", view.sizes());
            return refuse(what, "mixq takes neighbouring rows and columns, or every second, third, ... one");
        }
        // With this dimension the slowest of those of channels, its indices are ranges of channels.
        let mut order: Vec<usize> = (0..view.dims.len()).filter(|other| *other != dim).collect();
        order.insert(0, dim);
        let moved = self.padded(&view.transposed(&order))?;
        let moved = self.channels_in_order(&moved)?;
        let inner = moved.shape.channels / count;
        let sources: Vec<usize> =
            chosen.iter().flat_map(|index| (0..inner).map(move |at| index * inner + at)).collect();
        let made = self.copied_channels(&moved, &sources)?;
        let mut dims = moved.dims.clone();
        let part = Part { axis: Axis::Channels, size: chosen.len(), step: inner };
        dims[0] = if chosen.len() == 1 { Vec::new() } else { vec![part] };
        let back = (0..order.len()).map(|dim| order.iter().position(|own| *own == dim).unwrap_or(dim));
        let cut = View { dims, ..made };
        Ok(cut.transposed(&back.collect::<Vec<_>>()))
    }

    /// The view with channels in the order of its dimensions.
    pub(super) fn sorted_channels(&mut self, view: &View) -> Result<View, Refusal> {
        let view = self.padded(view)?;
        let parts: Vec<Part> = view.channel_parts();
        let all = View { dims: vec![parts], ..view.clone() };
        let Some(sources) = all.channels_of(0) else {
            return refuse("reads channels in an order that is not known", "change the model");
        };
        let made = self.copied_channels(&view, &sources)?;
        Ok(View { scaling: Vec::new(), ..view.with_channels_in_order(made.source) })
    }

    /// These channels of what a view shows, by a convolution with a weight of 1 for each.
    fn copied_channels(&mut self, view: &View, sources: &[usize]) -> Result<View, Refusal> {
        let (inputs, filters) = (view.shape.channels, sources.len());
        if filters.saturating_mul(inputs) > MOST_WEIGHTS {
            return refuse(
                format!("takes {filters} of {inputs} channels in another order"),
                "change the model",
            );
        }
        let name = format!("{}.select", self.layers.name(view.source));
        let shape = Shape { channels: filters, ..view.shape };
        let op = PointwiseSpec { filters, stride: [1, 1] };
        let made = self.layers.add(&name, op, &[view], shape)?;
        let mut weight = vec![0.0; filters * inputs];
        for (filter, source) in sources.iter().enumerate() {
            weight[filter * inputs + source] = 1.0;
        }
        self.layers.give(&made, "weight", vec![filters, inputs, 1, 1], weight);
        Ok(View { source: made.source, shape, shared: true, scaling: Vec::new(), ..view.clone() })
    }

    /// Rows or columns in steps: a depthwise convolution whose window has one weight that is not 0.
    pub(super) fn some_pixels(&mut self, view: &View, dim: usize, span: Span) -> Result<View, Refusal> {
        let axis = self.axis_of(view, dim).filter(|axis| *axis != Axis::Channels);
        let (Some(axis), Ok(step)) = (axis, usize::try_from(span.step)) else {
            let what = format!("takes a part of dimension {dim} of {:?}", view.sizes());
            return refuse(what, "mixq takes parts of whole rows or columns, forwards");
        };
        let view = self.padded(view)?;
        let Shape { height, width, channels } = view.shape;
        let down = axis == Axis::Height;
        let size = if down { height } else { width };
        // The smallest window that holds the first index, and leaves as many positions as are wanted.
        let taps = (span.first + 1).max((size + 1).saturating_sub(span.count.saturating_mul(step)));
        if span.count == 0 || taps > size || step > LARGEST || taps.saturating_mul(channels) > MOST_WEIGHTS {
            let what = format!("takes {} of {size} rows or columns from {} on", span.count, span.first);
            return refuse(what, "use a smaller part, or a stride");
        }
        let (kernel, stride, shape) = if down {
            ([taps, 1], [step, 1], Shape { height: span.count, ..view.shape })
        } else {
            ([1, taps], [1, step], Shape { width: span.count, ..view.shape })
        };
        let name = format!("{}.crop", self.layers.name(view.source));
        let op = DepthwiseSpec { kernel, stride, padding: Padding::Explicit([0; 4]) };
        let made = self.layers.add(&name, op, &[&view], shape)?;
        let mut weight = vec![0.0; channels * taps];
        weight.iter_mut().skip(span.first).step_by(taps).for_each(|weight| *weight = 1.0);
        self.layers.give(&made, "weight", vec![channels, 1, kernel[0], kernel[1]], weight);
        let mut dims = view.dims.clone();
        dims[dim] = whole(axis, span.count);
        Ok(View { source: made.source, shape, dims, shared: true, scaling: Vec::new(), ..view })
    }
}
