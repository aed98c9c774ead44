//! The inner loops: all that is worth writing for an instruction set.
//!
//! A set provides these functions; layers know nothing else of it. `X` are the bits of the input's
//! codes, `W` those of the weights. Rows are as in [`mixq_format`]; bits after the last element of a row
//! may be anything. Sums wrap; the build proves that the final accumulator fits 32 bits.
//!
//! * `dot::<X, W>(x, w, elements)`: `sum(q_x s_w)` over two rows;
//! * `sum_codes::<X>(x, elements)`: `sum(q_x)` over a row;
//! * `sum_weights::<W>(w, elements)`: `sum(s_w)` over a row;
//! * `multiply_accumulate::<X, W>(dots, sums, x, w)`: eight channels of one tap of a depthwise convolution.

#[cfg(armv7em)]
#[allow(unsafe_code)]
pub(crate) mod armv7em;
mod portable;

pub(crate) use portable::{dot, multiply_accumulate, sum_codes, sum_weights};
