//! Whether the network in an artifact is the one that Cargo.toml describes, whatever its fingerprint says.

use mixq_format::{Artifact, Bits, Stage, Tensor};

use crate::config::Model;
use crate::graph::op::Output;
use crate::graph::{Graph, Input, Inputs, Shape, Window};
use crate::memory::{Allocation, PlacedTensor};
use crate::settings::Scheme;
use crate::task::rules;

/// Differences that are listed.
const SHOWN: usize = 4;

/// What differs between the network in an artifact and that of a model, each in words; none: it is the same.
///
/// `allocation` is what the model's policy gives; with policy `sensitivity` the bits depend on what training
/// has found, and those of the artifact are taken.
pub fn differences(
    artifact: &Artifact,
    model: &Model,
    graph: &Graph,
    allocation: Option<&Allocation>,
) -> Vec<String> {
    let mut found = of_interface(artifact, model, graph);
    let steps: Vec<usize> = match allocation {
        Some(allocation) => allocation.schedule.steps.iter().map(|step| step.node).collect(),
        None => {
            let is_step = |node: &usize| graph.nodes[*node].op.output() != Output::InputTensor;
            (0..graph.nodes.len()).filter(is_step).collect()
        }
    };
    let layers = artifact.header.layers.len();
    if layers != steps.len() {
        found.push(format!("it has {layers} layers, the network {}", steps.len()));
    }
    if found.is_empty() {
        let own = || of_artifact(artifact, graph, &steps, model.scheme);
        match allocation.cloned().or_else(own) {
            Some(allocation) => {
                found.extend(of_layers(artifact, graph, &allocation));
                if found.is_empty() {
                    found.extend(of_memory(artifact, model, &allocation));
                }
            }
            None => found.push("it is executed in stages that the network does not have".to_string()),
        }
    }
    let more = found.len().saturating_sub(SHOWN);
    found.truncate(SHOWN);
    if more > 0 {
        found.push(format!("and {more} more"));
    }
    found
}

/// What firmware and datasets see of it.
fn of_interface(artifact: &Artifact, model: &Model, graph: &Graph) -> Vec<String> {
    let header = &artifact.header;
    let mut found = Vec::new();
    let inputs = header.all_inputs().into_iter().map(|(tensor, _)| shape(tensor));
    let own = Inputs::new(header.input_names().into_iter().map(String::from).zip(inputs));
    let is_same = |(own, other): (&Input, &Input)| {
        own.shape == other.shape && (own.name == other.name || !graph.inputs.are_several())
    };
    if own.len() != graph.inputs.len() || !own.iter().zip(graph.inputs.iter()).all(is_same) {
        let is_one = !own.are_several() && !graph.inputs.are_several();
        let other = if is_one { graph.input().to_string() } else { graph.inputs.describe() };
        found.push(format!("it takes {}, the network {other}", own.describe()));
    }
    let task = model.dataset.task;
    if header.task != task {
        found.push(format!("its task is {}, in Cargo.toml {}", header.task.name(), task.name()));
        return found;
    }
    let labels = model.dataset.labels.as_deref();
    found.extend(rules(task).differences(header, graph.outputs(), labels));
    found
}

/// The allocation that an artifact with the right number of layers has come to.
fn of_artifact(artifact: &Artifact, graph: &Graph, steps: &[usize], scheme: Scheme) -> Option<Allocation> {
    let mut weights = vec![None; graph.nodes.len()];
    let mut activations = vec![Bits::B8; graph.nodes.len()];
    for (named, &node) in artifact.header.layers.iter().zip(steps) {
        activations[node] = named.layer.output().bits;
        if graph.nodes[node].op.weighted() {
            weights[node] = Some(named.layer.weights().map_or(Bits::B8, |(.., bits)| bits));
        }
    }
    Allocation::with_stages(graph, scheme, weights, &activations, &artifact.header.stages)
}

