//! The table of an elementwise layer.

use mixq_format::{Bits, Elementwise, Tensor};

use super::walk::Walk;
use super::{Arithmetic, Grid, litert};
use crate::graph::op::Function;
use crate::memory::schedule::Step;

/// The code of what a function makes of a value: the nearest one, whatever the setting of the rounding. A
/// table costs the same with any rounding, and rounding down would move every function by half a step.
pub fn code_of(function: Function, value: f64, grid: Grid, bits: Bits) -> u8 {
    nearest(function.value(value), grid, bits.max_code())
}

/// The code that is next to a value, which may be infinite.
pub(super) fn nearest(value: f64, grid: Grid, max: i32) -> u8 {
    let code = (value / grid.scale + 0.5).floor() + f64::from(grid.zero_point);
    code.clamp(0.0, f64::from(max)) as u8
}

impl Walk<'_> {
    /// Appends the table of a step that reads `x` and writes `y`: for each code of the input, the code of
    /// what the function makes of its value.
    pub(super) fn elementwise(
        &mut self,
        function: Function,
        step: &Step,
        x: Tensor,
        y: Tensor,
        grids: &[Grid],
    ) -> Elementwise {
        let (input, output) = (grids[step.inputs[0]], grids[step.output]);
        let value = |code: i32| input.scale * f64::from(code - input.zero_point);
        let codes = (0..=x.bits.max_code()).map(|code| code_of(function, value(code), output, y.bits));
        let own = (self.arithmetic == Arithmetic::LiteRt && (x.bits, y.bits) == (Bits::B8, Bits::B8))
            .then(|| litert::codes(function, input, output));
        let codes: Vec<u8> = own.flatten().unwrap_or_else(|| codes.collect());
        Elementwise { input: x, output: y, codes: self.append(&codes) }
    }
}
