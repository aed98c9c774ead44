//! Settings that may stand in the workspace, in the package and in a model, the later winning key by key.

use serde::Serialize;

use super::table::{Entry, Table};
use super::{Training, size, training};
use crate::error::{Location, Problem};

/// How finely weights are scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// One scale and zero point for all weights of a layer.
    PerLayer,
    /// One scale and zero point for each output channel.
    #[default]
    PerChannel,
}

impl Scheme {
    const CHOICES: [(&str, Scheme); 2] =
        [("per-layer", Scheme::PerLayer), ("per-channel", Scheme::PerChannel)];
}

/// What holds for a model unless its own table says otherwise.
#[derive(Clone, Default)]
pub(super) struct Settings {
    pub flash: Option<Size>,
    pub ram: Option<Size>,
    pub scheme: Scheme,
    pub training: Training,
}

/// A budget that was written down.
#[derive(Clone)]
pub(super) struct Size {
    /// `None`: it is malformed, which was reported.
    pub bytes: Option<u64>,
    pub at: Location,
}

impl Settings {
    /// Keys of `[package.metadata.mixq]` and `[workspace.metadata.mixq]` that [`Settings::read`] reads.
    pub const KEYS: [&str; 3] = ["device", "scheme", "training"];

    pub fn read(&mut self, table: &Table<'_>, problems: &mut Vec<Problem>) {
        if let Some(device) = table.get("device").and_then(|device| device.table(problems)) {
            device.allow(&["flash", "ram"], problems);
            self.read_budget(&device, problems);
        }
        self.read_scheme_and_training(table, problems);
    }

    pub fn read_budget(&mut self, table: &Table<'_>, problems: &mut Vec<Problem>) {
        let mut read = |key| {
            table.get(key).map(|entry| Size { bytes: bytes(&entry, problems), at: entry.value_location() })
        };
        self.flash = read("flash").or(self.flash.take());
        self.ram = read("ram").or(self.ram.take());
    }

    pub fn read_scheme_and_training(&mut self, table: &Table<'_>, problems: &mut Vec<Problem>) {
        if let Some(scheme) = table.get("scheme").and_then(|entry| entry.choice(&Scheme::CHOICES, problems)) {
            self.scheme = scheme;
        }
        if let Some(table) = table.get("training").and_then(|entry| entry.table(problems)) {
            training::read(&mut self.training, &table, problems);
        }
    }
}

fn bytes(entry: &Entry<'_>, problems: &mut Vec<Problem>) -> Option<u64> {
    let found = match (entry.as_str(), entry.as_integer()) {
        (Some(text), _) => size::parse(text),
        (None, Some(bytes)) => u64::try_from(bytes).map_err(|_| format!("`{bytes}` is negative")),
        (None, None) => {
            problems.push(entry.wrong_type("a size").help(size::ACCEPTED));
            return None;
        }
    };
    match found {
        Ok(0) => problems.push(entry.problem("is 0 bytes, in which no network fits")),
        Ok(bytes) => return Some(bytes),
        Err(reason) => {
            problems.push(entry.problem(format_args!("is no size: {reason}")).help(size::ACCEPTED));
        }
    }
    None
}
