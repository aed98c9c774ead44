//! Kernels: a file or a folder for each instruction set, with the names of [`mixq_format::target`].
//!
//! The portable kernels run on every target: they execute the layers that an instruction set has no kernel
//! for. An instruction set may also replace single functions that the portable kernels call, such as
//! [`word`].

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

/// Whether most layers have kernels of the target's own, so that few layers execute portable kernels.
// False where kernels of two instruction sets are compiled: there, firmware may have portable kernels alone.
const FEW_ARE_PORTABLE: bool = cfg!(all(armv7em, not(portable)));
