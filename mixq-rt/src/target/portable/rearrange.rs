//! Elements that move to other places.

use mixq_format::{LOOPS, Operands, Rearrange, Rest};

use crate::target::tensor::{Packer, split};

/// Executes a rearrangement of codes; see [`Rearrange`].
#[inline(always)]
pub fn rearrange(operands: Operands<Rearrange>) {
    let (layer, _, arena) = operands.parts();
    execute(layer, arena);
}

#[inline(never)]
fn execute(layer: &Rearrange, arena: &mut [u8]) {
    let Rearrange { input, output, counts, rest, from, to } = layer;
    let (read, written) = split(arena, input, output);
    if *rest == Rest::Zero {
        let mut packer = Packer::new(output.bits);
        let byte = loop {
            if let Some(byte) = packer.push(output.zero_point.into()) {
                break byte;
            }
        };
        written.fill(byte);
    }
    let run_bytes = layer.run_bytes();
    let mut counters = [0; LOOPS - 1];
    let (mut source, mut target) = (from.first as usize, to.first as usize);
    loop {
        match run_bytes {
            Some(bytes) => written[target / 8..][..bytes].copy_from_slice(&read[source / 8..][..bytes]),
            None => element_by_element(layer, read, source, written, target),
        }
        // Counts on in the innermost of the outer loops that has not ended.
        let mut level = LOOPS - 1;
        loop {
            if level == 0 {
                return;
            }
            level -= 1;
            let (stride_from, stride_to) = (from.strides[level] as usize, to.strides[level] as usize);
            counters[level] += 1;
            if counters[level] < counts[level] {
                source += stride_from;
                target += stride_to;
                break;
            }
            counters[level] = 0;
            source -= usize::from(counts[level] - 1) * stride_from;
            target -= usize::from(counts[level] - 1) * stride_to;
        }
    }
}

/// The innermost loop. Positions are in bits.
#[inline(never)]
fn element_by_element(layer: &Rearrange, read: &[u8], source: usize, written: &mut [u8], target: usize) {
    let Rearrange { input, counts, from, to, .. } = layer;
    let mask = input.bits.max_code() as u8;
    let (mut source, mut target) = (source, target);
    for _ in 0..counts[LOOPS - 1] {
        let code = read[source / 8] >> (source % 8) & mask;
        let byte = &mut written[target / 8];
        *byte = *byte & !(mask << (target % 8)) | code << (target % 8);
        source += from.strides[LOOPS - 1] as usize;
        target += to.strides[LOOPS - 1] as usize;
    }
}
