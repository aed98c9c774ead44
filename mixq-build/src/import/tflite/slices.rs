//! Parts of tensors.

use super::flatbuffer::Damaged;
use super::nodes::{Operator, Writer};
use crate::import::model::{Array, Attribute, Attributes};

impl Writer {
    /// Bounds with masks: a bit for each dimension whose bound is not meant, or which goes.
    pub(super) fn strided_slice(&mut self, of: &Operator, output: &str) -> Result<(), Damaged> {
        let list = |place: usize| of.ints(place).unwrap_or_default();
        let (mut starts, mut ends, mut steps) = (list(1), list(2), list(3));
        let (begin, end, shrink) = (of.int(0, 0)?, of.int(1, 0)?, of.int(4, 0)?);
        let mut gone = Vec::new();
        for at in 0..starts.len().min(ends.len()).min(steps.len()) {
            let bit = |mask: i64| mask >> at.min(63) & 1 == 1;
            if bit(shrink) {
                (ends[at], steps[at]) =
                    (if starts[at] == -1 { i64::MAX } else { starts[at].saturating_add(1) }, 1);
                gone.push(at as i64);
                continue;
            }
            let backwards = steps[at] < 0;
            if bit(begin) {
                starts[at] = if backwards { i64::MAX } else { 0 };
            }
            if bit(end) {
                ends[at] = if backwards { i64::MIN } else { i64::MAX };
            }
        }
        let odd = of.int(2, 0)? != 0 || of.int(3, 0)? != 0;
        let axes = (0..starts.len() as i64).collect();
        let lists = [starts, ends, axes, steps].map(|list| self.constant(Array::list(list)));
        let first = of.inputs.first().map_or("", String::as_str);
        let [starts, ends, axes, steps] = &lists;
        let cut = if gone.is_empty() { output.to_string() } else { self.fresh() };
        // Masks that add dimensions are refused by the name of the operator.
        let operator = if odd { "STRIDED_SLICE" } else { "Slice" };
        self.node(of, operator, &[first, starts, ends, axes, steps], &cut, Attributes::default());
        if !gone.is_empty() {
            self.node(of, "Squeeze", &[&cut], output, Attributes::of([("axes", Attribute::Ints(gone))]));
        }
        Ok(())
    }
}
