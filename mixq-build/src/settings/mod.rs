//! The choices that Cargo.toml offers, as plain values. They stand below all rooms: `config` reads them, the
//! others do what they say.

mod training;

pub use training::{
    Bounds, ClassWeights, DeviceChoice, Loss, Method, OptimiserKind, Rounding, Training, WeightSteps,
};

use mixq_format::Bits;
use serde::Serialize;

/// Slack of the rule for weights (arXiv 1905.13082, section 5), in millionths, unless Cargo.toml sets it.
pub const DELTA: u32 = 50_000;

/// How large arenas are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ArenaSize {
    /// As large as it makes networks faster, within the budget: kernels work in what tensors leave free.
    #[default]
    Fastest,
    /// No larger than networks need.
    Least,
}

impl ArenaSize {
    /// Every choice by its name.
    pub const CHOICES: [(&str, ArenaSize); 2] =
        [("fastest", ArenaSize::Fastest), ("least", ArenaSize::Least)];
}

/// How the layers of a network may be executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Execution {
    /// In stripes of rows, where whole tensors do not fit: the arena then holds, of the tensors inside a run
    /// of layers, only the rows that are still needed.
    #[default]
    Stripes,
    /// In stripes of rows, the first layers always: the image, too, comes in rows, and is never in the arena
    /// whole.
    Rows {
        /// Rows from one window of a signal to the next one, which overlaps it; 0: each image stands alone.
        hop: u16,
    },
    /// One after the other, on whole tensors.
    Whole,
}

impl Execution {
    /// Every choice by its name.
    pub const CHOICES: [(&str, Execution); 3] =
        [("stripes", Execution::Stripes), ("rows", Execution::ROWS), ("whole", Execution::Whole)];

    /// The image comes in rows, and stands alone.
    pub const ROWS: Execution = Execution::Rows { hop: 0 };

    /// Whether the image comes in rows.
    pub const fn is_fed(self) -> bool {
        matches!(self, Execution::Rows { .. })
    }

    /// Rows from one window of a signal to the next one, if windows overlap; else 0.
    pub const fn hop(self) -> u16 {
        match self {
            Execution::Rows { hop } => hop,
            Execution::Stripes | Execution::Whole => 0,
        }
    }
}

/// Bytes of RAM for activations, and how layers may be executed there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ram {
    /// The bytes.
    pub bytes: u64,
    /// How layers may be executed.
    pub execution: Execution,
}

impl From<u64> for Ram {
    fn from(bytes: u64) -> Ram {
        Ram { bytes, execution: Execution::default() }
    }
}

/// How a layer becomes integers: how finely weights are scaled, and how accumulators become codes
/// (table 2 of arXiv 1905.13082).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// One scale and zero point for all weights of a layer, into which batch norm is folded before they are
    /// quantised: one multiplier for the layer.
    PerLayerFolded,
    /// One scale and zero point for all weights of a layer; batch norm stays in integers (ICN).
    PerLayer,
    /// One scale and zero point for each output channel; batch norm stays in integers (ICN).
    #[default]
    PerChannel,
    /// As `PerChannel`, but a code is the number of thresholds that the accumulator reaches.
    PerChannelThresholds,
}

impl Scheme {
    /// Every scheme by its name.
    pub const CHOICES: [(&str, Scheme); 4] = [
        ("per-layer-folded", Scheme::PerLayerFolded),
        ("per-layer", Scheme::PerLayer),
        ("per-channel", Scheme::PerChannel),
        ("per-channel-thresholds", Scheme::PerChannelThresholds),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::PerLayerFolded => "per-layer-folded",
            Scheme::PerLayer => "per-layer",
            Scheme::PerChannel => "per-channel",
            Scheme::PerChannelThresholds => "per-channel-thresholds",
        }
    }

    /// Whether all weights of a layer share one grid.
    pub fn per_layer(self) -> bool {
        matches!(self, Scheme::PerLayerFolded | Scheme::PerLayer)
    }
}

/// How bits are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// By the rules of arXiv 1905.13082, from sizes alone.
    #[default]
    Rules,
    /// Those that lose least, by the sensitivity of each tensor to fewer bits, measured on the trained float
    /// network.
    Sensitivity,
    /// 8 bits for every tensor.
    #[serde(rename = "uniform-8")]
    Uniform8,
    /// 4 bits for every tensor.
    #[serde(rename = "uniform-4")]
    Uniform4,
    /// 2 bits for every tensor.
    #[serde(rename = "uniform-2")]
    Uniform2,
}

impl Policy {
    /// Every policy by its name.
    pub const CHOICES: [(&str, Policy); 5] = [
        ("rules", Policy::Rules),
        ("sensitivity", Policy::Sensitivity),
        ("uniform-8", Policy::Uniform8),
        ("uniform-4", Policy::Uniform4),
        ("uniform-2", Policy::Uniform2),
    ];

    /// The bits of every tensor, if they are all the same.
    pub fn uniform(self) -> Option<Bits> {
        match self {
            Policy::Rules | Policy::Sensitivity => None,
            Policy::Uniform8 => Some(Bits::B8),
            Policy::Uniform4 => Some(Bits::B4),
            Policy::Uniform2 => Some(Bits::B2),
        }
    }
}

/// How many images are the test part.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TestPart {
    /// This number of images, at least 1: the last ones of a file; of folders, this number from each class.
    Rows(usize),
    /// This share of each class, over 0 and under 1; at least one image of a class that has two or more.
    Share(f64),
}

/// A fifth.
impl Default for TestPart {
    fn default() -> TestPart {
        TestPart::Share(0.2)
    }
}
