//! Random PReLUs. The device has no kernels of its own for them.

use mixq_rt::format::{Layer, Prelu};

use crate::numbers::Numbers;
use crate::unweighted::tensors;

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
