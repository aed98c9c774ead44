//! The forward pass, in float or with fake quantisation.

use tch::{Kind, Tensor};

use super::model::{EPSILON, Model, Site, part};
use super::quantise;
use crate::graph::{Op, Source, Window};

/// What a forward pass does beside computing logits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    /// Weights and activations on their grids.
    pub quantised: bool,
    /// Batch norm uses (and updates running averages by) the statistics of the batch.
    pub batch_statistics: bool,
}

/// A node's output, with the scale of its grid where it is quantised.
struct Value {
    tensor: Tensor,
    scale: Option<Tensor>,
}

impl Model<'_> {
    /// Logits `[n, classes]` of images `[n, channels, height, width]` on the image's grid.
    pub fn forward(&self, images: &Tensor, mode: Mode) -> Tensor {
        self.forward_observed(images, mode, &mut |_, _| ())
    }

    /// As [`Model::forward`]; `observe` sees what each node's own quantiser would get.
    pub fn forward_observed(
        &self,
        images: &Tensor,
        mode: Mode,
        observe: &mut dyn FnMut(usize, &Tensor),
    ) -> Tensor {
        let scale = mode.quantised.then(|| Tensor::from(self.image.scale as f32));
        let image = Value { tensor: images.shallow_clone(), scale };
        let mut values: Vec<Value> = Vec::with_capacity(self.graph.nodes.len());
        for index in 0..self.graph.nodes.len() {
            let value = self.node(index, &image, &values, mode, observe);
            values.push(value);
        }
        values.pop().expect("a network has layers").tensor.flatten(1, -1)
    }

    fn node(
        &self,
        index: usize,
        image: &Value,
        values: &[Value],
        mode: Mode,
        observe: &mut dyn FnMut(usize, &Tensor),
    ) -> Value {
        let node = &self.graph.nodes[index];
        let input = |which: usize| match node.inputs[which] {
            Source::Image => image,
            Source::Node(earlier) => &values[earlier],
        };
        let x = &input(0).tensor;
        let inherited = || input(0).scale.as_ref().map(Tensor::shallow_clone);
        let computed = match node.op {
            Op::Conv { window, .. } => self.convolve(index, x, &window, 1, mode),
            Op::Depthwise { window, .. } => {
                self.convolve(index, x, &window, node.output.channels as i64, mode)
            }
            Op::Linear { .. } => self.norm(index, self.linear(index, x, mode), mode),
            Op::Add { .. } => x + &input(1).tensor,
            Op::AveragePool { window } => {
                let scale = inherited();
                let average = average_pool(x, &window);
                let tensor = match &scale {
                    // On codes, whose sums are exact: halves are frequent, and round as on the device.
                    Some(scale) => {
                        let codes = average_pool(&(x / scale).round(), &window);
                        quantise::straight_through(&average, &((codes + 0.5).floor() * scale))
                    }
                    None => average,
                };
                return Value { tensor, scale };
            }
            Op::MaxPool { window } => {
                let tensor = padded(x, &window, f64::NEG_INFINITY).max_pool2d(
                    ints(window.kernel),
                    ints(window.stride),
                    0,
                    1,
                    false,
                );
                return Value { tensor, scale: inherited() };
            }
            Op::Flatten => {
                // In the order row, column, channel, as the device stores it.
                let tensor = x.permute([0, 2, 3, 1]).flatten(1, -1).unsqueeze(-1).unsqueeze(-1);
                return Value { tensor, scale: inherited() };
            }
        };
        observe(index, &computed);
        self.activate(index, computed, mode)
    }

    fn activate(&self, index: usize, computed: Tensor, mode: Mode) -> Value {
        let node = &self.graph.nodes[index];
        let own = self.get(index, part::HIGH);
        match own.filter(|_| self.on_grid(Site::Output(index), mode.quantised)) {
            Some(high) => {
                let low = self.get(index, part::LOW);
                let bits = self.output_bits(index);
                let grids = quantise::activation_grids(low, high, bits);
                // The device adds with rounding, whatever the setting.
                let rounding = match node.op {
                    Op::Add { .. } => crate::config::Rounding::Nearest,
                    _ => self.rounding,
                };
                let tensor = quantise::activation(&computed, low, high, &grids, bits, rounding);
                Value { tensor, scale: Some(grids.scale) }
            }
            None if node.op.relu() => Value { tensor: computed.relu(), scale: None },
            None => Value { tensor: computed, scale: None },
        }
    }

    /// Weights as the forward pass uses them.
    fn weight(&self, index: usize, mode: Mode) -> Tensor {
        let real = self.get(index, part::WEIGHT).expect("a weighted node");
        if !self.on_grid(Site::Weights(index), mode.quantised) {
            return real.shallow_clone();
        }
        let bits = self.weight_bits(index);
        let bounds = self.weight_bounds(index);
        quantise::weights(real, &self.weight_grids(index), bits, bounds)
    }

    /// The grids of a node's weights: scalars, or one for each output channel.
    pub fn weight_grids(&self, index: usize) -> quantise::Grids {
        let bits = self.weight_bits(index);
        match self.weight_bounds(index) {
            Some((low, high)) => quantise::per_layer_grids(low, high, bits),
            None => {
                quantise::per_channel_grids(self.get(index, part::WEIGHT).expect("a weighted node"), bits)
            }
        }
    }

    fn convolve(&self, index: usize, x: &Tensor, window: &Window, groups: i64, mode: Mode) -> Tensor {
        let weight = self.weight(index, mode);
        let bias = self.get(index, part::BIAS);
        let [top, bottom, left, right] = window.padding;
        let y = if top == bottom && left == right {
            x.conv2d(&weight, bias, ints(window.stride), ints([top, left]), 1, groups)
        } else {
            padded(x, window, 0.0).conv2d(&weight, bias, ints(window.stride), 0, 1, groups)
        };
        self.norm(index, y, mode)
    }

    fn linear(&self, index: usize, x: &Tensor, mode: Mode) -> Tensor {
        let rows = x.permute([0, 2, 3, 1]).flatten(1, -1);
        let y = rows.linear(&self.weight(index, mode), self.get(index, part::BIAS));
        y.unsqueeze(-1).unsqueeze(-1)
    }

    fn norm(&self, index: usize, y: Tensor, mode: Mode) -> Tensor {
        let Some(gamma) = self.get(index, part::GAMMA) else { return y };
        y.batch_norm(
            Some(gamma),
            self.get(index, part::BETA),
            self.get(index, part::MEAN),
            self.get(index, part::VARIANCE),
            mode.batch_statistics,
            0.1,
            EPSILON,
            false,
        )
    }
}

fn ints(sizes: [usize; 2]) -> [i64; 2] {
    sizes.map(|size| size as i64)
}

fn padded(x: &Tensor, window: &Window, value: f64) -> Tensor {
    let [top, bottom, left, right] = window.padding.map(|size| size as i64);
    if [top, bottom, left, right] == [0; 4] {
        return x.shallow_clone();
    }
    x.f_pad([left, right, top, bottom], "constant", value).expect("padding is not negative")
}

/// Averages over the pixels that are there; padding does not count.
fn average_pool(x: &Tensor, window: &Window) -> Tensor {
    let pool = |x: &Tensor| {
        padded(x, window, 0.0).avg_pool2d(ints(window.kernel), ints(window.stride), 0, false, true, 1)
    };
    let size = x.size();
    let counts = pool(&Tensor::ones([1, 1, size[2], size[3]], (Kind::Float, x.device())));
    pool(x) / counts
}
