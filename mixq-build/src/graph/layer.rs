//! The shape of a single layer, and the rules that it must keep.

use crate::error::Problem;

use super::op::{self, Output};
use super::resolve::{Link, Problems, name, quoted};
use super::rules::too_large;
use super::shape::{LARGEST, MOST};
use super::{Activation, Op, Padding, Shape, Source, Spec, Window};

/// A node in the making: sources are places in the list of layers.
pub(super) struct Draft {
    /// What it reads.
    pub(super) inputs: Vec<Link>,
    /// Whether batch norm follows.
    pub(super) norm: bool,
    /// The activation that follows.
    pub(super) activation: Activation,
    /// What it computes and writes, if that could be found out.
    pub(super) shaped: Option<(Op, Shape)>,
}

/// What an operator reads.
#[derive(Clone, Copy, Debug)]
pub struct Input {
    source: Source,
    /// Its shape.
    pub shape: Shape,
}

/// One layer with what stands before it: where an operator reports what is wrong.
pub struct Layer<'a, 'b> {
    pub(super) spec: &'a Spec,
    pub(super) names: &'a [String],
    pub(super) nodes: &'a [Option<Draft>],
    pub(super) index: usize,
    pub(super) problems: &'a mut Problems<'b>,
}

impl Layer<'_, '_> {
    /// What the layer computes and writes. `None` if a problem, here or before, leaves that open.
    pub(super) fn resolve(&mut self, links: &[Link]) -> Option<(Op, Shape)> {
        let op = &self.spec.layers[self.index].op;
        let form = op.form();
        if let Err(help) = form.reads_image
            && let Some(input) = links.iter().find_map(|link| self.input_behind(*link))
        {
            self.report_reads_image(form.name, input, help);
        }
        let inputs: Vec<Input> = links
            .iter()
            .map(|link| link.and_then(|source| Some(Input { source, shape: self.shape_of(source)? })))
            .collect::<Option<_>>()?;
        if !form.reads_any_shape {
            inputs.iter().for_each(|input| self.check_reads_flatten(*input));
        }
        let (op, output) = op.resolve(self, &inputs)?;
        self.check_size(op, inputs[0].shape, output).then_some((op, output))
    }

    /// The input that a link leads to, directly or over layers that only move it.
    fn input_behind(&self, link: Link) -> Option<usize> {
        match link? {
            Source::Input(input) => Some(input),
            Source::Node(layer) => {
                let Draft { inputs, shaped, .. } = self.nodes.get(layer)?.as_ref()?;
                let moves = matches!(shaped, Some((Op::Rearrange(op::Rearrange::Transpose { .. }), _)));
                moves.then(|| self.input_behind(*inputs.first()?)).flatten()
            }
        }
    }

    /// Its name as messages show it.
    pub(super) fn me(&self) -> String {
        quoted(&self.names[self.index])
    }

    fn shape_of(&self, source: Source) -> Option<Shape> {
        match source {
            Source::Input(input) => Some(self.spec.inputs[input].shape),
            Source::Node(layer) => Some(self.nodes.get(layer)?.as_ref()?.shaped?.1),
        }
    }

    /// An input with its shape, as messages show it.
    pub(super) fn describe(&self, Input { source, shape }: Input) -> String {
        format!("{} ({shape})", name(self.spec, self.names, source))
    }

    /// An input, as messages show it.
    pub(super) fn name(&self, input: Input) -> String {
        name(self.spec, self.names, input.source)
    }

    /// Whether it names one input twice.
    pub(super) fn reads_one_twice(&self) -> bool {
        let inputs = &self.spec.layers[self.index].inputs;
        inputs.len() > 1 && inputs.iter().all(|input| *input == inputs[0])
    }

    /// Adds a problem.
    pub(super) fn report(&mut self, message: String, help: impl Into<String>) {
        self.problems.add(self.index, Problem::new(message).help(help));
    }

    /// A number of output channels, which the key `key` asks for.
    pub(super) fn channels(&mut self, key: &str, count: usize) -> Option<usize> {
        if count == 0 {
            let message = format!("layer {} has 0 {key}", self.me());
            self.report(message, format!("`{key}` is 1 to 65,535"));
            return None;
        }
        Some(count)
    }

    /// Groups of the channels that a layer reads and writes.
    pub(super) fn check_groups(&mut self, input: Input, filters: usize, groups: usize) -> Option<()> {
        let channels = input.shape.channels;
        if groups > 0 && channels.is_multiple_of(groups) && filters.is_multiple_of(groups) {
            return Some(());
        }
        let (me, input) = (self.me(), self.describe(input));
        let message = format!("layer {me} has {groups} groups and {filters} filters, and reads {input}");
        let help = "the channels that it reads and its filters must be multiples of `groups`";
        self.report(message, help);
        None
    }

    /// A window over an input, with its padding in pixels, and its positions: rows, columns.
    pub(super) fn window(
        &mut self,
        input: Input,
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: Padding,
    ) -> Option<(Window, [usize; 2])> {
        self.dilated_window(input, kernel, [1, 1], stride, padding)
    }

