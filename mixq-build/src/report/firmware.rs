//! What all models of a firmware take together.

use serde::Serialize;

use super::SpeedReport;
use crate::config::{Config, Limit, Model};
use crate::error::{Location, Problem};
use crate::size::{bytes, thousands};
use crate::target::Placed;

/// The memory of all models of a firmware, as their artifacts have it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FirmwareReport {
    /// The package.
    pub package: String,
    /// The models that have an artifact.
    pub models: Vec<ModelMemory>,
    /// The models that have none, which are not counted.
    pub missing: Vec<String>,
    /// Whether the models take turns in one arena.
    pub shared_arena: bool,
    /// Bytes of constants, in sum.
    pub flash_bytes: u64,
    /// Bytes of constants that there may be.
    pub flash_budget: u64,
    /// Bytes of RAM: the sum, or the most of one model if they share the arena.
    pub ram_bytes: u64,
    /// Bytes of RAM that there may be.
    pub ram_budget: u64,
    /// Whether both are within their budgets.
    pub fits: bool,
    #[serde(skip)]
    places: [Option<Location>; 2],
}

/// What one model takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelMemory {
    /// The model.
    pub model: String,
    /// Bytes of constants.
    pub flash_bytes: u64,
    /// Bytes of RAM, those for speed included.
    pub ram_bytes: u64,
    /// How fast it is.
    #[serde(flatten)]
    pub speed: SpeedReport,
}

impl FirmwareReport {
    /// Counts the bytes of the artifacts themselves, not the budgets that they were made for. `networks` has
    /// one entry for each model of `config`, in the same order: `None` where there is no artifact.
    pub fn new(config: &Config, networks: &[Option<Placed>]) -> FirmwareReport {
        let all: Vec<(&Model, &Option<Placed>)> = config.models.iter().zip(networks).collect();
        let memory = |(model, placed): &(&Model, &Option<Placed>)| {
            let Placed { artifact, speed_bytes, speed } = placed.as_ref()?;
            Some(ModelMemory {
                model: model.name.clone(),
                flash_bytes: artifact.flash_bytes() as u64,
                ram_bytes: artifact.ram_bytes() as u64,
                speed: SpeedReport::new(*speed_bytes, speed.as_ref()),
            })
        };
        let models: Vec<ModelMemory> = all.iter().filter_map(memory).collect();
        let missing = all.iter().filter(|(_, placed)| placed.is_none());
        let shared_arena = config.device.shared_arena;
        let sum = |parts: &mut dyn Iterator<Item = u64>| parts.fold(0, u64::saturating_add);
        let together = |parts: &mut dyn Iterator<Item = u64>| {
            if shared_arena { parts.max().unwrap_or(0) } else { sum(parts) }
        };
        let flash_bytes = sum(&mut models.iter().map(|model| model.flash_bytes));
        let ram_bytes = together(&mut models.iter().map(|model| model.ram_bytes));
        // Without a device, what the models say of themselves is all that is known.
        let bytes_of = |limit: &Option<Limit>| limit.as_ref().map(|limit| limit.bytes);
        let flash_budget = bytes_of(&config.device.flash)
            .unwrap_or_else(|| sum(&mut config.models.iter().map(|model| model.flash)));
        let ram_budget = bytes_of(&config.device.ram)
            .unwrap_or_else(|| together(&mut config.models.iter().map(|model| model.ram)));
        FirmwareReport {
            package: config.package.clone(),
            missing: missing.map(|(model, _)| model.name.clone()).collect(),
            models,
            shared_arena,
            flash_bytes,
            flash_budget,
            ram_bytes,
            ram_budget,
            fits: flash_bytes <= flash_budget && ram_bytes <= ram_budget,
            places: [
                config.device.flash.as_ref().map(|limit| limit.at.clone()),
                config.device.ram.as_ref().map(|limit| limit.at.clone()),
            ],
        }
    }

    /// "38,924 B + 20,000 B = 58,924 B".
    pub fn flash_sum(&self) -> String {
        addition(self.models.iter().map(|model| model.flash_bytes), self.flash_bytes)
    }

    /// The same of RAM, or "4,608 B, the most of 4,608 B and 2,048 B in one arena".
    pub fn ram_sum(&self) -> String {
        if !self.shared_arena {
            return addition(self.models.iter().map(|model| model.ram_bytes), self.ram_bytes);
        }
        let parts: Vec<String> = self.models.iter().map(|model| bytes(model.ram_bytes)).collect();
        match parts.len() {
            0 | 1 => bytes(self.ram_bytes),
            _ => format!("{}, the most of {} in one arena", bytes(self.ram_bytes), parts.join(" and ")),
        }
    }

    /// One line: both sums and their budgets.
    pub fn line(&self) -> String {
        let names: Vec<&str> = self.models.iter().map(|model| model.model.as_str()).collect();
        let missing = match &self.missing[..] {
            [] => String::new(),
            missing => format!("; not counted is what has no artifact: {}", missing.join(", ")),
        };
        format!(
            "firmware `{}`, models {}: flash {} of {}; RAM {} of {}{missing}",
            self.package,
            names.join(", "),
            self.flash_sum(),
            bytes(self.flash_budget),
            self.ram_sum(),
            bytes(self.ram_budget)
        )
    }

    /// A line for each model: how fast it is in how much RAM, where that is known.
    pub fn speed(&self) -> Vec<String> {
        let line = |model: &ModelMemory| {
            let (fast, slow) = (model.speed.instructions?, model.speed.least_arena_instructions?);
            let cycles = model
                .speed
                .cycles_estimate
                .map_or(String::new(), |cycles| format!(", about {} cycles", thousands(cycles)));
            let saved = match model.speed.speed_bytes {
                0 => String::new(),
                speed => format!(
                    "; RAM {} needed, {} for speed (without it {} instructions)",
                    bytes(model.ram_bytes - speed),
                    bytes(speed),
                    thousands(slow)
                ),
            };
            Some(format!("model `{}`: {} instructions{cycles}{saved}", model.model, thousands(fast)))
        };
        self.models.iter().filter_map(line).collect()
    }

    /// A problem for every memory that is too small for all models together.
    pub fn problems(&self) -> Vec<Problem> {
        let names: Vec<String> = self.models.iter().map(|model| format!("`{}`", model.model)).collect();
        let problem = |what: &str, sum: String, used: u64, budget: u64, at: &Option<Location>| {
            let message = format!(
                "the models {} take {sum} of {what} together, {} more than the {} there may be",
                names.join(", "),
                bytes(used - budget),
                bytes(budget)
            );
            let help = "one is larger than what it may take: `cargo mixq retrain --force --model NAME` \
                        makes it anew";
            Problem { location: at.clone(), ..Problem::new(message).help(help) }
        };
        let [flash_at, ram_at] = &self.places;
        let memories = [
            ("flash", self.flash_sum(), self.flash_bytes, self.flash_budget, flash_at),
            ("RAM", self.ram_sum(), self.ram_bytes, self.ram_budget, ram_at),
        ];
        let over = memories.into_iter().filter(|(_, _, used, budget, _)| used > budget);
        over.map(|(what, sum, used, budget, at)| problem(what, sum, used, budget, at)).collect()
    }

    /// The figures as JSON, with these names.
    pub fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("figures are always representable")
    }
}

fn addition(parts: impl Iterator<Item = u64>, sum: u64) -> String {
    let parts: Vec<String> = parts.map(bytes).collect();
    match parts.len() {
        0 | 1 => bytes(sum),
        _ => format!("{} = {}", parts.join(" + "), bytes(sum)),
    }
}
