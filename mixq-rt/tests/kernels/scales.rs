//! How sums become codes, at random.

use mixq_rt::format::Bits;

use crate::case::Numbers;
use crate::reference;

/// How sums `sum((q_x - Z_x)(s_w - Z_w))` become codes.
pub enum Scales {
    Multipliers(Multipliers),
    /// Of each output channel, ascending.
    Thresholds(Vec<Vec<i64>>),
}

/// By output channel.
pub struct Multipliers {
    /// Added to `sum((q_x - Z_x)(s_w - Z_w)) 2^fraction`.
    pub biases: Vec<i64>,
    /// 0 to 8.
    pub fraction: u32,
    pub multipliers: Vec<i32>,
    pub shifts: Vec<u32>,
    pub per_channel: bool,
}

impl Scales {
    /// The codes or logits of these sums (HWC).
    pub fn requantise(&self, sums: &[i64], zero_point: i64, bits: Bits) -> Vec<i64> {
        let each = sums.iter().enumerate().map(|(index, sum)| match self {
            Scales::Multipliers(all) => {
                let c = index % all.biases.len();
                let sum = (sum << all.fraction) + all.biases[c];
                let (multiplier, shift) = (all.multipliers[c], all.shifts[c]);
                reference::requantise(sum, multiplier, shift, zero_point, bits.count() as u32)
            }
            Scales::Thresholds(all) => {
                all[index % all.len()].iter().filter(|threshold| sum >= threshold).count() as i64
            }
        });
        each.collect()
    }
}

impl Numbers {
    /// What spreads these sums (HWC) over the codes of `bits`: by multipliers, or by thresholds where they
    /// may be. `constants`: what tables add to the sums of each channel.
    pub fn scales(&mut self, sums: &[i64], constants: &[i64], bits: Bits) -> Scales {
        let channels = constants.len();
        let narrow = matches!(bits, Bits::B2 | Bits::B4);
        if narrow && self.coin() {
            Scales::Thresholds(self.thresholds(sums, channels, bits))
        } else {
            Scales::Multipliers(self.multipliers(sums, constants, bits))
        }
    }

    /// Thresholds from below the least to above the greatest sum; some are equal.
    fn thresholds(&mut self, sums: &[i64], channels: usize, bits: Bits) -> Vec<Vec<i64>> {
        let (least, greatest) = (*sums.iter().min().unwrap(), *sums.iter().max().unwrap());
        let one = |numbers: &mut Numbers| {
            let spread = numbers.within(0, greatest - least);
            let middle = numbers.within(least, greatest);
            let mut all: Vec<i64> = (0..bits.max_code())
                .map(|_| numbers.within(middle - spread / 2 - 1, middle + spread / 2 + 1))
                .collect();
            all.sort();
            all
        };
        (0..channels).map(|_| one(self)).collect()
    }

    /// A bias, multipliers and shifts that make some sums too small, some too large, and others neither.
    fn multipliers(&mut self, sums: &[i64], constants: &[i64], bits: Bits) -> Multipliers {
        let channels = constants.len();
        let most = |of: &[i64]| of.iter().map(|sum| sum.abs()).max().unwrap().max(1);
        let (largest, added) = (most(sums), most(constants));
        // Where sums, and the constants of the zero points, leave room in 32 bits.
        let room = 24 - i64::from(largest.max(added).ilog2());
        let fraction = self.within(0, 8).min(room).max(0) as u32;
        let largest = largest << fraction;
        let per_channel = self.coin();
        let spread = if bits == Bits::B32 { self.within(4, 28) } else { bits.count() as i64 };
        let one = |numbers: &mut Numbers| {
            let multiplier = numbers.within(1 << 30, (1 << 31) - 1) as i32;
            // largest * multiplier / 2^shift is about 2^spread.
            let shift = 31 + i64::from(largest.ilog2()) - spread + numbers.within(-1, 2);
            (if numbers.within(0, 3) == 0 { -multiplier } else { multiplier }, shift.clamp(0, 63) as u32)
        };
        let first = one(self);
        let of_channel: Vec<_> = (0..channels).map(|_| if per_channel { one(self) } else { first }).collect();
        Multipliers {
            biases: (0..channels).map(|_| self.within(-largest / 2, largest / 2)).collect(),
            multipliers: of_channel.iter().map(|scale| scale.0).collect(),
            shifts: of_channel.iter().map(|scale| scale.1).collect(),
            per_channel,
            fraction,
        }
    }
}
