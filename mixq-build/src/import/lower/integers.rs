//! How a quantised file has numbers as integers: what a network that is taken over as it is needs beside its
//! layers.

use std::collections::BTreeMap;

use mixq_format::Bits;

use super::view::Code;
use crate::import::model::{Array, Grid};

/// The integers of a tensor: each stands for `(integer - zero) * scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Integers {
    /// The distance of neighbours, over 0.
    pub scale: f64,
    /// What stands for 0.
    pub zero: i64,
    /// The smallest integer.
    pub least: i64,
    /// The largest integer.
    pub most: i64,
}

impl Integers {
    /// Those of a type with one scale; `None` if the type is not one of integers.
    pub(super) fn of(code: Code) -> Option<Integers> {
        let (least, most) = code.element.range()?;
        Some(Integers { scale: code.scale, zero: code.zero, least, most })
    }

    /// Those of a grid of one scale.
    pub fn of_grid(grid: &Grid) -> Option<Integers> {
        Code::of(grid).and_then(Integers::of)
    }

    /// The bits that the device has for their codes: `integer - least`. `None`: more than 8.
    pub fn bits(&self) -> Option<Bits> {
        [Bits::B2, Bits::B4, Bits::B8].into_iter().find(|bits| self.span() <= i64::from(bits.max_code()))
    }

    fn span(&self) -> i64 {
        self.most.saturating_sub(self.least)
    }

    /// The code of 0 on the device.
    pub fn zero_point(&self) -> i64 {
        self.zero.saturating_sub(self.least)
    }

    /// Whether one of them stands for 0, and the others for numbers.
    pub fn are_sound(&self) -> bool {
        self.scale > 0.0 && self.scale.is_finite() && (self.least..=self.most).contains(&self.zero)
    }

    /// The numbers that the smallest and the largest integer stand for.
    pub fn range(&self) -> [f64; 2] {
        [self.least, self.most].map(|integer| self.number(integer))
    }

    /// The integer that is next to a number.
    pub fn integer(&self, number: f64) -> i64 {
        let integer = (number / self.scale + 0.5).floor() as i64;
        integer.saturating_add(self.zero).clamp(self.least, self.most)
    }

    /// The number that an integer stands for.
    pub fn number(&self, integer: i64) -> f64 {
        integer.saturating_sub(self.zero) as f64 * self.scale
    }

    /// Whether all codes of their bits stand for one of them.
    pub(super) fn fill_their_bits(&self) -> bool {
        self.bits().is_some_and(|bits| self.span() == i64::from(bits.max_code()))
    }

    /// Whether the device has the same codes for the same numbers.
    pub fn equals(&self, other: &Integers) -> bool {
        let close = (self.scale - other.scale).abs() <= 1e-6 * self.scale;
        close && self.zero_point() == other.zero_point() && self.span() == other.span()
    }

    /// Whether these have no number that is outside of the others' range, but for half a step.
    pub(super) fn lie_within(&self, other: &Integers) -> bool {
        let ([least, most], [low, high]) = (self.range(), other.range());
        let half = 0.5 * self.scale.max(other.scale);
        least >= low - half && most <= high + half
    }
}

/// The integers of weights, with one scale and zero point, or one for each output channel.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightIntegers {
    /// The distances of neighbours; below 0 where a negative factor has been taken into them.
    pub scales: Vec<f64>,
    /// What stands for 0; as many as scales.
    pub zeros: Vec<i64>,
    /// The smallest integer that their type has.
    pub least: i64,
    /// The largest one.
    pub most: i64,
}

impl WeightIntegers {
    /// Scale and zero point of an output channel.
    pub fn channel(&self, channel: usize) -> (f64, i64) {
        let at = if self.scales.len() == 1 { 0 } else { channel };
        (self.scales[at], self.zeros[at])
    }

    /// The bits of their codes, and what is taken off an integer to make it a signed code. `None`: over 8.
    pub fn codes(&self) -> Option<(Bits, i64)> {
        let unsigned = self.least >= 0;
        let fits = |bits: &Bits| {
            let half = 1i64 << (bits.count() - 1);
            let middle = if unsigned { half } else { 0 };
            self.least - middle >= -half && self.most - middle < half
        };
        let bits = [Bits::B2, Bits::B4, Bits::B8].into_iter().find(fits)?;
        Some((bits, if unsigned { 1 << (bits.count() - 1) } else { 0 }))
    }

    /// Those of weights that are multiplied, each output channel by its own factor.
    pub(super) fn scaled(&mut self, factors: &[f64]) {
        if self.scales.len() == 1 && factors.iter().any(|factor| *factor != factors[0]) {
            self.scales = vec![self.scales[0]; factors.len()];
            self.zeros = vec![self.zeros[0]; factors.len()];
        }
        for (scale, factor) in self.scales.iter_mut().zip(factors) {
            *scale *= factor;
        }
    }
}

/// A constant's integers, and the dimension along which scales differ.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ConstantIntegers {
    pub(super) integers: WeightIntegers,
    pub(super) axis: usize,
}

impl ConstantIntegers {
    /// Those of a constant with a grid beside it.
    pub(super) fn of(grid: &Grid, array: &Array) -> Option<ConstantIntegers> {
        let (least, most) = grid.element.range()?;
        let scales: Vec<f64> = grid.scales.iter().map(|scale| f64::from(*scale)).collect();
        let fits = |axis: &usize| array.dims.get(*axis) == Some(&scales.len());
        let axis = Some(grid.axis).filter(fits).or_else(|| (0..array.dims.len()).find(fits)).unwrap_or(0);
        let integers = WeightIntegers { scales, zeros: grid.zero_points.clone(), least, most };
        Some(ConstantIntegers { integers, axis })
    }

    /// With the elements in the same order, and other dimensions.
    pub(super) fn reshaped(self, from: &[usize], to: &[usize]) -> Option<ConstantIntegers> {
        if self.integers.scales.len() == 1 {
            return Some(self);
        }
        let before = |dims: &[usize], axis: usize| dims[..axis].iter().product::<usize>();
        let same =
            |axis: &usize| to[*axis] == from[self.axis] && before(to, *axis) == before(from, self.axis);
        let axis = (0..to.len()).find(same)?;
        Some(ConstantIntegers { axis, ..self })
    }
}

/// What a file says of a layer's integers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LayerIntegers {
    /// Of what it writes.
    pub output: Option<Integers>,
    /// Of its weights.
    pub weights: Option<WeightIntegers>,
}

/// What a file says of the integers of a network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NetworkIntegers {
    /// Of its input.
    pub input: Option<Integers>,
    /// Of its layers, by name.
    pub layers: BTreeMap<String, LayerIntegers>,
}
