//! Which rows each layer of a stage makes in a turn, and which rows then make room.

use super::{Line, Rows, Stage};

/// Bytes of the state of a layer: a half for each of [`Count`].
pub(super) const STATE_BYTES: usize = 8;

/// Rows that a layer can make that sees nothing of the first layer of its stage.
const ANY: u16 = u16::MAX;

/// What is known of a layer.
#[derive(Clone, Copy)]
pub(super) enum Count {
    /// Rows of its output that were made before this turn; of an input that is fed: rows that have come.
    Before,
    /// The same after this turn.
    After,
    /// The row of its tensors that lies at the start of its place.
    Base,
    /// The same after this turn.
    NextBase,
}

/// The turns of a stage: the same on the device and on the host. How far they are stands in the arena.
#[derive(Clone, Debug)]
pub struct Turns<'a> {
    pub(super) lines: &'a [Line],
    // A byte, so that turns take no more of the stack than without it.
    pub(super) layers: u8,
    rows: u16,
    state: usize,
    backwards: bool,
}

impl<'a> Turns<'a> {
    /// Before the first turn: sets all counts of the stage to 0.
    ///
    /// # Panics
    /// If the state does not lie in the arena.
    pub fn new(lines: &'a [Line], stage: &Stage, arena: &mut [u8]) -> Self {
        let turns = Turns::resume(lines, stage);
        arena[turns.state..turns.state + STATE_BYTES * lines.len()].fill(0);
        turns
    }

    /// The turns of a stage that has begun: the state in the arena says how far they are.
    pub fn resume(lines: &'a [Line], stage: &Stage) -> Self {
        let Stage { rows, backwards, .. } = *stage;
        // A stage has at most 96 lines and that of its input.
        let layers = lines.len().saturating_sub(usize::from(stage.fed)) as u8;
        Turns { lines, layers, rows, state: stage.state as usize, backwards }
    }

    fn place(&self, layer: usize, count: Count) -> usize {
        self.state + STATE_BYTES * layer + 2 * count as usize
    }

    pub(super) fn get(&self, arena: &[u8], layer: usize, count: Count) -> u16 {
        let at = self.place(layer, count);
        u16::from_le_bytes([arena[at], arena[at + 1]])
    }

    pub(super) fn set(&self, arena: &mut [u8], layer: usize, count: Count, rows: u16) {
        let at = self.place(layer, count);
        arena[at..at + 2].copy_from_slice(&rows.to_le_bytes());
    }

    /// Goes on to the next turn. `false`: all rows are made. Of a stage that is fed, this turn must have been
    /// executed.
    ///
    /// # Panics
    /// If the places of the stage do not fit the arena.
    // Never inlined: what it takes of the stack is free again when kernels are called.
    #[inline(never)]
    pub fn next(&self, arena: &mut [u8]) -> bool {
        self.advance(arena, shift)
    }

    /// The same; `shift` moves rows: of a place, how many rows leave it, and how many behind them stay.
    pub(crate) fn advance(&self, arena: &mut [u8], shift: impl Fn(&mut [u8], &Line, u16, u16)) -> bool {
        let last = usize::from(self.layers) - 1;
        let Line { height, .. } = self.lines[last];
        if self.get(arena, last, Count::After) >= height {
            self.set(arena, last, Count::Before, height);
            return false;
        }
        self.make_room(arena, shift);
        self.make_rows(arena);
        true
    }

    /// Sets how many rows each layer has made after this turn. The first layer makes as many more as the
    /// stage says. Each layer that sees something of it makes the rows whose inputs are then there. Others
    /// make the rows that are needed.
    fn make_rows(&self, arena: &mut [u8]) {
        let layers = usize::from(self.layers);
        let mut any = false;
        for (index, line) in self.lines[..layers].iter().enumerate() {
            let made = self.get(arena, index, Count::Before);
            let rows = match index {
                0 => line.together(made.saturating_add(self.rows)),
                _ => self.reachable(arena, line, made),
            };
            self.set(arena, index, Count::After, rows);
            any |= rows == ANY;
            if let (0, Some(input)) = (index, self.lines.get(layers)) {
                let needed = self.needed_of_image(rows).min(input.height.into()) as u16;
                let there = self.get(arena, layers, Count::Before);
                self.set(arena, layers, Count::After, needed.max(there));
            }
        }
        if any {
            self.make_needed_rows(arena);
        }
    }

