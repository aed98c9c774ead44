//! What holds for every model of a package: keys of `[workspace.metadata.mixq]` and of
//! `[package.metadata.mixq]`. A model's own table wins over the package, the package over the workspace, key by
//! key.

use std::path::Path;

use super::device::Device;
use super::table::Table;
use super::training;
use crate::error::Problem;
use crate::settings::{DELTA, Policy, Scheme, Training};

/// Slack of the rule for weights, in millionths; the paper's unless set.
#[derive(Clone, Copy)]
pub(super) struct Delta(pub u32);

impl Default for Delta {
    fn default() -> Delta {
        Delta(DELTA)
    }
}

/// What holds for a model unless its own table says otherwise.
#[derive(Clone, Default)]
pub(super) struct Defaults {
    pub device: Device,
    pub scheme: Scheme,
    pub policy: Policy,
    pub delta: Delta,
    pub training: Training,
}

impl Defaults {
    /// Keys of `[package.metadata.mixq]` and `[workspace.metadata.mixq]` that [`Defaults::read`] reads.
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
