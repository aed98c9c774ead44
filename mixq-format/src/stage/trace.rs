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

    /// The same of the stage that begins behind the first layers of this one. What its layers make depends on
    /// the layers behind them alone.
    ///
    /// * `gone`: how many layers it lacks.
    /// * `all`: the lines of this stage; `lines`: those of the other one.
    ///
    /// `None`: one of its layers works in the place of a layer that it lacks. Then its own turns must be gone
    /// through.
    pub fn tail(&self, gone: usize, all: &Lines, lines: &Lines) -> Option<Trace> {
        let is_alike = |(own, other): (&Line, &Line)| match other.place {
            Line::WHOLE => own.place == Line::WHOLE,
            place => usize::from(own.place) == usize::from(place) + gone,
        };
        if !all[gone..].iter().zip(lines.iter()).all(is_alike) {
            return None;
        }
        let made = self.turns().flat_map(|made| &made[gone..]).copied().collect();
        Some(Trace { layers: lines.len(), made, held: self.held[gone..].to_vec() })
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