    /// The same of a window whose taps are `dilation` pixels apart: its kernel counts taps.
    pub(super) fn dilated_window(
        &mut self,
        input: Input,
        taps: [usize; 2],
        dilation: [usize; 2],
        stride: [usize; 2],
        padding: Padding,
    ) -> Option<(Window, [usize; 2])> {
        let me = self.me();
        let span = |axis: usize| match taps[axis].checked_sub(1) {
            Some(gaps) => gaps.saturating_mul(dilation[axis]).saturating_add(1),
            None => 0,
        };
        let kernel = [span(0), span(1)];
        if taps.iter().all(|side| *side > 0) && (dilation.contains(&0) || kernel.iter().any(|s| *s > LARGEST))
        {
            let [[height, width], [down, right]] = [taps, dilation];
            let message =
                format!("layer {me} has a {height}x{width} kernel with a dilation of {down}x{right}");
            self.report(
                message,
                "the dilation is 1 or more, and from first to last tap there are at most 65,535 \
                 rows and columns",
            );
            return None;
        }
        for (what, [height, width]) in [("kernel", kernel), ("stride", stride)] {
            if height == 0 || width == 0 || height > LARGEST || width > LARGEST {
                let message = format!("layer {me} has a {what} of {height}x{width}");
                self.report(message, "each side is 1 to 65,535");
                return None;
            }
        }
        let padding = padding.pixels([input.shape.height, input.shape.width], kernel, stride);
        let [top, bottom, left, right] = padding;
        let dilated = match dilation {
            [1, 1] => String::new(),
            [down, right] => format!(" with a dilation of {down}x{right}"),
        };
        if top.max(bottom) >= kernel[0] || left.max(right) >= kernel[1] {
            let [height, width] = taps;
            let message = format!(
                "layer {me} has a {height}x{width} kernel{dilated} and padding {padding:?} (top, bottom, \
                 left, right): a window would lie wholly in the padding"
            );
            self.report(message, "padding must be smaller than the kernel");
            return None;
        }
        let window = Window { kernel, stride, padding };
        let [height, width] = window.positions(input.shape);
        if height == 0 || width == 0 {
            let padded = [input.shape.height + top + bottom, input.shape.width + left + right];
            let message = format!(
                "layer {me} has a {}x{} kernel{dilated}, which does not fit its input {}{}",
                taps[0],
                taps[1],
                self.describe(input),
                if padding == [0; 4] {
                    String::new()
                } else {
                    format!(", {}x{} with padding", padded[0], padded[1])
                },
            );
            // Who thinks of a series along one axis writes one number.
            let help = match (input.shape.height, input.shape.width) {
                (1, 2..) if taps[0] > 1 => format!("on a single row a kernel is [1, {}]", taps[1]),
                (2.., 1) if taps[1] > 1 => format!("on a single column a kernel is [{}, 1]", taps[0]),
                _ => "use a smaller kernel, more padding, or smaller strides before it".to_string(),
            };
            self.report(message, &help);
            return None;
        }
        Some((Window { kernel: taps, ..window }, [height, width]))
    }

    fn report_reads_image(&mut self, operator: &str, input: usize, help: &str) {
        let others = op::names_of(|form| form.reads_image.is_ok() && form.folds.is_none());
        let message = format!(
            "layer {} with the operator {operator} reads {}, which only {others} layers may: quantised \
             activations begin at their outputs",
            self.me(),
            self.spec.describe_input(input),
        );
        self.report(message, help);
    }

    /// A flattened tensor is not a tensor of its own on the device: its rows are still padded as pixels were.
    fn check_reads_flatten(&mut self, input: Input) {
        let Source::Node(layer) = input.source else { return };
        let Some(Draft { inputs, shaped: Some((op, _)), .. }) = &self.nodes[layer] else { return };
        if op.output() != Output::InputTensor {
            return;
        }
        let Some(before) = inputs[0].and_then(|source| Some(Input { source, shape: self.shape_of(source)? }))
        else {
            return;
        };
        if before.shape == input.shape {
            return;
        }
        let message = format!(
            "layer {} reads {}, which flattens {}: only linear layers may read that",
            self.me(),
            self.describe(input),
            self.describe(before),
        );
        self.report(message, "leave the flatten out, or put a global_average_pool in its place");
    }

    fn check_size(&mut self, op: Op, input: Shape, output: Shape) -> bool {
        let me = self.me();
        // A flatten writes nothing: its output is the tensor that it reads.
        if op.output() != Output::InputTensor && too_large(output) {
            let help = "no dimension may exceed 65,535, no tensor 4,294,967,295 elements";
            self.report(format!("layer {me} writes {output}"), help);
            return false;
        }
        let Some(weights) = op.weights() else { return true };
        let count: u128 = weights.shape(input, output).iter().map(|factor| *factor as u128).product();
        if count > u128::from(MOST) {
            let help = "a layer has at most 4,294,967,295 weights: use fewer filters or pool before it";
            self.report(format!("layer {me} has {count} weights"), help);
            return false;
        }
        true
    }
}
