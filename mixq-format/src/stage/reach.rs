//! Which rows of its input a layer needs for a row of its output.

use super::Line;
use crate::{Axis, Between, Blocks, Layer, Resize, Window};

/// Output row `y` needs the input rows `y * stride - pad .. y * stride - pad + span`, as far as there are
/// such rows. Where rows of the output lie between those of the input, the numbers are those of
/// [`Line::NEAREST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    pub stride: u16,
    pub span: u16,
    pub pad: u16,
    /// [`Line::NEAREST`], [`Line::BETWEEN`] or [`Line::BLOCKS`]; [`Line::NONE`] of other layers.
    pub by: u8,
}

impl Reach {
    /// Row for row.
    const SAME: Reach = Reach { stride: 1, span: 1, pad: 0, by: Line::NONE };

    /// The reach of a layer; `None` if it cannot be executed in stripes.
    pub fn of(layer: &Layer) -> Option<Reach> {
        let window = |window: &Window| Reach {
            stride: window.stride_height,
            span: window.kernel_height,
            pad: window.pad_top,
            by: Line::NONE,
        };
        match layer {
            Layer::Conv(conv) => Some(window(&conv.window)),
            Layer::Depthwise(depthwise) => Some(window(&depthwise.window)),
            Layer::GroupedConv(conv) => conv.span().map(|span| window(&span)),
            Layer::AveragePool(pool) | Layer::MaxPool(pool) => Some(window(&pool.window)),
            Layer::Add(_)
            | Layer::Multiply(_)
            | Layer::Elementwise(_)
            | Layer::Prelu(_)
            | Layer::Constants(_) => Some(Reach::SAME),
            // All of the input goes into each output.
            Layer::Linear(_) => None,
            Layer::Rearrange(table) => Some(match table.blocks()? {
                Blocks { from: 1, to: 1 } => Reach::SAME,
                Blocks { from, to: 1 } => Reach { stride: from, span: from, ..Reach::SAME },
                Blocks { to, .. } => Reach { span: to, by: Line::BLOCKS, ..Reach::SAME },
            }),
            Layer::Resize(resize) => Reach::of_resize(resize),
        }
    }

    fn of_resize(resize: &Resize) -> Option<Reach> {
        let Axis { first, step, unit } = resize.rows;
        if unit > 0 && step == unit && first == 0 {
            return Some(Reach::SAME);
        }
        let last = i64::from(resize.output.height.checked_sub(1)?) * i64::from(step) + i64::from(first);
        // Beyond the last row of the input the kernel takes that row; a line does not know it.
        if step == 0 || unit == 0 || last >= i64::from(unit) * i64::from(resize.input.height) {
            return None;
        }
        let divisor = common_divisor(common_divisor(step, unit), first.unsigned_abs());
        let first = i16::try_from(i64::from(first) / i64::from(divisor)).ok()?;
        Some(Reach {
            stride: u16::try_from(step / divisor).ok()?,
            span: u16::try_from(unit / divisor).ok()?,
            pad: first.cast_unsigned(),
            by: match resize.between {
                Between::Interpolated => Line::BETWEEN,
                Between::Before => Line::NEAREST,
            },
        })
    }
}

fn common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}
