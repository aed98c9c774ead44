//! The rules that a network as a whole must keep.

use crate::error::Problem;
use crate::task::{LastLayer, Task, rules};

use super::layer::Draft;
use super::op::{Elementwise, Op};
use super::resolve::{Problems, quoted};
use super::shape::{LARGEST, MOST};
use super::{Activation, Shape, Source};

/// Whether a tensor has more than the device can count.
pub(super) fn too_large(Shape { height, width, channels }: Shape) -> bool {
    let sides = [height, width, channels];
    sides.iter().any(|side| *side > LARGEST) || sides.iter().map(|side| *side as u64).product::<u64>() > MOST
}

/// The image must be a tensor.
pub(super) fn image(shape: Shape) -> Result<(), Problem> {
    if shape.height == 0 || shape.width == 0 || shape.channels == 0 || too_large(shape) {
        let help = "height, width and channels are each 1 to 65,535, all elements at most 4,294,967,295";
        return Err(Problem::new(format!("the image is {shape}")).help(help));
    }
    Ok(())
}

/// Every output but the last must be read.
pub(super) fn unread(nodes: &[Option<Draft>], names: &[String], problems: &mut Problems) {
    let last = nodes.iter().rposition(Option::is_some);
    for (index, node) in nodes.iter().enumerate() {
        let Some(node) = node else { continue };
        let mut drafts = nodes.iter().flatten();
        if Some(index) == last || drafts.any(|other| other.inputs.contains(&Some(Source::Node(index)))) {
            continue;
        }
        let shape = node.shaped.map_or(String::new(), |(_, shape)| format!(" ({shape})"));
        let message = format!("no layer reads {}{shape}", quoted(&names[index]));
        problems
            .add(index, Problem::new(message).help("remove it, or name it in the `inputs` of a later layer"));
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
            Some(Some(Source::Image)) => {
                let message = format!("the last layer {} flattens the image", quoted(&names[index]));
                problems.add(index, Problem::new(message).help("add layers that compute something"));
                return;
            }
            Some(None) | None => return,
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
