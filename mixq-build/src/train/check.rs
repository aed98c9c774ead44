//! What keeps a network from being trained with some images, or makes its training doubtful.

use std::path::Path;

use super::images::Images;
use crate::dataset::Dataset;
use crate::error::Problem;
use crate::graph::Graph;
use crate::settings::{Bounds, Training};
use crate::task::{Part, rules};
use crate::text::enumerate;

/// That some targets are rare, and what would help.
pub(super) fn imbalance(dataset: &Dataset, train: &Images<'_>) -> Option<String> {
    let part =
        Part { path: Path::new(""), targets: &train.targets(), labels: &dataset.labels, is_from_end: false };
    let found = rules(dataset.task).imbalance(&part)?;
    Some(format!(
        "{found}: the network may never answer what is rare; `class-weights = \"balanced\"` in its training \
         gives all the same weight, or add images"
    ))
}

/// A warning if a group is on both sides.
pub(super) fn mixed(dataset: &Dataset, train: &[usize], validation: &[usize]) -> Option<String> {
    let is_there = |image: &usize| train.iter().any(|other| dataset.groups[*other] == dataset.groups[*image]);
    (!dataset.groups.is_empty() && validation.first().is_some_and(is_there)).then(|| {
        "each class has one group of training images: validation images are of groups that are trained with, \
         and scores on them are too good; record more groups"
            .to_string()
    })
}

/// What a network needs that normalises single pixels.
pub(super) fn too_few_images(graph: &Graph, images: usize) -> Problem {
    let name = graph.normalises_single_pixels().map_or("", |node| &node.name);
    Problem::new(format!(
        "layer `{name}` has batch norm on a single pixel, which is trained with two images at a time or \
         more, but without the validation images {images} is left to train with"
    ))
    .help("add images, lower `validation`, or set batch_norm = false for this layer")
}

/// The inputs that are varied, and a warning if settings say that images are, and none can be.
///
/// A network with one input has it varied. Of several those are that are images: pixels, and more than one of
/// them. They move together, as a pair of cameras does, and so they must have one height and width.
pub(super) fn varied(dataset: &Dataset, settings: &Training) -> (Vec<usize>, Option<String>) {
    if !dataset.inputs.are_several() {
        return (vec![0], None);
    }
    let size = |input: usize| {
        let shape = dataset.inputs[input].image();
        [shape.height, shape.width]
    };
    let is_image = |input: &usize| dataset.samples[*input].is_empty() && size(*input) != [1, 1];
    let images: Vec<usize> = (0..dataset.inputs.len()).filter(is_image).collect();
    let Training { shift, rotation, zoom, flip, .. } = *settings;
    let turns = flip || rotation > 0.0 || zoom > 0.0;
    if images.iter().any(|image| size(*image) != size(images[0])) {
        let sizes: Vec<String> = (images.iter())
            .map(|image| format!("`{}` {}", dataset.inputs[*image].name, dataset.inputs[*image].shape))
            .collect();
        let warning = format!(
            "training images are not varied: their inputs differ in height and width ({}), and would not \
             move alike; set shift = 0 in `training` if that is meant",
            enumerate(&sizes)
        );
        return (Vec::new(), (turns || shift > 0).then_some(warning));
    }
    let warning = (images.is_empty() && turns).then(|| {
        "`flip`, `rotation` and `zoom` vary images, but no input of the network is one: it reads vectors and \
         samples, which stay as they are"
            .to_string()
    });
    (images, warning)
}

/// Layers make up for each other where they are quantised one after the other by images.
pub(super) fn can_reconstruct(
    settings: &Training,
    with_weights: bool,
    synthetic: bool,
) -> Result<(), Problem> {
    if settings.reconstruct == 0 {
        return Ok(());
    }
    let (reason, help) = if synthetic {
        ("there is no `dataset` that has some", "name a `dataset`; its images need no labels")
    } else if settings.bounds == Bounds::Six {
        ("`bounds = \"six\"` leaves that out", "leave out `bounds`, or `reconstruct`")
    } else if !settings.quantises_layers(with_weights) {
        (
            "this one is trained at its bits from where the float training ended",
            "leave out `reconstruct`, or set quantised-epochs = 0",
        )
    } else {
        return Ok(());
    };
    let views = settings.reconstruct;
    let message = format!(
        "`reconstruct = {views}` is for a network that is quantised layer after layer by images: {reason}"
    );
    Err(Problem::new(message).help(help))
}

/// The names of the nodes that the last layer does not depend on.
pub(super) fn aside(graph: &Graph) -> Vec<&str> {
    graph.aside().into_iter().map(|node| &node.name[..]).collect()
}

/// Only what the last layer depends on learns from targets.
pub(super) fn can_be_trained(graph: &Graph) -> Result<(), Problem> {
    let names: Vec<String> = graph
        .aside()
        .into_iter()
        .filter(|node| node.op.weighted())
        .map(|node| format!("`{}`", node.name))
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    let message = format!(
        "the last layer does not depend on {}, and only its output has targets: nothing would train them",
        enumerate(&names)
    );
    let help = "give the network trained `weights`, or let the last layer read them";
    Err(Problem::new(message).help(help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_reconstructed_is_refused() {
        let refused = |change: &dyn Fn(&mut Training), with_weights, synthetic| {
            let mut settings = Training { reconstruct: 2, quantised_epochs: 0, ..Training::default() };
            change(&mut settings);
            can_reconstruct(&settings, with_weights, synthetic).err().map(|problem| problem.to_string())
        };
        let with = |reason: &str| {
            let start = "`reconstruct = 2` is for a network that is quantised layer after layer by images";
            Some(format!("{start}: {reason}"))
        };
        assert_eq!(refused(&|_| (), false, false), None);
        assert_eq!(refused(&|settings| settings.quantised_epochs = 3, true, false), None);
        assert_eq!(
            refused(&|settings| settings.quantised_epochs = 3, false, false),
            with(
                "this one is trained at its bits from where the float training ended; leave out \
                 `reconstruct`, or set quantised-epochs = 0"
            )
        );
        assert_eq!(
            refused(&|settings| settings.bounds = Bounds::Six, true, false),
            with("`bounds = \"six\"` leaves that out; leave out `bounds`, or `reconstruct`")
        );
        assert_eq!(
            refused(&|_| (), true, true),
            with("there is no `dataset` that has some; name a `dataset`; its images need no labels")
        );
        assert_eq!(refused(&|settings| settings.reconstruct = 0, true, true), None);
    }
}
