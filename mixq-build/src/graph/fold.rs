//! Batch norm and ReLU that are written as layers of their own go into the layer before them.

use crate::error::Problem;

use super::resolve::{Link, Problems, name, quoted};
use super::{OpSpec, Source, Spec};

const WHY: &str = "ICN folds batch norm and ReLU into the layer before them";

/// What folding leaves: one entry for each layer of the list.
pub(super) struct Folded {
    /// The layer, or the image, that writes what this layer writes; `None` if a name is unknown.
    pub(super) holder: Vec<Link>,
    /// Whether batch norm follows the layer.
    pub(super) batch_norm: Vec<bool>,
    /// Whether ReLU follows the layer.
    pub(super) relu: Vec<bool>,
}

/// Whether a layer is folded into the one before it.
pub(super) fn folds(op: &OpSpec) -> bool {
    matches!(op, OpSpec::BatchNorm | OpSpec::Relu)
}

/// Folds all that can be folded; what cannot is a problem, and is passed over.
pub(super) fn fold(spec: &Spec, names: &[String], links: &[Vec<Link>], problems: &mut Problems) -> Folded {
    let count = spec.layers.len();
    let mut folded = Folded {
        holder: (0..count).map(|layer| Some(Source::Node(layer))).collect(),
        batch_norm: vec![false; count],
        relu: vec![false; count],
    };
    let last = spec.layers.iter().rposition(|layer| !folds(&layer.op));
    for (index, layer) in spec.layers.iter().enumerate() {
        if folds(&layer.op) {
            let before = links[index].first().copied().flatten();
            folded.holder[index] = match before {
                Some(Source::Node(before)) => folded.holder[before],
                other => other,
            };
            if let Some(before) = before
                && let Err(problem) = folded.take(spec, names, links, index, before)
            {
                problems.add(index, problem);
            }
            continue;
        }
        let followed = readers(links, index).any(|reader| folds(&spec.layers[reader].op));
        let convolves =
            matches!(layer.op, OpSpec::Conv { .. } | OpSpec::Depthwise { .. } | OpSpec::Pointwise { .. });
        let usual = convolves && !followed && Some(index) != last;
        let (batch_norm, relu) = layer.op.written();
        folded.batch_norm[index] = batch_norm.unwrap_or(usual);
        folded.relu[index] = relu.unwrap_or(usual);
    }
    folded
}

impl Folded {
    /// Folds layer `index`, which reads `before`.
    fn take(
        &mut self,
        spec: &Spec,
        names: &[String],
        links: &[Vec<Link>],
        index: usize,
        before: Source,
    ) -> Result<(), Problem> {
        let me = quoted(&names[index]);
        let (before, host) = match (before, self.holder[index]) {
            (Source::Node(before), Some(Source::Node(host))) => (before, host),
            // An unknown name before has been reported.
            (_, None) => return Ok(()),
            _ => {
                let message = format!("layer {me} reads the image: there is no layer to fold it into");
                return Err(Problem::new(message).help(WHY));
            }
        };
        if let Some(other) = readers(links, before).find(|reader| *reader != index) {
            let (before, other) = (quoted(&names[before]), quoted(&names[other]));
            let message = format!("layer {me} cannot be folded into {before}, which {other} also reads");
            return Err(Problem::new(message).help(WHY));
        }
        let (host_name, op) = (name(names, Source::Node(host)), &spec.layers[host].op);
        let convolves = matches!(
            op,
            OpSpec::Conv { .. } | OpSpec::Depthwise { .. } | OpSpec::Pointwise { .. } | OpSpec::Linear { .. }
        );
        let refuse = |message: String, help: &str| Err(Problem::new(message).help(help));
        if spec.layers[index].op == OpSpec::BatchNorm {
            if !convolves {
                let message = format!("layer {me} follows {host_name}, whose operator is {}", op.name());
                return refuse(
                    message,
                    "batch norm can be folded into conv, depthwise, pointwise and linear layers only",
                );
            }
            if self.relu[host] {
                let message =
                    format!("layer {me} cannot be folded into {host_name}: a ReLU stands between them");
                return refuse(message, "put batch norm before ReLU");
            }
            if self.batch_norm[host] {
                return refuse(
                    format!("layer {me} is a second batch norm of {host_name}"),
                    "remove one of them",
                );
            }
            self.batch_norm[host] = true;
        } else {
            if !convolves && !matches!(op, OpSpec::Add { .. }) {
                let message = format!("layer {me} follows {host_name}, whose operator is {}", op.name());
                return refuse(
                    message,
                    "ReLU can be folded into conv, depthwise, pointwise, linear and add layers only: put it \
                     before the pool or the flatten",
                );
            }
            if self.relu[host] {
                return refuse(format!("layer {me} is a second ReLU of {host_name}"), "remove one of them");
            }
            self.relu[host] = true;
        }
        Ok(())
    }
}

fn readers(links: &[Vec<Link>], layer: usize) -> impl Iterator<Item = usize> {
    let reads = move |inputs: &Vec<Link>| inputs.contains(&Some(Source::Node(layer)));
    links.iter().enumerate().filter(move |(_, inputs)| reads(inputs)).map(|(reader, _)| reader)
}
