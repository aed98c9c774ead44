//! Random networks: all operators, residual branches, odd sizes; the same for the same seed.

use fastrand::Rng;
use mixq_build::engine::graph::op::{
    Add, Affine, AveragePoolSpec, Axis, AxisPool, BatchNorm, Constants, ConvSpec, DepthwiseSpec, Elementwise,
    Function, GlobalAveragePool, GlobalMaxPool, GroupedConvSpec, Grouping, MaxPoolSpec, Multiply, Number,
    PointwiseSpec, Prelu, Subtract,
};
use mixq_build::engine::graph::{Activation, Graph, LayerSpec, OpSpec, Padding, Shape, Spec, Window};
use mixq_build::engine::task::Task;
use mixq_format::Operation;

mod ends;
mod inputs;
mod moves;

pub use inputs::random_graph_of_inputs;

/// No batch norm, no activation.
const NOTHING: (bool, Activation) = (false, Activation::None);

/// A network that resolves, of up to about ten layers, which reads an image.
pub fn random_graph(rng: &mut Rng) -> Graph {
    let input = Shape { height: rng.usize(1..=9), width: rng.usize(1..=9), channels: rng.usize(1..=5) };
    let mut builder = Builder::new(rng, ("image".to_string(), input));
    builder.conv();
    for _ in 0..builder.rng.usize(0..=4) {
        builder.any();
    }
    let layers = builder.end();
    // Of all tasks this one allows most ends.
    Graph::resolve_for(&Spec::new(input, layers), Task::Dense).expect("the builder keeps the rules")
}

struct Builder<'a> {
    rng: &'a mut Rng,
    layers: Vec<LayerSpec>,
    /// Name and shape of what the next layer reads.
    current: (String, Shape),
    /// All outputs so far.
    written: Vec<(String, Shape)>,
    /// Layers that only move an input.
    moved: Vec<String>,
}

