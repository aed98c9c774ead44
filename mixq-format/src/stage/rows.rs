//! A layer on some of its rows.

use crate::{
    Add, Constants, Conv, Depthwise, Elementwise, GroupedConv, Layer, Multiply, Pool, Prelu, Rearrange,
    Resize, Rest, Table, Tensor, rules,
};

/// The rows that a layer of a stage reads and writes in a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// Rows that lie before them in the place of each tensor: of the first input, the second, the output.
    pub first: [u16; 3],
    /// How many rows of each. 0: all rows, as of a second input that is one pixel. They end at the tensor's
    /// last row at the latest.
    pub rows: [u16; 3],
    /// The first row of the output, counted in all of it.
    pub row: u16,
}

impl Rows {
    /// The first `held` rows of each tensor.
    pub const fn held(held: [u16; 3]) -> Rows {
        Rows { first: [0; 3], rows: held, row: 0 }
    }

    /// Narrows one of the tensors to these rows.
    #[inline(always)]
    pub(crate) const fn narrow(&self, which: usize, tensor: &mut Tensor) {
        let (first, rows) = (self.first[which], self.rows[which]);
        let left = tensor.height.saturating_sub(first);
        tensor.height = if rows == 0 || rows > left { left } else { rows };
        let skipped = first as u32 * tensor.width as u32 * tensor.pixel_bytes() as u32;
        tensor.offset = tensor.offset.wrapping_add(skipped);
    }
}

/// The table of a layer that can be executed in stripes.
pub trait Stripe: Table {
    /// Narrows the table to some rows.
    fn narrow(&mut self, rows: &Rows);

    /// Whether the shapes of a narrowed table belong together. (That its tensors lie in the arena is another
    /// question.) `whole`: the table before.
    fn fits(&self, whole: &Self) -> bool;

    /// Whether it may write its output in the place of the first input, and of the second.
    const IN_PLACE: [bool; 2];

    /// Its tensors: the first input, the second if there is one, the output.
    fn tensors(&self) -> [Option<&Tensor>; 3];
}

/// Layers with windows.
macro_rules! windowed {
    ($($table:ident: $span:expr),*) => {$(
        impl $table {
            /// Narrows the table to some rows.
            #[inline(always)]
            const fn narrow_to(&mut self, rows: &Rows) {
                rows.narrow(0, &mut self.input);
                rows.narrow(2, &mut self.output);
                let above = rows.row as u32 * self.window.stride_height as u32;
                self.window.pad_top = (self.window.pad_top as u32).saturating_sub(above) as u16;
            }
        }

        impl Stripe for $table {
            #[inline(always)]
            fn narrow(&mut self, rows: &Rows) {
                self.narrow_to(rows);
            }

            fn fits(&self, _: &Self) -> bool {
                let span = $span;
                span(self).is_some_and(|span| rules::windows(&span, &self.input, &self.output).is_ok())
            }

            const IN_PLACE: [bool; 2] = [false; 2];

            fn tensors(&self) -> [Option<&Tensor>; 3] {
                [Some(&self.input), None, Some(&self.output)]
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
    ($($table:ident: $a:ident $($b:ident, $rows_of_b:expr)?;)*) => {$(
        impl $table {
            /// Narrows the table to some rows.
            #[inline(always)]
            const fn narrow_to(&mut self, rows: &Rows) {
                rows.narrow(0, &mut self.$a);
                $(rows.narrow(1, &mut self.$b);)?
                rows.narrow(2, &mut self.output);
            }
        }

        impl Stripe for $table {
            #[inline(always)]
            fn narrow(&mut self, rows: &Rows) {
                self.narrow_to(rows);
            }

            fn fits(&self, whole: &Self) -> bool {
                let height = self.output.height;
                // Only what has a second input asks the whole table.
                let _ = whole;
                self.$a.height == height $(&& self.$b.height == ($rows_of_b)(whole, height))?
            }

            const IN_PLACE: [bool; 2] = [true; 2];

            fn tensors(&self) -> [Option<&Tensor>; 3] {
                let second = None::<&Tensor>$(.or(Some(&self.$b)))?;
                [Some(&self.$a), second, Some(&self.output)]
            }
        }
    )*};
}

row_for_row! {
    Elementwise: input;
    Prelu: input;
    Add: a b, |_: &Add, height: u16| height;
    Multiply: a b, |whole: &Multiply, height: u16| if whole.by_channel() { 1 } else { height };
}

impl Stripe for Rearrange {
    #[inline(always)]
    fn narrow(&mut self, rows: &Rows) {
        self.narrow_to(rows);
    }

    fn fits(&self, whole: &Self) -> bool {
        if whole.input.height == whole.output.height {
            self.input.height == self.output.height
        } else {
            self.is_inside()
        }
    }

    /// The second input is what it keeps of the output.
    const IN_PLACE: [bool; 2] = [false, true];

    fn tensors(&self) -> [Option<&Tensor>; 3] {
        let kept = if matches!(self.rest, Rest::Kept) { Some(&self.output) } else { None };
        [Some(&self.input), kept, Some(&self.output)]
    }
}

impl Constants {
    /// Narrows the table to some rows, and to their constants.
    #[inline(always)]
    const fn narrow_to(&mut self, rows: &Rows) {
        self.weights = self.weights.wrapping_add(rows.row as u32 * self.row_bytes());
        rows.narrow(0, &mut self.input);
        rows.narrow(2, &mut self.output);
    }
}

impl Stripe for Constants {
    #[inline(always)]
    fn narrow(&mut self, rows: &Rows) {
        self.narrow_to(rows);
    }

    fn fits(&self, whole: &Self) -> bool {
        let end = |table: &Self| table.weights + u32::from(table.input.height) * table.row_bytes();
        self.input.height == self.output.height && end(self) <= end(whole)
    }

    const IN_PLACE: [bool; 2] = [true; 2];

    fn tensors(&self) -> [Option<&Tensor>; 3] {
        [Some(&self.input), None, Some(&self.output)]
    }
}

impl Stripe for Resize {
    #[inline(always)]
    fn narrow(&mut self, rows: &Rows) {
        self.narrow_to(rows);
    }

    /// The kernel limits each position to the rows of the input.
    fn fits(&self, _: &Self) -> bool {
        true
    }

    const IN_PLACE: [bool; 2] = [false; 2];

    fn tensors(&self) -> [Option<&Tensor>; 3] {
        [Some(&self.input), None, Some(&self.output)]
    }
}

impl Layer {
    /// The same layer on some rows; other layers than those that can be executed in stripes as they are.
    pub const fn on_rows(&self, rows: &Rows) -> Layer {
        let mut layer = *self;
        match &mut layer {
            Layer::Conv(table) => table.narrow_to(rows),
            Layer::Depthwise(table) => table.narrow_to(rows),
            Layer::GroupedConv(table) => table.narrow_to(rows),
            Layer::AveragePool(table) | Layer::MaxPool(table) => table.narrow_to(rows),
            Layer::Elementwise(table) => table.narrow_to(rows),
            Layer::Prelu(table) => table.narrow_to(rows),
            Layer::Add(table) => table.narrow_to(rows),
            Layer::Multiply(table) => table.narrow_to(rows),
            Layer::Rearrange(table) => table.narrow_to(rows),
            Layer::Constants(table) => table.narrow_to(rows),
            Layer::Resize(table) => table.narrow_to(rows),
            Layer::Linear(_) => {}
        }
        layer
    }
}
