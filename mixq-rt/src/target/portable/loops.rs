//! The inner loops in plain Rust. They are unrolled over the eight elements of a chunk, and a chunk takes no
//! bounds checks.
//!
//! Where products are small, the codes of two pixels lie in the halves of one word: one multiplication
//! multiplies both by a weight.

use super::{Pair, SEGMENT};
use crate::target::tensor::{CHUNK, code, codes, weight, weights};

/// Unpacks the first codes of a row, as many as `to` has pairs, for the first or the `second` pixel of the
/// pairs.
pub(crate) fn unpack<const X: usize>(row: &[u8], to: &mut [Pair], second: bool) {
    let half = usize::from(second);
    let (chunks, rest) = to.as_chunks_mut::<CHUNK>();
    let whole = chunks.len() * CHUNK;
    for (to, x) in chunks.iter_mut().zip(row.as_chunks::<X>().0) {
        let x = codes::<X>(x);
        to[0].0[half] = x[0] as u16;
        to[1].0[half] = x[1] as u16;
        to[2].0[half] = x[2] as u16;
        to[3].0[half] = x[3] as u16;
        to[4].0[half] = x[4] as u16;
        to[5].0[half] = x[5] as u16;
        to[6].0[half] = x[6] as u16;
        to[7].0[half] = x[7] as u16;
    }
    for (index, to) in rest.iter_mut().enumerate() {
        to.0[half] = code::<X>(row, whole + index) as u16;
    }
}

/// `sum(q_x s_w)` over rows of `elements` elements.
#[inline(always)]
pub(crate) fn dot<const X: usize, const W: usize>(x: &[u8], w: &[u8], elements: usize) -> i32 {
    let whole = elements / CHUNK;
    let mut dot = 0i32;
    // Both slices have the same length, so that the loop has one counter.
    for (x, w) in x.as_chunks().0[..whole].iter().zip(&w.as_chunks().0[..whole]) {
        let (x, w) = (codes::<X>(x), weights::<W>(w));
        // No overflow: 32 bits hold the sum of eight products.
        let low = x[0] * w[0] + x[1] * w[1] + x[2] * w[2] + x[3] * w[3];
        let high = x[4] * w[4] + x[5] * w[5] + x[6] * w[6] + x[7] * w[7];
        dot = dot.wrapping_add(low + high);
    }
    for index in whole * CHUNK..elements {
        dot = dot.wrapping_add(code::<X>(x, index).wrapping_mul(weight::<W>(w, index)));
    }
    dot
}

/// `sum(q_x s_w)` of each of two pixels, over at most a segment.
#[inline(always)]
pub(crate) fn dot_pairs<const X: usize, const W: usize>(x: &[[Pair; CHUNK]], w: &[[u8; W]]) -> [i32; 2] {
    // The number of products whose sum a signed half of a word holds for certain.
    match const { (1 << 15) / (((1 << X) - 1) << (W - 1)) } {
        SEGMENT.. => together(x, w),
        CHUNK.. => by_chunk(x, w),
        #[cfg(armv6m)]
        _ => crate::target::armv6m::dot_bytes(x, w.as_flattened().as_chunks().0),
        #[cfg(not(armv6m))]
        _ => two(x, w),
    }
}

/// As `dot_pairs`. Both sums of the whole segment are computed in one word.
#[inline(always)]
fn together<const W: usize>(x: &[[Pair; CHUNK]], w: &[[u8; W]]) -> [i32; 2] {
    let mut sums = 0i32;
    for (x, w) in x.iter().zip(w) {
        sums = sums.wrapping_add(products(x, w, Pair::word));
    }
    halves(sums)
}

/// As `dot_pairs`. Both sums of a chunk are computed in one word; the sums of all chunks have a word each.
#[inline(always)]
fn by_chunk<const W: usize>(x: &[[Pair; CHUNK]], w: &[[u8; W]]) -> [i32; 2] {
    let mut sums = [0i32; 2];
    for (x, w) in x.iter().zip(w) {
        let [first, second] = halves(products(x, w, Pair::word));
        sums = [sums[0].wrapping_add(first), sums[1].wrapping_add(second)];
    }
    sums
}

