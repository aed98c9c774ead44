//! The bit allocation rules of arXiv 1905.13082, section 5, on plain sizes: no network, no files.
//!
//! Both rules only narrow widths, 8 to 4 to 2, so they end. The weight rule cuts once in each turn. Of two
//! consecutive sweeps of the activation rule at least one cuts, because the next sweep comes from the other
//! side; otherwise there is nothing more to cut.

use mixq_format::Bits;

/// The rules' answer when nothing is left to cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeadEnd {
    /// The step whose tensors do not fit, for the activation rule.
    pub step: Option<usize>,
}

/// One side of a step: a tensor and its size where the step meets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side {
    /// Index of the tensor's width. Tensors that must share a width (the two sides of a pool) share the
    /// index.
    pub width: usize,
    /// Elements of the tensor.
    pub elements: u64,
}

/// One step of the network, as the activation rule sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it reads (the larger one, if it reads two).
    pub input: Side,
    /// What it writes.
    pub output: Side,
    /// Tensors that are alive beside these, over a residual branch.
    pub bystanders: Vec<Side>,
}

/// The activation rule: narrows `bits` (by width index) until no step violates, and none below `least`: those
/// that are given, and those at which a tensor takes as few bytes as it can.
///
/// `violates(bits, step)` says whether the tensors of a step exceed the budget. Returns the cuts in order,
/// each the index of a width that lost half its bits.
///
/// # Errors
/// A step that violates with nothing left to cut.
pub fn cut_activations(
    bits: &mut [Bits],
    least: &[Bits],
    steps: &[Step],
    mut violates: impl FnMut(&[Bits], usize) -> bool,
) -> Result<Vec<usize>, DeadEnd> {
    let mut cuts = Vec::new();
    let mut forward = true;
    loop {
        let mut left = false;
        for turn in 0..steps.len() {
            let index = if forward { turn } else { steps.len() - 1 - turn };
            while violates(bits, index) {
                let (width, is_output) =
                    side_to_cut(bits, least, &steps[index]).ok_or(DeadEnd { step: Some(index) })?;
                if is_output.is_some_and(|is_output| is_output != forward) {
                    left = true;
                    break;
                }
                bits[width] = bits[width].narrower().ok_or(DeadEnd { step: Some(index) })?;
                cuts.push(width);
            }
        }
        if !left {
            return Ok(cuts);
        }
        forward = !forward;
    }
}

/// The width to cut, and whether it is the output's (`None`: either sweep may cut it); `None` if nothing is
/// left to cut.
fn side_to_cut(bits: &[Bits], least: &[Bits], step: &Step) -> Option<(usize, Option<bool>)> {
    let (input, output) = (step.input, step.output);
    let spent = |side: Side| bits[side.width] <= least[side.width];
    if spent(input) && spent(output) {
        // Beyond the paper, whose networks are chains: a tensor that waits for a residual addition.
        let cuttable = step.bystanders.iter().filter(|side| !spent(**side));
        let widest = cuttable.max_by_key(|side| (bits[side.width], side.elements));
        return widest.map(|widest| (widest.width, None));
    }
    let is_output = if spent(input) {
        true
    } else if spent(output) {
        false
    } else if bits[input.width] != bits[output.width] {
        bits[output.width] > bits[input.width]
    } else {
        input.elements <= output.elements
    };
    let shared = input.width == output.width;
    Some((if is_output { output.width } else { input.width }, (!shared).then_some(is_output)))
}

/// The weight rule: narrows `bits` until `exceeds(bits)` is false. `weights[i]` counts the weights of layer
/// `i`, `least[i]` are the bits at which they take as few bytes as they can.
///
/// Each turn halves the first layer with more than its least bits whose share of all weight bits exceeds
/// the largest such share less `delta` (millionths). Returns the cuts in order, as layer indices.
///
/// # Errors
/// All layers are at their least bits and it still exceeds.
pub fn cut_weights(
    bits: &mut [Bits],
    weights: &[u64],
    least: &[Bits],
    delta: u32,
    exceeds: impl Fn(&[Bits]) -> bool,
) -> Result<Vec<usize>, DeadEnd> {
    let mut cuts = Vec::new();
    while exceeds(bits) {
        let size = |i: usize| weights[i] as u128 * bits[i].count() as u128;
        let total: u128 = (0..bits.len()).map(size).sum();
        let cuttable = || (0..bits.len()).filter(|&i| bits[i] > least[i]);
        let largest = cuttable().map(size).max().ok_or(DeadEnd { step: None })?;
        // r_i > R - delta, multiplied by the total and by 10^6 so that it stays exact.
        let near = |i: usize| size(i) * 1_000_000 + u128::from(delta) * total > largest * 1_000_000;
        // With delta = 0 the comparison is strict even for the largest itself: then take that.
        let chosen = cuttable().find(|&i| near(i)).or_else(|| cuttable().find(|&i| size(i) == largest));
        let chosen = chosen.ok_or(DeadEnd { step: None })?;
        bits[chosen] = bits[chosen].narrower().ok_or(DeadEnd { step: None })?;
        cuts.push(chosen);
    }
    Ok(cuts)
}
