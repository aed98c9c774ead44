//! `[package.metadata.mixq]` of the firmware's Cargo.toml: which models, in how much memory, trained how.
//!
//! Settings come from three places, the later winning key by key: `[workspace.metadata.mixq]` of the
//! workspace's Cargo.toml, `[package.metadata.mixq]`, and the model's own table. Paths are joined to the
//! folder of the file that has them. `network` and `dataset` of a nearer place replace the farther ones as a
//! whole, with all their options.
//!
//! ```toml
//! [package.metadata.mixq.device]
//! flash = "48 KiB"            # what all models of the firmware may take together
//! ram = "6 KiB"
//! shared-arena = true         # the models take turns in one arena: RAM holds the largest, not the sum
//! arena = "least"             # no RAM but what the networks need; usual is "fastest"
//! ```
//!
//! The device's budget is that of the firmware. A model's own `flash` and `ram` are taken from it first; the
//! models without share what is left (the room `prepare` divides it). A model alone gets all of it. In place
//! of sizes stand
//!
//! * `chip = "stm32h743zi"`: the whole flash and main RAM of one of [`chips::CHIPS`]; `flash` or `ram` beside
//!   it replace the chip's, for instance where flash is external.
//! * `memory-x = "memory.x"`: LENGTH of FLASH and RAM in the firmware's own linker script ([`memory_x`]).
//!   Beside other sizes it is their limit: a budget over what the linker has is an error.
//! * `reserve-flash = "64 KiB"`, `reserve-ram = "16 KiB"`: what the application keeps, subtracted from the
//!   device's sizes wherever these come from. Nothing unless given; usual are the application's code (16 to
//!   64 KiB of flash without, 200 KiB and more with a radio's stack) and its stack and statics (4 to 16 KiB
//!   of RAM, frame buffers apart).
//!
//! `core = "cortex-m33"` names the processor, one of [`cores::CORES`], where no `chip` does: the kernels for
//! ARMv8-M depend on whether it has DSP instructions.
//!
//! `clock = "168 MHz"` is what estimated cycles become a time with; else it is the highest one of the `chip`.
//!
//! The nearest table that says something of flash or RAM decides it; in one table `flash` and `ram` count
//! before `chip`, and that before `memory-x`.

pub mod chips;
pub mod cores;
mod dataset;
mod defaults;
mod device;
mod inputs;
mod masks;
pub mod memory_x;
mod misplaced;
mod model;
mod network;
mod normalisation;
mod samples;
mod together;
mod training;
mod workspace;

use std::path::{Path, PathBuf};

pub use dataset::DatasetConfig;
pub use device::Processor;
pub use inputs::NamedInput;
pub use misplaced::in_manifest as misplaced;
pub use model::{BudgetOf, Model};
pub use normalisation::ModelInput;
pub use samples::{Group, InputConfig, RecordingConfig, Short};

pub use together::{DeviceBudget, Limit};

// The types of fields of what is read; other rooms name them where they are.
pub use crate::settings::{
    Bounds, DeviceChoice, OptimiserKind, Policy, Rounding, Scheme, TestPart, Training,
};

use crate::error::{Error, Problem};
use crate::toml::{File, Table};
use defaults::Defaults;

/// What a firmware crate asks for in its Cargo.toml.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Name of the package.
    pub package: String,
    /// Folder of the package's Cargo.toml, as given.
    pub manifest_dir: PathBuf,
    /// Cargo.toml of the workspace, the package's own if that has a `[workspace]` table.
    pub workspace_manifest: Option<PathBuf>,
    /// The linker script that `memory-x` names, then those that it includes.
    pub linker_scripts: Vec<PathBuf>,
    /// What all models may take together.
    pub device: DeviceBudget,
    /// What executes them, as far as it is said.
    pub processor: Option<Processor>,
    /// Its clock in Hz, as far as it is said.
    pub clock: Option<u64>,
    /// The models, in the order of the file; never empty.
    pub models: Vec<Model>,
}

impl Config {
    /// Reads the Cargo.toml in `manifest_dir`, and that of the workspace to which cargo says it belongs.
    ///
    /// # Errors
    /// Everything that is wrong in both files, in the order of their lines; cargo refuses the manifest.
    pub fn load(manifest_dir: &Path) -> Result<Config, Error> {
        let package = File::read(&manifest_dir.join("Cargo.toml"))?;
        let workspace = workspace::root(&package)?;
        Config::from_manifests(manifest_dir, &package, workspace.as_deref())
    }

