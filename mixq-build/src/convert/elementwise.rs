//! The table of an elementwise layer.

use mixq_format::{Elementwise, Tensor};

use super::Grid;
use super::walk::Walk;
use crate::graph::op::Function;
use crate::memory::schedule::Step;
use crate::settings::Rounding;

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
        let code = |code: i32| {
            let value = function.value(input.scale * f64::from(code - input.zero_point));
            self.code(value, output, y)
        };
        let codes: Vec<u8> = (0..=x.bits.max_code()).map(code).collect();
        Elementwise { input: x, output: y, codes: self.append(&codes) }
    }

    /// The code of a value, which may be infinite, by the rounding of the network.
    fn code(&self, value: f64, grid: Grid, tensor: Tensor) -> u8 {
        let steps = value / grid.scale;
        let rounded = match self.trained.rounding {
            Rounding::Nearest => (steps + 0.5).floor(),
            Rounding::Floor => steps.floor(),
        };
        let code = rounded + f64::from(grid.zero_point);
        code.clamp(0.0, f64::from(tensor.bits.max_code())) as u8
    }
}
