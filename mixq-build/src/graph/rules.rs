//! The rules that a network as a whole must keep.

use mixq_format::is_identifier;

use crate::error::{Error, Problem};
use crate::task::{LastLayer, Task, rules};

use super::fold::Folded;
use super::layer::Draft;
use super::op::{Elementwise, Op};
use super::resolve::{Link, Problems, quoted};
use super::shape::{LARGEST, MOST};
use super::{Activation, InputSpec, Shape, Source, Spec};

/// Whether a tensor has more than the device can count.
pub(super) fn too_large(Shape { height, width, channels }: Shape) -> bool {
    let sides = [height, width, channels];
    sides.iter().any(|side| *side > LARGEST) || sides.iter().map(|side| *side as u64).product::<u64>() > MOST
}

/// Inputs must be tensors, and each of several has a name of its own, which Rust can have.
pub(super) fn inputs(spec: &Spec, task: Task) -> Result<(), Error> {
    let mut problems = Vec::new();
    for (index, InputSpec { name, shape, location }) in spec.inputs.iter().enumerate() {
        let mut wrong = |message: String, help: &str| {
            let problem = Problem::new(message).help(help);
            problems.push(Problem { location: location.clone(), ..problem });
        };
        let me = spec.describe_input(index);
        if [shape.height, shape.width, shape.channels].contains(&0) || too_large(*shape) {
            let help = "height, width and channels are each 1 to 65,535, all elements at most 4,294,967,295";
            wrong(format!("{me} is {shape}"), help);
        }
        if !is_identifier(name) {
            let help = "use lower-case letters, digits and underscores, and begin with a letter";
            wrong(format!("{me} has a name that cannot be one in Rust"), help);
        }
        if spec.inputs[..index].iter().any(|other| other.name == *name) {
            wrong(format!("two inputs have the name {}", quoted(name)), "give one of them another name");
        }
    }
    if let (Task::Reconstruction, [_, second, ..]) = (task, &spec.inputs[..]) {
        let message = format!("a reconstruction has one input, but the network has {}", spec.inputs.len());
        let problem = Problem::new(message).help("its outputs are compared with what it reads");
        problems.push(Problem { location: second.location.clone(), ..problem });
    }
    if problems.is_empty() { Ok(()) } else { Err(Error { problems }) }
}

/// The inputs that no layer reads.
pub(super) fn unread_inputs(spec: &Spec, links: &[Vec<Link>]) -> Vec<Problem> {
    let is_read = |input: usize| links.iter().any(|links| links.contains(&Some(Source::Input(input))));
    let unread = (0..spec.inputs.len()).filter(|input| !is_read(*input));
    unread
        .map(|input| {
            let message = format!("no layer reads {}", spec.describe_input(input));
            let name = &spec.inputs[input].name;
            let help = format!("name it in a layer, inputs = [\"{name}\"], or remove it");
            let location = spec.inputs[input].location.clone();
            Problem { location, ..Problem::new(message).help(help) }
        })
        .collect()
}

/// Something must become of what a layer writes: a layer reads it, or it is an output.
pub(super) fn unread(
    spec: &Spec,
    nodes: &[Option<Draft>],
    names: &[String],
    folded: &Folded,
    problems: &mut Problems,
) {
    let offered = offered(spec, names, folded);
    let last = nodes.iter().rposition(Option::is_some);
    for (index, node) in nodes.iter().enumerate() {
        let Some(node) = node else { continue };
        let mut drafts = nodes.iter().flatten();
        let is_output = offered.iter().any(|(_, holder)| *holder == index);
        let is_needed = is_output || Some(index) == last;
        if is_needed || drafts.any(|other| other.inputs.contains(&Some(Source::Node(index)))) {
            continue;
        }
        let shape = node.shaped.map_or(String::new(), |(_, shape)| format!(" ({shape})"));
        let message = format!("no layer reads {}{shape}", quoted(&names[index]));
        problems
            .add(index, Problem::new(message).help("remove it, or name it in the `inputs` of a later layer"));
    }
}

/// The outputs of a network that has several, each with the layer that holds it: first the last layer's.
pub(super) fn offered(spec: &Spec, names: &[String], folded: &Folded) -> Vec<(String, usize)> {
    let last = spec.layers.len() - 1;
    let others = (0..last).filter(|layer| spec.layers[*layer].is_output);
    let mut offered: Vec<(String, usize)> = std::iter::once(last)
        .chain(others)
        .filter_map(|layer| match folded.holder[layer]? {
            Source::Node(holder) => Some((names[layer].clone(), holder)),
            Source::Input(_) => None,
        })
        .collect();
    if offered.len() < 2 {
        offered.clear();
    }
    offered
}

/// Outputs have names that Rust can have, and are there when all is done.
pub(super) fn outputs(spec: &Spec, names: &[String], folded: &Folded, problems: &mut Problems) {
    let offered = offered(spec, names, folded);
    for (index, (name, holder)) in offered.iter().enumerate() {
        let layer = names.iter().position(|other| other == name).unwrap_or(0);
        let me = quoted(name);
        if !is_identifier(name) {
            let message = format!("layer {me} is an output, and its name becomes one in Rust");
            let help = "use lower-case letters, digits and underscores, and begin with a letter";
            problems.add(layer, Problem::new(message).help(help));
        }
        // What is folded into a layer changes what it writes.
        let is_folded =
            |other: &usize| !folded.pads[*other] && folded.holder[*other] == Some(Source::Node(*holder));
        let later = (layer + 1..names.len()).find(is_folded);
        if let Some(later) = later {
            let other = quoted(&names[later]);
            let message = format!("layer {me} is an output, but {other} is folded into it");
            let help = if index > 0 && later == names.len() - 1 {
                "leave `output` out: what the last layer writes is an output".to_string()
            } else {
                format!("put output = true into {other}")
            };
            problems.add(layer, Problem::new(message).help(help));
        }
    }
}

/// The last layer must be one of the task.
pub(super) fn last(
    task: Task,
    image: Shape,
    nodes: &[Option<Draft>],
    names: &[String],
    problems: &mut Problems,
) {
    let Some(mut index) = nodes.iter().rposition(Option::is_some) else { return };
    // A flatten moves nothing: the output is the tensor that it reads.
    while let Some(Draft { shaped: Some((Op::Flatten(_), _)), inputs, .. }) = &nodes[index] {
        index = match inputs.first() {
            Some(Some(Source::Node(before))) => *before,
            // That a flatten does not read the image is another rule.
            Some(Some(Source::Input(_)) | None) | None => return,
        };
    }
    let Some(Draft { shaped: Some((op, shape)), activation, .. }) = &nodes[index] else { return };
    let function =
        if let Op::Elementwise(Elementwise { function }) = op { Some(function.name()) } else { None };
    let layer = LastLayer {
        name: &quoted(&names[index]),
        input: [image.height, image.width, image.channels],
        output: [shape.height, shape.width, shape.channels],
        activation: function.or((*activation != Activation::None).then(|| activation.name())),
    };
    rules(task).last_layer(&layer).into_iter().for_each(|problem| problems.add(index, problem));
}
