//! Residual additions of codes.

use mixq_format::Add;

use crate::arch::armv7em::add::Sum;

/// Executes an addition of codes of any widths; see [`Add`] for where the output may lie. An addition that makes logits is
/// [`layer::add`](crate::layer::add)'s.
///
/// # Panics
/// If the output has 32 bits.
#[inline(never)]
pub fn add(table: &Add, arena: &mut [u8]) {
    let (pixels, channels) = (table.output.pixels(), usize::from(table.output.channels));
    // Where no row ends inside a byte, all are one.
    let seamless = |bits: usize| (channels * bits).is_multiple_of(8);
    let widths = [&table.a, &table.b, &table.output].map(|tensor| tensor.bits.count());
    let narrowest = widths.into_iter().min().unwrap_or(8);
    let (rows, elements) = if seamless(narrowest) { (1, pixels * channels) } else { (pixels, channels) };
    Sum::new(table).run(arena, rows, elements);
}
