//! The sensitivity of each tensor to fewer bits: the increase of the loss on training images when it alone is
//! quantised.

use tch::Tensor;

use super::batches::{batch, within_memory};
use super::calibrate::{set_bounds, set_weight_bounds};
use super::forward::Mode;
use super::group::Group;
use super::images::Images;
use super::model::{Model, Site, has_own_grid};
use super::part::Part;
use super::quantise::best_range;
use super::state::copies;
use crate::error::Problem;
use crate::memory::{Losses, WIDTHS};
use crate::task::{Batch, Fit, Rules};

/// Below all that can be told from the noise of the measurement.
const TRIFLE: f64 = 1e-9;

/// Measures all tensors of a trained float network, before QAT.
///
/// A decrease is noise of the measurement and counts as 0. Fewer bits count as worse than more, if by a
/// trifle: where the budget has room for bits that made no difference on these images, they are kept. Each
/// process of the group measures some of the layers.
///
/// # Errors
/// A process of the group is lost.
pub fn measure(
    rules: &dyn Rules,
    fit: &Fit,
    model: &mut Model<'_>,
    train: &Images<'_>,
    group: &mut Group,
) -> Result<Losses, Problem> {
    let nodes = model.graph.nodes.len();
    let mut losses = Losses { weights: vec![[0.0; 3]; nodes], activations: vec![[0.0; 3]; nodes] };
    let indices: Vec<usize> = (0..within_memory(model.graph, train.len())).collect();
    let (images, targets) = batch(train, &indices, &model.form());
    let targets = rules.tensor(Batch { images: &images[0], targets: &targets }, fit);
    let float = copies(&model.tensors);
    let own = group.run(nodes);
    tch::no_grad(|| {
        let mode = Mode { quantised: false, batch_statistics: false };
        let loss = |model: &Model<'_>| {
            rules.loss(&model.forward(&images, mode), &targets, fit, 0.0).double_value(&[])
        };
        let base = loss(model);
        let mut outputs: Vec<Option<Tensor>> = (0..nodes).map(|_| None).collect();
        let _ = model.forward_observed(&images, mode, &mut |node, output| {
            if has_own_grid(model.graph, node) {
                outputs[node] = Some(output.shallow_clone());
            }
        });
        for (node, output) in outputs.iter().enumerate().filter(|(node, _)| own.contains(node)) {
            for (index, bits) in WIDTHS.into_iter().enumerate() {
                if model.graph.nodes[node].op.weighted() {
                    if model.scheme.per_layer() {
                        set_weight_bounds(model, node, bits);
                    }
                    model.only = Some((Site::Weights(node), bits));
                    losses.weights[node][index] = (loss(model) - base).max(0.0);
                }
                if let Some(output) = output {
                    let relu = model.graph.nodes[node].starts_at_zero();
                    let (low, high) = best_range(output, relu, bits, model.rounding);
                    set_bounds(model, node, (Part::Low, low), (Part::High, high));
                    model.only = Some((Site::Output(node), bits));
                    losses.activations[node][index] = (loss(model) - base).max(0.0);
                }
            }
        }
    });
    model.only = None;
    model.tensors = float;
    join(&mut losses, group)?;
    for losses in losses.weights.iter_mut().chain(&mut losses.activations) {
        losses[1] = losses[1].max(losses[0]) + TRIFLE;
        losses[2] = losses[2].max(losses[1]) + TRIFLE;
    }
    Ok(losses)
}

/// Gives each process what the others have measured. All else is 0.
fn join(losses: &mut Losses, group: &mut Group) -> Result<(), Problem> {
    let all = |losses: &Losses| -> Vec<u8> {
        let numbers = losses.weights.iter().chain(&losses.activations).flatten();
        numbers.flat_map(|loss| loss.to_le_bytes()).collect()
    };
    for (rank, bytes) in group.gather(all(losses))?.into_iter().enumerate() {
        if rank == group.rank() {
            continue;
        }
        let numbers = losses.weights.iter_mut().chain(&mut losses.activations).flatten();
        let others = bytes.as_chunks::<8>().0.iter().map(|word| f64::from_le_bytes(*word));
        numbers.zip(others).for_each(|(loss, other)| *loss = loss.max(other));
    }
    Ok(())
}
