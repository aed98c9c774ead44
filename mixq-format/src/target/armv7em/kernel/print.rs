//! Kernels as Rust source code.

use core::fmt;

use super::Kernel;
#[cfg(feature = "file")]
use crate::target::armv7em::Plan;

#[cfg(feature = "file")]
impl Kernel {
    /// The kernel as Rust source code.
    pub(in crate::target::armv7em) fn print(self, plan: Option<Plan>) -> crate::target::Kernel {
        let path = match self {
            Kernel::Conv { .. } => "armv7em::conv",
            Kernel::GroupedConv { .. } => "armv7em::grouped_conv",
            Kernel::GroupedDepthwise { .. } => "armv7em::grouped_depthwise",
            Kernel::Depthwise { .. } => "armv7em::depthwise",
            Kernel::Linear { .. } => "armv7em::linear",
            Kernel::AveragePool { .. } => "armv7em::average_pool",
            Kernel::MaxPool { .. } => "armv7em::max_pool",
            Kernel::Add => "armv7em::add",
            Kernel::Constants { .. } => "armv7em::constants",
            Kernel::Multiply { .. } => "armv7em::multiply",
            Kernel::Elementwise { .. } => "armv7em::elementwise",
            Kernel::Rearrange { .. } => "armv7em::rearrange",
        };
        crate::target::Kernel {
            path,
            generics: self.to_string(),
            plan: plan.map(|plan| format!("&{plan:?}")),
            scratch_bytes: plan.map_or(0, |plan| plan.scratch_bytes),
        }
    }
}

/// The const parameters, as they stand between `::<` and `>`.
impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Kernel::Conv { x, w, codes, fraction, zero, windows, whole } => {
                write!(f, "{x}, {w}, {codes}, {fraction}, {zero}, {}, {whole}", windows as u8)
            }
            Kernel::GroupedConv { x, w, codes, fraction, zero, words } => {
                write!(f, "{x}, {w}, {codes}, {fraction}, {zero}, {words}")
            }
            Kernel::Depthwise { x, w, y, odd, small } => write!(f, "{x}, {w}, {y}, {odd}, {small}"),
            Kernel::GroupedDepthwise { x, w, y, small } => write!(f, "{x}, {w}, {y}, {small}"),
            Kernel::Elementwise { x, y } => write!(f, "{x}, {y}"),
            Kernel::Linear { x, w, codes } => write!(f, "{x}, {w}, {codes}"),
            Kernel::AveragePool { x, words } | Kernel::MaxPool { x, words } => write!(f, "{x}, {words}"),
            Kernel::Add => Ok(()),
            Kernel::Constants { product } => write!(f, "{product}"),
            Kernel::Multiply { by_channel } => write!(f, "{by_channel}"),
            Kernel::Rearrange { interleaved } => write!(f, "{interleaved}"),
        }
    }
}
