//! All turns of a stage, gone through once.

use super::{Alone, Line, Lines, Stage};

/// Which rows each layer of a stage makes in each turn, from the first row to the last.
#[derive(Clone, Debug)]
pub struct Trace {
    layers: usize,
    /// By turn and layer: rows that were made before the turn, and after it.
    made: Vec<[u16; 2]>,
    /// By layer: how many rows the place of its output holds; where windows overlap, in the turns of later
    /// windows, too.
    pub held: Vec<u16>,
}

impl Trace {
    /// Goes through all turns.
    pub fn new(stage: &Stage, lines: &Lines) -> Trace {
        let mut made = Vec::new();
        let (turns, mut alone) = Alone::new(lines, &Stage { backwards: false, ..*stage });
        let go_on = |made: &mut Vec<[u16; 2]>, alone: &mut Alone| {
            while alone.advance(&turns) {
                made.extend((0..lines.len()).map(|layer| turns.made(&alone.0, layer)));
            }
        };
        go_on(&mut made, &mut alone);
        let mut trace = Trace { layers: lines.len(), held: held(lines, &made), made };
        if stage.hop > 0 {
            // All later windows are alike.
            let mut later = Vec::new();
            alone.slide(&turns, stage.hop, |_, _, _, _| {});
            go_on(&mut later, &mut alone);
            let both = trace.held.iter_mut().zip(held(lines, &later));
            both.for_each(|(rows, later)| *rows = later.max(*rows));
        }
        trace
    }

    /// The turns of the first layers alone, if they can be a stage of their own, of which these are the
    /// lines: what a layer makes in a turn depends on those before it. This stage must not be fed.
    ///
    /// `None`: this stage ends before the last of them has made all of its rows.
    pub fn head(&self, lines: &Lines) -> Option<Trace> {
        let last = lines.len() - 1;
        let turns = 1 + self.turns().position(|turn| turn[last][1] >= lines[last].height)?;
        let made: Vec<[u16; 2]> = self.turns().take(turns).flat_map(|turn| &turn[..=last]).copied().collect();
        Some(Trace { layers: lines.len(), held: held(lines, &made), made })
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

/// By line: the most rows that its place holds at the end of a turn. At the start of each turn the rows leave
/// a place that were made and that no layer needs any more.
fn held(lines: &Lines, made: &[[u16; 2]]) -> Vec<u16> {
    let mut held = vec![0; lines.len()];
    let mut base = vec![0; lines.len()];
    for turn in made.chunks(lines.len()) {
        base.fill(0);
        let places = || lines.iter().zip(turn).filter(|(line, _)| line.place != Line::WHOLE);
        for (line, [before, _]) in places() {
            let base = &mut base[usize::from(line.place)];
            *base = (*base).max(u32::from(*before));
        }
        for (line, [before, _]) in lines.iter().zip(turn).filter(|(line, [before, _])| *before < line.height)
        {
            let read = line.inputs.iter().filter_map(|input| lines.get(usize::from(*input)));
            for read in read.filter(|read| read.place != Line::WHOLE) {
                let base = &mut base[usize::from(read.place)];
                *base = (*base).min(line.first(*before));
            }
        }
        for (line, [_, after]) in places() {
            let place = usize::from(line.place);
            // In a stage that is not valid a place may have gone on beyond the rows of a layer.
            held[place] = u32::from(*after).saturating_sub(base[place]).max(u32::from(held[place])) as u16;
        }
    }
    let rows =
        |line: &Line| if line.place == Line::WHOLE { line.height } else { held[usize::from(line.place)] };
    lines.iter().map(rows).collect()
}
