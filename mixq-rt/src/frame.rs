//! Executes a network whose input comes in rows, and that is known only at run time.

use mixq_format::{Lines, Network, RowsError, Stage, Turns};

use crate::run::{run_from, run_turn};

/// An image that comes in rows, and the arena in which the network works on it: for networks whose first
/// stage is [fed](Stage::fed).
pub struct Frame<'a> {
    network: &'a Network<'a>,
    stage: &'a Stage,
    lines: Lines,
    arena: &'a mut [u8],
}

impl<'a> Frame<'a> {
    /// Begins an image.
    ///
    /// # Panics
    /// If the input of the network does not come in rows, or the stage is not valid.
    pub fn begin(network: &'a Network<'a>, arena: &'a mut [u8]) -> Frame<'a> {
        let stage = network.fed().expect("the input of the network comes in rows");
        let lines = stage.lines(network.layers).unwrap_or_else(|reason| panic!("{reason}"));
        Turns::new(&lines, stage, arena).next(arena);
        Frame { network, stage, lines, arena }
    }

    /// Takes the next rows of the image: the bytes of any number of whole rows, as they lie in the arena.
    /// Executes what can be executed with them.
    ///
    /// # Errors
    /// They are not whole rows, or more than the image lacks: then none is taken.
    ///
    /// # Panics
    /// As [`run`](crate::run()).
    pub fn push_rows(&mut self, mut rows: &[u8]) -> Result<(), RowsError> {
        let turns = Turns::resume(&self.lines, self.stage);
        let row = self.lines[usize::from(self.stage.layers)].row_bytes as usize;
        turns.accepts(self.arena, rows.len(), row)?;
        while turns.take(self.arena, &mut rows, row, |from, to| to.copy_from_slice(from)) {
            run_turn(self.network, self.stage, &turns, self.arena);
            turns.next(self.arena);
        }
        Ok(())
    }

    /// Executes the layers behind the stage. The logits are where [`run`](crate::run()) writes them.
    ///
    /// # Errors
    /// Rows of the image are missing.
    ///
    /// # Panics
    /// As [`run`](crate::run()).
    pub fn finish(mut self) -> Result<(), RowsError> {
        self.answer().map(|_| ())
    }

    /// As [`finish`](Self::finish), and answers the arena with the logits: of windows of a signal, which
    /// [`slide`](Self::slide).
    ///
    /// # Errors
    /// As `finish`.
    ///
    /// # Panics
    /// As `finish`; and if windows do not overlap: the layers write over what they need to be executed again.
    pub fn answer_window(&mut self) -> Result<&[u8], RowsError> {
        assert!(self.stage.hop > 0, "the windows of the network do not overlap");
        self.answer()
    }

    fn answer(&mut self) -> Result<&[u8], RowsError> {
        Turns::resume(&self.lines, self.stage).is_fed(self.arena)?;
        run_from(self.network, self.stage.range().end, self.arena);
        Ok(self.arena)
    }

    /// Goes on to the next window of a signal, which begins [`hop`](Stage::hop) rows later: the rows that
    /// both windows see are there, and so is all that was computed of them.
    ///
    /// # Errors
    /// Rows of this window are missing: it goes on.
    ///
    /// # Panics
    /// If the windows of the network do not overlap.
    pub fn slide(&mut self) -> Result<(), RowsError> {
        assert!(self.stage.hop > 0, "the windows of the network do not overlap");
        Turns::resume(&self.lines, self.stage).slide(self.arena, self.stage.hop)
    }
}
