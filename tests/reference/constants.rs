//! Sums and products with constants.

use mixq_build::engine::convert::TrainedLayer;
use mixq_format::Operation;

use super::{Codes, Exact, positions};

/// The constants lie in the order row, column, channel.
pub fn constants(operation: Operation, input: &Codes, layer: &TrainedLayer, scale: f64) -> Vec<Exact> {
    let grid = layer.grids[0];
    let places = positions(input.shape).zip(&layer.codes);
    places
        .map(|((y, x, c), code)| {
            let distance = (input.code(y, x, c) - i64::from(input.grid.zero_point)) as f64;
            let steps = f64::from(i32::from(*code) - grid.zero_point);
            let (value, constant) = (input.real(y, x, c), grid.scale * steps);
            match operation {
                Operation::Sum => {
                    // Both multipliers have the largest one's last bit, of 22, or 31 bits after the point.
                    let largest = input.grid.scale.max(grid.scale) / scale;
                    let unit = (largest / f64::from(1 << 21)).max(2f64.powi(-31));
                    let slack = (distance.abs() + steps.abs()) * unit / 2.0 + 1e-9;
                    Exact { steps: (value + constant) / scale, slack }
                }
                Operation::Product => {
                    // The multiplier has 15 bits, of which the last one is half off, or 23 after the point.
                    let ratio = input.grid.scale * grid.scale / scale;
                    let unit = (ratio / f64::from(1 << 14)).max(2f64.powi(-23));
                    let slack = (distance * steps).abs() * unit / 2.0 + 1e-9;
                    Exact { steps: value * constant / scale, slack }
                }
            }
        })
        .collect()
}
