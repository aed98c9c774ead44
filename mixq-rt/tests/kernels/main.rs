//! The kernels against plain wide-integer arithmetic on unpacked vectors.

mod add;
mod arena;
mod case;
mod conv;
mod depthwise;
mod elementwise;
mod grouped;
mod linear;
mod network;
mod numbers;
mod pool;
mod reference;
mod requant;
mod scales;
