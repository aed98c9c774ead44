//! Which rows of its input a layer needs for a row of its output.

use crate::{Layer, Window};

/// Output row `y` needs the input rows `y * stride - pad .. y * stride - pad + span`, as far as there are
/// such rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    pub stride: u16,
    pub span: u16,
    pub pad: u16,
}

impl Reach {
    /// Row for row.
    const SAME: Reach = Reach { stride: 1, span: 1, pad: 0 };

    /// The reach of a layer; `None` if it cannot be executed in stripes.
    pub fn of(layer: &Layer) -> Option<Reach> {
        let window = |window: &Window| Reach {
            stride: window.stride_height,
            span: window.kernel_height,
            pad: window.pad_top,
        };
        match layer {
            Layer::Conv(conv) => Some(window(&conv.window)),
            Layer::Depthwise(depthwise) => Some(window(&depthwise.window)),
            Layer::GroupedConv(conv) => conv.span().map(|span| window(&span)),
            Layer::AveragePool(pool) | Layer::MaxPool(pool) => Some(window(&pool.window)),
            Layer::Add(_) | Layer::Multiply(_) | Layer::Elementwise(_) | Layer::Prelu(_) => Some(Reach::SAME),
            // All of the input goes into each output.
            Layer::Linear(_) => None,
            Layer::Rearrange(table) => table.is_row_for_row().then_some(Reach::SAME),
            // Their numbers are those of a row, and of no other.
            Layer::Constants(_) | Layer::Resize(_) => None,
        }
    }
}
