//! Settings that may stand in the workspace, in the package and in a model, the later winning key by key.

use std::path::Path;

use mixq_format::Bits;
use serde::Serialize;

use super::device::Device;
use super::table::Table;
use super::{Training, training};
use crate::error::Problem;

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

/// Slack of the rule for weights, in millionths; the paper's unless set.
#[derive(Clone, Copy)]
pub(super) struct Delta(pub u32);

impl Default for Delta {
    fn default() -> Delta {
        Delta(crate::memory::rules::DELTA)
    }
}

/// What holds for a model unless its own table says otherwise.
#[derive(Clone, Default)]
pub(super) struct Settings {
    pub device: Device,
    pub scheme: Scheme,
    pub policy: Policy,
    pub delta: Delta,
    pub training: Training,
}

impl Settings {
    /// Keys of `[package.metadata.mixq]` and `[workspace.metadata.mixq]` that [`Settings::read`] reads.
    pub const KEYS: [&str; 5] = ["device", "scheme", "policy", "delta", "training"];

    /// Takes over what the table has; paths are joined to `folder`.
    pub fn read(&mut self, table: &Table<'_>, folder: &Path, problems: &mut Vec<Problem>) {
        if let Some(device) = table.get("device").and_then(|device| device.table(problems)) {
            self.device.read(&device, folder, problems);
        }
        self.read_choices(table, problems);
    }

    pub fn read_choices(&mut self, table: &Table<'_>, problems: &mut Vec<Problem>) {
        if let Some(scheme) = table.get("scheme").and_then(|entry| entry.choice(&Scheme::CHOICES, problems)) {
            self.scheme = scheme;
        }
        if let Some(policy) = table.get("policy").and_then(|entry| entry.choice(&Policy::CHOICES, problems)) {
            self.policy = policy;
        }
        let delta = table
            .get("delta")
            .and_then(|entry| entry.number(|n| (0.0..=1.0).contains(&n), "0 to 1", problems));
        if let Some(delta) = delta {
            self.delta = Delta((delta * 1e6).round() as u32);
        }
        if let Some(table) = table.get("training").and_then(|entry| entry.table(problems)) {
            training::read(&mut self.training, &table, problems);
        }
    }
}
