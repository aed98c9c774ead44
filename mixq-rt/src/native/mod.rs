//! The fastest kernels of the target, for layers whose weights are laid out for it.
//!
//! On ARMv7E-M (Cortex-M4, M7) these are kernels of their own, for rule
//! [`Multiplier`](mixq_format::Rule::Multiplier) and weights as [`armv7em`](mixq_format::layout::armv7em)
//! lays them out; for additions that make codes, and for pools. Everywhere else they are those of
//! [`layer`](crate::layer), for weights as they are in the artifact. [`include_model!`](crate::include_model)
//! calls the right ones with the right weights.
//!
//! No kernel touches memory other than parameters, arena and its stack, whatever it is given. It panics if
//! tables, plan, parameters and arena do not fit together. If they fit, but weights, plan or const parameters
//! are those of another layer, it may answer wrongly. A width other than 8, 4 or 2 bits does not compile.

#[cfg(armv7em)]
mod armv7em;
#[cfg(not(armv7em))]
mod portable;

#[cfg(armv7em)]
pub use armv7em::{add, average_pool, conv, depthwise, linear, max_pool};
#[cfg(not(armv7em))]
pub use portable::{add, average_pool, conv, depthwise, linear, max_pool};

/// The parameters that the kernels of the target want: as they are in the artifact, or laid out for ARMv7E-M.
#[doc(hidden)]
#[cfg(not(armv7em))]
#[macro_export]
macro_rules! __parameters {
    ($plain:expr, $armv7em:expr) => {
        $plain
    };
}

/// The parameters that the kernels of the target want: as they are in the artifact, or laid out for ARMv7E-M.
#[doc(hidden)]
#[cfg(armv7em)]
#[macro_export]
macro_rules! __parameters {
    ($plain:expr, $armv7em:expr) => {
        $armv7em
    };
}
