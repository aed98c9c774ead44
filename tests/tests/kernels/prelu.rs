//! Random PReLUs. The device has no kernels of its own for them.

use mixq_rt::format::{Bits, Layer, Prelu, Tensor};

use crate::numbers::Numbers;
use crate::unweighted::{channels, place, tensor};

/// Two tensors of one shape, each of any width: often in one place where they have one. The arena holds the
/// first one.
pub fn tensors(numbers: &mut Numbers, arena: &mut [u8]) -> [Tensor; 2] {
    let size = [(); 2].map(|()| numbers.within(1, 9) as u16);
    let channels = channels(numbers);
    let [mut input, mut output] = [(); 2].map(|()| {
        let bits = numbers.one_of(&Bits::QUANTISED);
        tensor(numbers, size, channels, bits)
    });
    let end = place(numbers, [&mut input, &mut output]);
    if output.bits == input.bits && !numbers.once_in(4) {
        output.offset = input.offset;
    }
    numbers.fill(&mut arena[..end + 8]);
    [input, output]
}

/// A PReLU with any slopes, at any offset of the parameters, and an arena with its input.
pub fn prelu(numbers: &mut Numbers, parameters: &mut [u8], arena: &mut [u8]) -> Layer {
    let [input, output] = tensors(numbers, arena);
    let slopes = numbers.within(0, 9) as usize;
    let (words, _) = parameters[slopes..].as_chunks_mut();
    for word in &mut words[..input.channels.into()] {
        *word =
            (numbers.within(1 - i64::from(Prelu::LIMIT), i64::from(Prelu::LIMIT) - 1) as i32).to_le_bytes();
    }
    let (multiplier, shift) = (numbers.within(0, 1 << 21) as i32, numbers.within(10, 31) as u32);
    Layer::Prelu(Prelu { input, output, slopes: slopes as u32, multiplier, shift })
}
