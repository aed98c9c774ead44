//! From layers whose shapes are known to nodes. Some layers are more than one node.

use std::collections::{HashMap, HashSet};

use super::fold::Folded;
use super::layer::Draft;
use super::op::{AveragePool, AveragePoolSpec, Elementwise, OpSpec, Rearrange, Reshape, TransposedConvSpec};
use super::{Activation, Graph, Inputs, NamedOutput, Node, Op, Shape, Source, Spec, Window, rules};

/// The network, once nothing is wrong with it.
pub(super) fn assemble(
    spec: &Spec,
    names: Vec<String>,
    folded: &Folded,
    drafts: Vec<Option<Draft>>,
) -> Graph {
    let offered = rules::offered(spec, &names, folded);
    let taken: HashSet<String> = names.iter().cloned().collect();
    let mut nodes: Vec<Node> = Vec::new();
    let mut place = HashMap::new();
    for (layer, (draft, name)) in drafts.into_iter().zip(names).enumerate() {
        let Some((draft, (op, output))) = draft.and_then(|draft| draft.shaped.map(|shaped| (draft, shaped)))
        else {
            continue;
        };
        let inputs = draft.inputs.into_iter().flatten().map(|source| match source {
            Source::Input(input) => Source::Input(input),
            Source::Node(layer) => Source::Node(place[&layer]),
        });
        let mut inputs: Vec<Source> = inputs.collect();
        let mut op = op;
        if let Op::Rearrange(Rearrange::Join { .. }) = op {
            (op, inputs) = join(&name, &taken, inputs, output, &mut nodes);
        }
        if let OpSpec::TransposedConv(transposed) = spec.layers[layer].op {
            inputs = spread(transposed, &name, &taken, &inputs, &mut nodes);
        }
        if let OpSpec::Reshape(reshape) = spec.layers[layer].op {
            inputs = between(reshape, &name, &taken, inputs, &mut nodes);
        }
        if let Op::Multiply(_) = op {
            // The pixel that multiplies each comes second.
            let shape = |source: Source| match source {
                Source::Input(input) => spec.inputs[input].shape,
                Source::Node(node) => nodes[node].output,
            };
            inputs.sort_by_key(|source| shape(*source) != output);
        }
        if let (OpSpec::AveragePool(AveragePoolSpec { count_padding: true, .. }), Op::AveragePool(pool)) =
            (spec.layers[layer].op, op)
        {
            (op, inputs) = pad(free_name(format!("{name}.pad"), &taken), pool.window, inputs, &mut nodes);
        }
        let (activation, function) = match draft.activation {
            Activation::Function(function) => (Activation::None, Some(function)),
            other => (other, None),
        };
        nodes.push(Node { name: name.clone(), op, norm: draft.norm, activation, inputs, output });
        if let Some(function) = function {
            // Who reads the layer reads what the function makes of it.
            let inputs = vec![Source::Node(nodes.len() - 1)];
            let name = free_name(format!("{name}.{}", function.name()), &taken);
            let op = Op::Elementwise(Elementwise { function });
            nodes.push(Node { name, op, norm: false, activation: Activation::None, inputs, output });
        }
        place.insert(layer, nodes.len() - 1);
    }
    let inputs = Inputs::new(spec.inputs.iter().map(|input| (input.name.clone(), input.shape)));
    let mut graph = Graph { inputs, nodes, outputs: Vec::new() };
    graph.outputs = (offered.into_iter())
        .map(|(name, layer)| {
            let node = match graph.storage(Source::Node(place[&layer])) {
                Source::Node(node) => node,
                Source::Input(_) => unreachable!("an output is computed"),
            };
            NamedOutput { name, node }
        })
        .collect();
    graph
}

/// Adds all parts of a concatenation but the last one, each a node that writes behind the channels of the
/// part before, in its place. What the last part computes and reads.
fn join(
    name: &str,
    taken: &HashSet<String>,
    joined: Vec<Source>,
    output: Shape,
    nodes: &mut Vec<Node>,
) -> (Op, Vec<Source>) {
    let (mut first, mut before) = (0, None);
    let last = joined.len() - 1;
    for (index, source) in joined.into_iter().enumerate() {
        let op = Op::Rearrange(Rearrange::Join { first });
        let inputs: Vec<Source> = std::iter::once(source).chain(before).collect();
        if index == last {
            return (op, inputs);
        }
        first += match source {
            Source::Input(_) => unreachable!("a concatenation does not read an input"),
            Source::Node(node) => nodes[node].output.channels,
        };
        before = Some(Source::Node(nodes.len()));
        let name = free_name(format!("{name}.{}", index + 1), taken);
        nodes.push(Node { name, op, norm: false, activation: Activation::None, inputs, output });
    }
    unreachable!("a concatenation has inputs")
}

/// Adds the node that puts zeros between the pixels of what a transposed convolution reads, unless its stride
/// is 1. What the convolution reads then.
fn spread(
    transposed: TransposedConvSpec,
    name: &str,
    taken: &HashSet<String>,
    inputs: &[Source],
    nodes: &mut Vec<Node>,
) -> Vec<Source> {
    let [Source::Node(before)] = *inputs else { unreachable!("it reads one layer") };
    if transposed.stride == [1, 1] {
        return inputs.to_vec();
    }
    let op = Op::Rearrange(Rearrange::Spread { stride: transposed.stride });
    let (name, output) =
        (free_name(format!("{name}.spread"), taken), transposed.spread(nodes[before].output));
    nodes.push(Node { name, op, norm: false, activation: Activation::None, inputs: inputs.to_vec(), output });
    vec![Source::Node(nodes.len() - 1)]
}

/// Adds the node of the shape that a reshape needs on the way. What the reshape reads then.
fn between(
    reshape: Reshape,
    name: &str,
    taken: &HashSet<String>,
    inputs: Vec<Source>,
    nodes: &mut Vec<Node>,
) -> Vec<Source> {
    let [Source::Node(before)] = inputs[..] else { unreachable!("it reads one layer") };
    let Some(output) = reshape.between(nodes[before].output) else { return inputs };
    let (name, op) = (free_name(format!("{name}.parts"), taken), Op::Rearrange(Rearrange::Reshape));
    nodes.push(Node { name, op, norm: false, activation: Activation::None, inputs, output });
    vec![Source::Node(nodes.len() - 1)]
}

/// Adds a node that pads for an average pool, in which padding counts. What the pool computes and reads.
fn pad(name: String, window: Window, inputs: Vec<Source>, nodes: &mut Vec<Node>) -> (Op, Vec<Source>) {
    let padding = window.padding;
    let (Source::Node(before), true) = (inputs[0], padding != [0; 4]) else {
        return (Op::AveragePool(AveragePool { window }), inputs);
    };
    let (op, output) = (Op::Rearrange(Rearrange::Pad { padding }), nodes[before].output.padded(padding));
    nodes.push(Node { name, op, norm: false, activation: Activation::None, inputs, output });
    let window = Window { padding: [0; 4], ..window };
    (Op::AveragePool(AveragePool { window }), vec![Source::Node(nodes.len() - 1)])
}

/// A name that no layer has: this one, or this one with a prime.
fn free_name(name: String, taken: &HashSet<String>) -> String {
    if taken.contains(&name) { free_name(name + "'", taken) } else { name }
}
