//! Quantisation after training, where no epochs with fake quantisation follow: layer after layer, each for
//! what the quantised layers before it make of the images.

use tch::{Kind, Tensor};

use super::batches::within_memory;
use super::correct::Fit;
use super::forward::Mode;
use super::model::Model;
use super::rounding;
use super::state::copies;
use super::value::Values;
use super::views::Views;
use crate::graph::{Graph, Source};

/// The most numbers of each network that are in memory at a time.
const MOST_ELEMENTS: usize = 1 << 28;

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
pub fn quantise(model: &mut Model<'_>, views: &Views<'_>) {
    quantise_within(model, views, MOST_ELEMENTS);
}

/// The same with at most `memory` numbers of each network in memory, or those of one image.
pub fn quantise_within(model: &mut Model<'_>, views: &Views<'_>, memory: usize) {
    let float = model.with_tensors(copies(&model.tensors));
    let counts = counts(model.graph, views, memory);
    let (mut pairs, mut held): (Vec<Pair>, usize) = (Vec::new(), 0);
    tch::no_grad(|| {
        for (node, count) in counts.into_iter().enumerate() {
            while held < count {
                let first = held;
                let more = first..count.min(first + within_memory(model.graph, views.len()));
                let more = views.of_different_images(more);
                held = more.end;
                let images = views.batch(more, &model.form());
                let mut pair =
                    Pair { float: float.begin(&images, FLOAT), quantised: model.begin(&images, QUANTISED) };
                (0..node).for_each(|before| pair.step(model, &float, before));
                pairs.push(pair);
            }
            if model.graph.nodes[node].op.accumulates() {
                layer(model, &float, node, &pairs, views.reconstruct);
            }
            pairs.iter_mut().for_each(|pair| pair.step(model, &float, node));
        }
    });
}

impl Pair {
    /// Appends what a node writes.
    fn step(&mut self, model: &Model<'_>, float: &Model<'_>, node: usize) {
        float.step_forward(node, &mut self.float, FLOAT, &mut |_, _| ());
        model.step_forward(node, &mut self.quantised, QUANTISED, &mut |_, _| ());
    }
}

/// By node: how many views are in memory from there on. The first layers of large images have few: they have
/// a row of values for each pixel. Later tensors are smaller, and more images fit.
fn counts(graph: &Graph, views: &Views<'_>, memory: usize) -> Vec<usize> {
    let wanted = views.len();
    let last_reader = |node: usize| graph.readers(Source::Node(node)).last().copied().unwrap_or(node);
    let elements = |node: usize| graph.nodes[node].output.elements();
    let readers = |input: usize| graph.readers(Source::Input(input));
    let last_reads = (0..graph.inputs.iter().count()).flat_map(readers).max().unwrap_or(0);
    // Without reconstruction there is room for inputs all the time: the same weights come of the same images
    // as when they stayed in memory.
    let inputs = |node: usize| {
        if views.reconstruct && node > last_reads { 0 } else { graph.inputs.elements() }
    };
    let at = |node: usize| {
        let read_later = (0..node).filter(|before| last_reader(*before) >= node);
        inputs(node) + elements(node) + read_later.map(elements).sum::<usize>()
    };
    let mut counts: Vec<usize> = Vec::new();
    for node in (0..graph.nodes.len()).rev() {
        let fits = (memory / at(node).max(1)).clamp(1, wanted.max(1));
        counts.push(counts.last().map_or(fits, |later| fits.min(*later)));
    }
    counts.reverse();
    counts
}

/// The same without images: weights have the grids with the least error.
pub fn quantise_without_data(model: &mut Model<'_>) {
    tch::no_grad(|| {
        for node in 0..model.graph.nodes.len() {
            if model.graph.nodes[node].op.accumulates() {
                rounding::round(model, node, &[], None);
            }
        }
    });
}

/// Quantises one layer with weights, whose inputs are known.
fn layer(model: &mut Model<'_>, float: &Model<'_>, node: usize, pairs: &[Pair], reconstruct: bool) {
    let source = model.graph.nodes[node].inputs[0];
    let inputs: Vec<_> = pairs.iter().map(|pair| pair.quantised.of(source)).collect();
    let lacking = reconstruct.then(|| lacking(model, float, node, pairs));
    rounding::round(model, node, &inputs, lacking.as_deref());
    let mut fit = Fit::default();
    for Pair { float: exact, quantised } in pairs {
        let wanted = float.weighted_sums(node, exact.of(source), FLOAT, None);
        let found = model.weighted_sums(node, quantised.of(source), QUANTISED, None);
        fit.add(&wanted, &found);
    }
    fit.correct(model, node);
}

/// By how much a layer's outputs are too small with float weights, since its inputs are quantised: for each
/// pair `[n, channels, height, width]`, in the units of the sums of its weights.
fn lacking(model: &Model<'_>, float: &Model<'_>, node: usize, pairs: &[Pair]) -> Vec<Tensor> {
    let source = model.graph.nodes[node].inputs[0];
    // Batch norm multiplies sums, unless its factor is in the weights.
    let factor = model.norm_factor(node, Kind::Float).filter(|_| model.folded_factor(node).is_none());
    let factor = factor.map(|factor| factor.view([1, -1, 1, 1]));
    let lacks = |Pair { float: exact, quantised }: &Pair| {
        let wanted = float.weighted_sums(node, exact.of(source), FLOAT, None);
        let lacking = wanted - model.weighted_sums(node, quantised.of(source), FLOAT, None);
        match &factor {
            // What a factor of 0 multiplies is never seen.
            Some(factor) => (lacking / factor).nan_to_num(0.0, 0.0, 0.0),
            None => lacking,
        }
    };
    pairs.iter().map(lacks).collect()
}
