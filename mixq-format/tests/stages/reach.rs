//! Layers that see rows of all kinds.

use mixq_format::{Axis, Between, Bits, Layer, Pool, Positions, Rearrange, Resize, Rest, Tensor, Window};
use proptest::prelude::*;

/// How a layer sees the rows of its input.
#[derive(Clone, Copy, Debug)]
pub enum Reach {
    /// A window's height, stride and padding above.
    Window(u16, u16, u16),
    /// To so many rows, which lie where the axis says.
    Resize(u16, Axis, Between),
    /// Each row becomes so many. The first number of them has all, the last row fewer.
    Several(u16, u16),
    /// So many rows become one.
    One(u16),
}

/// Tensors of one word a row: of the input, and of the output of each layer.
pub fn tensors(height: u16, reaches: &[Reach]) -> Option<Vec<Tensor>> {
    let mut heights = vec![height];
    for reach in reaches {
        let before = *heights.last()?;
        heights.push(match *reach {
            Reach::Window(span, stride, pad) => {
                // Padding below is as large as that above.
                let rows = (before + 2 * pad).checked_sub(span)? / stride + 1;
                // The last window meets the input.
                rows.min((before + pad - 1) / stride + 1)
            }
            // Of rows that lie beyond the last one there is no stage.
            Reach::Resize(rows, axis, _) => {
                let last = i64::from(rows - 1) * i64::from(axis.step) + i64::from(axis.first);
                (last < i64::from(before) * i64::from(axis.unit)).then_some(rows)?
            }
            Reach::Several(rows, less) => (before > 1 && before < 60).then_some(before * rows - less)?,
            Reach::One(rows) => (before > rows && before.is_multiple_of(rows)).then_some(before / rows)?,
        });
    }
    let tensor = |height| Tensor { height, width: 1, channels: 4, bits: Bits::B8, zero_point: 0, offset: 0 };
    Some(heights.into_iter().map(tensor).collect())
}

/// The layers from each tensor to the next.
pub fn layers(tensors: &[Tensor], reaches: &[Reach]) -> Vec<Layer> {
    let layer = |(pair, reach): (&[Tensor], &Reach)| {
        let (input, output) = (pair[0], pair[1]);
        let moves = |counts, from, to| {
            let [from, to] = [from, to].map(|strides| Positions { first: 0, strides });
            Layer::Rearrange(Rearrange { input, output, counts, rest: Rest::Zero, from, to })
        };
        match *reach {
            Reach::Window(span, stride, pad) => {
                let window = Window {
                    kernel_height: span,
                    kernel_width: 1,
                    stride_height: stride,
                    stride_width: 1,
                    pad_top: pad,
                    pad_left: 0,
                };
                Layer::MaxPool(Pool { input, output, window })
            }
            Reach::Resize(_, rows, between) => {
                let columns = Axis { first: 0, step: 1, unit: 1 };
                Layer::Resize(Resize { input, output, rows, columns, between })
            }
            // Without rows between where the last row has fewer.
            Reach::Several(rows, less) => {
                let each = if less > 0 { 1 } else { rows };
                moves([1, 1, input.height, each, 4], [0, 0, 32, 0, 8], [0, 0, 32 * u32::from(rows), 32, 8])
            }
            // An element of each.
            Reach::One(rows) => {
                moves([1, 1, output.height, rows, 1], [0, 0, 32 * u32::from(rows), 32, 8], [0, 0, 32, 8, 8])
            }
        }
    };
    tensors.windows(2).zip(reaches).map(layer).collect()
}

/// The rows of its input that row `y` of a layer sees, by definition: of a window in the order of its taps,
/// `None` in the padding. A layer on some rows sees the same ones.
pub fn seen(layer: &Layer, y: u16) -> Vec<Option<u16>> {
    match layer {
        Layer::MaxPool(Pool { input, window, .. }) => {
            let at = |tap: u16| {
                let row = i64::from(y) * i64::from(window.stride_height) + i64::from(tap)
                    - i64::from(window.pad_top);
                (0..i64::from(input.height)).contains(&row).then_some(row as u16)
            };
            (0..window.kernel_height).map(at).collect()
        }
        Layer::Resize(Resize { input, rows: Axis { first, step, unit }, between, .. }) => {
            let units = i64::from(y) * i64::from(*step) + i64::from(*first);
            let (unit, last) = (i64::from(*unit), i64::from(input.height) - 1);
            let before = units.div_euclid(unit).clamp(0, last);
            let is_between = *between == Between::Interpolated && units > 0 && units % unit > 0;
            let behind = if is_between && before < last { before + 1 } else { before };
            [before, behind].map(|row| Some(row as u16)).to_vec()
        }
        Layer::Rearrange(Rearrange { counts, from, to, .. }) => {
            let mut rows = Vec::new();
            let rounds: usize = counts.iter().map(|count| usize::from(*count)).product();
            for round in 0..rounds {
                let (mut rest, mut read, mut written) = (round, from.first, to.first);
                for (index, count) in counts.iter().enumerate().rev() {
                    let counter = (rest % usize::from(*count)) as u32;
                    rest /= usize::from(*count);
                    read += counter * from.strides[index];
                    written += counter * to.strides[index];
                }
                if written / 32 == u32::from(y) {
                    rows.push(Some((read / 32) as u16));
                }
            }
            rows
        }
        other => panic!("{other:?}"),
    }
}

/// Layers of all these kinds.
pub fn reaches(layers: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<Reach>> {
    let window = (1u16..=6, 1u16..=4)
        .prop_flat_map(|(span, stride)| (Just(span), Just(stride), 0..span))
        .prop_map(|(span, stride, pad)| Reach::Window(span, stride, pad));
    let between = prop_oneof![Just(Between::Interpolated), Just(Between::Before)];
    // Positions begin up to two rows before the input, or behind its first row.
    let resize = (1u16..=90, 1u32..=40, 1u32..=40, -80i32..=80, between).prop_map(
        |(rows, step, unit, first, between)| Reach::Resize(rows, Axis { first, step, unit }, between),
    );
    let several = (2u16..=4).prop_flat_map(|rows| (Just(rows), prop_oneof![Just(0), Just(rows - 1)]));
    let several = several.prop_map(|(rows, less)| Reach::Several(rows, less));
    let one = (2u16..=4).prop_map(Reach::One);
    let reach = prop_oneof![4 => window, 2 => resize, 1 => several, 1 => one];
    prop::collection::vec(reach, layers)
}
