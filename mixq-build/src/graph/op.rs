//! What one operator is.

use super::{Op, Window};

impl Op {
    /// Whether it has weights.
    pub fn weighted(&self) -> bool {
        matches!(self, Op::Conv { .. } | Op::Depthwise { .. } | Op::Linear { .. })
    }

    /// Whether batch norm follows.
    pub fn batch_norm(&self) -> bool {
        match *self {
            Op::Conv { batch_norm, .. }
            | Op::Depthwise { batch_norm, .. }
            | Op::Linear { batch_norm, .. } => batch_norm,
            Op::AveragePool { .. } | Op::MaxPool { .. } | Op::Add { .. } | Op::Flatten => false,
        }
    }

    /// Whether ReLU follows.
    pub fn relu(&self) -> bool {
        match *self {
            Op::Conv { relu, .. }
            | Op::Depthwise { relu, .. }
            | Op::Linear { relu, .. }
            | Op::Add { relu } => relu,
            Op::AveragePool { .. } | Op::MaxPool { .. } | Op::Flatten => false,
        }
    }

    /// The sliding window, of an operator that has one.
    pub fn window(&self) -> Option<&Window> {
        match self {
            Op::Conv { window, .. }
            | Op::Depthwise { window, .. }
            | Op::AveragePool { window }
            | Op::MaxPool { window } => Some(window),
            Op::Linear { .. } | Op::Add { .. } | Op::Flatten => None,
        }
    }

    /// Its kind as tables show it, with the kernel's height and width: "conv 3x3", "pointwise", "average pool
    /// 4x4".
    pub fn kind(&self) -> String {
        let sized = |name: &str, window: &Window| format!("{name} {}x{}", window.kernel[0], window.kernel[1]);
        match self {
            Op::Conv { window, .. } if window.kernel == [1, 1] => "pointwise".to_string(),
            Op::Conv { window, .. } => sized("conv", window),
            Op::Depthwise { window, .. } => sized("depthwise", window),
            Op::Linear { .. } => "linear".to_string(),
            Op::AveragePool { window } => sized("average pool", window),
            Op::MaxPool { window } => sized("max pool", window),
            Op::Add { .. } => "add".to_string(),
            Op::Flatten => "flatten".to_string(),
        }
    }
}