/// The sum of a chunk's weights times `of` the pairs of codes: one code of a pair, or a word with both.
#[inline(always)]
fn products<const W: usize>(x: &[Pair; CHUNK], w: &[u8; W], of: impl Fn(Pair) -> i32) -> i32 {
    let (x, w) = (x.map(of), weights::<W>(w));
    (x[0].wrapping_mul(w[0]))
        .wrapping_add(x[1].wrapping_mul(w[1]))
        .wrapping_add(x[2].wrapping_mul(w[2]))
        .wrapping_add(x[3].wrapping_mul(w[3]))
        .wrapping_add(x[4].wrapping_mul(w[4]))
        .wrapping_add(x[5].wrapping_mul(w[5]))
        .wrapping_add(x[6].wrapping_mul(w[6]))
        .wrapping_add(x[7].wrapping_mul(w[7]))
}

/// Divides a word that holds two sums, `first + (second << 16)`, into both sums.
#[inline(always)]
fn halves(sums: i32) -> [i32; 2] {
    let low = i32::from(sums as i16);
    [low, sums.wrapping_sub(low) >> 16]
}

/// As `dot_pairs`. The sums of both pixels are computed in a word each.
#[cfg(not(armv6m))]
#[inline(always)]
fn two<const W: usize>(x: &[[Pair; CHUNK]], w: &[[u8; W]]) -> [i32; 2] {
    let mut sums = [0i32; 2];
    for (x, w) in x.iter().zip(w) {
        sums[0] += products(x, w, |x| i32::from(x.0[0]));
        sums[1] += products(x, w, |x| i32::from(x.0[1]));
    }
    sums
}

/// Adds `q_x w` to the sum of each of eight channels.
#[inline(always)]
pub(crate) fn multiply_accumulate<const X: usize>(sums: &mut [i32; CHUNK], x: &[u8; X], w: &[i16; CHUNK]) {
    let x = codes(x);
    let w = w.map(i32::from);
    sums[0] = sums[0].wrapping_add(x[0] * w[0]);
    sums[1] = sums[1].wrapping_add(x[1] * w[1]);
    sums[2] = sums[2].wrapping_add(x[2] * w[2]);
    sums[3] = sums[3].wrapping_add(x[3] * w[3]);
    sums[4] = sums[4].wrapping_add(x[4] * w[4]);
    sums[5] = sums[5].wrapping_add(x[5] * w[5]);
    sums[6] = sums[6].wrapping_add(x[6] * w[6]);
    sums[7] = sums[7].wrapping_add(x[7] * w[7]);
}

/// A word of a table.
#[cfg(not(armv6m))]
#[inline(always)]
pub(crate) fn word(bytes: &[u8; 4]) -> i32 {
    i32::from_le_bytes(*bytes)
}

/// `floor(a b / 2^32)`.
#[inline(always)]
pub(crate) fn high_word(a: i32, b: i32) -> i32 {
    if cfg!(all(target_arch = "arm", not(armv7em))) {
        high_word_by_halves(a, b)
    } else {
        ((i64::from(a) * i64::from(b)) >> 32) as i32
    }
}

/// `floor(a b / 2^32)` for processors whose multiplication gives only the lower 32 bits: by four products of
/// halves.
#[inline(always)]
fn high_word_by_halves(a: i32, b: i32) -> i32 {
    let (a_low, a_high) = (a & 0xffff, a >> 16);
    let (b_low, b_high) = (b & 0xffff, b >> 16);
    let low = (a_low as u32 * b_low as u32) >> 16;
    let middle = a_high * b_low + low as i32;
    let other = a_low * b_high + (middle & 0xffff);
    a_high * b_high + (middle >> 16) + (other >> 16)
}

#[cfg(test)]
mod tests {
    #[test]
    fn high_words() {
        let ends = [i32::MIN, i32::MIN + 1, -65_537, -65_536, -1, 0, 1, 65_535, 65_536, 65_537, i32::MAX];
        let others = || (0..1000u32).map(|i| i.wrapping_mul(0x9e37_79b9) as i32);
        for a in ends.into_iter().chain(others()) {
            for b in ends.into_iter().chain(others()) {
                let exact = (i64::from(a) * i64::from(b)) >> 32;
                assert_eq!(i64::from(super::high_word_by_halves(a, b)), exact, "{a} * {b}");
            }
        }
    }
}
