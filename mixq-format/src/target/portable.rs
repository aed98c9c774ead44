//! The portable kernels in plain Rust, for every target. Weights stay as they are in the artifact.

#[cfg(feature = "file")]
pub(super) mod cost;

use super::Target;
#[cfg(feature = "file")]
use super::{Kernel, LaidOut, Steps, relocate::relocate};
#[cfg(feature = "file")]
use crate::{Layer, Rule};

pub(super) const TARGET: Target = Target {
    name: "portable",
    has: |_| true,
    #[cfg(feature = "file")]
    lay_out,
    #[cfg(feature = "file")]
    tally: cost::tally,
    #[cfg(feature = "file")]
    tallies: cost::tallies,
    #[cfg(feature = "file")]
    scratch_steps: |_, _| Vec::new(),
};

/// Moves tables of whole words so that they begin at words: some processors can load only aligned words at
/// once.
#[cfg(feature = "file")]
pub(super) fn lay_out(steps: Steps<'_>, parameters: &[u8], _arena_bytes: u32) -> LaidOut {
    let mut layers = steps.layers.to_vec();
    let parameters = relocate(&mut layers, parameters, |_| None);
    let kernels = layers.iter().map(kernel).collect();
    LaidOut { layers, parameters, kernels }
}

/// The kernel of a layer. Its const parameters are the bits of the input, and of the weights or of an
/// elementwise layer's output. The plan is the
/// rule of requantisation, so that an image holds only the rules that its networks use.
#[cfg(feature = "file")]
pub(super) fn kernel(layer: &Layer) -> Kernel {
    let x = layer.first_input().bits.count();
    let path = match layer {
        Layer::Conv(_) => "portable::conv",
        Layer::Depthwise(_) => "portable::depthwise",
        Layer::Linear(_) => "portable::linear",
        Layer::AveragePool(_) => "portable::average_pool",
        Layer::MaxPool(_) => "portable::max_pool",
        Layer::Add(_) => "portable::add",
        Layer::Multiply(_) => "portable::multiply",
        Layer::Elementwise(_) => "portable::elementwise",
        Layer::Prelu(_) => "portable::prelu",
        Layer::Rearrange(_) => "portable::rearrange",
        Layer::Resize(_) => "portable::resize",
        Layer::GroupedConv(_) => "portable::grouped_conv",
        Layer::Constants(_) => "portable::constants",
    };
    let generics = match (layer, layer.weights()) {
        (
            Layer::Add(_) | Layer::Multiply(_) | Layer::Prelu(_) | Layer::Rearrange(_) | Layer::Constants(_),
            _,
        ) => String::new(),
        (Layer::Elementwise(l), _) => format!("{x}, {}", l.output.bits.count()),
        (_, Some((.., w))) => format!("{x}, {}", w.count()),
        (_, None) => x.to_string(),
    };
    let rule = layer.requant().map(|requant| match requant.rule {
        Rule::Multiplier => "multiplier",
        Rule::Thresholds16 => "thresholds16",
        Rule::Thresholds32 => "thresholds32",
    });
    Kernel { path, generics, plan: rule.map(String::from), scratch_bytes: 0 }
}