fn of_layers(artifact: &Artifact, graph: &Graph, allocation: &Allocation) -> Vec<String> {
    let schedule = &allocation.schedule;
    let mut found = Vec::new();
    for (named, step) in artifact.header.layers.iter().zip(&schedule.steps) {
        let (layer, node) = (&named.layer, &graph.nodes[step.node]);
        let name = &named.name;
        if *name != node.name {
            found.push(format!("layer `{name}` is called `{}` in the network", node.name));
        }
        let (own, other) = (layer.window().map(rows), node.op.window().map(pixels));
        if layer.kind() != node.op.kind() {
            found.push(format!("layer `{name}` is not a {} as in the network", node.op.kind()));
            continue;
        }
        if own != other {
            found.push(format!("layer `{name}` has another stride or padding than in the network"));
        }
        let macs = graph.macs(step.node);
        if named.macs != macs {
            found.push(format!("layer `{name}` has {} multiplications, in the network {macs}", named.macs));
        }
        let inputs = layer.inputs().zip(&step.inputs);
        for (tensor, &index) in inputs.chain([(layer.output(), &step.output)]) {
            let PlacedTensor { shape: other, bits, .. } = allocation.tensors[index];
            let own = shape(tensor);
            if own != other {
                found.push(format!("layer `{name}` has a tensor of {own}, in the network {other}"));
            } else if tensor.bits != bits {
                let (own, bits) = (tensor.bits.count(), bits.count());
                found.push(format!("layer `{name}` has a tensor of {own} bits, by the budget {bits}"));
            }
        }
        let weights = layer.weights().map(|(.., bits)| bits.count());
        let planned = allocation.weights[step.node].map(Bits::count);
        if let (Some(own), Some(bits)) = (weights, planned)
            && own != bits
        {
            found.push(format!("layer `{name}` has weights of {own} bits, by the budget {bits}"));
        }
    }
    found
}

fn of_memory(artifact: &Artifact, model: &Model, allocation: &Allocation) -> Vec<String> {
    let budget = artifact.header.budget;
    let figures = [
        ("flash", "budget.flash", artifact.flash_bytes(), allocation.flash, model.flash, budget.flash),
        ("RAM", "budget.ram", artifact.ram_bytes(), allocation.ram, model.ram, budget.ram),
    ];
    let mut found = Vec::new();
    let stages: Vec<Stage> = allocation.stages.iter().map(|stripes| stripes.stage).collect();
    if artifact.header.stages != stages {
        found.push("other layers are executed in stripes than by the plan".to_string());
    }
    for (named, step) in artifact.header.layers.iter().zip(&allocation.schedule.steps) {
        let tensors = named.layer.inputs().chain([named.layer.output()]);
        let planned = step.inputs.iter().chain([&step.output]);
        if tensors.zip(planned).any(|(own, &tensor)| own.offset as usize != allocation.tensors[tensor].offset)
        {
            found.push(format!("layer `{}` has a tensor at another place than by the plan", named.name));
        }
    }
    for (what, key, own, planned, most, stated) in figures {
        let own = own as u64;
        if own != planned {
            found.push(format!("it takes {own} B of {what}, by the plan {planned} B"));
        }
        if own > most {
            found.push(format!("it takes {own} B of {what}, the budget is {most} B"));
        }
        // The model's own budget may be another one by now: that is for the fingerprint to say.
        if artifact.header.fingerprint.get(key) != Some(&stated.to_string()) {
            found.push(format!(
                "it was made for {stated} B of {what}, which is not what its fingerprint says"
            ));
        }
    }
    found
}

fn shape(tensor: &Tensor) -> Shape {
    let Tensor { height, width, channels, .. } = *tensor;
    Shape { height: height.into(), width: width.into(), channels: channels.into() }
}

/// Kernel, stride, padding at top and left.
fn rows(window: &mixq_format::Window) -> [usize; 6] {
    let mixq_format::Window { kernel_height, kernel_width, stride_height, stride_width, pad_top, pad_left } =
        *window;
    [kernel_height, kernel_width, stride_height, stride_width, pad_top, pad_left].map(usize::from)
}

/// The same of the network.
fn pixels(window: &Window) -> [usize; 6] {
    let Window { kernel, stride, padding } = *window;
    [kernel[0], kernel[1], stride[0], stride[1], padding[0], padding[2]]
}
