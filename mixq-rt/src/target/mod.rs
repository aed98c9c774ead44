//! Kernels: a file or a folder for each instruction set, by the names that
//! [`mixq_format::target`] has for them.
//!
//! The portable kernels are for every target: they execute what a set has no kernel for. A set may also
//! replace functions inside of them, as [`word`].

#[cfg(armv6m)]
#[allow(unsafe_code)]
mod armv6m;
#[cfg(armv7em)]
pub mod armv7em;
pub mod portable;
pub mod requant;
mod taps;
pub mod tensor;

pub(crate) use taps::Taps;

#[cfg(armv6m)]
pub(crate) use armv6m::word;
pub(crate) use portable::high_word;
#[cfg(not(armv6m))]
pub(crate) use portable::word;

/// Whether most layers have kernels of the target's own.
// Where kernels of two sets are compiled, firmware may have portable ones alone.
const FEW_ARE_PORTABLE: bool = cfg!(all(armv7em, not(portable)));
