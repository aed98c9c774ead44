//! The layers made so far, and their weights.

use std::collections::HashSet;

use super::given::{identifier, input_name};
use super::grids::{has_own_grid, is_positive, joined_apart};
use super::integers::{Integers, LayerIntegers, NetworkIntegers, WeightIntegers};
use super::view::{Scaling, View};
use super::{Refusal, refuse};
use crate::graph::op::{Affine, OpSpec};
use crate::graph::{Activation, IMAGE, InputSpec, LayerSpec, Shape, Source, Spec};
use crate::import::model::MOST_ELEMENTS;
use crate::import::weights::{Tensor, Tensors};

/// The tensors that a layer may have.
const PARTS: [&str; 7] =
    ["weight", "bias", "range", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var"];

/// The most rows, columns and channels of a tensor.
pub(super) const LARGEST: usize = 65_535;

/// Layers and weights.
pub(super) struct Layers {
    /// What the model reads.
    pub(super) inputs: Vec<InputSpec>,
    pub(super) made: Vec<LayerSpec>,
    /// What they write.
    pub(super) shapes: Vec<Shape>,
    /// How the file has numbers of theirs as integers, where a network is taken over as it is.
    pub(super) integers: Vec<LayerIntegers>,
    /// The same of the only input.
    pub(super) input_integers: Option<Integers>,
    names: HashSet<String>,
    pub(super) tensors: Tensors,
    /// By input: what all layers that read it make of its channels; `None` until one reads it.
    pub(super) scalings: Vec<Option<Vec<Scaling>>>,
}

impl Layers {
    /// With inputs of these names in the model and these shapes.
    pub(super) fn new<'a>(given: impl IntoIterator<Item = (&'a str, Shape)>) -> Layers {
        let given: Vec<(&str, Shape)> = given.into_iter().collect();
        let mut inputs: Vec<InputSpec> = Vec::new();
        for (wish, shape) in &given {
            let name = if given.len() == 1 { IMAGE.to_string() } else { input_name(wish, &inputs) };
            inputs.push(InputSpec { name, shape: *shape, location: None });
        }
        Layers {
            scalings: vec![None; inputs.len()],
            inputs,
            made: Vec::new(),
            shapes: Vec::new(),
            integers: Vec::new(),
            input_integers: None,
            names: HashSet::new(),
            tensors: Tensors::new(),
        }
    }

    /// The layer that writes a view; `None` if that is the input.
    pub(super) fn layer(&mut self, view: &View) -> Option<&mut LayerSpec> {
        match view.source {
            Source::Input(_) => None,
            Source::Node(layer) => Some(&mut self.made[layer]),
        }
    }

    /// Its name.
    pub(super) fn name(&self, source: Source) -> &str {
        match source {
            Source::Input(input) => &self.inputs[input].name,
            Source::Node(layer) => self.made[layer].name.as_deref().unwrap_or(""),
        }
    }

    /// Adds a layer; `wish` is the name in the model. What it writes is seen as an image.
    pub(super) fn add(
        &mut self,
        wish: &str,
        op: impl Into<OpSpec>,
        inputs: &[&View],
        shape: Shape,
    ) -> Result<View, Refusal> {
        let op = op.into();
        let Shape { height, width, channels } = shape;
        let elements = height.checked_mul(width).and_then(|pixels| pixels.checked_mul(channels));
        let sides = [height, width, channels];
        if sides.contains(&0) || sides.iter().any(|side| *side > LARGEST) || elements > Some(MOST_ELEMENTS) {
            return refuse(
                format!("writes {height}x{width}x{channels} numbers"),
                "height, width and channels are each 1 to 65,535; check strides, padding and weights",
            );
        }
        if inputs.iter().any(|view| self.is_scaled_anew(view)) {
            let scaled = inputs.iter().map(|view| self.scaled_anew(view)).collect::<Result<Vec<_>, _>>()?;
            return self.add(wish, op, &scaled.iter().collect::<Vec<_>>(), shape);
        }
        if op.form().reads_image.is_err() && inputs.iter().any(|view| view.is_input()) {
            let copied = inputs.iter().map(|view| self.copied(view)).collect::<Result<Vec<_>, _>>()?;
            return self.add(wish, op, &copied.iter().collect::<Vec<_>>(), shape);
        }
        for view in inputs {
            if let Source::Input(input) = view.source {
                self.scalings[input] = Some(view.scaling.clone());
            }
        }
        let name = self.free_name(wish);
        let sources: Vec<String> = inputs.iter().map(|view| self.name(view.source).to_string()).collect();
        if let OpSpec::Slice(_) | OpSpec::ChannelShuffle(_) | OpSpec::Pad(_) = op
            && let Some(same) = self.made.iter().position(|made| made.op == op && made.inputs == sources)
        {
            return Ok(View::image(Source::Node(same), shape));
        }
        self.names.insert(name.clone());
        self.shapes.push(shape);
        self.integers.push(LayerIntegers::default());
        self.made.push(LayerSpec {
            norm: op.form().follows.norm.then_some(false),
            activation: op.form().follows.activation.then_some(Activation::None),
            inputs: sources,
            ..LayerSpec::new(name, op)
        });
        Ok(View::image(Source::Node(self.made.len() - 1), shape))
    }

    /// Whether what a view shows is surely never below 0.
    pub(super) fn is_positive(&self, view: &View) -> bool {
        match view.source {
            Source::Input(_) => false,
            Source::Node(layer) => is_positive(&self.made, layer),
        }
    }

    /// Without layers that no output needs: parts of a split that the model does not read.
    fn drop_unread(&mut self) {
        let mut needed: HashSet<String> = HashSet::new();
        let mut kept: Vec<bool> = Vec::new();
        for layer in self.made.iter().rev() {
            let name = layer.name.as_deref().unwrap_or("");
            kept.push(layer.is_output || needed.contains(name));
            if kept.last() == Some(&true) {
                needed.extend(layer.inputs.iter().cloned());
            } else {
                PARTS.iter().for_each(|part| drop(self.tensors.remove(&format!("{name}.{part}"))));
            }
        }
        kept.reverse();
        let mut flags = kept.iter();
        self.made.retain(|_| *flags.next().unwrap_or(&true));
        let mut flags = kept.iter();
        self.shapes.retain(|_| *flags.next().unwrap_or(&true));
        let mut flags = kept.iter();
        self.integers.retain(|_| *flags.next().unwrap_or(&true));
    }

    /// Gives each concatenation inputs that may have one range: the layers that write them have the same
    /// activation, or a layer between that changes nothing.
    fn isolate(&mut self) {
        // The last concatenation first, so that those before keep their places.
        for (joiner, inputs) in joined_apart(&self.made) {
            for (moved, input) in inputs.into_iter().enumerate() {
                self.insert_copy(joiner + moved, input);
            }
        }
    }

    /// A layer that changes nothing between a layer and one of its inputs; answers where it is. Layers from
    /// there on move by one place.
    pub(super) fn insert_copy(&mut self, reader: usize, input: usize) -> usize {
        let name = self.made[reader].inputs[input].clone();
        let read = || self.inputs.iter().find(|input| input.name == name).map(|input| input.shape);
        let shape = self.index(&name).map(|before| self.shapes[before]).or_else(read);
        let shape = shape.unwrap_or(Shape::from(1));
        let copy = self.free_name(&format!("{name}.copy"));
        let layer = LayerSpec {
            inputs: vec![name],
            activation: Some(Activation::None),
            ..LayerSpec::new(copy.clone(), Affine)
        };
        self.names.insert(copy.clone());
        let weight = Tensor { shape: vec![shape.channels], values: vec![1.0; shape.channels] };
        self.tensors.insert(format!("{copy}.weight"), weight);
        self.made[reader].inputs[input] = copy;
        // Layers stand behind what they read.
        self.made.insert(reader, layer);
        self.shapes.insert(reader, shape);
        self.integers.insert(reader, LayerIntegers::default());
        reader
    }

    pub(super) fn index(&self, name: &str) -> Option<usize> {
        self.made.iter().position(|made| made.name.as_deref() == Some(name))
    }

    /// A name that no layer has and that a layer list may have.
    fn free_name(&self, wish: &str) -> String {
        let fits = |c: char| if c.is_control() || c.is_whitespace() { '_' } else { c };
        let base: String = wish.trim_matches('/').chars().map(fits).collect();
        let is_taken = base.is_empty() || self.inputs.iter().any(|input| input.name == base);
        let base = if is_taken { "layer".to_string() } else { base };
        let mut number = 1;
        let mut name = base.clone();
        while self.names.contains(&name) {
            number += 1;
            name = format!("{base}_{number}");
        }
        name
    }

    /// Gives a layer a tensor of weights.
    pub(super) fn give(&mut self, view: &View, what: &str, shape: Vec<usize>, values: Vec<f32>) {
        let name = format!("{}.{what}", self.name(view.source));
        self.tensors.insert(name, Tensor { shape, values });
    }

    /// A tensor of weights of a layer.
    pub(super) fn tensor(&mut self, view: &View, what: &str) -> Option<&mut Tensor> {
        let name = format!("{}.{what}", self.name(view.source));
        self.tensors.get_mut(&name)
    }

    /// Whether what the layer of a view writes has a scale of its own.
    pub(super) fn has_own_grid(&self, view: &View) -> bool {
        let Source::Node(layer) = view.source else { return false };
        has_own_grid(&self.made[layer].op)
    }

    /// Makes what a view shows an output: its name becomes one in Rust, made of `wish`. The last layer is an
    /// output in any case.
    pub(super) fn offer(&mut self, view: &View, wish: &str) {
        let Source::Node(index) = view.source else { return };
        if std::mem::replace(&mut self.made[index].is_output, true) {
            return;
        }
        let wish = identifier(wish, "output");
        let before = self.name(view.source).to_string();
        self.names.remove(&before);
        let name = self.free_name(&wish);
        self.rename(index, &before, name);
    }

    /// Gives a layer another name, also where layers read it, and to its tensors.
    fn rename(&mut self, index: usize, before: &str, name: String) {
        for input in self.made.iter_mut().flat_map(|layer| &mut layer.inputs).filter(|it| *it == before) {
            input.clone_from(&name);
        }
        for part in PARTS {
            if let Some(tensor) = self.tensors.remove(&format!("{before}.{part}")) {
                self.tensors.insert(format!("{name}.{part}"), tensor);
            }
        }
        self.names.insert(name.clone());
        self.made[index].name = Some(name);
    }

    /// Gives a layer's weights the integers that the file has for them.
    pub(super) fn give_integers(&mut self, view: &View, integers: Option<WeightIntegers>) {
        if let Source::Node(layer) = view.source {
            self.integers[layer].weights = integers;
        }
    }

    /// Layers, weights, what layers make of the channels of each input, and the integers of the file.
    pub(super) fn finish(mut self) -> (Spec, Tensors, Vec<Vec<Scaling>>, NetworkIntegers) {
        self.drop_unread();
        self.isolate();
        self.join_integers();
        let Layers { inputs, mut made, tensors, scalings, integers, input_integers, .. } = self;
        if let Some(last) = made.last_mut() {
            last.is_output = false;
        }
        let names = made.iter().filter_map(|layer| layer.name.clone());
        let integers = NetworkIntegers { input: input_integers, layers: names.zip(integers).collect() };
        let scalings = scalings.into_iter().map(Option::unwrap_or_default).collect();
        (Spec { inputs, layers: made }, tensors, scalings, integers)
    }
}
