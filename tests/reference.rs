//! What a trained network says that every code is: one layer at a time, in plain floating point, from the
//! codes that the layer reads. Shares nothing with the conversion but the network's description.

use mixq_build::engine::config::{Rounding, Scheme};
use mixq_build::engine::convert::{Grid, TrainedNetwork};
use mixq_build::engine::graph::op::{Addition, AveragePool, Constants, Elementwise, Function, MaxPool};
use mixq_build::engine::graph::{Graph, Op, Shape, Source, Window};
use mixq_build::engine::memory::Allocation;
use mixq_format::Bits;

mod constants;
mod moves;
use moves::{rearranged, resized};

/// Multipliers, in steps for a unit of a sum, below which a channel may be a constant.
const TINY: f64 = 1.0 / (1 << 24) as f64;

/// A tensor of codes, rows of pixels of channels.
#[derive(Clone)]
pub struct Codes {
    /// Its shape.
    pub shape: Shape,
    /// What a code stands for.
    pub grid: Grid,
    /// The codes.
    pub codes: Vec<i64>,
}

impl Codes {
    fn code(&self, y: usize, x: usize, c: usize) -> i64 {
        self.codes[(y * self.shape.width + x) * self.shape.channels + c]
    }

    fn real(&self, y: usize, x: usize, c: usize) -> f64 {
        self.grid.scale * (self.code(y, x, c) - i64::from(self.grid.zero_point)) as f64
    }
}

/// One element of an output before it is rounded.
#[derive(Clone, Copy, Debug)]
pub struct Exact {
    /// Its value in steps of the output's grid, without the zero point.
    pub steps: f64,
    /// By how much integers may miss that: half an accumulator unit from the bias, and the last bits of
    /// multipliers. Thresholds miss nothing; what remains are the last bits of this very computation.
    pub slack: f64,
}

/// How the elements of a node become codes.
pub struct Output {
    /// The elements in the order of the codes.
    pub exact: Vec<Exact>,
    /// Their grid; for logits what one unit is worth.
    pub grid: Grid,
    /// Their rounding.
    pub rounding: Rounding,
    /// The largest code; `None` for logits.
    pub max: Option<i64>,
}

impl Output {
    /// The least and the greatest code that an element may have.
    pub fn allowed(&self, index: usize) -> (i64, i64) {
        let Exact { steps, slack } = self.exact[index];
        (self.code(steps - slack), self.code(steps + slack))
    }

    fn code(&self, steps: f64) -> i64 {
        let rounded = match self.rounding {
            Rounding::Nearest => (steps + 0.5).floor(),
            Rounding::Floor => steps.floor(),
        };
        let code = rounded as i64 + i64::from(self.grid.zero_point);
        self.max.map_or(code, |max| code.clamp(0, max))
    }
}

/// The output of a node for the codes that it reads.
pub fn output(
    graph: &Graph,
    allocation: &Allocation,
    scheme: Scheme,
    trained: &TrainedNetwork,
    node: usize,
    inputs: &[&Codes],
    logit_scale: f64,
) -> Output {
    let logits = graph.is_logits(node);
    let grid = match trained.activations[node] {
        _ if logits => Grid { scale: logit_scale, zero_point: 0 },
        own => own.unwrap_or(inputs[0].grid),
    };
    let bits = allocation.activations[node];
    let op = graph.nodes[node].op;
    let relu = graph.nodes[node].activation.starts_at_zero();
    let thresholds = scheme == Scheme::PerChannelThresholds && matches!(bits, Bits::B2 | Bits::B4);
    let exact = match op {
        Op::Conv(_) | Op::Depthwise(_) | Op::GroupedConv(_) | Op::Linear(_) => {
            weighted(graph, trained, node, inputs[0], grid.scale, thresholds)
        }
        Op::AveragePool(AveragePool { window }) => {
            pool(graph.nodes[node].output, inputs[0], &window, |codes| {
                codes.iter().sum::<f64>() / codes.len() as f64
            })
        }
        Op::MaxPool(MaxPool { window }) => pool(graph.nodes[node].output, inputs[0], &window, |codes| {
            codes.iter().copied().fold(f64::NEG_INFINITY, f64::max)
        }),
        Op::Add(Addition { subtracts }) => add(inputs, if subtracts { -1.0 } else { 1.0 }, grid.scale),
        Op::Multiply(_) => multiply(inputs, grid.scale),
        Op::Constants(Constants { operation, .. }) => {
            let layer = trained.layers[node].as_ref().expect("constants are trained");
            constants::constants(operation, inputs[0], layer, grid.scale)
        }
        Op::Prelu(_) => {
            let layer = trained.layers[node].as_ref().expect("a PReLU is trained");
            prelu(inputs[0], &layer.multiplier, grid.scale)
        }
        Op::Elementwise(Elementwise { function }) => elementwise(function, inputs[0], grid.scale),
        Op::Rearrange(rearrange) => rearranged(rearrange, graph.nodes[node].output, inputs),
        Op::Resize(resize) => resized(resize, graph.nodes[node].output, inputs[0]),
        Op::Flatten { .. } => panic!("a flatten computes nothing"),
    };
    let exact =
        exact.into_iter().map(|e| Exact { steps: if relu { e.steps.max(0.0) } else { e.steps }, ..e });
    // Pools, additions and functions round to the nearest whatever the setting; so do logits.
    let rounding = if op.accumulates() && !logits { trained.rounding } else { Rounding::Nearest };
    Output {
        exact: exact.collect(),
        grid,
        rounding,
        max: (bits != Bits::B32).then(|| i64::from(bits.max_code())),
    }
}

