//! Batch norm, ReLU and clips from 0 that are written as layers of their own go into the layer before them. A
//! batch norm that cannot go there stays a layer.

use std::collections::{HashMap, HashSet};

use crate::error::Problem;

use super::op::{self, Fold, Follows};
use super::resolve::{self, Link, Problems, name, quoted};
use super::{Activation, LayerSpec, OpSpec, Source, Spec};

const WHY: &str = "ICN folds ReLU and clips from 0 into the layer before them";

/// What folding leaves: one entry for each layer of the list.
pub(super) struct Folded {
    /// The layer, or the input, that writes what this layer writes; `None` if a name is unknown.
    pub(super) holder: Vec<Link>,
    /// Whether it is a batch norm that is not folded.
    pub(super) alone: Vec<bool>,
    /// Whether batch norm follows the layer.
    pub(super) norm: Vec<bool>,
    /// The activation that follows the layer.
    pub(super) activation: Vec<Activation>,
    /// Whether it is padding of the convolutions that read it.
    pub(super) pads: Vec<bool>,
}

/// Whether a layer is folded into the one before it.
fn folds(layer: &LayerSpec) -> bool {
    layer.op.folds().is_some()
}

/// Whether a layer says what follows the one before it: that one then has nothing by default.
fn follows(layer: &LayerSpec) -> bool {
    folds(layer) || matches!(layer.op, OpSpec::Elementwise(_) | OpSpec::Prelu(_))
}

/// Folds all that can be folded; what cannot is a problem, and is passed over. `pads` says which layers are
/// padding of the convolutions that read them.
pub(super) fn fold(
    spec: &Spec,
    names: &[String],
    links: &[Vec<Link>],
    pads: &[bool],
    problems: &mut Problems,
) -> Folded {
    let count = spec.layers.len();
    let mut folded = Folded {
        holder: (0..count).map(|layer| Some(Source::Node(layer))).collect(),
        alone: vec![false; count],
        norm: vec![false; count],
        activation: vec![Activation::None; count],
        pads: pads.to_vec(),
    };
    let last = spec.layers.iter().rposition(|layer| !folds(layer));
    for (index, layer) in spec.layers.iter().enumerate() {
        if pads[index] {
            folded.holder[index] = match links[index].first().copied().flatten() {
                Some(Source::Node(before)) => folded.holder[before],
                other => other,
            };
            continue;
        }
        let form = layer.op.form();
        let Follows { norm, activation, by_default } = form.follows;
        if let Some(fold) = layer.op.folds() {
            let before = links[index].first().copied().flatten();
            if fold == Fold::Norm && before.is_some_and(|before| folded.stands(spec, links, index, before)) {
                (folded.alone[index], folded.norm[index]) = (true, true);
                continue;
            }
            folded.holder[index] = match before {
                Some(Source::Node(before)) => folded.holder[before],
                other => other,
            };
            if let Some(before) = before
                && let Err(problem) = folded.take(spec, names, links, index, before, fold)
            {
                problems.add(index, problem);
            }
            continue;
        }
        let followed = readers(links, index).any(|reader| follows(&spec.layers[reader]));
        let usual = by_default && !followed && Some(index) != last;
        let usual_activation = if usual { Activation::Relu } else { Activation::None };
        folded.norm[index] = layer.norm.unwrap_or(usual);
        folded.activation[index] = layer.activation.unwrap_or(usual_activation);
        let me = quoted(&names[index]);
        if folded.norm[index] && !norm {
            let message = format!("layer {me} has batch norm, but its operator is {}", form.name);
            problems.add(index, Problem::new(message).help(hosts(Fold::Norm)));
            folded.norm[index] = false;
        }
        let wanted = folded.activation[index];
        if let Activation::Function(function) = wanted
            && let Some(wrong) = function.contradiction()
        {
            problems.add(index, Problem::new(format!("the {} of layer {me} {wrong}", wanted.name())));
        }
        if wanted != Activation::None && !activation {
            let message = format!("layer {me} has a {}, but its operator is {}", wanted.name(), form.name);
            problems.add(index, Problem::new(message).help(hosts(Fold::Activation(wanted))));
            folded.activation[index] = Activation::None;
        }
    }
    folded
}

impl Spec {
    /// The names of the transposed convolutions.
    pub fn transposed(&self) -> HashSet<String> {
        let mut problems = Problems::new(&self.layers);
        let names = resolve::names(self, &mut problems);
        let is = |index: &usize| matches!(self.layers[*index].op, OpSpec::TransposedConv(_));
        (0..names.len()).filter(is).map(|index| names[index].clone()).collect()
    }

