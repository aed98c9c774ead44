//! Memory model `paper`: what arXiv 1905.13082 and its authors' program count, to reproduce them.
//!
//! A chain of weighted layers; flash is packed weights (in bits, unrounded) and the parameters of table 1;
//! RAM is input and output of the layer that runs, logits at 8 bits.

use mixq_format::Bits;

use super::rules::{DeadEnd, Side, Step, cut_activations, cut_weights};
use crate::settings::Scheme;

/// A weighted layer of a chain; all in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LayerSize {
    /// Elements that it reads.
    pub inputs: u64,
    /// Elements that it writes.
    pub outputs: u64,
    /// Its weights.
    pub weights: u64,
    /// Its output channels.
    pub out_channels: u64,
}

/// Widths for a chain, one entry for each layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Widths {
    /// Bits of each layer's weights.
    pub weights: Vec<Bits>,
    /// Bits of each layer's output; the last are the logits, at 8 bits.
    pub activations: Vec<Bits>,
    /// Layers whose output lost half its bits, in order.
    pub activation_cuts: Vec<usize>,
    /// Layers whose weights lost half their bits, in order; after the activations.
    pub weight_cuts: Vec<usize>,
}

/// Both rules for a chain, budgets in bytes, `delta` in millionths.
///
/// # Errors
/// No allocation meets the budgets.
pub fn allocate(
    layers: &[LayerSize],
    flash: u64,
    ram: u64,
    scheme: Scheme,
    delta: u32,
) -> Result<Widths, DeadEnd> {
    let count = layers.len();
    // Width k is that of layer k's input, width k + 1 that of its output.
    let mut activations = vec![Bits::B8; count + 1];
    let least: Vec<Bits> =
        (0..=count).map(|k| if k == 0 || k == count { Bits::B8 } else { Bits::B2 }).collect();
    let side = |width, elements| Side { width, elements };
    let steps: Vec<Step> = (layers.iter().enumerate())
        .map(|(k, layer)| Step {
            input: side(k, layer.inputs),
            output: side(k + 1, layer.outputs),
            bystanders: vec![],
        })
        .collect();
    let cuts = cut_activations(&mut activations, &least, &steps, |bits, k| {
        live_bits(layers, &bits[1..], k) > 8 * ram
    })?;
    let activation_cuts = cuts.into_iter().map(|width| width - 1).collect();
    let activations = activations.split_off(1);
    let mut weights = vec![Bits::B8; count];
    let counts: Vec<u64> = layers.iter().map(|layer| layer.weights).collect();
    let weight_cuts = cut_weights(&mut weights, &counts, &vec![Bits::B2; count], delta, |bits| {
        flash_bits(layers, bits, &activations, scheme) > 8 * flash
    })?;
    Ok(Widths { weights, activations, activation_cuts, weight_cuts })
}

/// Bits of input and output while a layer runs, `activations` being those of all outputs; the image has 8.
pub fn live_bits(layers: &[LayerSize], activations: &[Bits], layer: usize) -> u64 {
    let input = layer.checked_sub(1).map_or(Bits::B8, |before| activations[before]);
    let LayerSize { inputs, outputs, .. } = layers[layer];
    inputs * input.count() as u64 + outputs * activations[layer].count() as u64
}

/// Flash in bits: weights and the parameters of table 1 of the paper.
pub fn flash_bits(layers: &[LayerSize], weights: &[Bits], activations: &[Bits], scheme: Scheme) -> u64 {
    let mut bits = 0;
    for (k, layer) in layers.iter().enumerate() {
        let c = layer.out_channels;
        let last = k + 1 == layers.len();
        let folded = weights[k] == Bits::B8 && activations[k] == Bits::B8;
        let parameters = match scheme {
            Scheme::PerLayerFolded => 4 * c + 20,
            Scheme::PerLayer if last || folded => 4 * c + 20,
            Scheme::PerLayer => 9 * c + 12,
            Scheme::PerChannel | Scheme::PerChannelThresholds if last => 7 * c + 4,
            Scheme::PerChannel => 10 * c + 8,
            // Zero points and thresholds of 16 bits; the paper has them at 8 bits, too.
            Scheme::PerChannelThresholds => 2 * c + 2 * c * (1 << activations[k].count()) + 8,
        };
        bits += layer.weights * weights[k].count() as u64 + 8 * parameters;
    }
    bits
}
