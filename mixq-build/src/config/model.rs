//! One model of `[package.metadata.mixq.models]`.

use std::collections::BTreeMap;
use std::path::Path;

use super::defaults::Defaults;
use super::device::Size;
use super::{DatasetConfig, ModelInput, normalisation};
use crate::error::{Location, Problem};
use crate::import::NetworkSource;
use crate::settings::{Execution, Policy, Ram, Scheme, Training};
use crate::toml::{Entry, Table};
use mixq_format::Task;

/// A model that the firmware includes.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Its key, a Rust identifier: the name of the module and of the artifact.
    pub name: String,
    /// Where the network comes from.
    pub network: NetworkSource,
    /// How its input was normalised where it was trained; `None`: it says so itself, or is trained here.
    pub input: Option<ModelInput>,
    /// The same of inputs by their names.
    pub inputs: BTreeMap<String, ModelInput>,
    /// Where the images come from.
    pub dataset: DatasetConfig,
    /// How finely weights are scaled.
    pub scheme: Scheme,
    /// How its bits are chosen.
    pub policy: Policy,
    /// Slack of the rule for weights, in millionths.
    pub delta: u32,
    /// How its layers may be executed.
    pub execution: Execution,
    /// Bytes of flash that the network may take. Without a budget of its own this is the device's budget,
    /// less the budgets of other models. Where several models share that, the room `prepare` divides it.
    pub flash: u64,
    /// Bytes of RAM that the network may take, likewise.
    pub ram: u64,
    /// Whose budget `flash` is.
    pub flash_of: BudgetOf,
    /// Whose budget `ram` is.
    pub ram_of: BudgetOf,
    /// How it is trained.
    pub training: Training,
    /// Whether the integers of a quantised file are taken over as they are; nothing is trained then.
    pub as_imported: bool,
    /// The model's key in Cargo.toml.
    pub location: Location,
    /// The value of `network`, of the model or of the defaults.
    pub network_at: Option<Location>,
    /// The value that names the dataset's file.
    pub dataset_at: Option<Location>,
    /// The value that the flash budget comes from: `flash` of the model, or `flash`, `chip` or `memory-x` of
    /// the device.
    pub flash_at: Option<Location>,
    /// The value that the RAM budget comes from.
    pub ram_at: Option<Location>,
}

impl Model {
    /// Its bytes of RAM, and how layers may be executed there.
    pub fn ram_in_execution(&self) -> Ram {
        Ram { bytes: self.ram, execution: self.execution }
    }
}

/// Whose a model's budget is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetOf {
    /// The model's own: its table says it.
    Model,
    /// The device's, less the budgets that models have of their own.
    Device,
    /// A part of that: several models divide it. It changes with the other models.
    Share,
}

/// Reads a model's table; `budgets` for flash and RAM are the device's.
///
/// `None` if something is wrong with it, which is reported.
pub(super) fn read(
    entry: &Entry<'_>,
    defaults: &Defaults,
    budgets: &[Option<Size>; 2],
    manifest_dir: &Path,
    problems: &mut Vec<Problem>,
) -> Option<Model> {
    check_name(entry, problems);
    let table = entry.table(problems)?;
    let keys = [
        "network",
        "bits",
        "input",
        "inputs",
        "dataset",
        "task",
        "scheme",
        "policy",
        "delta",
        "execution",
        "hop",
        "flash",
        "ram",
        "training",
    ];
    table.allow(&keys, problems);
    let mut settings = defaults.clone();
    let own = settings.device.own_budgets(&table, problems);
    let [flash_of, ram_of] =
        own.each_ref().map(|own| if own.is_some() { BudgetOf::Model } else { BudgetOf::Device });
    let [flash, ram] = own;
    settings.read_of_model(&table, manifest_dir, problems);

    let input = table.get("input").map(|entry| normalisation::read(&entry, "input", problems));
    let inputs = table.get("inputs").map(|entry| normalisation::read_named(&entry, problems));

    let bits = table.get("bits");
    let as_imported = bits.is_some_and(|entry| entry.choice(&[("as imported", ())], problems).is_some());
    if as_imported {
        problems.extend(nothing_to_choose(entry, &table, &settings));
    }

    let missing = |key, example| {
        let (model, table) = (entry.name, &entry.path);
        Problem::new(format!("model `{model}` has no `{key}`"))
            .help(format!(
                "add {key} = \"{example}\" to [{table}], or to [package.metadata.mixq] for all models"
            ))
            .at(entry.key_location())
    };
    if settings.network.is_none() {
        problems.push(missing("network", "networks/digits.toml"));
    }
    if settings.dataset.is_none() && needs_data(&settings, as_imported) {
        let mut problem = missing("dataset", "data/digits.csv.gz");
        if settings.training.needs_no_targets() {
            let more = "; it needs no labels; training = \"none\" does without a dataset";
            problem.help = problem.help.map(|help| help + more);
        }
        problems.push(problem);
    }
    if let Some(entry) = table.get("hop") {
        settings.execution = overlapping(&entry, settings.execution, problems);
    }
    let flash = budget(entry, "flash", "48 KiB", flash.or(budgets[0].clone()), problems);
    let ram = budget(entry, "ram", "6 KiB", ram.or(budgets[1].clone()), problems);

    // Quantities such as a place change where an image moves.
    if settings.task == Task::Regression && !settings.shifts {
        settings.training.shift = 0;
    }
    problems.extend(loss_without_quantities(entry, &settings));
    if let Some(problem) = weights_without_classes(entry, &settings) {
        problems.push(problem);
    }
    let dataset = settings.dataset.clone().unwrap_or_else(|| Some(DatasetConfig::absent()));
    let (network, dataset) = (settings.network?, dataset?);
    let may_lack_targets = as_imported || settings.training.needs_no_targets();
    let dataset = DatasetConfig { task: settings.task, may_lack_targets, ..dataset };
    let ((flash, flash_at), (ram, ram_at)) = (flash?, ram?);
    let input = match input {
        Some(input) => Some(input?),
        None => None,
    };
    Some(Model {
        name: entry.name.to_string(),
        network: network.source?,
        input,
        inputs: inputs.unwrap_or_default(),
        dataset_at: dataset.location.clone(),
        dataset,
        scheme: settings.scheme,
        policy: settings.policy,
        delta: settings.delta.0,
        execution: settings.execution,
        flash,
        ram,
        flash_of,
        ram_of,
        training: settings.training,
        as_imported,
        location: entry.key_location(),
        network_at: Some(network.at),
        flash_at: Some(flash_at),
        ram_at: Some(ram_at),
    })
}