    /// Rows of the input of a stage that is fed: as many as the first layer needs for `rows` rows. For all of
    /// its rows it is as many as any layer needs.
    fn needed_of_image(&self, rows: u16) -> u32 {
        let [first, ..] = self.lines else { return 0 };
        if rows < first.height {
            return first.needed(rows);
        }
        let readers = self.lines.iter().filter(|line| line.inputs.contains(&self.layers));
        readers.map(|reader| reader.needed(reader.height)).max().unwrap_or(0)
    }

    /// Sets how many rows the layers make that could make [`ANY`]: those that others need.
    fn make_needed_rows(&self, arena: &mut [u8]) {
        let layers = usize::from(self.layers);
        for (index, line) in self.lines[..layers].iter().enumerate().rev() {
            let mut rows = self.get(arena, index, Count::After);
            if rows == ANY {
                // Nothing needs them: only in a stage that is not valid, which comes to its end, too.
                rows = if index + 1 == layers { line.height } else { self.get(arena, index, Count::Before) };
                self.set(arena, index, Count::After, rows);
            }
            for input in line.inputs.map(usize::from).into_iter().filter(|input| *input < layers) {
                let read = &self.lines[input];
                let needed = read.together(line.needed(rows).min(read.height.into()) as u16);
                let known = match self.get(arena, input, Count::After) {
                    ANY => self.get(arena, input, Count::Before),
                    rows => rows,
                };
                self.set(arena, input, Count::After, needed.max(known));
            }
        }
    }

    /// How many rows a layer can have made after this turn, of which it made some before: as many as the rows
    /// of its inputs allow. [`ANY`]: it sees nothing of the first layer.
    fn reachable(&self, arena: &[u8], line: &Line, made: u16) -> u16 {
        let mut most = ANY;
        for input in line.inputs.map(usize::from) {
            let Some(read) = self.lines.get(input) else { continue };
            let there = self.get(arena, input, Count::After);
            if there == ANY {
                continue;
            }
            let mut rows = if there >= read.height { line.height } else { made };
            while rows < line.height && line.needed(rows + 1) <= there.into() {
                rows += 1;
            }
            most = most.min(rows);
        }
        if line.most < Line::ANY { most.min(made.saturating_add(line.most.into())) } else { most }
    }

    /// Whether [`Turns::next`] has answered that all rows are made.
    pub(super) fn is_over(&self, arena: &[u8]) -> bool {
        let last = usize::from(self.layers) - 1;
        self.get(arena, last, Count::Before) >= self.lines[last].height
    }

    /// Drops the rows that were made and that no layer needs any more.
    fn make_room(&self, arena: &mut [u8], shift: impl Fn(&mut [u8], &Line, u16, u16)) {
        // Of each place: the rows that were made there, then the first of them that is needed.
        for layer in 0..self.lines.len() {
            self.set(arena, layer, Count::NextBase, 0);
            let made = self.get(arena, layer, Count::After);
            self.set(arena, layer, Count::Before, made);
        }
        for (layer, line) in self.lines.iter().enumerate() {
            if line.place != Line::WHOLE {
                let place = usize::from(line.place);
                let made = self.get(arena, layer, Count::Before).max(self.get(arena, place, Count::NextBase));
                self.set(arena, place, Count::NextBase, made);
            }
        }
        for (layer, line) in self.lines.iter().enumerate() {
            let made = self.get(arena, layer, Count::Before);
            for place in
                line.inputs.iter().filter_map(|input| Some(self.lines.get(usize::from(*input))?.place))
            {
                if place != Line::WHOLE && made < line.height {
                    let place = usize::from(place);
                    let needed = u32::from(self.get(arena, place, Count::NextBase)).min(line.first(made));
                    self.set(arena, place, Count::NextBase, needed as u16);
                }
            }
        }
        for (index, line) in self.lines.iter().enumerate() {
            let base = self.get(arena, index, Count::NextBase);
            let gone = base - self.get(arena, index, Count::Base);
            if usize::from(line.place) == index && gone > 0 {
                shift(arena, line, gone, self.made_in(arena, index) - base);
            }
            self.set(arena, index, Count::Base, base);
        }
    }

