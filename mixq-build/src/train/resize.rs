//! Images of another size, as the device makes them: positions are those of its kernel.

use mixq_format::Axis;
use tch::Tensor;

use crate::graph::op::Resize;

/// The output for an input `[n, channels, height, width]`, before it is rounded. Of whole codes it is exact:
/// sums of products of 8-bit codes and fractions of 2^16 fit the 24 bits of a float.
pub fn apply(resize: &Resize, x: &Tensor) -> Tensor {
    let [.., height, width] = x.size()[..] else { unreachable!("images have four axes") };
    let sides = [height as usize, width as usize];
    let [rows, columns] = resize.axes(sides);
    let weights = |axis: &Axis, outputs, inputs| weights(resize, axis, outputs, inputs).to_device(x.device());
    let rows = weights(&rows, resize.size[0], sides[0]);
    let columns = weights(&columns, resize.size[1], sides[1]);
    rows.matmul(x).matmul(&columns.tr())
}

/// The share of each input pixel in each output pixel of an axis, `[outputs, inputs]`.
fn weights(resize: &Resize, axis: &Axis, outputs: usize, inputs: usize) -> Tensor {
    let mut shares = vec![0.0f32; outputs * inputs];
    for (index, shares) in shares.chunks_mut(inputs).enumerate() {
        let position = axis.position(index, inputs, resize.between());
        let next = position.fraction as f32 / 256.0;
        shares[position.pixel] = 1.0 - next;
        if next > 0.0 {
            shares[position.pixel + 1] = next;
        }
    }
    Tensor::from_slice(&shares).view([outputs as i64, inputs as i64])
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::apply;
    use crate::graph::op::{Coordinates, Interpolation, Resize};
    use crate::train::take_turn;

    /// Positions are rounded to fractions of 256, so a value is off by at most that share of the range, for
    /// each axis.
    #[test]
    fn libtorch_resizes_alike() {
        let _turn = take_turn(1, 1);
        for (from, to) in [([4, 6], [8, 12]), ([5, 3], [7, 11]), ([9, 8], [3, 5]), ([1, 4], [6, 4])] {
            let x = Tensor::rand([2, 3, from[0], from[1]], (Kind::Float, Device::Cpu));
            let size = to.map(|side| side as usize);
            let resize = |interpolation, coordinates| Resize { size, interpolation, coordinates };
            let bilinear = |coordinates| apply(&resize(Interpolation::Bilinear, coordinates), &x);
            for (coordinates, aligned) in [(Coordinates::HalfPixel, false), (Coordinates::AlignCorners, true)]
            {
                let expected = x.upsample_bilinear2d(to, aligned, None, None);
                let off = (bilinear(coordinates) - expected).abs().max().double_value(&[]);
                assert!(off < 2.0 / 512.0 + 1e-5, "{from:?} to {to:?}, {coordinates:?}: {off}");
            }
            let expected = x.upsample_nearest2d(to, None, None);
            let nearest = apply(&resize(Interpolation::Nearest, Coordinates::Asymmetric), &x);
            assert_eq!((nearest - expected).abs().max().double_value(&[]), 0.0, "{from:?} to {to:?}");
        }
    }
}
