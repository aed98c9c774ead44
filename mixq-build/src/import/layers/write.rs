//! A network as a layer list: what [`parse`](super::parse) reads.

use std::fmt::Write;

use super::super::InputNormalisation;
use crate::graph::op::{Axis, Coordinates, Function, Grouping, Interpolation, OpSpec};
use crate::graph::{Activation, IMAGE, InputSpec, LayerSpec, Padding, Shape, Spec};
use mixq_format::Operation;

/// The text of a layer list. `weights` is the name of the file of its weights, with how values of each input
/// become the numbers that layers read.
pub fn write(spec: &Spec, weights: Option<(&str, &[Option<InputNormalisation>])>) -> String {
    let given = weights.map_or(&[][..], |(_, given)| given);
    let said = |input: usize| {
        let InputNormalisation { mean, std, .. } = given.get(input)?.as_ref()?;
        Some(format!("normalisation = {{ mean = {}, std = {} }}", numbers(mean), numbers(std)))
    };
    let entry = |(index, input): (usize, &InputSpec)| match said(index) {
        Some(said) => format!("{} = {{ shape = {}, {said} }}", quoted(&input.name), shape(input.shape)),
        None => format!("{} = {}", quoted(&input.name), shape(input.shape)),
    };
    let weights = weights.map(|(file, _)| format!("weights = {}\n", quoted(file))).unwrap_or_default();
    let mut text = match &spec.inputs[..] {
        [only] if only.name == IMAGE => {
            let said = said(0).map(|said| said + "\n").unwrap_or_default();
            format!("input = {}\n{weights}{said}", shape(only.shape))
        }
        inputs => {
            let entries: Vec<String> = inputs.iter().enumerate().map(entry).collect();
            format!("inputs = {{ {} }}\n{weights}", entries.join(", "))
        }
    };
    spec.layers.iter().for_each(|layer| text += &self::layer(layer));
    text
}

fn layer(layer: &LayerSpec) -> String {
    let LayerSpec { name, op, norm, activation, inputs, is_output, location: _ } = layer;
    let mut text = format!("\n[[layer]]\nop = {}\n", quoted(op.form().name));
    let mut key = |name: &str, value: String| {
        let _ = writeln!(text, "{name} = {value}");
    };
    if let Some(name) = name {
        key("name", quoted(name));
    }
    keys(op).into_iter().for_each(|(name, value)| key(name, value));
    let follows = op.form().follows;
    if let Some(norm) = norm.filter(|_| follows.norm) {
        key("batch_norm", norm.to_string());
    }
    if let Some(activation) = activation.filter(|_| follows.activation) {
        key("activation", function(activation));
    }
    if !inputs.is_empty() {
        let inputs: Vec<String> = inputs.iter().map(|name| quoted(name)).collect();
        key("inputs", format!("[{}]", inputs.join(", ")));
    }
    if *is_output {
        key("output", "true".to_string());
    }
    text
}