    /// Rows that were made in a place before this turn.
    fn made_in(&self, arena: &[u8], place: usize) -> u16 {
        let inside = self.lines.iter().enumerate().filter(|(_, line)| usize::from(line.place) == place);
        inside.map(|(layer, _)| self.get(arena, layer, Count::Before)).max().unwrap_or(0)
    }

    /// Whether a layer computes something in this turn.
    ///
    /// # Panics
    /// If the stage does not have the layer.
    pub fn makes_rows(&self, arena: &[u8], layer: usize) -> bool {
        let [from, to] = self.made(arena, layer);
        from < to
    }

    /// What a layer computes in this turn; `None`: nothing.
    ///
    /// # Panics
    /// If the stage does not have the layer.
    #[inline(never)]
    pub fn rows(&self, arena: &[u8], layer: usize) -> Option<Rows> {
        let line = &self.lines[layer];
        let [mut from, mut to] = self.made(arena, layer);
        if from >= to {
            return None;
        }
        if self.backwards {
            [from, to] = [line.height - to, line.height - from];
        }
        let start = line.first(from) as u16;
        let mut rows = Rows { first: [0; 3], rows: [0, 0, to - from], row: from };
        rows.first[2] = from - self.base(arena, line.place);
        for (which, input) in line.inputs.into_iter().enumerate() {
            let (base, height) = match self.lines.get(usize::from(input)) {
                Some(read) => (self.base(arena, read.place), read.height),
                // What lies outside is cut to its height by the layer's table.
                None if input == Line::OUTSIDE => (0, u16::MAX),
                None => continue,
            };
            rows.first[which] = start - base;
            rows.rows[which] = line.needed(to).min(height.into()) as u16 - start;
        }
        Some(rows)
    }

    /// The row at the start of a place.
    pub(super) fn base(&self, arena: &[u8], place: u8) -> u16 {
        if place == Line::WHOLE { 0 } else { self.get(arena, place.into(), Count::Base) }
    }

    /// Rows that a layer has made before this turn, and after it.
    pub(super) fn made(&self, arena: &[u8], layer: usize) -> [u16; 2] {
        [Count::Before, Count::After].map(|count| self.get(arena, layer, count))
    }
}

/// Moves rows within a place: `gone` rows leave it, and `kept` rows behind them stay.
pub(super) fn shift(arena: &mut [u8], line: &Line, gone: u16, kept: u16) {
    let (start, row) = (line.offset as usize, line.row_bytes as usize);
    let from = start + usize::from(gone) * row;
    arena.copy_within(from..from + usize::from(kept) * row, start);
}

/// The state of a stage that is gone through without an arena.
#[cfg(feature = "file")]
pub(crate) struct Alone(pub(crate) [u8; STATE_BYTES * super::MOST_LINES]);

#[cfg(feature = "file")]
impl Alone {
    /// The turns of a stage, and the memory of their state.
    pub(crate) fn new<'a>(lines: &'a [Line], stage: &Stage) -> (Turns<'a>, Alone) {
        let mut alone = Alone([0; STATE_BYTES * super::MOST_LINES]);
        (Turns::new(lines, &Stage { state: 0, ..*stage }, &mut alone.0), alone)
    }

    /// Goes on to the next turn.
    pub(crate) fn advance(&mut self, turns: &Turns<'_>) -> bool {
        turns.advance(&mut self.0, |_, _, _, _| {})
    }

    /// Goes on to the next window of a signal.
    pub(crate) fn slide(&mut self, turns: &Turns<'_>, hop: u16, shift: impl Fn(&mut [u8], &Line, u16, u16)) {
        turns.shift_window(&mut self.0, hop, shift);
    }
}
