//! Plain Rust, for every target; chunks are unrolled by the bits, and hold no bounds check.

use crate::tensor::{CHUNK, code, codes, weight, weights};

/// `sum(q_x s_w)` over rows of `elements` elements.
#[inline(always)]
pub(crate) fn dot<const X: usize, const W: usize>(x: &[u8], w: &[u8], elements: usize) -> i32 {
    let whole = elements / CHUNK;
    let mut dot = 0i32;
    // Slices of one length: the loop counts once.
    for (x, w) in x.as_chunks().0[..whole].iter().zip(&w.as_chunks().0[..whole]) {
        let (x, w) = (codes::<X>(x), weights::<W>(w));
        // Eight products are far below 32 bits.
        let low = x[0] * w[0] + x[1] * w[1] + x[2] * w[2] + x[3] * w[3];
        let high = x[4] * w[4] + x[5] * w[5] + x[6] * w[6] + x[7] * w[7];
        dot = dot.wrapping_add(low + high);
    }
    for index in whole * CHUNK..elements {
        dot = dot.wrapping_add(code::<X>(x, index).wrapping_mul(weight::<W>(w, index)));
    }
    dot
}

/// `sum(q_x)` over a row of `elements` elements.
#[inline(always)]
pub(crate) fn sum_codes<const X: usize>(x: &[u8], elements: usize) -> i32 {
    let whole = elements / CHUNK;
    let mut sum = 0i32;
    for x in &x.as_chunks::<X>().0[..whole] {
        sum = sum.wrapping_add(sum_chunk(x));
    }
    for index in whole * CHUNK..elements {
        sum = sum.wrapping_add(code::<X>(x, index));
    }
    sum
}

// Out of line: the sum is taken once for all output channels, an unrolled loop is not worth its code.
#[inline(never)]
fn sum_chunk<const X: usize>(x: &[u8; X]) -> i32 {
    let x = codes(x);
    x[0] + x[1] + x[2] + x[3] + x[4] + x[5] + x[6] + x[7]
}

/// `sum(s_w)` over a row of `elements` elements.
#[inline(always)]
pub(crate) fn sum_weights<const W: usize>(w: &[u8], elements: usize) -> i32 {
    let mut sum = 0i32;
    for index in 0..elements {
        sum = sum.wrapping_add(weight::<W>(w, index));
    }
    sum
}

/// For each of eight channels: adds `q_x s_w` to its dot product and `q_x` to its sum.
#[inline(always)]
pub(crate) fn multiply_accumulate<const X: usize, const W: usize>(
    dots: &mut [i32; CHUNK],
    sums: &mut [i32; CHUNK],
    x: &[u8; X],
    w: &[u8; W],
) {
    let (x, w) = (codes(x), weights(w));
    accumulate(&mut dots[0], &mut sums[0], x[0], w[0]);
    accumulate(&mut dots[1], &mut sums[1], x[1], w[1]);
    accumulate(&mut dots[2], &mut sums[2], x[2], w[2]);
    accumulate(&mut dots[3], &mut sums[3], x[3], w[3]);
    accumulate(&mut dots[4], &mut sums[4], x[4], w[4]);
    accumulate(&mut dots[5], &mut sums[5], x[5], w[5]);
    accumulate(&mut dots[6], &mut sums[6], x[6], w[6]);
    accumulate(&mut dots[7], &mut sums[7], x[7], w[7]);
}

#[inline(always)]
fn accumulate(dot: &mut i32, sum: &mut i32, x: i32, w: i32) {
    *dot = dot.wrapping_add(x * w);
    *sum = sum.wrapping_add(x);
}
