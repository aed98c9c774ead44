//! Windows of a signal that overlap.
//!
//! The next window begins some rows later. The rows that both windows see are kept: those of the input, and
//! those that the layers of the stage have made of them. That is right only where each row depends on rows
//! of the signal alone, and not on where the window begins and ends: no layer pads rows, and the last row of
//! each output needs the last row of its input.

use super::turns::{Count, Turns};
use super::{Line, Lines, Stage};
use crate::RowsError;

impl Lines {
    /// Whether the windows of a signal can overlap as the stage says.
    ///
    /// # Errors
    /// Why they cannot.
    pub(super) fn can_slide(&self, stage: &Stage) -> Result<(), &'static str> {
        if stage.hop == 0 {
            return Ok(());
        }
        if !stage.fed {
            return Err("windows overlap in a stage that is not fed");
        }
        // By line: rows from one window to the next.
        let mut steps = [0; super::MOST_LINES];
        let input = &self[self.layers];
        steps[self.layers] = stage.hop;
        if stage.hop >= input.height {
            return Err("windows of a signal share no row");
        }
        for (index, line) in self[..self.layers].iter().enumerate() {
            for read in line.inputs.map(usize::from).into_iter().filter(|read| *read < self.len()) {
                line.can_share(steps[read], self[read].height)?;
                let step = line.goes_on(steps[read]);
                if steps[index] > 0 && steps[index] != step {
                    return Err("what a layer joins goes on by different rows from window to window");
                }
                steps[index] = step;
            }
            if steps[index] > line.height {
                return Err("windows of a signal share no row of a layer's output");
            }
        }
        Ok(())
    }
}

impl Turns<'_> {
    /// Goes on to the next window of a signal, whose rows begin `hop` rows later: the rows that both windows
    /// see are those of the new one. Prepares its first turn. The window must have come to its end.
    ///
    /// * `hop`: that of the stage.
    ///
    /// # Errors
    /// Rows of the window are missing: it goes on.
    ///
    /// # Panics
    /// If the places of the stage do not fit the arena.
    // Not inlined, as `next`.
    #[inline(never)]
    pub fn slide(&self, arena: &mut [u8], hop: u16) -> Result<(), RowsError> {
        self.is_fed(arena)?;
        self.shift_window(arena, hop, super::turns::shift);
        self.next(arena);
        Ok(())
    }

    /// The counts of the next window; `shift` moves rows: of a place, how many rows leave it, and how many
    /// behind them stay.
    pub(super) fn shift_window(
        &self,
        arena: &mut [u8],
        hop: u16,
        shift: impl Fn(&mut [u8], &Line, u16, u16),
    ) {
        let layers = usize::from(self.layers);
        // How far each line goes on stands in the arena, where a turn has its next base.
        self.set(arena, layers, Count::NextBase, hop);
        for (index, line) in self.lines[..layers].iter().enumerate() {
            let read = line.inputs.map(usize::from).into_iter().find(|read| *read < self.lines.len());
            let step = line.goes_on(read.map_or(0, |read| self.get(arena, read, Count::NextBase)));
            self.set(arena, index, Count::NextBase, step);
        }
        // Several layers may write in one place: its rows move once.
        let mut whole = None;
        for (index, line) in self.lines.iter().enumerate() {
            let [step, base] = [Count::NextBase, Count::Base].map(|count| self.get(arena, index, count));
            if line.place == Line::WHOLE {
                whole = Some((line, step));
            } else if usize::from(line.place) == index {
                // Rows of the place that no window sees any more.
                let gone = step.saturating_sub(base);
                if gone > 0 {
                    shift(arena, line, gone, line.height.saturating_sub(base + gone));
                }
                self.set(arena, index, Count::Base, base.saturating_sub(step));
            }
        }
        if let Some((line, step)) = whole {
            shift(arena, line, step, line.height - step);
        }
        for index in 0..self.lines.len() {
            let step = self.get(arena, index, Count::NextBase);
            let made = self.get(arena, index, Count::After).saturating_sub(step);
            self.set(arena, index, Count::After, made);
        }
    }
}
