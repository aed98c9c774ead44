//! The layers made so far, and their weights.

use std::collections::HashSet;

use super::grids::{has_own_grid, is_positive, joined_apart};
use super::integers::{Integers, LayerIntegers, NetworkIntegers, WeightIntegers};
use super::view::{Scaling, View};
use super::{Refusal, refuse};
use crate::graph::op::{Affine, OpSpec};
use crate::graph::{Activation, LayerSpec, Shape, Source, Spec};
use crate::import::model::MOST_ELEMENTS;
use crate::import::weights::{Tensor, Tensors};

/// The tensors that a layer may have.
const PARTS: [&str; 7] =
    ["weight", "bias", "range", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var"];

/// The most rows, columns and channels of a tensor.
pub(super) const LARGEST: usize = 65_535;

/// Layers and weights.
pub(super) struct Layers {
    pub(super) input: Shape,
    pub(super) made: Vec<LayerSpec>,
    /// What they write.
    pub(super) shapes: Vec<Shape>,
    /// How the file has numbers of theirs as integers, where a network is taken over as it is.
    pub(super) integers: Vec<LayerIntegers>,
    /// The same of the input.
    pub(super) input_integers: Option<Integers>,
    names: HashSet<String>,
    tensors: Tensors,
    /// What all layers that read the input make of its channels; `None` until one reads it.
    scaling: Option<Vec<Scaling>>,
}

impl Layers {
    pub(super) fn new(input: Shape) -> Layers {
        Layers {
            input,
            made: Vec::new(),
            shapes: Vec::new(),
            integers: Vec::new(),
            input_integers: None,
            names: HashSet::new(),
            tensors: Tensors::new(),
            scaling: None,
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
            Source::Input(_) => "image",
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
        if op.form().reads_image.is_err() && inputs.iter().any(|view| view.source == Source::Input(0)) {
            let copied = inputs.iter().map(|view| self.copied(view)).collect::<Result<Vec<_>, _>>()?;
            return self.add(wish, op, &copied.iter().collect::<Vec<_>>(), shape);
        }
        for view in inputs.iter().filter(|view| view.source == Source::Input(0)) {
            if self.scaling.as_ref().is_some_and(|scaling| *scaling != view.scaling) {
                return refuse(
                    "reads the input with another normalisation than the layers before",
                    "normalise the input once",
                );
            }
            self.scaling = Some(view.scaling.clone());
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

    /// The input by a layer that changes nothing, for layers that cannot read the input themselves.
    fn copied(&mut self, view: &View) -> Result<View, Refusal> {
        if view.source != Source::Input(0) {
            return Ok(view.clone());
        }
        let made = |layer: &LayerSpec| layer.op == Affine.into() && layer.inputs == ["image"];
        let source = match self.made.iter().position(made) {
            Some(layer) => Source::Node(layer),
            None => {
                let copy = self.add("image.copy", Affine, &[view], view.shape)?;
                self.give(&copy, "weight", vec![view.shape.channels], vec![1.0; view.shape.channels]);
                copy.source
            }
        };
        Ok(View { source, shared: true, ..view.clone() })
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
        let shape = self.index(&name).map_or(self.input, |before| self.shapes[before]);
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
        let base = if matches!(base.as_str(), "" | "image") { "layer".to_string() } else { base };
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
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
        let wish: String = wish.rsplit('/').next().unwrap_or(wish).chars().map(plain).collect();
        let begins = wish.starts_with(|c: char| c.is_ascii_lowercase());
        let wish = if begins { wish } else { format!("output_{}", wish.trim_matches('_')) };
        let before = self.name(view.source).to_string();
        self.names.remove(&before);
        let name = self.free_name(wish.trim_end_matches('_'));
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

    /// Layers, weights, what layers make of the channels of the input, and how the file has them as integers.
    pub(super) fn finish(mut self) -> (Spec, Tensors, Vec<Scaling>, NetworkIntegers) {
        self.drop_unread();
        self.isolate();
        self.join_integers();
        let Layers { input, mut made, tensors, scaling, integers, input_integers, .. } = self;
        if let Some(last) = made.last_mut() {
            last.is_output = false;
        }
        let names = made.iter().filter_map(|layer| layer.name.clone());
        let integers = NetworkIntegers { input: input_integers, layers: names.zip(integers).collect() };
        (Spec::new(input, made), tensors, scaling.unwrap_or_default(), integers)
    }
}
