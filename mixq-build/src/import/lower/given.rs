//! What a model reads, as layers can read it: with the normalisation that all of them read, and by layers
//! that copy it.

use mixq_format::is_identifier;

use super::Refusal;
use super::layers::Layers;
use super::view::{Scaling, View};
use crate::graph::op::Affine;
use crate::graph::{Activation, InputSpec, LayerSpec, Source};

impl Layers {
    /// Whether a view shows an input with another normalisation than the layers so far read.
    pub(super) fn is_scaled_anew(&self, view: &View) -> bool {
        let Source::Input(input) = view.source else { return false };
        self.scalings[input].as_ref().is_some_and(|scaling| *scaling != view.scaling)
    }

    /// Such a view, by a layer that computes it of the input as the layers so far read it.
    pub(super) fn scaled_anew(&mut self, view: &View) -> Result<View, Refusal> {
        let Source::Input(input) = view.source else { return Ok(view.clone()) };
        if !self.is_scaled_anew(view) {
            return Ok(view.clone());
        }
        let scaling = self.scalings[input].clone().unwrap_or_default();
        let same = Scaling { factor: 1.0, summand: 0.0 };
        let channels = view.shape.channels;
        let anew = |channel: usize| {
            let own = |scaling: &[Scaling]| scaling.get(channel).copied().unwrap_or(same);
            let (before, after) = (own(&scaling), own(&view.scaling));
            let factor = after.factor / before.factor;
            Scaling { factor, summand: after.summand - factor * before.summand }
        };
        let anew: Vec<Scaling> = (0..channels).map(anew).collect();
        let read = View { scaling: scaling.clone(), ..view.clone() };
        let wish = format!("{}.scaled", self.name(view.source));
        let made = self.add(&wish, Affine, &[&read], view.shape)?;
        let list = |of: fn(&Scaling) -> f64| anew.iter().map(|it| of(it) as f32).collect();
        self.give(&made, "weight", vec![channels], list(|it| it.factor));
        self.give(&made, "bias", vec![channels], list(|it| it.summand));
        Ok(View { source: made.source, shared: true, scaling: Vec::new(), ..view.clone() })
    }

    /// Whether a layer changes nothing.
    fn copies(&self, layer: &LayerSpec) -> bool {
        let tensor =
            |part: &str| self.tensors.get(&format!("{}.{part}", layer.name.as_deref().unwrap_or("")));
        let ones = tensor("weight").is_some_and(|weight| weight.values.iter().all(|value| *value == 1.0));
        layer.op == Affine.into()
            && layer.activation == Some(Activation::None)
            && layer.norm != Some(true)
            && ones
            && tensor("bias").is_none()
    }

    /// An input by a layer that changes nothing, for layers that cannot read inputs themselves.
    pub(super) fn copied(&mut self, view: &View) -> Result<View, Refusal> {
        if !view.is_input() {
            return Ok(view.clone());
        }
        let name = self.name(view.source).to_string();
        let made = |layer: &LayerSpec| layer.inputs == [name.as_str()] && self.copies(layer);
        let source = match self.made.iter().position(made) {
            Some(layer) => Source::Node(layer),
            None => {
                let copy = self.add(&format!("{name}.copy"), Affine, &[view], view.shape)?;
                self.give(&copy, "weight", vec![view.shape.channels], vec![1.0; view.shape.channels]);
                copy.source
            }
        };
        Ok(View { source, shared: true, scaling: Vec::new(), ..view.clone() })
    }
}

/// A name that Rust can have, made of one in the model.
pub(super) fn identifier(wish: &str, otherwise: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let wish: String = wish.rsplit('/').next().unwrap_or(wish).chars().map(plain).collect();
    let begins = wish.starts_with(|c: char| c.is_ascii_lowercase());
    let wish = if begins { wish } else { format!("{otherwise}_{}", wish.trim_matches('_')) };
    let wish = wish.trim_end_matches('_');
    if is_identifier(wish) { wish.to_string() } else { format!("{otherwise}_{wish}") }
}

/// The name of an input among several, without what TensorFlow puts around it.
pub(super) fn input_name(wish: &str, before: &[InputSpec]) -> String {
    let wish = wish.strip_suffix(":0").unwrap_or(wish);
    let base = identifier(wish.strip_prefix("serving_default_").unwrap_or(wish), "input");
    let is_free = |name: &String| before.iter().all(|input| input.name != *name);
    let numbered = (2..).map(|number| format!("{base}_{number}"));
    std::iter::once(base.clone()).chain(numbered).find(is_free).unwrap_or(base)
}
