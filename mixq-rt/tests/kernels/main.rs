//! The kernels against plain wide-integer arithmetic on unpacked vectors.

mod add;
mod arena;
mod case;
mod constants;
mod conv;
mod depthwise;
mod elementwise;
mod grouped;
mod linear;
mod multiply;
mod network;
mod numbers;
mod pool;
mod prelu;
mod reference;
mod requant;
mod scales;
