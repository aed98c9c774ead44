//! Which rows each layer of a stage makes in a turn, and which rows then make room.

use super::{Line, Rows};

/// The turns of a stage of at most `N` layers: the same on the device and on the host.
#[derive(Clone, Debug)]
pub struct Turns<'a, const N: usize> {
    lines: &'a [Line],
    rows: u16,
    /// By layer: rows of its output that were made before this turn.
    before: [u16; N],
    /// By layer: the same after this turn.
    ends: [u16; N],
    /// By place: the row of its tensors that lies at its start.
    base: [u16; N],
}

impl<'a, const N: usize> Turns<'a, N> {
    /// Before the first turn. `rows`: those of the last output that are made in a turn.
    ///
    /// # Panics
    /// If the stage has no layers, or more than `N`.
    pub const fn new(lines: &'a [Line], rows: u16) -> Self {
        assert!(!lines.is_empty() && lines.len() <= N, "a stage has other layers than its turns");
        Turns { lines, rows, before: [0; N], ends: [0; N], base: [0; N] }
    }

    /// Goes on to the next turn. `false`: all rows are made.
    ///
    /// # Panics
    /// If the places of the stage do not fit the arena.
    // Never inlined: what it takes of the stack is free again when kernels are called.
    #[inline(never)]
    pub fn next(&mut self, arena: &mut [u8]) -> bool {
        self.advance(|line, gone, kept| {
            let (start, row) = (line.offset as usize, line.row_bytes as usize);
            let from = start + usize::from(gone) * row;
            arena.copy_within(from..from + usize::from(kept) * row, start);
        })
    }

    /// The same; `shift` moves rows: of a place, how many rows leave it, and how many behind them stay.
    pub(crate) fn advance(&mut self, mut shift: impl FnMut(&Line, u16, u16)) -> bool {
        let lines = self.lines;
        let last = lines.len() - 1;
        if self.ends[last] >= lines[last].height {
            return false;
        }
        self.before = self.ends;
        let mut base = [0; N];
        // Rows that were made and that no layer needs.
        for (line, made) in lines.iter().zip(&self.before) {
            if line.place != Line::WHOLE {
                let base = &mut base[usize::from(line.place)];
                *base = (*base).max(*made);
            }
        }
        for (line, made) in lines.iter().zip(&self.before) {
            for place in line.inputs.iter().filter_map(|input| Some(lines.get(usize::from(*input))?.place)) {
                if place != Line::WHOLE && *made < line.height {
                    let base = &mut base[usize::from(place)];
                    *base = u32::from(*base).min(line.first(*made)) as u16;
                }
            }
        }
        for (index, line) in lines.iter().enumerate() {
            let gone = base[index] - self.base[index];
            if usize::from(line.place) == index && gone > 0 {
                shift(line, gone, self.made_in(index) - base[index]);
            }
        }
        self.base = base;
        self.ends[last] = self.before[last].saturating_add(self.rows).min(lines[last].height);
        for (index, line) in lines.iter().enumerate().rev() {
            let needed = line.needed(self.ends[index]);
            for input in line.inputs.map(usize::from) {
                if let Some(read) = lines.get(input) {
                    let rows = needed.min(read.height.into()) as u16;
                    self.ends[input] = self.ends[input].max(rows);
                }
            }
        }
        true
    }

    /// Rows that were made in a place before this turn.
    fn made_in(&self, place: usize) -> u16 {
        let inside = self.lines.iter().zip(&self.before);
        inside.filter(|(line, _)| usize::from(line.place) == place).map(|(_, made)| *made).max().unwrap_or(0)
    }

    /// What a layer computes in this turn; `None`: nothing.
    ///
    /// # Panics
    /// If the stage does not have the layer.
    #[inline(never)]
    pub fn rows(&self, layer: usize) -> Option<Rows> {
        let line = &self.lines[layer];
        let (from, to) = (self.before[layer], self.ends[layer]);
        if from >= to {
            return None;
        }
        let start = line.first(from) as u16;
        let mut rows = Rows { first: [0; 3], rows: [0, 0, to - from], pad_top: 0 };
        rows.pad_top = (u32::from(line.pad)).saturating_sub(u32::from(from) * u32::from(line.stride)) as u16;
        rows.first[2] = from - self.base_of(line.place);
        for (which, input) in line.inputs.into_iter().enumerate() {
            if input == Line::NONE {
                continue;
            }
            let (base, height) = match self.lines.get(usize::from(input)) {
                Some(read) => (self.base_of(read.place), read.height),
                // What lies outside is cut to its height by the layer's table.
                None => (0, u16::MAX),
            };
            rows.first[which] = start - base;
            rows.rows[which] = line.needed(to).min(height.into()) as u16 - start;
        }
        Some(rows)
    }

    /// The row at the start of a place.
    fn base_of(&self, place: u8) -> u16 {
        self.base.get(usize::from(place)).copied().unwrap_or(0)
    }

    /// Rows that layer `layer` has made before this turn, and after it.
    #[cfg(feature = "file")]
    pub(super) fn made(&self, layer: usize) -> [u16; 2] {
        [self.before[layer], self.ends[layer]]
    }

    /// Rows that the place of a layer's output holds at the end of this turn.
    pub(super) fn held(&self, layer: usize) -> u16 {
        self.ends[layer] - self.base_of(self.lines[layer].place)
    }
}
