//! What runs in a build script: [`build`] and its parts.

mod environment;
mod fresh;
mod images;

use mixq_format::Artifact;
use mixq_format::target::VARIABLE;

use crate::artifact;
use crate::config::Config;
use crate::dataset;
use crate::error::{Error, Problem};
use crate::import;
use crate::prepare::Prepared;
use crate::report::{FirmwareReport, ModelMemory};
use crate::target::{self, Levels, Platform};

use environment::{Environment, rerun, variable};
use fresh::ensure_fresh;

/// The variable by which `include_model!` learns which models are counted, with commas between.
const NAMES: &str = "MIXQ_MODEL_NAMES";

/// The variable by which `include_model!` learns how large the arena is that all models share.
const SHARED_ARENA: &str = "MIXQ_ARENA_BYTES";

/// The variable by which it learns in how many bytes each model works, of its own arena or of the shared one.
const ARENAS: &str = "MIXQ_ARENAS";

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
/// `<model>_test_labels.bin`, by the task: of a classification the class, a byte; of a regression an `f32`
/// (low byte first) for each output; of `"multi-label"` a bit for each label, the first one in the lowest
/// bit, in whole bytes; of `"dense"` a byte for each pixel of the mask; of a reconstruction a byte, 0
/// (normal), 1 (abnormal) or another one (not known). Samples of sensors are the codes that `infer` takes.
///
/// Datasets other than CSV need feature `datasets` of this crate.
///
/// At most `most` images, spread evenly: of a test part of `n` images those of index `floor(i n / most)`.
/// None, with a warning, where the dataset is not there: firmware builds from its artifact without.
pub fn test_images(model: &str, most: usize) {
    finish(Environment::read().and_then(|environment| images::write(&environment, model, most)));
}

/// Indices of at most `most` of `count` images, spread evenly: image `floor(i count / most)`, in this order.
pub fn spread(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let taken = count.min(most);
    (0..taken).map(move |index| index * count / taken)
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
    let config = environment.configuration()?;
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
            dataset::files_of(&dataset).iter().for_each(|path| rerun(path));
        }
        if model.dataset.shared.is_some() {
            variable(dataset::VARIABLE);
        }
        import::files(&model.network).iter().filter(|path| path.exists()).for_each(|path| rerun(path));
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
        let platform = Platform::new(choice.target, &environment.rust_target, config.clock);
        problems = together(environment, &config, platform.as_ref(), &artifacts);
    }
    if problems.is_empty() { Ok(()) } else { Err(Error { problems }) }
}

/// Announces the models and their arenas, and says what they take together; problems if that is too much.
fn together(
    environment: &Environment,
    config: &Config,
    platform: Option<&Platform>,
    artifacts: &[Option<Artifact>],
) -> Vec<Problem> {
    let report = FirmwareReport::new(config, &target::place(platform, config, artifacts));
    let names: Vec<&str> = config.models.iter().map(|model| model.name.as_str()).collect();
    println!("cargo::rustc-env={NAMES}={}", names.join(","));
    if config.device.shared_arena {
        println!("cargo::rustc-env={SHARED_ARENA}={}", report.ram_bytes);
    }
    let arena = |model: &ModelMemory| format!("{}={}", model.model, model.ram_bytes);
    let arenas: Vec<String> = report.models.iter().map(arena).collect();
    println!("cargo::rustc-env={ARENAS}={}", arenas.join(","));
    // Nothing that cargo acts on: it is in the output of the build script, which `cargo build -vv` shows.
    println!("mixq: {}", report.line());
    report.speed().iter().for_each(|line| println!("mixq: {line}"));
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