    /// The same, where the workspace's Cargo.toml is known already: `None` or the package's own for a package
    /// that is in no other.
    ///
    /// # Errors
    /// Everything that is wrong in both files, in the order of their lines.
    pub fn read(manifest_dir: &Path, workspace: Option<&Path>) -> Result<Config, Error> {
        let package = File::read(&manifest_dir.join("Cargo.toml"))?;
        let workspace = workspace.filter(|workspace| !workspace::same(workspace, &package.path));
        Config::from_manifests(manifest_dir, &package, workspace)
    }

    fn from_manifests(
        manifest_dir: &Path,
        package: &File,
        workspace: Option<&Path>,
    ) -> Result<Config, Error> {
        let workspace = workspace.map(File::read).transpose()?;
        let mut problems = Vec::new();
        let mut defaults = Defaults::default();
        let own_workspace = package.root().contains("workspace").then_some(package);
        let workspace_manifest = workspace.as_ref().or(own_workspace);
        if let Some(manifest) = workspace_manifest
            && let Some(table) = metadata(manifest, "workspace", &mut problems)
        {
            table.allow(&Defaults::KEYS, &mut problems);
            let folder = manifest.path.parent().unwrap_or(manifest_dir);
            defaults.read(&table, folder, &mut problems);
        }

        let name = package_name(package, &mut problems);
        let (device, models) = match metadata(package, "package", &mut problems) {
            Some(table) => read_package(&table, &mut defaults, manifest_dir, &mut problems),
            None => Default::default(),
        };
        let (processor, clock) = (defaults.device.processor(&mut problems), defaults.device.clock());
        problems.extend(workspace.iter().flat_map(misplaced::all));
        // Where the models stand in the wrong place, that is why there are none.
        match misplaced::all(package) {
            none if none.is_empty() => problems.extend(no_models(package)),
            some => problems.extend(some),
        }
        problems.sort_by_key(|problem| {
            problem.location.as_ref().map(|at| (at.path != package.path, at.span.start))
        });
        match name {
            Some(name) if problems.is_empty() => Ok(Config {
                package: name.to_string(),
                manifest_dir: manifest_dir.to_path_buf(),
                workspace_manifest: workspace_manifest.map(|manifest| manifest.path.clone()),
                linker_scripts: defaults.device.memory_x.map(|memory_x| memory_x.files).unwrap_or_default(),
                device,
                processor,
                clock,
                models,
            }),
            _ => Err(Error { problems }),
        }
    }
}

/// `[<section>.metadata.mixq]`.
fn metadata<'a>(manifest: &'a File, section: &str, problems: &mut Vec<Problem>) -> Option<Table<'a>> {
    let section = manifest.root().get(section)?.table(problems)?;
    section.get("metadata")?.table(problems)?.get("mixq")?.table(problems)
}

fn package_name<'a>(manifest: &'a File, problems: &mut Vec<Problem>) -> Option<&'a str> {
    let Some(package) = manifest.root().get("package") else {
        let problem = Problem::new("there is no [package] table")
            .help("mixq reads [package.metadata.mixq] of the firmware's own Cargo.toml")
            .at(manifest.location(0..0));
        problems.push(problem);
        return None;
    };
    let at = package.key_location();
    let name = package.table(problems)?.get("name");
    if name.is_none() {
        problems.push(Problem::new("`package` has no `name`").at(at));
    }
    name?.string(problems)
}

fn read_package(
    table: &Table<'_>,
    defaults: &mut Defaults,
    manifest_dir: &Path,
    problems: &mut Vec<Problem>,
) -> (DeviceBudget, Vec<Model>) {
    let mut known = Defaults::KEYS.to_vec();
    known.push("models");
    table.allow(&known, problems);
    defaults.read(table, manifest_dir, problems);
    let budgets = defaults.device.budgets(problems);
    let mut models = Vec::new();
    if let Some(table) = table.get("models").and_then(|models| models.table(problems)) {
        let read = |entry| model::read(&entry, defaults, &budgets, manifest_dir, problems);
        models.extend(table.entries().filter_map(read));
    }
    let device = DeviceBudget::new(budgets, &defaults.device);
    device.leave(&mut models, problems);
    (device, models)
}

/// The error for a package without models; it points at the innermost table that exists.
fn no_models(package: &File) -> Option<Problem> {
    let mut entry = package.root().get("package")?;
    for key in ["metadata", "mixq", "models"] {
        // Something else than a table is reported where it is read.
        match entry.table(&mut Vec::new())?.get(key) {
            Some(inner) => entry = inner,
            None => break,
        }
    }
    if entry.name == "models" && entry.table(&mut Vec::new())?.entries().next().is_some() {
        return None;
    }
    let problem = Problem::new("there are no models in [package.metadata.mixq.models]").help(
        "add [package.metadata.mixq.models.digits] with network = \"networks/digits.toml\" and \
         dataset = \"data/digits.csv.gz\"",
    );
    Some(problem.at(entry.key_location()))
}
