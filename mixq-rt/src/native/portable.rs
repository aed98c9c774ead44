//! The portable kernels, by rule [`Rule::Multiplier`](mixq_format::Rule::Multiplier).

pub use crate::layer::add;

use mixq_format::layout::Plan;
use mixq_format::{Conv, Depthwise, Linear, Pool};

use crate::{layer, requant};

/// Executes a convolution with `X`-bit input and `W`-bit weights; any width of output, whatever the others
/// are.
///
/// # Panics
/// As [`layer::conv`].
#[inline(always)]
pub fn conv<
    const X: usize,
    const W: usize,
    const Y: usize,
    const FRACTION: u8,
    const ZERO: bool,
    const WINDOWS: u8,
    const WHOLE: bool,
>(
    table: &Conv,
    parameters: &[u8],
    arena: &mut [u8],
    _plan: &Plan,
) {
    layer::conv::<X, W>(table, requant::multiplier, parameters, arena);
}

/// Executes a depthwise convolution with `X`-bit input and `W`-bit weights; any width of output and number of
/// channels, whatever `Y` and `ODD` are.
///
/// # Panics
/// As [`layer::depthwise`].
#[inline(always)]
pub fn depthwise<const X: usize, const W: usize, const Y: usize, const ODD: bool>(
    table: &Depthwise,
    parameters: &[u8],
    arena: &mut [u8],
) {
    layer::depthwise::<X, W>(table, requant::multiplier, parameters, arena);
}

/// Executes a fully connected layer with `X`-bit input and `W`-bit weights; any width of output, whatever `Y`
/// is.
///
/// # Panics
/// As [`layer::linear`].
#[inline(always)]
pub fn linear<const X: usize, const W: usize, const Y: usize>(
    table: &Linear,
    parameters: &[u8],
    arena: &mut [u8],
    _plan: &Plan,
) {
    layer::linear::<X, W>(table, requant::multiplier, parameters, arena);
}

/// Executes an average pool over `X`-bit codes, with halves rounded up, whatever `WORDS` is.
///
/// # Panics
/// As [`layer::average_pool`].
#[inline(always)]
pub fn average_pool<const X: usize, const WORDS: bool>(table: &Pool, arena: &mut [u8]) {
    layer::average_pool::<X>(table, arena);
}

/// Executes a maximum pool over `X`-bit codes, whatever `WORDS` is.
///
/// # Panics
/// As [`layer::max_pool`].
#[inline(always)]
pub fn max_pool<const X: usize, const WORDS: bool>(table: &Pool, arena: &mut [u8]) {
    layer::max_pool::<X>(table, arena);
}
