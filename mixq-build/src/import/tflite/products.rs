//! Products with matrices, and chosen indices.

use super::flatbuffer::Damaged;
use super::functions::activation_of;
use super::nodes::{Operator, Writer, int};
use crate::import::model::{Array, Attribute, Attributes};

impl Writer {
    /// Indices of a dimension. With a batch of 1 a batch of lists of indices is one list.
    pub(super) fn gather(&mut self, of: &Operator, output: &str) -> Result<(), Damaged> {
        let read = |place: usize| of.inputs.get(place).map_or("", String::as_str);
        let (axis, batch) = (of.int(0, 0)?, of.int(1, 0)?);
        let dims = of.reads.get(1).copied().flatten().map_or(&[][..], |tensor| &tensor.dims);
        let batches = usize::try_from(batch).ok().and_then(|batch| dims.get(..batch));
        let axis = Attributes::of([("axis", int(axis))]);
        match batches {
            Some([]) => self.node(of, "Gather", &[read(0), read(1)], output, axis),
            Some(sizes) if sizes.iter().all(|size| (-1..=1).contains(size)) => {
                let indices = self.fresh();
                let axes = Attributes::of([("axes", Attribute::Ints((0..batch).collect()))]);
                self.node(of, "Squeeze", &[read(1)], &indices, axes);
                self.node(of, "Gather", &[read(0), &indices], output, axis);
            }
            // Refused by its name.
            _ => self.node(of, "GATHER", &[read(0), read(1)], output, axis),
        }
        Ok(())
    }

    /// A product with a matrix, which may be written with its rows as columns.
    pub(super) fn batch_matmul(&mut self, of: &Operator, output: &str) -> Result<(), Damaged> {
        let read = |place: usize| of.inputs.get(place).map_or("", String::as_str);
        let (adjoint_x, adjoint_y) = (of.byte(0)? != 0, of.byte(1)? != 0);
        let rank = of.reads.get(1).copied().flatten().map_or(2, |tensor| tensor.dims.len()) as i64;
        if adjoint_x {
            self.node(of, "BATCH_MATMUL", &[read(0), read(1)], output, Attributes::default());
        } else if adjoint_y && rank >= 2 {
            let turned = self.fresh();
            let order = (0..rank - 2).chain([rank - 1, rank - 2]).collect();
            let order = Attributes::of([("perm", Attribute::Ints(order))]);
            self.node(of, "Transpose", &[read(1)], &turned, order);
            self.node(of, "MatMul", &[read(0), &turned], output, Attributes::default());
        } else {
            self.node(of, "MatMul", &[read(0), read(1)], output, Attributes::default());
        }
        Ok(())
    }

    /// A matrix `[out, in]`, whatever the dimensions of the input.
    pub(super) fn fully_connected(&mut self, of: &Operator, output: &str) -> Result<(), Damaged> {
        let read = |place: usize| of.inputs.get(place).map_or("", String::as_str);
        let columns = of.reads.get(1).copied().flatten().and_then(|weight| weight.dims.last().copied());
        let keeps = of.byte(2)? != 0;
        let input = self.fresh();
        if keeps {
            self.node(of, "Identity", &[read(0)], &input, Attributes::default());
        } else {
            let shape = self.constant(Array::list(vec![-1, columns.unwrap_or(-1)]));
            self.node(of, "Reshape", &[read(0), &shape], &input, Attributes::default());
        }
        let turned = self.fresh();
        let order = Attributes::of([("perm", Attribute::Ints(vec![1, 0]))]);
        self.node(of, "Transpose", &[read(1)], &turned, order);
        if read(2).is_empty() {
            self.node(of, "MatMul", &[&input, &turned], output, Attributes::default());
        } else {
            let product = self.fresh();
            self.node(of, "MatMul", &[&input, &turned], &product, Attributes::default());
            self.node(of, "Add", &[&product, read(2)], output, Attributes::default());
        }
        // Its activation follows as that of any operator.
        let activation = of.byte(0)?;
        if let Some((operator, attributes)) = activation_of(activation) {
            let inner = self.fresh();
            if let Some(name) = self.model.nodes.last_mut().and_then(|node| node.outputs.first_mut()) {
                name.clone_from(&inner);
            }
            self.node(of, operator, &[&inner], output, attributes);
        }
        Ok(())
    }
}
