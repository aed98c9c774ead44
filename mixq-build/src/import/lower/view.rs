//! Tensors of a model as views of what a layer writes.
//!
//! A layer writes rows of pixels of channels. A model has the same numbers with their axes in another order
//! (channels before rows), split (groups of channels), joined (flattened), or left out. None of that moves a
//! number on the device: a view says where each index of a tensor of the model lies in the layer's output,
//! and only an operator that needs another order than there is makes a layer.

use crate::graph::{Shape, Source};
use crate::import::model::{Array, Element, Grid};

/// An axis of what a layer writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Rows.
    Height,
    /// Columns.
    Width,
    /// Channels.
    Channels,
}

/// A factor of a dimension: an index of it moves along an axis by its step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The axis.
    pub axis: Axis,
    /// The number of indices, at least 2.
    pub size: usize,
    /// How far along the axis neighbours are.
    pub step: usize,
}

/// A dimension of a tensor of a model: its parts, the slowest first. One of size 1 has none.
pub type Dim = Vec<Part>;

/// A tensor of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// The layer, or the input, that writes it.
    pub source: Source,
    /// What that writes.
    pub shape: Shape,
    /// The dimensions of the tensor. Each index along each axis stands in them once.
    pub dims: Vec<Dim>,
    /// Zeros around the image that the model has there, and that no layer has made yet: top, bottom, left,
    /// right, in pixels.
    pub pad: [usize; 4],
    /// What the model multiplies with and adds to each channel of its input before the first layer reads it;
    /// empty: nothing.
    pub scaling: Vec<Scaling>,
    /// Whether more than one node reads the numbers.
    pub shared: bool,
    /// How the model has the numbers as integers; `None`: as they are.
    pub code: Option<Code>,
    /// Whether they are integers in the model, whose quotients are integers, too.
    pub integer: bool,
}

/// Integers that stand for numbers: `(integer - zero) * scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Code {
    /// The distance of neighbours.
    pub scale: f64,
    /// What stands for 0.
    pub zero: i64,
    /// What an element is.
    pub element: Element,
}

impl Code {
    /// That of a grid with one scale.
    pub fn of(grid: &Grid) -> Option<Code> {
        let Grid { element, .. } = *grid;
        Some(Code { scale: f64::from(*grid.scales.first()?), zero: *grid.zero_points.first()?, element })
    }

    /// As a grid.
    pub fn grid(self) -> Grid {
        let Code { scale, zero, element } = self;
        Grid { scales: vec![scale as f32], zero_points: vec![zero], axis: 0, element }
    }

    /// What stands for numbers, without rounding.
    pub fn integers(self, numbers: &Array) -> Array {
        let integer = |number: f32| (f64::from(number) / self.scale + self.zero as f64) as f32;
        Array::floats(numbers.dims.clone(), numbers.to_floats().into_iter().map(integer).collect())
    }

    /// The numbers that integers stand for.
    pub fn numbers(self, integers: &Array) -> Array {
        let number = |integer: f32| ((f64::from(integer) - self.zero as f64) * self.scale) as f32;
        Array::floats(integers.dims.clone(), integers.to_floats().into_iter().map(number).collect())
    }
}

/// A factor and a summand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaling {
    /// What is multiplied.
    pub factor: f64,
    /// What is added then.
    pub summand: f64,
}

/// The number of indices of a dimension.
pub fn size(dim: &Dim) -> usize {
    dim.iter().map(|part| part.size).product()
}

/// A whole axis as a dimension.
pub fn whole(axis: Axis, size: usize) -> Dim {
    if size == 1 { Vec::new() } else { vec![Part { axis, size, step: 1 }] }
}

/// With neighbouring parts that are one range of one axis as one part.
fn joined(dim: Dim) -> Dim {
    let mut parts: Dim = Vec::new();
    for part in dim.into_iter().filter(|part| part.size > 1) {
        match parts.last_mut() {
            Some(before) if before.axis == part.axis && before.step == part.step * part.size => {
                (before.size, before.step) = (before.size * part.size, part.step);
            }
            _ => parts.push(part),
        }
    }
    parts
}

impl View {
    /// What a layer writes, as ONNX orders an image: batch, channels, rows, columns.
    pub fn image(source: Source, shape: Shape) -> View {
        let Shape { height, width, channels } = shape;
        let dims = vec![
            Vec::new(),
            whole(Axis::Channels, channels),
            whole(Axis::Height, height),
            whole(Axis::Width, width),
        ];
        View {
            source,
            shape,
            dims,
            pad: [0; 4],
            scaling: Vec::new(),
            shared: false,
            code: None,
            integer: false,
        }
    }

    /// Whether no layer writes it.
    pub fn is_input(&self) -> bool {
        matches!(self.source, Source::Input(_))
    }

