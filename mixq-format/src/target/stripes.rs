//! How often a layer is executed, and on how many rows.

use super::Steps;
use super::cost::Tally;
use crate::stage::Alone;
use crate::{Layer, Rows};

/// The layer as it is executed for one image: on which rows, and how often. Of a layer in no stage: once.
/// Stripes that differ in their places alone count as the same.
pub(super) fn executions(steps: Steps<'_>, index: usize) -> Vec<(Layer, usize)> {
    let layer = &steps.layers[index];
    let stage = steps.stage(index);
    let Some((stage, lines)) = stage.and_then(|stage| Some((stage, stage.lines(steps.layers).ok()?))) else {
        return vec![(*layer, 1)];
    };
    let (turns, mut alone) = Alone::new(&lines, stage);
    let mut found: Vec<(Layer, usize)> = Vec::new();
    while alone.advance(&turns) {
        let Some(rows) = turns.rows(&alone.0, index - usize::from(stage.first)) else { continue };
        let stripe = layer.on_rows(&Rows { first: [0; 3], ..rows });
        match found.iter_mut().find(|(other, _)| *other == stripe) {
            Some((_, count)) => *count += 1,
            None => found.push((stripe, 1)),
        }
    }
    found
}

/// The pieces of all executions of a layer.
pub(super) fn tally(steps: Steps<'_>, index: usize, of: impl Fn(&Layer) -> Tally) -> Tally {
    let mut executions = executions(steps, index).into_iter().map(|(layer, count)| {
        let mut tally = of(&layer);
        tally.counts.iter_mut().for_each(|pieces| *pieces *= count as f64);
        tally
    });
    let first = executions.next().expect("a layer is executed at least once");
    executions.fold(first, |mut sum, tally| {
        sum.counts.iter_mut().zip(tally.counts).for_each(|(sum, count)| *sum += count);
        sum
    })
}
