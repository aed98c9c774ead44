//! Layers without weights.

use mixq_build::engine::graph::op::{Rearrange, Resize};
use mixq_format::{Add, Bits, Constants, Elementwise, Layer, Multiply, Operation, Prelu, Tensor};

use super::Builder;

impl Builder {
    /// The sum with a tensor that was kept; `in_place` writes over that tensor.
    pub fn add(&mut self, kept: Tensor, bits: Bits, in_place: bool) -> &mut Builder {
        let (a, b) = (self.current, kept);
        let mut output = self.output((a.height, a.width), a.channels, bits);
        if in_place {
            output.offset = b.offset;
        }
        let shift = self.rng.u32(12..=18);
        // Each summand takes about half of the output's range.
        let mut multiplier = |t: Tensor| {
            let half =
                f64::from(1 << shift) * f64::from(bits.max_code()) / f64::from(t.bits.max_code()) / 2.0;
            (half * (0.8 + 0.4 * self.rng.f64())) as i32
        };
        let (multiplier_a, multiplier_b) = (multiplier(a), multiplier(b));
        self.kept.retain(|t| *t != kept);
        self.push(Layer::Add(Add { a, b, output, multiplier_a, multiplier_b, shift }))
    }

    /// The product of a tensor that was kept and this one, which has its shape or is one pixel; `in_place`
    /// writes over the tensor that was kept.
    pub fn multiply(&mut self, kept: Tensor, bits: Bits, in_place: bool) -> &mut Builder {
        let (a, b) = (kept, self.current);
        let mut output = self.output((a.height, a.width), a.channels, bits);
        if in_place {
            output.offset = a.offset;
        }
        let [x, y, most] = [a.bits, b.bits, bits].map(|bits| f64::from(bits.max_code()));
        let ratio = most / x / y * (1.0 + 2.0 * self.rng.f64());
        let fits = |shift: &u32| ratio * f64::from(1 << shift) < f64::from((1 << 15) - 1);
        let shift = Multiply::SHIFTS.rev().find(fits).expect("codes are narrow");
        let multiplier = (ratio * f64::from(1 << shift)) as i32;
        self.kept.retain(|t| *t != kept);
        self.push(Layer::Multiply(Multiply { a, b, output, multiplier, shift }))
    }

    /// A PReLU with random slopes; in place if `bits` are those of the input.
    pub fn prelu(&mut self, bits: Bits) -> &mut Builder {
        let input = self.current;
        let mut output = self.output((input.height, input.width), input.channels, bits);
        if bits == input.bits {
            output.offset = input.offset;
        }
        let ratio = f64::from(bits.max_code()) / f64::from(input.bits.max_code());
        let scaled = |slope: f64| (ratio * slope * f64::from(1 << 12)) as i32;
        let slopes: Vec<f64> = (0..input.channels).map(|_| 1.5 * self.rng.f64() - 0.5).collect();
        let slopes = self.append(slopes.into_iter().map(|slope| scaled(slope).to_le_bytes()));
        self.push(Layer::Prelu(Prelu { input, output, slopes, multiplier: scaled(1.2), shift: 12 }))
    }

    /// The sum or the product with random constants of width `w`; in place if `bits` are those of the input.
    pub fn constants(&mut self, operation: Operation, w: Bits, bits: Bits) -> &mut Builder {
        let input = self.current;
        let mut output = self.output((input.height, input.width), input.channels, bits);
        if bits == input.bits {
            output.offset = input.offset;
        }
        let [x, c, most] = [input.bits, w, bits].map(|bits| f64::from(bits.max_code()));
        let (weights, _) = self.weights(input.pixels(), input.channels, w);
        let scaled = |ratio: f64, shift: u32| (ratio * f64::from(1 << shift)) as i32;
        // Each summand takes about half of the output's range, a product most of it.
        let ([multiplier, multiplier_constant], shift) = match operation {
            Operation::Sum => ([x, c].map(|codes| scaled(most / codes / 2.0, 14)), 14),
            Operation::Product => {
                let ratio = 2.0 * most / x / c;
                let fits = |shift: &u32| scaled(ratio, *shift) < (1 << 15) - 1;
                let shift = Multiply::SHIFTS.rev().find(fits).expect("codes are narrow");
                ([scaled(ratio, shift), 0], shift)
            }
        };
        let weight_zero_point = self.rng.i8(-1..=1);
        self.push(Layer::Constants(Constants {
            input,
            output,
            weights,
            weight_bits: w,
            weight_zero_point,
            operation,
            multiplier,
            multiplier_constant,
            shift,
        }))
    }

    /// A function of each element, by a table in which the codes of the output are spread over its entries in
    /// random order; in place if `bits` are those of the input.
    pub fn elementwise(&mut self, bits: Bits) -> &mut Builder {
        let input = self.current;
        let mut output = self.output((input.height, input.width), input.channels, bits);
        if bits == input.bits {
            output.offset = input.offset;
        }
        let entries = 1 << input.bits.count();
        let mut codes: Vec<u8> =
            (0..entries).map(|entry| ((entry << bits.count()) / entries) as u8).collect();
        self.rng.shuffle(&mut codes);
        let codes = self.append(codes.into_iter().map(|code| [code]));
        self.push(Layer::Elementwise(Elementwise { input, output, codes }))
    }

    /// Elements at other places, in a tensor of this height, width and channels.
    pub fn rearrange(&mut self, rearrange: Rearrange, [height, width, channels]: [u16; 3]) -> &mut Builder {
        let input = self.current;
        let mut output = self.output((height, width), channels, input.bits);
        output.zero_point = input.zero_point;
        self.push(Layer::Rearrange(rearrange.table(input, output, false)))
    }

    /// An image of another size.
    pub fn resize(&mut self, resize: Resize) -> &mut Builder {
        let input = self.current;
        let [height, width] = resize.size.map(|side| u16::try_from(side).expect("a side has 16 bits"));
        let mut output = self.output((height, width), input.channels, input.bits);
        output.zero_point = input.zero_point;
        self.push(Layer::Resize(resize.table(input, output)))
    }

    /// The channels of a tensor that was kept, and behind them those of this one.
    ///
    /// # Panics
    /// If they differ in more than the number of channels.
    pub fn join(&mut self, kept: Tensor) -> &mut Builder {
        let last = self.current;
        assert_eq!(Tensor { channels: kept.channels, offset: kept.offset, ..last }, kept);
        let mut output = self.output((kept.height, kept.width), kept.channels + last.channels, kept.bits);
        output.zero_point = kept.zero_point;
        self.push(Layer::Rearrange(Rearrange::Join { first: 0 }.table(kept, output, false)));
        self.kept.retain(|t| *t != kept);
        let first = kept.channels.into();
        self.push(Layer::Rearrange(Rearrange::Join { first }.table(last, output, true)))
    }
}
