//! How far the output of a stage may lie over what the stage reads.
//!
//! A stage reads its input from the first row to the last, and writes its output in the same order. Rows that
//! no layer needs any more may be written over: the output may begin a little before the input, and follow
//! the rows that are still needed. A stage of one layer may also go from the last row to the first one. Then
//! its output begins a little behind the input.

use super::{Lines, Trace};
use crate::{Layer, Tensor};

/// Bytes between the offsets of two tensors, at least.
const WORD: usize = 4;

/// Where a stage is when it writes rows of its output, and which rows of a tensor from outside it then still
/// needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// From the first row to the last: rows of the output that are written, rows of the input that are no
    /// longer needed.
    forwards: Vec<[u16; 2]>,
    /// From the last row to the first: rows of the output before those that are written, rows of the input up
    /// to the last one that is needed. Empty, if the stage cannot go that way.
    backwards: Vec<[u16; 2]>,
}

impl Progress {
    /// Beside which rows of `input`, a tensor from outside of the stage, its output is written. `layers` are
    /// those of the stage.
    pub fn of(layers: &[Layer], lines: &Lines, trace: &Trace, input: &Tensor) -> Progress {
        // Layers that read it, or what others have written in its place; and those that write in the place of
        // the output.
        let output = layers[layers.len() - 1].output().offset;
        let reads = |layer: &Layer| layer.inputs().any(|tensor| tensor.offset == input.offset);
        let readers: Vec<usize> = (0..layers.len()).filter(|index| reads(&layers[*index])).collect();
        let writers: Vec<usize> =
            (0..layers.len()).filter(|index| layers[*index].output().offset == output).collect();
        let whole = [lines[layers.len() - 1].height, input.height];
        // Of two tensors that overlap, the one that begins behind the other also ends there: where the arena
        // grows, what lies at its end moves.
        let mut progress = Progress { forwards: vec![whole], backwards: Vec::new() };
        for made in trace.turns() {
            for &writer in &writers {
                let [_, written] = made[writer];
                let needed_by = |&reader: &usize| {
                    let [before, after] = made[reader];
                    // A layer before the writer has read in this turn, when the writer writes.
                    let done = if reader < writer { after } else { before };
                    if done < trace.in_all(reader) { lines[reader].first(done) as u16 } else { input.height }
                };
                let needed = readers.iter().map(needed_by).min().unwrap_or(input.height);
                progress.forwards.push([written, needed]);
            }
            if let [line] = lines[..]
                && !line.is_cut()
            {
                progress.backwards.push(whole);
                let [before, after] = made[0];
                let needed = line.needed(line.height - before).min(input.height.into()) as u16;
                progress.backwards.push([line.height - after, needed]);
            }
        }
        progress.forwards = corners(progress.forwards, 1);
        progress.backwards = corners(progress.backwards, -1);
        progress
    }

    /// How many bytes before the input the output must begin at least, of tensors with rows of these bytes,
    /// if the stage goes from the first row to the last. At least a word: tensors that begin at the same byte
    /// are those of a layer that works in place.
    pub fn forwards(&self, input_row: usize, output_row: usize) -> usize {
        let apart = |[written, gone]: &[u16; 2]| {
            (usize::from(*written) * output_row).saturating_sub(usize::from(*gone) * input_row)
        };
        self.forwards.iter().map(apart).fold(WORD, usize::max)
    }

    /// How many bytes behind the start of the input the output must begin at least, if the stage goes from
    /// the last row to the first; `None`, if it cannot.
    pub fn backwards(&self, input_row: usize, output_row: usize) -> Option<usize> {
        let apart = |[before, needed]: &[u16; 2]| {
            (usize::from(*needed) * input_row).saturating_sub(usize::from(*before) * output_row)
        };
        let farthest = self.backwards.iter().map(apart).max()?;
        Some(farthest.max(WORD))
    }
}

/// Of pairs of rows those that can decide, whatever bytes a row has: the corners of their hull.
///
/// * `sign`: 1, if a large first number and a small second one decide; -1, if it is the other way round.
fn corners(mut pairs: Vec<[u16; 2]>, sign: i64) -> Vec<[u16; 2]> {
    pairs.sort_unstable();
    pairs.dedup();
    let mut hull: Vec<[i64; 2]> = Vec::new();
    for pair in pairs {
        let pair = pair.map(i64::from);
        while let [.., a, b] = hull[..] {
            let turn = (b[0] - a[0]) * (pair[1] - a[1]) - (b[1] - a[1]) * (pair[0] - a[0]);
            if sign * turn > 0 {
                break;
            }
            hull.pop();
        }
        hull.push(pair);
    }
    hull.into_iter().map(|pair| pair.map(|rows| rows as u16)).collect()
}