/// The keys of an operator.
fn keys(op: &OpSpec) -> Vec<(&'static str, String)> {
    let window = |kernel: [usize; 2], stride: [usize; 2], padding: Padding| {
        vec![("kernel", pair(kernel)), ("stride", pair(stride)), ("padding", self::padding(padding))]
    };
    match op {
        OpSpec::Conv(op) => {
            [vec![("filters", op.filters.to_string())], window(op.kernel, op.stride, op.padding)].concat()
        }
        OpSpec::Depthwise(op) => window(op.kernel, op.stride, op.padding),
        OpSpec::Pointwise(op) => vec![("filters", op.filters.to_string()), ("stride", pair(op.stride))],
        OpSpec::TransposedConv(op) => {
            [vec![("filters", op.filters.to_string())], window(op.kernel, op.stride, op.padding)].concat()
        }
        OpSpec::GroupedConv(op) => {
            let mut keys = match op.grouping {
                Grouping::Groups { filters, groups } => {
                    vec![("filters", filters.to_string()), ("groups", groups.to_string())]
                }
                Grouping::Each { multiplier } => vec![("multiplier", multiplier.to_string())],
            };
            keys.extend(window(op.kernel, op.stride, op.padding));
            keys.push(("dilation", pair(op.dilation)));
            keys
        }
        OpSpec::Linear(op) => vec![("features", op.features.to_string())],
        OpSpec::AveragePool(op) => {
            let counts = vec![("count_padding", op.count_padding.to_string())];
            [window(op.kernel, op.stride, op.padding), counts].concat()
        }
        OpSpec::MaxPool(op) => window(op.kernel, op.stride, op.padding),
        OpSpec::AxisPool(op) => vec![("axis", named(&Axis::CHOICES, op.axis))],
        OpSpec::Elementwise(op) => {
            parameters(op.function).into_iter().map(|(name, value)| (name, value.to_string())).collect()
        }
        OpSpec::Slice(op) => {
            vec![("first", op.first.to_string()), ("channels", op.channels.to_string())]
        }
        OpSpec::ChannelShuffle(op) => vec![("groups", op.groups.to_string())],
        OpSpec::Pad(op) => vec![("padding", padding(op.padding))],
        OpSpec::Upsample(op) => vec![("factor", pair(op.factor))],
        OpSpec::Resize(op) => {
            let size = op.size.map(|size| ("size", pair(size)));
            let factor = op.factor.map(|factor| ("factor", pair(factor)));
            let between = ("interpolation", named(&Interpolation::CHOICES, op.interpolation));
            let places = ("coordinates", named(&Coordinates::CHOICES, op.coordinates));
            size.into_iter().chain(factor).chain([between, places]).collect()
        }
        OpSpec::DepthToSpace(op) => vec![("block", op.block.to_string())],
        OpSpec::SpaceToDepth(op) => vec![("block", op.block.to_string())],
        OpSpec::Reshape(op) => vec![("shape", shape(op.shape))],
        OpSpec::Transpose(op) => {
            let names = op.order.map(|axis| quoted(["height", "width", "channels"][axis]));
            vec![("order", format!("[{}]", names.join(", ")))]
        }
        OpSpec::Constants(op) => match op.operation {
            Operation::Sum | Operation::Product => vec![("trained", op.trained.to_string())],
        },
        OpSpec::GlobalAveragePool(_)
        | OpSpec::GlobalMaxPool(_)
        | OpSpec::Add(_)
        | OpSpec::Subtract(_)
        | OpSpec::Multiply(_)
        | OpSpec::Affine(_)
        | OpSpec::Prelu(_)
        | OpSpec::Flatten(_)
        | OpSpec::BatchNorm(_)
        | OpSpec::Relu(_)
        | OpSpec::Concat(_) => Vec::new(),
    }
}

/// The value of `activation`.
fn function(activation: Activation) -> String {
    let function = match activation {
        Activation::None => return quoted("none"),
        Activation::Relu => return quoted("relu"),
        Activation::ReluUpTo(bound) => return format!("{{ clip = [0, {}] }}", bound.get()),
        Activation::Function(function) => function,
    };
    let values: Vec<String> = parameters(function).iter().map(|(_, value)| value.to_string()).collect();
    match &values[..] {
        [] => quoted(function.name()),
        [one] => format!("{{ {} = {one} }}", function.name()),
        several => format!("{{ {} = [{}] }}", function.name(), several.join(", ")),
    }
}

/// The parameters of a function, in the order of its form.
fn parameters(function: Function) -> Vec<(&'static str, f64)> {
    match function {
        Function::HardSigmoid { slope, offset } => vec![("slope", slope.get()), ("offset", offset.get())],
        Function::LeakyRelu { slope } => vec![("slope", slope.get())],
        Function::Elu { alpha } => vec![("alpha", alpha.get())],
        Function::Clip { .. } if function.name() == "relu6" => Vec::new(),
        Function::Clip { min, max } => vec![("min", min.get()), ("max", max.get())],
        Function::Power { exponent } => vec![("exponent", exponent.get())],
        Function::Log { least } => vec![("least", least.get())],
        Function::Min { value } | Function::Max { value } | Function::Sign { value } => {
            vec![("value", value.get())]
        }
        Function::Sigmoid
        | Function::Tanh
        | Function::HardSwish
        | Function::Silu
        | Function::Gelu
        | Function::GeluTanh
        | Function::Softplus
        | Function::Mish
        | Function::Signum
        | Function::Selu
        | Function::Exp
        | Function::Sqrt
        | Function::Abs
        | Function::Neg => Vec::new(),
    }
}

