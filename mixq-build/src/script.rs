//! What runs in a build script: [`build`] and its parts.

use std::path::{Path, PathBuf};

use mixq_format::Artifact;
use mixq_format::target::VARIABLE;

use crate::artifact::{self, State};
use crate::config::{Config, Model};
use crate::dataset::{self, Dataset};
use crate::error::{Error, Problem, unknown};
use crate::import::NetworkSource;
use crate::observer::Observer;
use crate::prepare::{self, Prepared};
use crate::report::FirmwareReport;
use crate::target::{self, Flags, Levels};
use crate::task::rules;

/// The variable by which `include_model!` learns which models are counted, with commas between.
const NAMES: &str = "MIXQ_MODEL_NAMES";

/// The variable by which `include_model!` learns how large the arena is that all models share.
const ARENA: &str = "MIXQ_ARENA_BYTES";

/// Makes sure that the artifact of every model in Cargo.toml is there and fresh, for `include_model!` to
/// include.
///
/// With feature `train` a stale artifact is trained anew; without, it is an error that says which input
/// changed. Never trains for an editor's check or on docs.rs. Prints what cargo reads; problems become cargo
/// errors, which stop the build.
///
/// ```no_run
/// // build.rs
/// mixq_build::build()
/// ```
pub fn build() {
    finish(Environment::read().and_then(|environment| compile(&environment)));
}

/// Writes test images of a model into `OUT_DIR`, for firmware that wants to measure itself:
/// `<model>_test_images.bin` (one byte an element, in the order row, column, channel) and
/// `<model>_test_labels.bin` (one byte an image).
///
/// Datasets other than CSV need feature `datasets` of this crate.
///
/// At most `most` images, spread evenly: of a test part of `n` images those of index `floor(i n / most)`.
/// None, with a warning, where the dataset is not there: firmware builds from its artifact without.
pub fn test_images(model: &str, most: usize) {
    finish(Environment::read().and_then(|environment| write_test_images(&environment, model, most)));
}

/// Indices of at most `most` of `count` images, spread evenly: image `floor(i count / most)`, in this order.
pub fn spread(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let taken = count.min(most);
    (0..taken).map(move |index| index * count / taken)
}

/// What the build script is told by cargo and by the tool that runs cargo.
struct Environment {
    manifest_dir: PathBuf,
    out_dir: PathBuf,
    /// What the firmware is compiled for.
    rust_target: String,
    /// Flags of rustc for it.
    flags: Flags,
    /// Why nothing may be trained here, if so.
    no_training: Option<&'static str>,
}

impl Environment {
    fn read() -> Result<Environment, Error> {
        let folder = |name: &str| {
            std::env::var_os(name).map(PathBuf::from).ok_or_else(|| {
                Problem::new(format!("{name} is not set"))
                    .help("call mixq_build from a build script, which cargo runs")
            })
        };
        // rust-analyzer runs build scripts whenever a folder is opened.
        let no_training = if variable("RA_RUSTC_WRAPPER") {
            Some("an editor's check")
        } else if variable("DOCS_RS") {
            Some("docs.rs")
        } else {
            None
        };
        Ok(Environment {
            manifest_dir: folder("CARGO_MANIFEST_DIR")?,
            out_dir: folder("OUT_DIR")?,
            rust_target: std::env::var("TARGET").unwrap_or_default(),
            flags: Flags::parse(&std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default()),
            no_training,
        })
    }

    /// The folder that keeps decoded images and digests of datasets.
    fn cache(&self) -> PathBuf {
        scratch(&self.out_dir).join(dataset::FOLDER)
    }
}

/// Whether an environment variable is set; cargo runs the script again when that changes.
fn variable(name: &str) -> bool {
    println!("cargo::rerun-if-env-changed={name}");
    std::env::var_os(name).is_some()
}

fn finish(result: Result<(), Error>) {
    for problem in result.err().into_iter().flat_map(|error| error.problems) {
        println!("cargo::error={}", problem.to_string().replace('\n', " "));
    }
}

