//! `[package.metadata.mixq.device]`: how much memory the networks may take, all together, and what processor
//! executes them.

use std::path::Path;

use super::chips::{self, Chip};
use super::cores::Core;
use super::memory_x::{MemoryX, Region};
use crate::clock;
use crate::error::{Location, Problem};
use crate::settings::ArenaSize;
use crate::size::{self, bytes};
use crate::toml::{Entry, Table};

/// A device, as far as it is known; what is nearer to the model replaces it key by key.
#[derive(Clone, Default)]
pub(super) struct Device {
    /// What there is of flash and RAM.
    sizes: [Option<Size>; 2],
    /// What of these the application keeps.
    reserves: [Option<Size>; 2],
    chip: Option<(&'static Chip, Location)>,
    core: Option<(&'static Core, Location)>,
    /// The firmware's linker script.
    pub memory_x: Option<MemoryX>,
    /// Whether all models take turns in one arena.
    pub shared_arena: bool,
    /// How large arenas are.
    pub arena: ArenaSize,
    /// The processor's clock, in Hz.
    clock: Option<u64>,
}

/// A size that was written down, or follows from what was.
#[derive(Clone)]
pub(super) struct Size {
    /// `None`: it is malformed, which was reported.
    pub bytes: Option<u64>,
    /// The value that says so.
    pub at: Location,
    origin: Origin,
}

/// The processor that a device is said to have.
#[derive(Clone, Debug, PartialEq)]
pub struct Processor {
    /// What it is.
    pub core: &'static Core,
    /// The chip that has it; `None` where the core itself is named.
    pub chip: Option<&'static Chip>,
    /// The value that says so.
    pub at: Location,
}

/// What a size was taken from.
#[derive(Clone)]
enum Origin {
    Written,
    Chip(&'static Chip),
    MemoryX,
}

/// Keys of budgets with their reserves, regions, and what messages call them.
const MEMORIES: [(&str, &str, &str, &str); 2] =
    [("flash", "reserve-flash", "FLASH", "flash"), ("ram", "reserve-ram", "RAM", "RAM")];

impl Device {
    /// Takes over what the table has; paths are joined to `folder`.
    ///
    /// In one table `flash` and `ram` count before `chip`, and `chip` before `memory-x`.
    pub fn read(&mut self, table: &Table<'_>, folder: &Path, problems: &mut Vec<Problem>) {
        let keys = [
            "chip",
            "core",
            "memory-x",
            "flash",
            "ram",
            "reserve-flash",
            "reserve-ram",
            "shared-arena",
            "arena",
            "clock",
        ];
        table.allow(&keys, problems);
        if let Some(shared) = table.get("shared-arena").and_then(|entry| entry.boolean(problems)) {
            self.shared_arena = shared;
        }
        let arena = table.get("arena").and_then(|entry| entry.choice(&ArenaSize::CHOICES, problems));
        self.arena = arena.unwrap_or(self.arena);
        if let Some(entry) = table.get("clock") {
            self.clock = clock(&entry, problems);
        }
        let chip = table.get("chip").map(|entry| (chip(&entry, problems), entry.value_location()));
        if let Some((chip, at)) = &chip {
            // A core or a clock of a farther table is that of another chip.
            (self.chip, self.core) = (chip.map(|chip| (chip, at.clone())), None);
            self.clock = self.clock.filter(|_| table.get("clock").is_some());
        }
        if let Some(entry) = table.get("core") {
            self.core = core(&entry, problems).map(|core| (core, entry.value_location()));
        }
        let memory_x =
            table.get("memory-x").map(|entry| (memory_x(&entry, folder, problems), entry.value_location()));
        for (which, (key, reserve, ..)) in MEMORIES.into_iter().enumerate() {
            let of_chip = chip.as_ref().map(|(chip, at)| Size {
                bytes: chip.map(|chip| [chip.flash, chip.ram][which]),
                at: at.clone(),
                origin: chip.map_or(Origin::Written, Origin::Chip),
            });
            let of_memory_x = memory_x.as_ref().map(|(memory_x, at)| Size {
                bytes: memory_x.as_ref().map(|memory_x| region(memory_x, which).bytes),
                at: at.clone(),
                origin: Origin::MemoryX,
            });
            let nearest = Size::read(table, key, problems).or(of_chip).or(of_memory_x);
            self.sizes[which] = nearest.or(self.sizes[which].take());
            let reserve = table.get(reserve).map(|entry| Size::of(&entry, 0, problems));
            self.reserves[which] = reserve.or(self.reserves[which].take());
        }
        self.memory_x = memory_x.and_then(|(memory_x, _)| memory_x).or(self.memory_x.take());
    }

    /// The processor, if a core or a chip is named. The core counts first: a chip may have several.
    pub fn processor(&self, problems: &mut Vec<Problem>) -> Option<Processor> {
        match (&self.core, &self.chip) {
            (Some((core, at)), Some((chip, _))) if chip.core.lacks_dsp_of(core) => {
                let message =
                    format!("`core` is {}, but the chip {} has a {}", core.name, chip.name, chip.core.title);
                problems.push(Problem::new(message).help("leave `core` out").at(at.clone()));
                None
            }
            (Some((core, at)), _) => Some(Processor { core, chip: None, at: at.clone() }),
            (None, Some((chip, at))) => Some(Processor { core: chip.core, chip: Some(chip), at: at.clone() }),
            (None, None) => None,
        }
    }

    /// The processor's clock in Hz: its own key's, or the highest of the chip.
    pub fn clock(&self) -> Option<u64> {
        self.clock.or(self.chip.as_ref().map(|(chip, _)| chip.clock))
    }

    /// Budgets for flash and RAM: what there is less what the application keeps, within the linker's regions.
    pub fn budgets(&self, problems: &mut Vec<Problem>) -> [Option<Size>; 2] {
        let mut budgets = self.sizes.clone();
        for (which, budget) in budgets.iter_mut().enumerate() {
            if let (Some(budget), Some(reserve)) = (budget, &self.reserves[which]) {
                budget.subtract(reserve, MEMORIES[which].1, MEMORIES[which].3, problems);
            }
        }
        self.check(&mut budgets, problems);
        budgets
    }

    /// A model's own budgets, which are taken from those of the device.
    pub fn own_budgets(&self, table: &Table<'_>, problems: &mut Vec<Problem>) -> [Option<Size>; 2] {
        let mut own = MEMORIES.map(|(key, ..)| Size::read(table, key, problems));
        self.check(&mut own, problems);
        own
    }

    /// Reports budgets that are larger than the linker's regions.
    fn check(&self, budgets: &mut [Option<Size>; 2], problems: &mut Vec<Problem>) {
        let Some(memory_x) = &self.memory_x else { return };
        for (which, budget) in budgets.iter_mut().enumerate() {
            let (key, reserve, name, memory) = MEMORIES[which];
            let region = region(memory_x, which);
            let Some(budget) = budget else { continue };
            let Some(wanted) = budget.bytes.filter(|wanted| *wanted > region.bytes) else { continue };
            let at = format!("{}:{}:{}", region.at.path.display(), region.at.line(), region.at.column());
            let (subject, help) = match budget.origin {
                Origin::Chip(chip) => (
                    format!("the chip {} leaves {} of {memory}", chip.name, bytes(wanted)),
                    format!(
                        "leave `chip` out, `memory-x` alone gives the budget; or set {reserve} = \"{}\" \
                         or more",
                        bytes(wanted - region.bytes)
                    ),
                ),
                _ => (
                    format!("`{key}` is {}", bytes(wanted)),
                    format!("set {key} = \"{}\" or less, or leave it out", bytes(region.bytes)),
                ),
            };
            let message = format!("{subject}, but the region `{name}` has {} ({at})", bytes(region.bytes));
            problems.push(Problem::new(message).help(help).at(budget.at.clone()));
            budget.bytes = None;
        }
    }
}

impl Size {
    fn read(table: &Table<'_>, key: &str, problems: &mut Vec<Problem>) -> Option<Size> {
        Some(Size::of(&table.get(key)?, 1, problems))
    }

    /// A size of at least 0 or 1 bytes.
    fn of(entry: &Entry<'_>, least: u64, problems: &mut Vec<Problem>) -> Size {
        Size { bytes: size(entry, least, problems), at: entry.value_location(), origin: Origin::Written }
    }

    fn subtract(&mut self, reserve: &Size, key: &str, memory: &str, problems: &mut Vec<Problem>) {
        let (Some(all), Some(kept)) = (self.bytes, reserve.bytes) else {
            self.bytes = None;
            return;
        };
        self.bytes = all.checked_sub(kept).filter(|left| *left > 0);
        if self.bytes.is_none() {
            let whole = match self.origin {
                Origin::Written => "the device".to_string(),
                Origin::Chip(chip) => format!("the chip {}", chip.name),
                Origin::MemoryX => "the linker script".to_string(),
            };
            let message =
                format!("`{key}` is {}, of {} of {memory} that {whole} has", bytes(kept), bytes(all));
            let problem = Problem::new(message).help("that leaves nothing for a network: reserve less");
            problems.push(problem.at(reserve.at.clone()));
        }
    }
}

fn region(memory_x: &MemoryX, which: usize) -> &Region {
    [&memory_x.flash, &memory_x.ram][which]
}

fn chip(entry: &Entry<'_>, problems: &mut Vec<Problem>) -> Option<&'static Chip> {
    let found = chips::find(entry.string(problems)?);
    found.map_err(|problem| problems.push(problem.at(entry.value_location()))).ok()
}

fn core(entry: &Entry<'_>, problems: &mut Vec<Problem>) -> Option<&'static Core> {
    let found = Core::find(entry.string(problems)?);
    found.map_err(|problem| problems.push(problem.at(entry.value_location()))).ok()
}

fn clock(entry: &Entry<'_>, problems: &mut Vec<Problem>) -> Option<u64> {
    let found = clock::parse(entry.string(problems)?);
    let wrong = |reason| entry.problem(format_args!("is not a clock: {reason}")).help(clock::ACCEPTED);
    found.map_err(|reason| problems.push(wrong(reason))).ok()
}

fn memory_x(entry: &Entry<'_>, folder: &Path, problems: &mut Vec<Problem>) -> Option<MemoryX> {
    let path = folder.join(entry.string(problems)?);
    let error = match MemoryX::read(&path) {
        Ok(memory_x) => return Some(memory_x),
        Err(error) => error,
    };
    // That it cannot be read is said where it is named.
    problems.extend(error.problems.into_iter().map(|problem| match problem.location {
        Some(_) => problem,
        None => problem.at(entry.value_location()),
    }));
    None
}

fn size(entry: &Entry<'_>, least: u64, problems: &mut Vec<Problem>) -> Option<u64> {
    let found = match (entry.as_str(), entry.as_integer()) {
        (Some(text), _) => size::parse(text),
        (None, Some(bytes)) => u64::try_from(bytes).map_err(|_| format!("`{bytes}` is negative")),
        (None, None) => {
            problems.push(entry.wrong_type("a size").help(size::ACCEPTED));
            return None;
        }
    };
    match found {
        Ok(bytes) if bytes < least => problems.push(entry.problem("is 0 bytes, in which no network fits")),
        Ok(bytes) => return Some(bytes),
        Err(reason) => {
            problems.push(entry.problem(format_args!("is not a size: {reason}")).help(size::ACCEPTED));
        }
    }
    None
}