fn shape(Shape { height, width, channels }: Shape) -> String {
    format!("[{height}, {width}, {channels}]")
}

fn pair([a, b]: [usize; 2]) -> String {
    if a == b { a.to_string() } else { format!("[{a}, {b}]") }
}

fn padding(padding: Padding) -> String {
    match padding {
        Padding::Same => quoted("same"),
        Padding::Valid => quoted("valid"),
        Padding::Symmetric => quoted("symmetric"),
        Padding::Explicit([top, bottom, left, right]) => format!("[{top}, {bottom}, {left}, {right}]"),
    }
}

fn named<T: PartialEq>(choices: &[(&str, T)], value: T) -> String {
    quoted(choices.iter().find(|(_, choice)| *choice == value).map_or("", |(name, _)| name))
}

/// One number if all are the same.
fn numbers(values: &[f64]) -> String {
    match values {
        [first, rest @ ..] if rest.iter().all(|value| value == first) => first.to_string(),
        values => format!("{values:?}"),
    }
}

/// A TOML string: names have no control characters.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::import::{Builtin, Reads, builtin, layers};

    /// A spec without places in a file, and without what cannot follow a layer.
    fn plain(mut spec: Spec) -> Spec {
        spec.inputs.iter_mut().for_each(|input| input.location = None);
        for layer in &mut spec.layers {
            layer.location = None;
            layer.norm = layer.norm.filter(|_| layer.op.form().follows.norm);
        }
        spec
    }

    #[test]
    fn a_network_that_comes_with_mixq_is_the_same_when_it_is_written_and_read() {
        for name in builtin::NAMES {
            let spec = builtin::spec(name, &Builtin::published(name).unwrap().options()).unwrap();
            let read = layers::parse(Path::new("net.toml"), &write(&spec, None)).unwrap();
            assert_eq!(plain(read), plain(spec), "{name}");
        }
    }

    #[test]
    fn several_inputs_keep_their_names_and_normalisations() {
        let list = r#"
            weights = "net.safetensors"
            [inputs]
            photo = { shape = [4, 4, 3], normalisation = { mean = [1, 2, 3.5], std = 58 } }
            meta = [1, 1, 5]
            [[layer]]
            op = "linear"
            features = 2
        "#;
        let read = layers::parse_with_weights(Path::new("net.toml"), list).unwrap();
        let photo =
            InputNormalisation { mean: vec![1.0, 2.0, 3.5], std: vec![58.0; 3], reads: Reads::Values };
        assert_eq!(read.normalisations, [Some(photo), None]);
        let text = write(&read.spec, Some(("net.safetensors", &read.normalisations)));
        let again = layers::parse_with_weights(Path::new("net.toml"), &text).unwrap();
        assert_eq!(again.normalisations, read.normalisations);
        assert_eq!(plain(again.spec), plain(read.spec));
    }

    #[test]
    fn every_key_is_written() {
        let list = include_str!("every_operator.toml");
        let spec = layers::parse_with_weights(Path::new("net.toml"), list).unwrap();
        let (mean, std) = (vec![1.5, 2.0, 3.5], vec![2.25; 3]);
        let normalisations = [Some(InputNormalisation { mean, std, reads: Reads::Values })];
        let text = write(&spec.spec, Some(("net.safetensors", &normalisations)));
        let read = layers::parse_with_weights(Path::new("net.toml"), &text).unwrap();
        assert_eq!(read.normalisations, normalisations);
        assert_eq!(read.weights.map(|file| file.path), spec.weights.map(|file| file.path));
        assert_eq!(plain(read.spec), plain(spec.spec.clone()));
        // The list has every operator, so that none is forgotten here.
        let others = crate::graph::op::FORMS.iter().filter(|form| form.name != "relu6");
        for form in others {
            assert!(spec.spec.layers.iter().any(|layer| layer.op.form().name == form.name), "{}", form.name);
        }
    }
}
