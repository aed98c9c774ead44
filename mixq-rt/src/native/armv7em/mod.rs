//! Operators around the inner loops for ARMv7E-M.

mod conv;
mod depthwise;
mod source;

pub use conv::conv;
pub use depthwise::depthwise;
