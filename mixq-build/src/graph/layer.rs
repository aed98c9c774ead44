//! The shape of a single layer, and the rules that it must keep.

use crate::error::Problem;

use super::resolve::{Link, Problems, name, quoted};
use super::rules::too_large;
use super::shape::{LARGEST, LARGEST_POOL, MOST};
use super::{Op, OpSpec, Padding, Shape, Source, Spec, Window};

/// A node in the making: sources are places in the list of layers.
pub(super) struct Draft {
    /// What it reads.
    pub(super) inputs: Vec<Link>,
    /// What it computes and writes, if that could be found out.
    pub(super) shaped: Option<(Op, Shape)>,
}

impl Draft {
    /// A node whose shape is not known yet.
    pub(super) fn new(inputs: Vec<Link>) -> Draft {
        Draft { inputs, shaped: None }
    }
}

/// One layer with what stands before it.
pub(super) struct Layer<'a, 'b> {
    pub(super) spec: &'a Spec,
    pub(super) names: &'a [String],
    pub(super) nodes: &'a [Option<Draft>],
    pub(super) index: usize,
    pub(super) problems: &'a mut Problems<'b>,
}

impl Layer<'_, '_> {
    /// What the layer computes and writes. `None` if a problem, here or before, leaves that open.
    pub(super) fn shape(&mut self, inputs: &[Link], batch_norm: bool, relu: bool) -> Option<(Op, Shape)> {
        let spec = &self.spec.layers[self.index].op;
        if inputs.contains(&Some(Source::Image)) {
            self.check_reads_image(spec);
        }
        let sources: Vec<(Source, Shape)> = inputs
            .iter()
            .map(|link| link.and_then(|s| Some((s, self.shape_of(s)?))))
            .collect::<Option<_>>()?;
        if !matches!(spec, OpSpec::Linear { .. }) {
            sources.iter().for_each(|source| self.check_reads_flatten(*source));
        }
        let input = sources[0];
        let channels = input.1.channels;
        let shaped = match *spec {
            OpSpec::Conv { filters, kernel, stride, padding, .. } => {
                self.window(input, kernel, stride, padding, filters, |window| Op::Conv {
                    window,
                    batch_norm,
                    relu,
                })
            }
            OpSpec::Pointwise { filters, stride, .. } => {
                let op = |window| Op::Conv { window, batch_norm, relu };
                self.window(input, [1, 1], stride, Padding::Valid, filters, op)
            }
            OpSpec::Depthwise { kernel, stride, padding, .. } => {
                let op = |window| Op::Depthwise { window, batch_norm, relu };
                self.window(input, kernel, stride, padding, channels, op)
            }
            OpSpec::AveragePool { kernel, stride, padding } => {
                self.window(input, kernel, stride, padding, channels, |window| Op::AveragePool { window })
            }
            OpSpec::MaxPool { kernel, stride, padding } => {
                self.window(input, kernel, stride, padding, channels, |window| Op::MaxPool { window })
            }
            OpSpec::GlobalAveragePool => {
                let kernel = [input.1.height, input.1.width];
                let op = |window| Op::AveragePool { window };
                self.window(input, kernel, [1, 1], Padding::Valid, channels, op)
            }
            OpSpec::Linear { features, .. } => {
                Some((Op::Linear { batch_norm, relu }, Shape { height: 1, width: 1, channels: features }))
            }
            OpSpec::Add { .. } => {
                self.check_addends(input, sources[1]);
                Some((Op::Add { relu }, input.1))
            }
            OpSpec::Flatten => {
                Some((Op::Flatten, Shape { height: 1, width: 1, channels: input.1.elements() }))
            }
            // Folded before.
            OpSpec::BatchNorm | OpSpec::Relu => None,
        }?;
        self.check_size(shaped, input.1).then_some(shaped)
    }

    fn me(&self) -> String {
        quoted(&self.names[self.index])
    }

    fn shape_of(&self, source: Source) -> Option<Shape> {
        match source {
            Source::Image => Some(self.spec.input),
            Source::Node(layer) => Some(self.nodes.get(layer)?.as_ref()?.shaped?.1),
        }
    }

    /// A source with its shape, as messages show it.
    fn describe(&self, (source, shape): (Source, Shape)) -> String {
        format!("{} ({shape})", name(self.names, source))
    }

    fn report(&mut self, message: String, help: impl Into<String>) {
        self.problems.add(self.index, Problem::new(message).help(help));
    }