impl<'a> Builder<'a> {
    fn new(rng: &'a mut Rng, image: (String, Shape)) -> Builder<'a> {
        Builder { rng, layers: Vec::new(), current: image, written: Vec::new(), moved: Vec::new() }
    }

    /// One layer or several, of any kind.
    fn any(&mut self) {
        match self.rng.usize(0..16) {
            0 | 1 => self.conv(),
            2 => self.depthwise(),
            3 => self.pointwise(),
            4 => self.pool(false),
            5 => self.pool(true),
            6 => self.residual(),
            7 => self.two_branches(),
            8 => self.elementwise(),
            9 => self.rearrange(),
            10 => self.concat(),
            11 => self.excite(),
            12 => self.by_channel(),
            13 => self.axis_pool(),
            14 => self.grouped(),
            _ => self.skip(),
        }
    }

    fn push(&mut self, op: impl Into<OpSpec>, follows: (bool, Activation), output: Shape) {
        let from = self.current.0.clone();
        self.push_from(op, follows, &[&from], output);
    }

    fn push_from(
        &mut self,
        op: impl Into<OpSpec>,
        (norm, activation): (bool, Activation),
        inputs: &[&str],
        output: Shape,
    ) {
        let op = op.into();
        let name = format!("{}{}", op.form().name, self.layers.len());
        let layer = LayerSpec::new(&name, op).followed_by(norm, activation);
        self.layers.push(layer.reads(inputs.iter().copied()));
        self.current = (name, output);
        self.written.push(self.current.clone());
    }

    /// Batch norm, activation.
    fn follows(&mut self) -> (bool, Activation) {
        (self.rng.bool(), self.activation())
    }

    fn activation(&mut self) -> Activation {
        match self.rng.usize(0..8) {
            0 => Activation::of(self.function()),
            1..=4 => Activation::Relu,
            _ => Activation::None,
        }
    }

    /// A function with a table, or a clip from 0.
    fn function(&mut self) -> Function {
        let number = |value: f64| Number::new(value).expect("it is finite");
        let functions = [
            Function::Sigmoid,
            Function::Tanh,
            Function::HardSwish,
            Function::Silu,
            Function::LeakyRelu { slope: number(0.1) },
            Function::Elu { alpha: number(1.5) },
            Function::Clip { min: number(-0.7), max: number(1.1) },
            Function::Clip { min: number(0.0), max: number(6.0) },
            Function::Log { least: number(0.02) },
            Function::Sqrt,
            Function::Abs,
            Function::Neg,
        ];
        functions[self.rng.usize(0..functions.len())]
    }

    fn elementwise(&mut self) {
        let function = self.function();
        // What follows the layer before is another case.
        if let Activation::Function(_) = Activation::of(function) {
            self.push(Elementwise { function }, NOTHING, self.current.1);
        }
    }

    /// Kernel, stride and padding that fit the current shape, with the size of the output.
    fn window(&mut self) -> ([usize; 2], [usize; 2], Padding, [usize; 2]) {
        self.dilated_window([1, 1])
    }

    fn dilated_window(&mut self, dilation: [usize; 2]) -> ([usize; 2], [usize; 2], Padding, [usize; 2]) {
        let shape = self.current.1;
        loop {
            let taps = [self.rng.usize(1..=3), self.rng.usize(1..=3)];
            // From the first tap to the last one.
            let kernel = [0, 1].map(|axis| (taps[axis] - 1) * dilation[axis] + 1);
            let stride = [self.rng.usize(1..=2), self.rng.usize(1..=2)];
            let mut side = |kernel: usize| self.rng.usize(0..kernel);
            let explicit = [side(kernel[0]), side(kernel[0]), side(kernel[1]), side(kernel[1])];
            let padding = [Padding::Same, Padding::Valid, Padding::Symmetric, Padding::Explicit(explicit)]
                [self.rng.usize(0..4)];
            let pixels = padding.pixels([shape.height, shape.width], kernel, stride);
            let positions = Window { kernel, stride, padding: pixels }.positions(shape);
            let inside = pixels[0].max(pixels[1]) < kernel[0] && pixels[2].max(pixels[3]) < kernel[1];
            if inside && positions[0] > 0 && positions[1] > 0 {
                return (taps, stride, padding, positions);
            }
        }
    }

    fn conv(&mut self) {
        let (kernel, stride, padding, [height, width]) = self.window();
        let filters = self.rng.usize(1..=11);
        let follows = self.follows();
        let op = ConvSpec { filters, kernel, stride, padding };
        self.push(op, follows, Shape { height, width, channels: filters });
    }

    fn depthwise(&mut self) {
        let (kernel, stride, padding, [height, width]) = self.window();
        let follows = self.follows();
        let op = DepthwiseSpec { kernel, stride, padding };
        self.push(op, follows, Shape { height, width, ..self.current.1 });
    }

    /// A convolution in groups, or several filters for each channel, with gaps between taps.
    fn grouped(&mut self) {
        let channels = self.current.1.channels;
        let dilation = [self.rng.usize(1..=3), self.rng.usize(1..=3)];
        let (kernel, stride, padding, [height, width]) = self.dilated_window(dilation);
        let groups: Vec<usize> = (1..=channels).filter(|groups| channels.is_multiple_of(*groups)).collect();
        let groups = groups[self.rng.usize(0..groups.len())];
        let filters = groups * self.rng.usize(1..=3);
        let multiplier = self.rng.usize(1..=3);
        let (grouping, channels) = if self.rng.bool() {
            (Grouping::Groups { filters, groups }, filters)
        } else {
            (Grouping::Each { multiplier }, channels * multiplier)
        };
        let follows = self.follows();
        let op = GroupedConvSpec { grouping, kernel, stride, padding, dilation };
        self.push(op, follows, Shape { height, width, channels });
    }

    fn pointwise(&mut self) {
        let (filters, shape) = (self.rng.usize(1..=17), self.current.1);
        let follows = self.follows();
        let op = PointwiseSpec { filters, stride: [1, 1] };
        self.push(op, follows, Shape { channels: filters, ..shape });
    }

    fn pool(&mut self, max: bool) {
        let (kernel, stride, padding, [height, width]) = self.window();
        let op: OpSpec = if max {
            MaxPoolSpec { kernel, stride, padding }.into()
        } else {
            let count_padding = self.rng.bool();
            AveragePoolSpec { kernel, stride, padding, count_padding }.into()
        };
        self.push(op, NOTHING, Shape { height, width, ..self.current.1 });
    }

    /// One or two layers that keep the shape, added to what they started from.
    fn residual(&mut self) {
        let start = self.current.clone();
        for _ in 0..self.rng.usize(1..=2) {
            let follows = self.follows();
            let (kernel, stride, padding) = ([3, 3], [1, 1], Padding::Same);
            let filters = start.1.channels;
            self.push(ConvSpec { filters, kernel, stride, padding }, follows, start.1);
        }
        self.add_to(&start.0);
    }

    /// Squeeze and excite.
    fn excite(&mut self) {
        let start = self.current.clone();
        let pixel = Shape { height: 1, width: 1, ..start.1 };
        let average = OpSpec::from(GlobalAveragePool);
        let pool = if self.rng.bool() { average } else { GlobalMaxPool.into() };
        self.push(pool, NOTHING, pixel);
        let follows = self.follows();
        let op = PointwiseSpec { filters: start.1.channels, stride: [1, 1] };
        self.push(op, follows, pixel);
        self.join(Multiply, &start.0, start.1);
    }

    /// A layer with numbers for each channel: a PReLU, an affine layer, or a batch norm that stands alone.
    fn by_channel(&mut self) {
        let (op, follows) = match self.rng.usize(0..4) {
            0 => (OpSpec::from(Prelu), NOTHING),
            1 => (Affine.into(), (false, self.activation())),
            2 => {
                let operation =
                    *self.rng.choice(&[Operation::Sum, Operation::Product]).expect("there are two");
                (Constants { operation, trained: true }.into(), (false, self.activation()))
            }
            _ => {
                self.push(Elementwise { function: Function::Abs }, NOTHING, self.current.1);
                (BatchNorm.into(), NOTHING)
            }
        };
        self.push(op, follows, self.current.1);
    }

    fn axis_pool(&mut self) {
        let (max, shape) = (self.rng.bool(), self.current.1);
        let (axis, output) = match self.rng.bool() {
            true => (Axis::Height, Shape { height: 1, ..shape }),
            false => (Axis::Width, Shape { width: 1, ..shape }),
        };
        self.push(AxisPool { axis, max }, NOTHING, output);
    }

    /// Two layers on the same input, added.
    fn two_branches(&mut self) {
        let start = self.current.clone();
        let filters = self.rng.usize(1..=9);
        let mut branches = Vec::new();
        for _ in 0..2 {
            self.current = start.clone();
            let follows = self.follows();
            let op = PointwiseSpec { filters, stride: [1, 1] };
            self.push(op, follows, Shape { channels: filters, ..start.1 });
            branches.push(self.current.0.clone());
        }
        self.add_to(&branches[0]);
    }

    /// Adds some earlier tensor of the same shape, however long ago it was written.
    fn skip(&mut self) {
        let fits = |(name, shape): &&(String, Shape)| *shape == self.current.1 && *name != self.current.0;
        let candidates: Vec<String> =
            self.written.iter().filter(fits).map(|(name, _)| name.clone()).collect();
        if let Some(name) = self.rng.choice(candidates) {
            self.add_to(&name);
        }
    }

    fn add_to(&mut self, other: &str) {
        let op = match self.rng.usize(0..4) {
            0 => OpSpec::from(Subtract),
            1 => Multiply.into(),
            _ => Add.into(),
        };
        self.join(op, other, self.current.1);
    }

    /// An operator on this tensor and another one.
    fn join(&mut self, op: impl Into<OpSpec>, other: &str, output: Shape) {
        let (activation, current) = (self.activation(), self.current.clone());
        let inputs = if self.rng.bool() { [other, &current.0] } else { [&current.0, other] };
        self.push_from(op, (false, activation), &inputs, output);
    }
}
