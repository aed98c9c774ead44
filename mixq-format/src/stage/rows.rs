//! A layer on some of its rows.

use crate::{
    Add, Conv, Depthwise, Elementwise, GroupedConv, Layer, Multiply, Pool, Prelu, Table, Tensor, rules,
};

/// The rows that a layer of a stage reads and writes in a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// Rows that lie before them in the place of each tensor: of the first input, the second, the output.
    pub first: [u16; 3],
    /// How many rows of each. 0: all rows, as of a second input that is one pixel. They end at the tensor's
    /// last row at the latest.
    pub rows: [u16; 3],
    /// Rows of padding above the input.
    pub pad_top: u16,
}

impl Rows {
    /// The first `held` rows of each tensor.
    pub const fn held(held: [u16; 3], pad_top: u16) -> Rows {
        Rows { first: [0; 3], rows: held, pad_top }
    }

    /// These rows of one of the tensors.
    #[inline(always)]
    const fn of(&self, which: usize, tensor: &Tensor) -> Tensor {
        let (first, rows) = (self.first[which], self.rows[which]);
        let left = tensor.height.saturating_sub(first);
        let height = if rows == 0 || rows > left { left } else { rows };
        let skipped = first as u32 * tensor.width as u32 * tensor.pixel_bytes() as u32;
        Tensor { height, offset: tensor.offset.wrapping_add(skipped), ..*tensor }
    }
}

/// The table of a layer that can be executed in stripes.
pub trait Stripe: Table {
    /// The table of the same layer on some rows.
    fn stripe(&self, rows: &Rows) -> Self;

    /// Whether the shapes of the table belong together. (That its tensors lie in the arena is another
    /// question.)
    fn fits(&self) -> bool;

    /// Its tensors: the first input, the second, the output. Of a single input also the second.
    fn tensors(&self) -> [&Tensor; 3];
}

/// Layers with windows.
macro_rules! windowed {
    ($($table:ident: $span:expr),*) => {$(
        impl $table {
            /// The table of the same layer on some rows.
            #[inline(always)]
            pub const fn on_rows(&self, rows: &Rows) -> Self {
                let mut table = *self;
                table.input = rows.of(0, &self.input);
                table.output = rows.of(2, &self.output);
                table.window.pad_top = rows.pad_top;
                table
            }
        }

        impl Stripe for $table {
            #[inline(always)]
            fn stripe(&self, rows: &Rows) -> Self {
                self.on_rows(rows)
            }

            fn fits(&self) -> bool {
                let span = $span;
                span(self).is_some_and(|span| rules::windows(&span, &self.input, &self.output).is_ok())
            }

            fn tensors(&self) -> [&Tensor; 3] {
                [&self.input, &self.input, &self.output]
            }
        }
    )*};
}

windowed!(
    Conv: |table: &Conv| Some(table.window),
    Depthwise: |table: &Depthwise| Some(table.window),
    Pool: |table: &Pool| Some(table.window),
    GroupedConv: |table: &GroupedConv| table.span()
);

/// Layers that make each row of the same row of their inputs.
macro_rules! row_for_row {
    ($($table:ident: $a:ident $($b:ident)?),*) => {$(
        impl $table {
            /// The table of the same layer on some rows.
            #[inline(always)]
            pub const fn on_rows(&self, rows: &Rows) -> Self {
                let mut table = *self;
                table.$a = rows.of(0, &self.$a);
                $(table.$b = rows.of(1, &self.$b);)?
                table.output = rows.of(2, &self.output);
                table
            }
        }

        impl Stripe for $table {
            #[inline(always)]
            fn stripe(&self, rows: &Rows) -> Self {
                self.on_rows(rows)
            }

            fn fits(&self) -> bool {
                let height = self.output.height;
                self.$a.height == height $(&& (self.$b.height == height || self.$b.pixels() == 1))?
            }

            fn tensors(&self) -> [&Tensor; 3] {
                [&self.$a, row_for_row!(@second self $a $($b)?), &self.output]
            }
        }
    )*};
    (@second $self:ident $a:ident $b:ident) => { &$self.$b };
    (@second $self:ident $a:ident) => { &$self.$a };
}

row_for_row!(Elementwise: input, Prelu: input, Add: a b, Multiply: a b);

impl Layer {
    /// The same layer on some rows; other layers than those that can be executed in stripes as they are.
    pub const fn on_rows(&self, rows: &Rows) -> Layer {
        match self {
            Layer::Conv(table) => Layer::Conv(table.on_rows(rows)),
            Layer::Depthwise(table) => Layer::Depthwise(table.on_rows(rows)),
            Layer::GroupedConv(table) => Layer::GroupedConv(table.on_rows(rows)),
            Layer::AveragePool(table) => Layer::AveragePool(table.on_rows(rows)),
            Layer::MaxPool(table) => Layer::MaxPool(table.on_rows(rows)),
            Layer::Elementwise(table) => Layer::Elementwise(table.on_rows(rows)),
            Layer::Prelu(table) => Layer::Prelu(table.on_rows(rows)),
            Layer::Add(table) => Layer::Add(table.on_rows(rows)),
            Layer::Multiply(table) => Layer::Multiply(table.on_rows(rows)),
            Layer::Linear(_) | Layer::Constants(_) | Layer::Rearrange(_) | Layer::Resize(_) => *self,
        }
    }
}