    /// The batch norms that are layers of their own: name of the layer into which each goes, and its own.
    pub fn batch_norms(&self) -> HashMap<String, String> {
        let mut problems = Problems::new(&self.layers);
        let names = resolve::names(self, &mut problems);
        let links = resolve::links(self, &names, &mut problems);
        let pads = vec![false; self.layers.len()];
        let holders = fold(self, &names, &links, &pads, &mut problems).holder;
        let is_norm = |index: &usize| self.layers[*index].op.form().folds == Some(Fold::Norm);
        let norms = (0..names.len()).filter(is_norm).filter_map(|index| match holders[index]? {
            Source::Node(host) => Some((names[host].clone(), names[index].clone())),
            Source::Input(_) => None,
        });
        norms.collect()
    }
}

/// Into which layers something can be folded, as a help.
fn hosts(fold: Fold) -> String {
    match fold {
        Fold::Norm => {
            let hosts = op::names_of(|form| form.follows.norm);
            format!("batch norm can be folded into {hosts} layers only")
        }
        Fold::Activation(activation) => {
            let hosts = op::names_of(|form| form.follows.activation);
            let what = activation.name();
            match activation {
                Activation::Function(_) => format!(
                    "{what} is a key of {hosts} layers only: write it as a layer of its own, op = \"{what}\""
                ),
                Activation::None | Activation::Relu | Activation::ReluUpTo(_) => format!(
                    "{what} can be folded into {hosts} layers only: put it before the pool or the flatten"
                ),
            }
        }
    }
}

impl Folded {
    /// Whether nothing is left of a layer.
    pub(super) fn is_gone(&self, index: usize, layer: &LayerSpec) -> bool {
        self.pads[index] || folds(layer) && !self.alone[index]
    }

    /// Whether batch norm `index`, which reads `before`, cannot be folded: it reads an input, another layer
    /// reads what it reads, or that is no sum of products, or has a batch norm or an activation.
    fn stands(&self, spec: &Spec, links: &[Vec<Link>], index: usize, before: Source) -> bool {
        let Source::Node(before) = before else { return true };
        let host = match self.holder[before] {
            Some(Source::Node(host)) => host,
            Some(Source::Input(_)) => return true,
            None => return false,
        };
        let shared = readers(links, before).any(|reader| reader != index);
        let takes = spec.layers[host].op.form().follows.norm;
        shared || !takes || self.norm[host] || self.activation[host] != Activation::None
    }

    /// Folds layer `index`, which reads `before`.
    fn take(
        &mut self,
        spec: &Spec,
        names: &[String],
        links: &[Vec<Link>],
        index: usize,
        before: Source,
        fold: Fold,
    ) -> Result<(), Problem> {
        let me = quoted(&names[index]);
        let (before, host) = match (before, self.holder[index]) {
            (Source::Node(before), Some(Source::Node(host))) => (before, host),
            // An unknown name before has been reported.
            (_, None) => return Ok(()),
            (Source::Input(input), Some(_)) | (_, Some(Source::Input(input))) => {
                let input = spec.describe_input(input);
                let message = format!("layer {me} reads {input}: there is no layer to fold it into");
                return Err(Problem::new(message).help(WHY));
            }
        };
        if let Some(other) = readers(links, before).find(|reader| *reader != index) {
            let (before, other) = (quoted(&names[before]), quoted(&names[other]));
            let message = format!("layer {me} cannot be folded into {before}, which {other} also reads");
            return Err(Problem::new(message).help(WHY));
        }
        let (host_name, form) = (name(spec, names, Source::Node(host)), spec.layers[host].op.form());
        let refuse = |message: String, help: &str| Err(Problem::new(message).help(help));
        let follows_other = || format!("layer {me} follows {host_name}, whose operator is {}", form.name);
        let already = self.activation[host];
        match fold {
            // One that cannot be folded stands alone.
            Fold::Norm => self.norm[host] = true,
            Fold::Activation(activation) => {
                let what = activation.name();
                if !form.follows.activation && !self.alone[host] {
                    return refuse(follows_other(), &hosts(fold));
                }
                if already != Activation::None {
                    let message = format!("layer {me} is a second {what} of {host_name}");
                    return refuse(message, "remove one of them");
                }
                self.activation[host] = activation;
            }
        }
        Ok(())
    }
}

fn readers(links: &[Vec<Link>], layer: usize) -> impl Iterator<Item = usize> {
    let reads = move |inputs: &Vec<Link>| inputs.contains(&Some(Source::Node(layer)));
    links.iter().enumerate().filter(move |(_, inputs)| reads(inputs)).map(|(reader, _)| reader)
}