fn weighted(
    graph: &Graph,
    trained: &TrainedNetwork,
    node: usize,
    input: &Codes,
    scale: f64,
    thresholds: bool,
) -> Vec<Exact> {
    let layer = trained.layers[node].as_ref().expect("a weighted node is trained");
    let shape = graph.nodes[node].output;
    // A linear layer is a convolution whose window is the whole of its input.
    let whole = [input.shape.height, input.shape.width];
    let window = graph.nodes[node].op.window().copied();
    let window = window.unwrap_or(Window { kernel: whole, stride: [1, 1], padding: [0; 4] });
    let [height, width] = window.kernel;
    let depthwise = matches!(graph.nodes[node].op, Op::Depthwise { .. });
    let (groups, dilation) = match graph.nodes[node].op {
        Op::GroupedConv(conv) => (conv.groups, conv.dilation),
        Op::Conv(_)
        | Op::Depthwise(_)
        | Op::Linear(_)
        | Op::AveragePool(_)
        | Op::MaxPool(_)
        | Op::Add(_)
        | Op::Constants(_)
        | Op::Flatten(_)
        | Op::Elementwise(_)
        | Op::Multiply(_)
        | Op::Prelu(_)
        | Op::Rearrange(_)
        | Op::Resize(_) => (1, [1, 1]),
    };
    // Input channels and filters of a group.
    let (channels, filters) = (input.shape.channels / groups, shape.channels / groups);
    let mut exact = Vec::with_capacity(shape.elements());
    for (y, x, c) in positions(shape) {
        let grid = layer.grids[if layer.grids.len() == 1 { 0 } else { c }];
        let mut sum = 0.0;
        for (dy, dx) in (0..height).flat_map(|dy| (0..width).map(move |dx| (dy, dx))) {
            let tap = (dy * dilation[0], dx * dilation[1]);
            let Some((row, column)) = seen(&window, input.shape, (y, x), tap) else { continue };
            let weight =
                |index: usize| grid.scale * f64::from(i32::from(layer.codes[index]) - grid.zero_point);
            if depthwise {
                sum += input.real(row, column, c) * weight((dy * width + dx) * shape.channels + c);
            } else {
                let first = ((c * height + dy) * width + dx) * channels;
                for channel in 0..channels {
                    sum +=
                        input.real(row, column, c / filters * channels + channel) * weight(first + channel);
                }
            }
        }
        let steps = (layer.multiplier[c] * sum + layer.offset[c]) / scale;
        let multiplier = layer.multiplier[c] * input.grid.scale * grid.scale / scale;
        let rounded = if thresholds { 0.0 } else { multiplier.abs() / 2.0 };
        // Half a step may take more than 32 bits in units of the sum. Such a channel is a constant.
        let dropped = if multiplier.abs() < TINY { (steps - layer.offset[c] / scale).abs() } else { 0.0 };
        let slack = rounded + dropped;
        // A multiplier has 31 bits; a constant has no multiplier.
        let relative = if multiplier == 0.0 { 1e-13 } else { 1e-9 };
        exact.push(Exact { steps, slack: slack + relative * (1.0 + steps.abs()) });
    }
    exact
}

fn pool(shape: Shape, input: &Codes, window: &Window, fold: impl Fn(&[f64]) -> f64) -> Vec<Exact> {
    let mut exact = Vec::with_capacity(shape.elements());
    for (y, x, c) in positions(shape) {
        let taps = (0..window.kernel[0]).flat_map(|dy| (0..window.kernel[1]).map(move |dx| (dy, dx)));
        let pixels = taps.filter_map(|tap| seen(window, input.shape, (y, x), tap));
        let steps: Vec<f64> =
            pixels.map(|(y, x)| (input.code(y, x, c) - i64::from(input.grid.zero_point)) as f64).collect();
        exact.push(Exact { steps: fold(&steps), slack: 0.0 });
    }
    exact
}

fn add(inputs: &[&Codes], sign: f64, scale: f64) -> Vec<Exact> {
    let [a, b] = [inputs[0], inputs[1]];
    let largest = a.grid.scale.max(b.grid.scale) / scale;
    positions(a.shape)
        .map(|(y, x, c)| {
            let steps = (a.real(y, x, c) + sign * b.real(y, x, c)) / scale;
            // Both multipliers have the largest one's last bit, of 22, or 31 bits after the point.
            let unit = (largest / f64::from(1 << 21)).max(2f64.powi(-31));
            let distance = |t: &Codes| (t.code(y, x, c) - i64::from(t.grid.zero_point)).abs() as f64;
            Exact { steps, slack: (distance(a) + distance(b)) * unit / 2.0 + 1e-9 }
        })
        .collect()
}