/// Whether something is learned or chosen by images: else ranges come from what the network itself says.
fn needs_data(settings: &Defaults, as_imported: bool) -> bool {
    let training = &settings.training;
    !(as_imported || training.needs_no_targets() && training.quantised_epochs == 0)
}

/// A network that is taken over as it is comes from a quantised file, and is not trained.
fn nothing_to_choose(model: &Entry<'_>, table: &Table<'_>, settings: &Defaults) -> Vec<Problem> {
    let mut problems = Vec::new();
    let foreign =
        settings.network.as_ref().and_then(|network| network.source.as_ref()).is_none_or(
            |source| matches!(source, NetworkSource::File(path) if crate::import::is_foreign(path)),
        );
    if !foreign {
        let message =
            format!("model `{}` has bits = \"as imported\", but no network of another tool", model.name);
        let help = "name a quantised .tflite or .onnx file as `network`, or leave `bits` out";
        problems.push(Problem::new(message).help(help).at(model.key_location()));
    }
    for key in ["policy", "delta", "training"] {
        if let Some(entry) = table.get(key) {
            let message = format!("model `{}` has bits = \"as imported\" and `{key}`", model.name);
            let help = format!("bits and weights are those of the file then: leave `{key}` out");
            problems.push(Problem::new(message).help(help).at(entry.key_location()));
        }
    }
    problems
}

/// Quantities and images have no classes that could count more than others.
fn weights_without_classes(model: &Entry<'_>, settings: &Defaults) -> Option<Problem> {
    match settings.task {
        Task::Classification | Task::MultiLabel | Task::Dense => return None,
        Task::Regression | Task::Reconstruction => {}
    }
    if settings.training.class_weights.is_default() {
        return None;
    }
    let message = format!(
        "model `{}` has class-weights = \"balanced\", but a {} has no classes",
        model.name,
        settings.task.name()
    );
    Some(Problem::new(message).help("leave `class-weights` out").at(model.key_location()))
}

/// Only quantities have errors to choose between.
fn loss_without_quantities(model: &Entry<'_>, settings: &Defaults) -> Option<Problem> {
    if settings.task == Task::Regression || settings.training.loss.is_default() {
        return None;
    }
    let message = format!(
        "model `{}` has loss = \"absolute\", which is for a regression, but its task is {}",
        model.name,
        settings.task.name()
    );
    Some(Problem::new(message).help("leave `loss` out").at(model.key_location()))
}

/// The execution of a model whose windows begin as many rows apart as `hop` says.
fn overlapping(hop: &Entry<'_>, execution: Execution, problems: &mut Vec<Problem>) -> Execution {
    if !execution.is_fed() {
        let problem = Problem::new("`hop` is for a model whose input comes in rows")
            .help("add execution = \"rows\", or leave `hop` out");
        problems.push(problem.at(hop.key_location()));
    }
    hop.integer(1, problems).map_or(execution, |hop| Execution::Rows { hop })
}

fn budget(
    model: &Entry<'_>,
    key: &str,
    example: &str,
    size: Option<Size>,
    problems: &mut Vec<Problem>,
) -> Option<(u64, Location)> {
    if size.is_none() {
        let problem = Problem::new(format!("model `{}` has no budget: `{key}` is missing", model.name))
            .help(format!(
                "add {key} = \"{example}\" to [package.metadata.mixq.device], or a whole chip \
                           = \"stm32f405rg\""
            ))
            .at(model.key_location());
        problems.push(problem);
    }
    let size = size?;
    Some((size.bytes?, size.at))
}

/// The name becomes a module, and a file.
fn check_name(entry: &Entry<'_>, problems: &mut Vec<Problem>) {
    let name = entry.name;
    let problem = |wrong: &str| Problem::new(format!("`{name}` {wrong}")).at(entry.key_location());
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name == "_" || !name.chars().all(word) || name.chars().next().is_none_or(|c| c.is_ascii_digit()) {
        let mut better: String = name.chars().map(|c| if word(c) { c } else { '_' }).collect();
        if better.is_empty() || better == "_" || better.starts_with(|c: char| c.is_ascii_digit()) {
            better.insert_str(0, "model_");
        }
        let help = format!("it becomes a Rust module: call it `{better}`");
        problems.push(problem("is no Rust identifier").help(help));
    } else if KEYWORDS.contains(&name) {
        let help = format!("it becomes a Rust module: call it `{name}_model`");
        problems.push(problem("is a Rust keyword").help(help));
    }
}

/// Strict and reserved keywords of the edition 2024 (The Rust Reference, "Keywords").
const KEYWORDS: [&str; 52] = [
    "Self", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do",
    "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static",
    "struct", "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual",
    "where", "while", "yield",
];