fn compile(environment: &Environment) -> Result<(), Error> {
    let folder = &environment.manifest_dir;
    println!("cargo::rustc-env=MIXQ_MODELS={}", folder.join(artifact::FOLDER).display());
    rerun(&folder.join("Cargo.toml"));
    let config = configuration(environment)?;
    let choice = target::choose(&environment.rust_target, config.processor.as_ref(), &environment.flags)?;
    println!("cargo::rustc-env={VARIABLE}={}", choice.target.name);
    // Firmware is what runs without an operating system.
    let is_firmware = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "none");
    let optimise = is_firmware && environment.no_training.is_none();
    let slow = if optimise { Levels::from_env().warning(choice.target) } else { Vec::new() };
    choice.warning.iter().chain(&slow).for_each(|warning| println!("cargo::warning={warning}"));
    let cache = environment.cache();
    config.workspace_manifest.as_deref().into_iter().for_each(rerun);
    config.linker_scripts.iter().for_each(|path| rerun(path));
    let mut problems = Vec::new();
    let mut artifacts = Vec::new();
    for model in &config.models {
        let path = artifact::path(folder, &model.name);
        rerun(&path);
        let dataset = dataset::find(&model.dataset);
        if dataset.exists() {
            rerun(&dataset);
        }
        if model.dataset.shared.is_some() {
            variable(dataset::VARIABLE);
        }
        if let NetworkSource::File(network) = &model.network {
            rerun(network);
        }
        if dataset.exists() && !dataset::told(&dataset) {
            println!(
                "cargo::warning=model `{}`: whether {} has changed cannot be told; add feature `datasets` to \
                 mixq-build",
                model.name,
                dataset.display()
            );
        }
        let result = Prepared::new(model, Some(&cache))
            .and_then(|prepared| ensure_fresh(environment, &prepared, &path));
        match result {
            Ok(artifact) => artifacts.push(artifact),
            Err(error) => problems.extend(error.problems),
        }
    }
    if problems.is_empty() {
        problems = together(environment, &config, &artifacts);
    }
    if problems.is_empty() { Ok(()) } else { Err(Error { problems }) }
}

/// Announces the models and the arena that they may share, and says what they take together; problems if that
/// is too much.
fn together(environment: &Environment, config: &Config, artifacts: &[Option<Artifact>]) -> Vec<Problem> {
    let report = FirmwareReport::new(config, artifacts);
    let names: Vec<&str> = config.models.iter().map(|model| model.name.as_str()).collect();
    println!("cargo::rustc-env={NAMES}={}", names.join(","));
    if config.device.shared_arena {
        println!("cargo::rustc-env={ARENA}={}", report.ram_bytes);
    }
    // Nothing that cargo acts on: it is in the output of the build script, which `cargo build -vv` shows.
    println!("mixq: {}", report.line());
    let problems = report.problems();
    match environment.no_training {
        Some(place) => {
            problems
                .iter()
                .for_each(|problem| println!("cargo::warning={problem} (only a warning for {place})"));
            Vec::new()
        }
        None => problems,
    }
}

/// The configuration, each model with its share of the device.
fn configuration(environment: &Environment) -> Result<Config, Error> {
    prepare::share(Config::load(&environment.manifest_dir)?)
}

fn rerun(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}

/// The artifact, which is fresh wherever one may be trained; `None` if there is none where not.
fn ensure_fresh(
    environment: &Environment,
    prepared: &Prepared<'_>,
    path: &Path,
) -> Result<Option<Artifact>, Error> {
    let state = prepared.state(path)?;
    let Some(reason) = prepared.reason(&state) else { return Ok(state.artifact()) };
    let name = &prepared.model.name;
    let stale = format!("model `{name}`: {}/{name}.mixq {reason}", artifact::FOLDER);
    if let Some(place) = environment.no_training {
        // A stale network is good enough to look at code by; without any, the macro reports it.
        println!("cargo::warning={stale} (not trained for {place})");
        return match state {
            State::Other(..) | State::Damaged(_) => {
                Err(Problem::new(stale).help("run `cargo mixq retrain`").into())
            }
            State::Fresh(_) | State::Stale(..) | State::Missing => Ok(state.artifact()),
        };
    }
    // What cannot be trained is said before anything is.
    prepared.allocate()?;
    train(environment, prepared, path, stale)?;
    Ok(prepared.state(path)?.artifact())
}

