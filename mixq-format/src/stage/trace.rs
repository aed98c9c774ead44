//! All turns of a stage, gone through once.

use super::{Alone, Line, Lines, Stage};

/// Which rows each layer of a stage makes in each turn, from the first row to the last.
#[derive(Clone, Debug)]
pub struct Trace {
    layers: usize,
    /// By turn and layer: rows that were made before the turn, and after it.
    made: Vec<[u16; 2]>,
    /// By layer: how many rows the place of its output holds.
    pub held: Vec<u16>,
}

impl Trace {
    /// Goes through all turns.
    pub fn new(stage: &Stage, lines: &Lines) -> Trace {
        let layers = lines.len();
        let mut trace = Trace { layers, made: Vec::new(), held: vec![0; layers] };
        let (turns, mut alone) = Alone::new(lines, &Stage { backwards: false, ..*stage });
        while alone.advance(&turns) {
            for (index, line) in lines.iter().enumerate() {
                trace.made.push(turns.made(&alone.0, index));
                let is_whole = line.place == Line::WHOLE;
                let place = if is_whole { index } else { line.place.into() };
                let rows = if is_whole { line.height } else { turns.held(&alone.0, index) };
                trace.held[place] = trace.held[place].max(rows);
            }
        }
        for index in 0..layers {
            let place = lines[index].place;
            if place != Line::WHOLE {
                trace.held[index] = trace.held[usize::from(place)];
            }
        }
        trace
    }

    /// By turn: rows of each layer that were made before it, and after it.
    pub fn turns(&self) -> impl Iterator<Item = &[[u16; 2]]> {
        self.made.chunks(self.layers)
    }

    /// Rows that a layer makes in all turns: the last rows are not made where no stride reaches them.
    pub(super) fn in_all(&self, layer: usize) -> u16 {
        self.turns().last().map_or(0, |made| made[layer][1])
    }
}
