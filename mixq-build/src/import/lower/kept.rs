//! The integers of layers, where they are kept.

use super::grids::has_own_grid;
use super::integers::Integers;
use super::layers::Layers;
use super::view::View;
use crate::graph::op::{AveragePoolSpec, Axis, AxisPool, DepthwiseSpec, OpSpec};
use crate::graph::{Activation, Padding, Source};

/// The most weights of a sum in place of an average.
const MOST_WEIGHTS: usize = 1 << 22;

/// The most pixels of an average that becomes a sum for its halves.
const MOST_PIXELS: usize = 16;

impl Layers {
    /// Whether what the layer of a view writes is rounded to integers that are known.
    pub(super) fn is_taken(&self, view: &View) -> bool {
        match view.source {
            Source::Input(_) => false,
            Source::Node(layer) => self.integers[layer].output.is_some(),
        }
    }

    /// Factors that went into the weights of a layer.
    pub(super) fn scale_integers(&mut self, view: &View, factors: &[f64]) {
        if let Source::Node(layer) = view.source
            && let Some(weights) = &mut self.integers[layer].weights
        {
            weights.scaled(factors);
        }
    }

    fn source(&self, name: &str) -> Source {
        let input = || self.inputs.iter().position(|input| input.name == name).unwrap_or(0);
        self.index(name).map_or_else(|| Source::Input(input()), Source::Node)
    }

    /// The integers of what a layer writes: its own, or those of what it reads where it moves numbers only.
    pub(super) fn effective(&self, source: Source) -> Option<Integers> {
        let Source::Node(layer) = source else { return self.input_integers };
        if let Some(own) = self.integers[layer].output {
            return Some(own);
        }
        let made = &self.made[layer];
        if has_own_grid(&made.op) {
            return None;
        }
        self.effective(self.source(made.inputs.first()?))
    }

    /// Gives integers to the layers that compute what a layer writes, where they have none: answers which.
    pub(super) fn give_back(&mut self, source: Source, own: Integers) -> Vec<usize> {
        let Source::Node(layer) = source else {
            self.input_integers = self.input_integers.or(Some(own));
            return Vec::new();
        };
        if self.integers[layer].output.is_some() {
            return Vec::new();
        }
        if has_own_grid(&self.made[layer].op) {
            self.integers[layer].output = Some(own);
            return vec![layer];
        }
        // An average is not among the numbers that it is of.
        if averages(&self.made[layer].op) {
            return Vec::new();
        }
        let inputs = self.made[layer].inputs.clone();
        inputs.iter().flat_map(|name| self.give_back(self.source(name), own)).collect()
    }

    /// Whether averages of integers are often half a step between two of them: those of few pixels, whose
    /// number is even.
    pub(super) fn has_halves(&self, layer: usize) -> bool {
        match self.made[layer].op {
            OpSpec::AveragePool(AveragePoolSpec { kernel: [height, width], .. }) => {
                let pixels = height.saturating_mul(width);
                pixels <= MOST_PIXELS && pixels.is_multiple_of(2)
            }
            _ => false,
        }
    }

    /// Makes an average a sum with equal weights, whose integers may have a scale of their own.
    pub(super) fn average_becomes_sum(&mut self, layer: usize) -> bool {
        let before = self.made[layer].inputs.first().map(|name| self.source(name));
        let shape = match before {
            Some(Source::Node(before)) => self.shapes[before],
            Some(Source::Input(input)) => self.inputs[input].shape,
            None => self.inputs[0].shape,
        };
        let whole = [shape.height, shape.width];
        let (kernel, stride, padding) = match self.made[layer].op {
            OpSpec::AveragePool(AveragePoolSpec { kernel, stride, padding, count_padding })
                if count_padding || padding == Padding::Explicit([0; 4]) || padding == Padding::Valid =>
            {
                (kernel, stride, padding)
            }
            OpSpec::GlobalAveragePool(_) => (whole, [1, 1], Padding::Valid),
            OpSpec::AxisPool(AxisPool { axis, max: false }) => {
                let kernel = if axis == Axis::Height { [whole[0], 1] } else { [1, whole[1]] };
                (kernel, [1, 1], Padding::Valid)
            }
            _ => return false,
        };
        // A pool larger than that is left as it is.
        let taps = kernel[0].saturating_mul(kernel[1]);
        if taps.saturating_mul(shape.channels) > MOST_WEIGHTS {
            return false;
        }
        let view = View::image(Source::Node(layer), self.shapes[layer]);
        let made = &mut self.made[layer];
        made.op = DepthwiseSpec { kernel, stride, padding }.into();
        (made.norm, made.activation) = (Some(false), Some(Activation::None));
        let weights = vec![1.0 / taps as f32; shape.channels * taps];
        self.give(&view, "weight", vec![shape.channels, 1, kernel[0], kernel[1]], weights);
        true
    }

    /// Gives what concatenations join one scale: that of what they write.
    pub(super) fn join_integers(&mut self) {
        let mut layer = self.made.len();
        while layer > 0 {
            layer -= 1;
            let Some(own) = self.effective(Source::Node(layer)) else { continue };
            if !matches!(self.made[layer].op, OpSpec::Concat(_)) {
                continue;
            }
            let mut at = layer;
            for input in 0..self.made[at].inputs.len() {
                let before = self.source(&self.made[at].inputs[input].clone());
                self.give_back(before, own);
                if self.effective(before).is_none_or(|found| found.equals(&own)) {
                    continue;
                }
                let copy = self.insert_copy(at, input);
                self.integers[copy].output = Some(own);
                at += 1;
            }
        }
    }
}

/// Whether an operator computes averages.
fn averages(op: &OpSpec) -> bool {
    match op {
        OpSpec::AveragePool(_)
        | OpSpec::GlobalAveragePool(_)
        | OpSpec::AxisPool(AxisPool { max: false, .. }) => true,
        OpSpec::Resize(resize) => resize.interpolation == crate::graph::op::Interpolation::Bilinear,
        _ => false,
    }
}
