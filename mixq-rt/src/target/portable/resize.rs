//! Images of another size.

use mixq_format::{Operands, Position, Resize};

use crate::target::tensor::{CHUNK, PixelWriter, chunk, codes, row_bytes, split};

/// Executes a resize of `X`-bit codes; see [`Resize`].
///
/// # Panics
/// If the table has another width.
#[inline(always)]
pub fn resize<const X: usize>(operands: Operands<Resize>) {
    let (layer, _, arena) = operands.parts();
    execute::<X>(layer, arena);
}

#[inline(never)]
fn execute<const X: usize>(layer: &Resize, arena: &mut [u8]) {
    let Resize { input, output, rows, columns, between } = layer;
    let (read, written) = split(arena, input, output);
    let channels = usize::from(input.channels);
    let pixel_bytes = row_bytes::<X>(channels);
    let row_bytes = pixel_bytes * usize::from(input.width);
    let mut written = written.chunks_mut(pixel_bytes);
    for y in 0..usize::from(output.height) {
        let row = rows.position(y, input.height.into(), *between);
        let upper = &read[row.pixel * row_bytes..];
        for (x, pixel) in (0..usize::from(output.width)).zip(&mut written) {
            let column = columns.position(x, input.width.into(), *between);
            let first = &upper[column.pixel * pixel_bytes..];
            // A pixel whose weight is 0 may not be there: another one takes its place.
            let right = if column.fraction > 0 { &first[pixel_bytes..] } else { first };
            let corners = if row.fraction > 0 {
                [first, right, &first[row_bytes..], &right[row_bytes..]]
            } else {
                [first, right, first, right]
            };
            let corners = corners.map(|corner| &corner[..pixel_bytes]);
            interpolate::<X>(corners, weights(row, column), channels, PixelWriter::new(pixel, output.bits));
        }
    }
}

/// Weights of the pixels above (left, right) and below; they sum to 2^16.
#[inline(always)]
fn weights(row: Position, column: Position) -> [u32; 4] {
    let (above, left) = (256 - row.fraction, 256 - column.fraction);
    [above * left, above * column.fraction, row.fraction * left, row.fraction * column.fraction]
}

#[inline(always)]
fn interpolate<const X: usize>(
    corners: [&[u8]; 4],
    weights: [u32; 4],
    channels: usize,
    mut writer: PixelWriter<'_>,
) {
    for first in (0..channels).step_by(CHUNK) {
        let mut sums = [1 << 15; CHUNK];
        for (corner, weight) in corners.into_iter().zip(weights) {
            let mut buffer = [0; X];
            let codes = codes::<X>(chunk(corner, first / CHUNK, &mut buffer));
            // No overflow: codes have at most 8 bits, weights sum to 2^16.
            for lane in 0..CHUNK {
                sums[lane] += codes[lane] as u32 * weight;
            }
        }
        for (_, sum) in (first..channels).zip(&sums) {
            writer.push((sum >> 16) as i32);
        }
    }
    writer.finish();
}
