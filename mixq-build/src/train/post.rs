//! Quantisation after training, where no epochs with fake quantisation follow: layer after layer, each for
//! what the quantised layers before it make of the images.

use super::batches::{batch, within_memory};
use super::correct::Fit;
use super::forward::Mode;
use super::images::Images;
use super::model::Model;
use super::rounding;
use super::state::copies;
use super::value::Values;

/// The most images that it learns from.
const IMAGES: usize = 512;

/// The most batches that are in memory at a time, as large as [`within_memory`] says.
const BATCHES: usize = 4;

/// The float network as it was trained.
const FLOAT: Mode = Mode { quantised: false, batch_statistics: false };

/// The network on its grids.
const QUANTISED: Mode = Mode { quantised: true, batch_statistics: false };

/// What both networks make of some images, up to a layer.
struct Pair {
    float: Values,
    quantised: Values,
}

/// Gives the weights of a calibrated model the codes that lose least on these images, and their layers the
/// factors and summands that make up for the rest, so that it answers as it does in floats before.
pub fn quantise(model: &mut Model<'_>, train: &Images<'_>) {
    let float = model.with_tensors(copies(&model.tensors));
    let size = within_memory(model.graph, IMAGES);
    let indices: Vec<usize> = (0..train.len().min(IMAGES)).collect();
    tch::no_grad(|| {
        let mut pairs: Vec<Pair> = (indices.chunks(size).take(BATCHES))
            .map(|indices| {
                let (images, _) = batch(train, indices, &model.form());
                Pair { float: float.begin(&images, FLOAT), quantised: model.begin(&images, QUANTISED) }
            })
            .collect();
        for node in 0..model.graph.nodes.len() {
            if model.graph.nodes[node].op.accumulates() {
                layer(model, &float, node, &pairs);
            }
            for Pair { float: exact, quantised } in &mut pairs {
                float.step_forward(node, exact, FLOAT, &mut |_, _| ());
                model.step_forward(node, quantised, QUANTISED, &mut |_, _| ());
            }
        }
    });
}

/// The same without images: weights have the grids with the least error.
pub fn quantise_without_data(model: &mut Model<'_>) {
    tch::no_grad(|| {
        for node in 0..model.graph.nodes.len() {
            if model.graph.nodes[node].op.accumulates() {
                rounding::round(model, node, &[]);
            }
        }
    });
}

/// Quantises one layer with weights, whose inputs are known.
fn layer(model: &mut Model<'_>, float: &Model<'_>, node: usize, pairs: &[Pair]) {
    let source = model.graph.nodes[node].inputs[0];
    let inputs: Vec<_> = pairs.iter().map(|pair| pair.quantised.of(source)).collect();
    rounding::round(model, node, &inputs);
    let mut fit = Fit::default();
    for Pair { float: exact, quantised } in pairs {
        let wanted = float.weighted_sums(node, exact.of(source), FLOAT, None);
        let found = model.weighted_sums(node, quantised.of(source), QUANTISED, None);
        fit.add(&wanted, &found);
    }
    fit.correct(model, node);
}