fn multiply(inputs: &[&Codes], scale: f64) -> Vec<Exact> {
    let [a, b] = [inputs[0], inputs[1]];
    let ratio = a.grid.scale * b.grid.scale / scale;
    positions(a.shape)
        .map(|(y, x, c)| {
            // The second one may be one pixel.
            let (row, column) = (y.min(b.shape.height - 1), x.min(b.shape.width - 1));
            let steps = a.real(y, x, c) * b.real(row, column, c) / scale;
            // The multiplier has 15 bits, of which the last one is half off, or 23 after the point.
            let unit = (ratio / f64::from(1 << 14)).max(2f64.powi(-23));
            Exact { steps, slack: (steps / ratio).abs() * unit / 2.0 + 1e-9 }
        })
        .collect()
}

fn prelu(input: &Codes, slopes: &[f64], scale: f64) -> Vec<Exact> {
    let largest = slopes.iter().fold(1.0f64, |largest, slope| largest.max(slope.abs()));
    positions(input.shape)
        .map(|(y, x, c)| {
            let value = input.real(y, x, c);
            let steps = value * if value < 0.0 { slopes[c] } else { 1.0 } / scale;
            // As of additions.
            let unit = (largest * input.grid.scale / scale / f64::from(1 << 21)).max(2f64.powi(-31));
            Exact { steps, slack: (value / input.grid.scale).abs() * unit / 2.0 + 1e-9 }
        })
        .collect()
}

/// By other formulas than those of the conversion.
fn elementwise(function: Function, input: &Codes, scale: f64) -> Vec<Exact> {
    let e = |x: f64| std::f64::consts::E.powf(x);
    let value = |x: f64| match function {
        Function::Sigmoid => (1.0 + (x / 2.0).tanh()) / 2.0,
        Function::Tanh => 1.0 - 2.0 / (e(2.0 * x) + 1.0),
        Function::HardSwish if x <= -3.0 => 0.0,
        Function::HardSwish if x >= 3.0 => x,
        Function::HardSwish => x * x / 6.0 + x / 2.0,
        Function::Silu => x * (1.0 + (x / 2.0).tanh()) / 2.0,
        Function::LeakyRelu { slope } => (1.0 - slope.get()) * x.max(0.0) + slope.get() * x,
        Function::Elu { alpha } => {
            if x < 0.0 {
                alpha.get() * (e(x) - 1.0)
            } else {
                x
            }
        }
        Function::Clip { min, max } => {
            if x < min.get() {
                min.get()
            } else if x > max.get() {
                max.get()
            } else {
                x
            }
        }
        Function::Log { least } => {
            if x < least.get() { least.get() } else { x }.log10() * std::f64::consts::LN_10
        }
        Function::Sqrt => {
            if x < 0.0 {
                0.0
            } else {
                x.powf(0.5)
            }
        }
        Function::Abs => {
            if x < 0.0 {
                -x
            } else {
                x
            }
        }
        Function::Sign { value } if x < 0.0 => 0.0 - value.get(),
        Function::Sign { value } => value.get(),
        Function::Neg => 0.0 - x,
        Function::HardSigmoid { slope, offset } => match slope.get() * x + offset.get() {
            line if line > 1.0 => 1.0,
            line if line > 0.0 => line,
            _ => 0.0,
        },
        Function::Gelu
        | Function::GeluTanh
        | Function::Softplus
        | Function::Mish
        | Function::Power { .. }
        | Function::Signum
        | Function::Selu
        | Function::Exp
        | Function::Min { .. }
        | Function::Max { .. } => {
            panic!("random networks do not have it")
        }
    };
    positions(input.shape)
        .map(|(y, x, c)| {
            let steps = value(input.real(y, x, c)) / scale;
            Exact { steps, slack: 1e-9 * (1.0 + steps.abs()) }
        })
        .collect()
}

/// Row, column and channel of all elements in their order.
fn positions(shape: Shape) -> impl Iterator<Item = (usize, usize, usize)> {
    let Shape { height, width, channels } = shape;
    (0..height).flat_map(move |y| (0..width).flat_map(move |x| (0..channels).map(move |c| (y, x, c))))
}

/// The input pixel that a tap sees, unless it lies in the padding.
fn seen(window: &Window, shape: Shape, at: (usize, usize), tap: (usize, usize)) -> Option<(usize, usize)> {
    let row = (at.0 * window.stride[0] + tap.0).checked_sub(window.padding[0])?;
    let column = (at.1 * window.stride[1] + tap.1).checked_sub(window.padding[2])?;
    (row < shape.height && column < shape.width).then_some((row, column))
}

/// What the network reads at a node: storage is what a flatten reads.
pub fn sources(graph: &Graph, node: usize) -> Vec<Source> {
    graph.nodes[node].inputs.iter().map(|source| graph.storage(*source)).collect()
}
