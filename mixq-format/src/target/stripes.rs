//! How often a layer is executed, and on how many rows.

use core::cell::Cell;

use super::Steps;
use super::cost::{Piece, Tally};
use crate::stage::Alone;
use crate::{Layer, Rows};

/// How a layer is executed for one image.
pub(super) struct Executions {
    /// On which rows, and how often. Stripes that differ in their places alone count as the same.
    pub(super) stripes: Vec<(Layer, usize)>,
    /// Turns of its stage; 0, if it is in none.
    turns: usize,
    /// Bytes of its output that move within their place. Of the first layer of a stage that is fed: those of
    /// the input, too, and the bytes that come.
    moved: usize,
}

/// How layer `index` is executed. In no stage: once, whole.
pub(super) fn executions(steps: Steps<'_>, index: usize) -> Executions {
    let layer = &steps.layers[index];
    let stage = steps.stage(index);
    let Some((stage, lines)) = stage.and_then(|stage| Some((stage, stage.lines(steps.layers).ok()?))) else {
        return Executions { stripes: vec![(*layer, 1)], turns: 0, moved: 0 };
    };
    let place = index - usize::from(stage.first);
    let (turns, mut alone) = Alone::new(&lines, stage);
    let mut found = Executions { stripes: Vec::new(), turns: 0, moved: 0 };
    // The line of the input counts with the first layer.
    let input = if place == 0 { lines.get(usize::from(stage.layers)) } else { None };
    let moved = Cell::new(input.map_or(0, |line| usize::from(line.height) * line.row_bytes as usize));
    let shift = |_: &mut [u8], line: &crate::Line, _, kept: u16| {
        if core::ptr::eq(line, &lines[place]) || input.is_some_and(|input| core::ptr::eq(line, input)) {
            moved.set(moved.get() + usize::from(kept) * line.row_bytes as usize);
        }
    };
    if stage.hop > 0 {
        // Of windows that overlap: all but the first one.
        while alone.advance(&turns) {}
        let rows = |line: &crate::Line| usize::from(stage.hop) * line.row_bytes as usize;
        moved.set(input.map_or(0, rows));
        alone.slide(&turns, stage.hop, shift);
        // It goes through all lines, as a turn does.
        found.turns += 1 + usize::from(input.is_some());
    }
    while turns.advance(&mut alone.0, shift) {
        found.turns += 1 + usize::from(input.is_some());
        let Some(rows) = turns.rows(&alone.0, place) else { continue };
        // Constants cost the same wherever they lie.
        let row = if matches!(layer, Layer::Constants(_)) { 0 } else { rows.row };
        let stripe = layer.on_rows(&Rows { first: [0; 3], row, ..rows });
        match found.stripes.iter_mut().find(|(other, _)| *other == stripe) {
            Some((_, count)) => *count += 1,
            None => found.stripes.push((stripe, 1)),
        }
    }
    Executions { moved: moved.get(), ..found }
}

/// What stages take beside their layers, on a Cortex-M4: for each layer in each turn, for each stripe, and
/// for each byte that moves. Measured with `cargo test -p mixq-tests --test cost stripes`.
const PIECES: [Piece; 3] = [
    Piece { name: "Turn", instructions: 430.0, cycles: 620.0 },
    Piece { name: "Stripe", instructions: 600.0, cycles: 880.0 },
    Piece { name: "Moved", instructions: 0.35, cycles: 0.6 },
];

/// The pieces of all executions of a layer.
pub(super) fn tally(steps: Steps<'_>, index: usize, of: impl Fn(&Layer) -> Tally) -> Tally {
    let Executions { stripes, turns, moved } = executions(steps, index);
    let calls: usize = stripes.iter().map(|(_, count)| count).sum();
    let mut tallies = stripes.into_iter().map(|(layer, count)| {
        let mut tally = of(&layer);
        tally.counts.iter_mut().for_each(|pieces| *pieces *= count as f64);
        tally
    });
    let first = tallies.next().expect("a layer is executed at least once");
    let mut sum = tallies.fold(first, |mut sum, tally| {
        sum.counts.iter_mut().zip(tally.counts).for_each(|(sum, count)| *sum += count);
        sum
    });
    if turns > 0 {
        sum.pieces.extend(PIECES);
        sum.counts.extend([turns, calls, moved].map(|count| count as f64));
    }
    sum
}