#[cfg(not(feature = "train"))]
fn train(_: &Environment, prepared: &Prepared<'_>, _: &Path, stale: String) -> Result<(), Error> {
    let help = "run `cargo mixq retrain` (in mixq's own repository `cargo xtask retrain`), or build with \
                feature `train` of mixq-build";
    let problem =
        Problem { location: Some(prepared.model.location.clone()), ..Problem::new(stale).help(help) };
    Err(problem.into())
}

#[cfg(feature = "train")]
fn train(
    environment: &Environment,
    prepared: &Prepared<'_>,
    path: &Path,
    stale: String,
) -> Result<(), Error> {
    println!("cargo::warning={stale}; training");
    let scratch = scratch(&environment.out_dir);
    let made = crate::pipeline::retrain(
        prepared,
        path,
        &scratch,
        false,
        || (),
        &mut Warnings(&prepared.model.name),
    )?;
    let artifact = made.artifact;
    let accuracy = artifact.header.accuracy;
    println!(
        "cargo::warning=model `{}`: trained, accuracy float {:.2} %, fake-quantised {:.2} %, integer {:.2} \
         %; flash {}, RAM {}",
        prepared.model.name,
        100.0 * accuracy.float,
        100.0 * accuracy.fake_quant,
        100.0 * accuracy.integer,
        crate::size::bytes(artifact.flash_bytes() as u64),
        crate::size::bytes(artifact.ram_bytes() as u64)
    );
    Ok(())
}

/// The folder for interrupted trainings and for datasets: in cargo's target folder, which carries this tag,
/// so that the command line and all profiles share it.
fn scratch(out_dir: &Path) -> PathBuf {
    let target = out_dir.ancestors().find(|ancestor| ancestor.join("CACHEDIR.TAG").is_file());
    target.unwrap_or(out_dir).join("mixq")
}

/// Warnings of a model become warnings of cargo, which shows nothing else of a build script that succeeds.
struct Warnings<'a>(&'a str);

impl Observer for Warnings<'_> {
    fn warn(&mut self, message: &str) {
        println!("cargo::warning=model `{}`: {}", self.0, message.replace('\n', " "));
    }
}

fn write_test_images(environment: &Environment, model: &str, most: usize) -> Result<(), Error> {
    let config = configuration(environment)?;
    let names: Vec<&str> = config.models.iter().map(|model| model.name.as_str()).collect();
    let found: Option<&Model> = config.models.iter().find(|candidate| candidate.name == model);
    let model = found.ok_or_else(|| unknown("model", model, &names))?;
    if model.dataset.shared.is_some() {
        variable(dataset::VARIABLE);
    }
    let write = |suffix: &str, contents: &[u8]| {
        let path = environment.out_dir.join(format!("{}_test_{suffix}.bin", model.name));
        std::fs::write(&path, contents).map_err(|error| Problem::io("write", &path, &error))
    };
    let path = dataset::find(&model.dataset);
    if !path.exists() {
        let path = path.display();
        println!("cargo::warning=the firmware has no test images: there is no dataset at {path}");
        write("images", &[])?;
        return Ok(write("labels", &[])?);
    }
    rerun(&path);
    let cache = environment.cache();
    let prepared = Prepared::new(model, Some(&cache))?;
    let (dataset, _) = Dataset::load_with_digest(
        &model.dataset,
        prepared.cache,
        prepared.graph.input,
        prepared.graph.classes(),
        &mut Warnings(&model.name),
    )?;
    let images = dataset.test.select(&spread(dataset.test.len(), most).collect::<Vec<_>>());
    let labels = rules(model.dataset.task).firmware_targets(&images.targets)?;
    write("images", &images.pixels)?;
    write("labels", &labels)?;
    Ok(())
}
