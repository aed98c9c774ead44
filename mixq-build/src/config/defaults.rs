//! What holds for every model of a package: keys of `[workspace.metadata.mixq]` and of
//! `[package.metadata.mixq]`.
//!
//! A model's own table wins over the package, the package over the workspace, key by key.

use std::path::Path;

use mixq_format::Task;

use super::device::Device;
use super::{DatasetConfig, dataset, network, training};
use crate::error::{Location, Problem};
use crate::import::NetworkSource;
use crate::settings::{DELTA, Execution, Policy, Scheme, Training};
use crate::toml::Table;

/// Slack of the rule for weights, in millionths; the paper's unless set.
#[derive(Clone, Copy)]
pub(super) struct Delta(pub u32);

impl Default for Delta {
    fn default() -> Delta {
        Delta(DELTA)
    }
}

/// A network and where it is named.
#[derive(Clone)]
pub(super) struct Network {
    /// `None`: it is malformed, which was reported.
    pub source: Option<NetworkSource>,
    /// The value of `network`.
    pub at: Location,
}

/// What holds for a model unless its own table says otherwise.
#[derive(Clone, Default)]
pub(super) struct Defaults {
    pub device: Device,
    pub network: Option<Network>,
    /// The inner `None`: it is malformed, which was reported.
    pub dataset: Option<Option<DatasetConfig>>,
    pub task: Task,
    pub scheme: Scheme,
    pub policy: Policy,
    pub delta: Delta,
    /// How layers may be executed.
    pub execution: Execution,
    pub training: Training,
    /// Whether `training.shift` is given.
    pub shifts: bool,
}

impl Defaults {
    /// Keys of `[package.metadata.mixq]` and `[workspace.metadata.mixq]` that [`Defaults::read`] reads.
    pub const KEYS: [&str; 9] =
        ["device", "network", "dataset", "task", "scheme", "policy", "delta", "execution", "training"];

    /// Takes over what the table has; paths are joined to `folder`.
    pub fn read(&mut self, table: &Table<'_>, folder: &Path, problems: &mut Vec<Problem>) {
        if let Some(device) = table.get("device").and_then(|device| device.table(problems)) {
            self.device.read(&device, folder, problems);
        }
        self.read_of_model(table, folder, problems);
    }

    /// Takes over the keys that a model's own table may have, too. `network` and `dataset` are taken as a
    /// whole, of `training` each key.
    pub fn read_of_model(&mut self, table: &Table<'_>, folder: &Path, problems: &mut Vec<Problem>) {
        if let Some(entry) = table.get("network") {
            let source = network::read(&entry, folder, problems);
            self.network = Some(Network { source, at: entry.value_location() });
        }
        if let Some(entry) = table.get("dataset") {
            self.dataset = Some(dataset::read(&entry, folder, problems));
        }
        if let Some(task) = table.get("task").and_then(|entry| entry.choice(&Task::CHOICES, problems)) {
            self.task = task;
        }
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
        let execution = table.get("execution");
        if let Some(execution) = execution.and_then(|entry| entry.choice(&Execution::CHOICES, problems)) {
            self.execution = execution;
        }
        if let Some(entry) = table.get("training") {
            let own = if entry.is_table() { entry.table(problems) } else { None };
            self.shifts |= own.is_some_and(|table| table.contains("shift"));
            training::read_entry(&mut self.training, &entry, problems);
        }
    }
}
