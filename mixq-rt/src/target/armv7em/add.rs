//! Residual additions of codes.

use mixq_format::Add;

use super::asm::add::Sum;

/// Executes an addition of codes of any widths; see [`Add`] for where the output may lie. An addition that
/// makes logits is [`portable::add`](crate::target::portable::add)'s.
///
/// # Panics
/// If a tensor has 32 bits or reaches beyond the arena, or a multiplier or the shift is none of [`Add`]'s.
#[inline(never)]
pub fn add(table: &Add, arena: &mut [u8]) {
    let (pixels, channels) = (table.output.pixels(), usize::from(table.output.channels));
    // Where no row ends inside a byte, all are one.
    let seamless = |bits: usize| (channels * bits).is_multiple_of(8);
    let widths = [&table.a, &table.b, &table.output].map(|tensor| tensor.bits.count());
    let narrowest = widths.into_iter().min().unwrap_or(8);
    let (rows, elements) =
        if seamless(narrowest) { (1, pixels.saturating_mul(channels)) } else { (pixels, channels) };
    Sum::new(table).run(arena, rows, elements);
}