    fn window(
        &mut self,
        input: (Source, Shape),
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: Padding,
        channels: usize,
        op: impl Fn(Window) -> Op,
    ) -> Option<(Op, Shape)> {
        let me = self.me();
        for (what, [height, width]) in [("kernel", kernel), ("stride", stride)] {
            if height == 0 || width == 0 || height > LARGEST || width > LARGEST {
                let message = format!("layer {me} has a {what} of {height}x{width}");
                self.report(message, "each side is 1 to 65,535");
                return None;
            }
        }
        let padding = padding.pixels([input.1.height, input.1.width], kernel, stride);
        let [top, bottom, left, right] = padding;
        if top.max(bottom) >= kernel[0] || left.max(right) >= kernel[1] {
            let [height, width] = kernel;
            let message = format!(
                "layer {me} has a {height}x{width} kernel and padding {padding:?} (top, bottom, left, \
                 right): a window would lie wholly in the padding"
            );
            self.report(message, "padding must be smaller than the kernel");
            return None;
        }
        let window = Window { kernel, stride, padding };
        let [height, width] = window.positions(input.1);
        if height == 0 || width == 0 {
            let padded = [input.1.height + top + bottom, input.1.width + left + right];
            let message = format!(
                "layer {me} has a {}x{} kernel, which does not fit its input {}{}",
                kernel[0],
                kernel[1],
                self.describe(input),
                if padding == [0; 4] {
                    String::new()
                } else {
                    format!(", {}x{} with padding", padded[0], padded[1])
                },
            );
            self.report(message, "use a smaller kernel, more padding, or smaller strides before it");
            return None;
        }
        Some((op(window), Shape { height, width, channels }))
    }

    fn check_reads_image(&mut self, spec: &OpSpec) {
        let help = match spec {
            OpSpec::AveragePool { .. }
            | OpSpec::GlobalAveragePool
            | OpSpec::MaxPool { .. }
            | OpSpec::Add { .. } => "put a conv or depthwise layer before it",
            OpSpec::Flatten => "leave it out: a linear layer reads an image of any shape",
            OpSpec::Conv { .. }
            | OpSpec::Depthwise { .. }
            | OpSpec::Pointwise { .. }
            | OpSpec::Linear { .. }
            | OpSpec::BatchNorm
            | OpSpec::Relu => return,
        };
        let message = format!(
            "layer {} with the operator {} reads the image, which only conv, depthwise, pointwise and linear \
             layers may: quantised activations begin at their outputs",
            self.me(),
            spec.name()
        );
        self.report(message, help);
    }

    /// A flattened tensor is no tensor of its own on the device: its rows are still padded as pixels were.
    fn check_reads_flatten(&mut self, (source, shape): (Source, Shape)) {
        let Source::Node(layer) = source else { return };
        let Some(Draft { inputs, shaped: Some((Op::Flatten, _)) }) = &self.nodes[layer] else { return };
        let Some(before) = inputs[0].and_then(|source| Some((source, self.shape_of(source)?))) else {
            return;
        };
        if before.1 == shape {
            return;
        }
        let message = format!(
            "layer {} reads {}, which flattens {}: only linear layers may read that",
            self.me(),
            self.describe((source, shape)),
            self.describe(before),
        );
        self.report(message, "leave the flatten out, or put a global_average_pool in its place");
    }

    fn check_addends(&mut self, a: (Source, Shape), b: (Source, Shape)) {
        if a.1 != b.1 {
            let (me, first, second) = (self.me(), self.describe(a), self.describe(b));
            let help = "both need one shape: match strides and filters, for instance by a pointwise layer";
            self.report(format!("layer {me} adds {first} and {second}, whose shapes differ"), help);
        }
    }

    /// Average pools sum their windows in 32 bits, with a bit for rounding.
    fn check_pool(&mut self, op: Op, input: Shape) -> bool {
        let Some(window) = op.window() else { return true };
        let [height, width] = [window.kernel[0].min(input.height), window.kernel[1].min(input.width)];
        if height * width <= LARGEST_POOL {
            return true;
        }
        let message = format!(
            "layer {} averages {height}x{width} pixels, but sums of more than {LARGEST_POOL} may exceed 32 \
             bits",
            self.me()
        );
        self.report(message, "put a layer with a larger stride, or a smaller pool, before it");
        false
    }

    fn check_size(&mut self, (op, output): (Op, Shape), input: Shape) -> bool {
        let me = self.me();
        if output.channels == 0 {
            let key = if matches!(op, Op::Linear { .. }) { "features" } else { "filters" };
            self.report(format!("layer {me} has 0 {key}"), format!("`{key}` is 1 to 65,535"));
            return false;
        }
        // A flatten writes nothing: its output is the tensor that it reads.
        if op != Op::Flatten {
            let help = "no dimension may exceed 65,535, no tensor 4,294,967,295 elements";
            if too_large(output) {
                self.report(format!("layer {me} writes {output}"), help);
                return false;
            }
        }
        let weights = match op {
            Op::Conv { window, .. } => [output.channels, window.kernel[0], window.kernel[1], input.channels],
            Op::Linear { .. } => [output.channels, input.height, input.width, input.channels],
            Op::Depthwise { window, .. } => [1, window.kernel[0], window.kernel[1], input.channels],
            Op::AveragePool { .. } => return self.check_pool(op, input),
            Op::MaxPool { .. } | Op::Add { .. } | Op::Flatten => return true,
        };
        let count: u128 = weights.iter().map(|factor| *factor as u128).product();
        if count > u128::from(MOST) {
            let help = "a layer has at most 4,294,967,295 weights: use fewer filters or pool before it";
            self.report(format!("layer {me} has {count} weights"), help);
            return false;
        }
        true
    }
}
