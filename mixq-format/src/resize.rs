//! Layers that change the height and the width of an image: output pixels lie between input pixels.

use crate::{Rows, Tensor};

/// An image of another size. Input and output share width, scale and zero point.
///
/// Bilinear: `q_y = floor((sum of w q_x + 2^15) / 2^16)` over the four input pixels around the position.
/// Their weights `w` are products of two fractions of 256, so that they sum to 2^16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "file", derive(serde::Serialize, serde::Deserialize))]
#[repr(C)]
pub struct Resize {
    /// What it reads.
    pub input: Tensor,
    /// What it writes; as many channels as the input.
    pub output: Tensor,
    /// Where output rows lie among input rows.
    pub rows: Axis,
    /// Where output columns lie among input columns.
    pub columns: Axis,
    /// What lies between input pixels.
    pub between: Between,
}

/// Where the pixels of an output axis lie on the input axis: pixel `i` at `(i step + first) / unit`, but not
/// before the first input pixel, nor behind the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "file", derive(serde::Serialize, serde::Deserialize))]
#[repr(C)]
pub struct Axis {
    /// Where output pixel 0 lies, in units.
    pub first: i32,
    /// From one output pixel to the next, in units.
    pub step: u32,
    /// Units of an input pixel.
    pub unit: u32,
}

/// What lies between input pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "file", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "file", serde(rename_all = "snake_case"))]
#[repr(u8)]
pub enum Between {
    /// Values between theirs: bilinear interpolation.
    Interpolated,
    /// The pixel before: positions are rounded down.
    Before,
}

/// A position on the input axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The input pixel before it.
    pub pixel: usize,
    /// Its distance from that pixel, in fractions of 256: 0 to 256. 0 at the last input pixel.
    pub fraction: u32,
}

impl Axis {
    /// Where output pixel `index` lies on an axis of `size` input pixels. The fraction is rounded to the
    /// nearest, halves up.
    pub const fn position(&self, index: usize, size: usize, between: Between) -> Position {
        let units = index as i64 * self.step as i64 + self.first as i64;
        if units <= 0 {
            return Position { pixel: 0, fraction: 0 };
        }
        // The rules keep units and `256 unit` below 2^31: no division of 64 bits, which is a long function on
        // the device.
        let units = units as u32;
        let pixel = (units / self.unit) as usize;
        if pixel + 1 >= size {
            return Position { pixel: size - 1, fraction: 0 };
        }
        let fraction = match between {
            Between::Interpolated => (units % self.unit * 256 + self.unit / 2) / self.unit,
            Between::Before => 0,
        };
        Position { pixel, fraction }
    }

    /// The same axis from output pixel `index` on. The input then begins with the pixel before that one.
    const fn behind(self, index: u16) -> Axis {
        // The rules keep the sum within the numbers of 31 bits and a sign.
        let units = (index as u32).wrapping_mul(self.step).wrapping_add(self.first as u32) as i32;
        let first = if units > 0 { (units as u32 % self.unit) as i32 } else { units };
        Axis { first, ..self }
    }

    /// Whether all positions of `outputs` pixels can be computed in 32 bits.
    pub const fn fits(&self, outputs: usize) -> bool {
        let last = (outputs as i64 - 1) * self.step as i64 + self.first as i64;
        self.unit > 0 && self.unit < 1 << 23 && last < 1 << 31
    }
}

impl Resize {
    /// Narrows the table to some rows.
    pub(crate) const fn narrow_to(&mut self, rows: &Rows) {
        rows.narrow(0, &mut self.input);
        rows.narrow(2, &mut self.output);
        self.rows = self.rows.behind(rows.row);
    }

    /// Whether it has the shapes, the grids and the positions of a resize.
    ///
    /// # Errors
    /// The rule that is broken.
    pub(crate) const fn check(&self) -> Result<(), &'static str> {
        let Resize { input, output, rows, columns, .. } = self;
        let same = input.channels == output.channels && input.bits as u8 == output.bits as u8;
        if !same || input.zero_point != output.zero_point {
            return Err("a resize changes channels, bits or zero point");
        }
        if !rows.fits(output.height as usize) || !columns.fits(output.width as usize) {
            return Err("positions of a resize are out of range");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exact fractions, by division of 128 bits.
    #[test]
    fn positions_are_the_nearest_fractions() {
        let axes: [(u32, u32); 6] = [(4, 8), (5, 12), (7, 3), (1, 9), (65_535, 40), (60, 65_535)];
        for (inputs, outputs) in axes {
            // Centres of pixels lie on one another.
            let (size, count) = (inputs as i32, outputs as i32);
            let axis = Axis { first: size - count, step: 2 * inputs, unit: 2 * outputs };
            if !axis.fits(outputs as usize) {
                continue;
            }
            for index in 0..outputs {
                let exact = (f64::from(index) + 0.5) * f64::from(inputs) / f64::from(outputs) - 0.5;
                let exact = exact.clamp(0.0, f64::from(inputs - 1));
                let found = axis.position(index as usize, inputs as usize, Between::Interpolated);
                let value = found.pixel as f64 + f64::from(found.fraction) / 256.0;
                assert!((value - exact).abs() <= 1.0 / 512.0 + 1e-9, "{inputs} to {outputs}: {index}");
                let before = axis.position(index as usize, inputs as usize, Between::Before);
                assert_eq!((before.pixel, before.fraction), (exact.floor() as usize, 0));
            }
        }
    }
}