    /// The size of each dimension, with padding.
    pub fn sizes(&self) -> Vec<usize> {
        let [top, bottom, left, right] = self.pad;
        let more = |dim: &Dim| match dim.first() {
            Some(Part { axis: Axis::Height, .. }) => top + bottom,
            Some(Part { axis: Axis::Width, .. }) => left + right,
            _ => 0,
        };
        self.dims.iter().map(|dim| size(dim) + more(dim)).collect()
    }

    /// With dimensions in another order.
    pub fn transposed(&self, order: &[usize]) -> View {
        View { dims: order.iter().map(|axis| self.dims[*axis].clone()).collect(), ..self.clone() }
    }

    /// With other dimensions, and the numbers in the same order; `None` where a dimension would begin within
    /// a part of another one that it does not divide.
    pub fn reshaped(&self, sizes: &[usize]) -> Option<View> {
        let mut parts: Vec<Part> = self.dims.iter().rev().flat_map(|dim| dim.iter().rev().copied()).collect();
        let mut dims = Vec::with_capacity(sizes.len());
        for size in sizes {
            let (mut dim, mut needed) = (Vec::new(), *size);
            while needed > 1 {
                let part = parts.pop()?;
                if needed.is_multiple_of(part.size) {
                    needed /= part.size;
                    dim.push(part);
                } else {
                    let inner = (part.size.is_multiple_of(needed)).then(|| part.size / needed)?;
                    dim.push(Part { size: needed, step: part.step * inner, ..part });
                    parts.push(Part { size: inner, ..part });
                    needed = 1;
                }
            }
            dims.push(joined(dim));
        }
        let complete = parts.is_empty() && !sizes.contains(&0);
        complete.then(|| View { dims, ..self.clone() })
    }

    /// Where each element of the tensor lies in what the layer writes, in the order row, column, channel.
    pub fn places(&self) -> Vec<usize> {
        let Shape { width, channels, .. } = self.shape;
        let unit = |axis: Axis| match axis {
            Axis::Height => width * channels,
            Axis::Width => channels,
            Axis::Channels => 1,
        };
        let mut places = vec![0];
        for part in self.dims.iter().flatten() {
            let step = part.step * unit(part.axis);
            let moved = |place: &usize| {
                (0..part.size).map(move |index| index * step).map({
                    let place = *place;
                    move |by| place + by
                })
            };
            places = places.iter().flat_map(moved).collect();
        }
        places
    }

    /// The axes of the tensor as an image: whether its dimensions are the batch, all channels in order, and
    /// rows and columns (one of them, if there are three dimensions and the other axis has size 1).
    pub fn is_image(&self) -> bool {
        let Shape { height, width, channels } = self.shape;
        let (rows, columns) = (whole(Axis::Height, height), whole(Axis::Width, width));
        let begins = self.dims.len() >= 2
            && self.dims[0].is_empty()
            && self.dims[1] == whole(Axis::Channels, channels);
        begins
            && match &self.dims[2..] {
                [only] => (*only == columns && height == 1) || (*only == rows && width == 1),
                [first, second] => *first == rows && *second == columns,
                _ => false,
            }
    }

    /// The dimension, if there is one alone, that has these axes and no others.
    pub fn all_channels(&self) -> Option<usize> {
        let channels = whole(Axis::Channels, self.shape.channels);
        let mut found = self.dims.iter().enumerate().filter(|(_, dim)| **dim == channels);
        let (index, _) = found.next()?;
        (found.next().is_none() && self.shape.channels > 1).then_some(index)
    }

    /// The channel of each index of a dimension that has no other axis; `None` if it has one.
    pub fn channels_of(&self, dim: usize) -> Option<Vec<usize>> {
        let mut channels = vec![0];
        for part in &self.dims[dim] {
            if part.axis != Axis::Channels {
                return None;
            }
            channels = (channels.iter())
                .flat_map(|channel| (0..part.size).map(move |index| channel + index * part.step))
                .collect();
        }
        Some(channels)
    }

    /// All parts of channels in the order of the dimensions.
    pub fn channel_parts(&self) -> Vec<Part> {
        joined(self.dims.iter().flatten().copied().filter(|part| part.axis == Axis::Channels).collect())
    }

    /// With channels in the order in which the dimensions have them, as they are once a layer has moved them.
    pub fn with_channels_in_order(&self, source: Source) -> View {
        let mut left = self.shape.channels;
        let mut dims = self.dims.clone();
        for part in dims.iter_mut().flatten().filter(|part| part.axis == Axis::Channels) {
            left /= part.size;
            part.step = left;
        }
        View { source, dims: dims.into_iter().map(joined).collect(), ..self.clone() }
    }
}
