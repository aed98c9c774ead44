//! The command line `cargo mixq`.
//!
//! Tables and errors go to people, progress bars to the terminal; with `--json` the last line on stdout is
//! one JSON object with the command's figures.

/// `println!` that ends the program quietly when its output is closed, as in `cargo mixq report | head -1`.
macro_rules! say {
    ($($argument:tt)*) => {{
        use std::io::Write;
        if writeln!(std::io::stdout(), $($argument)*).is_err() {
            std::process::exit(0);
        }
    }};
}

mod allocate;
mod build_target;
mod check;
mod chips;
mod data;
mod eval;
mod import;
#[cfg(all(feature = "train", target_os = "linux", target_env = "gnu"))]
mod malloc_settings;
#[cfg(feature = "train")]
mod pace;
mod packages;
mod problems;
#[cfg_attr(not(feature = "train"), path = "untrained.rs")]
mod progress;
mod reading;
mod report;
mod retrain;
mod setup;
mod table;
#[cfg(feature = "distributed")]
mod together;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use mixq_build::engine::error::Error;
use mixq_build::engine::report::FirmwareReport;

/// What cargo calls: `cargo-mixq mixq ...`.
#[derive(Parser)]
#[command(name = "cargo", bin_name = "cargo")]
enum Cargo {
    /// Mixed-precision neural networks for microcontrollers
    #[command(version, subcommand_required = true, arg_required_else_help = true)]
    Mixq {
        #[command(subcommand)]
        command: Command,
    },
}

#[derive(Subcommand)]
enum Command {
    /// Train the models whose artifact is not fresh, and write the artifacts
    Retrain {
        #[command(flatten)]
        selection: Selection,
        /// Train fresh models too
        #[arg(long)]
        force: bool,
        /// Train in N processes of this machine, which share the parts of each batch
        /// (`training.shards`)
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
        processes: Option<u16>,
    },
    /// How fast models are trained, in float and with fake quantisation by turns
    Pace {
        #[command(flatten)]
        selection: Selection,
    },
    /// Layers, bits, memory and accuracy of the artifacts
    Report {
        #[command(flatten)]
        selection: Selection,
    },
    /// Whether all artifacts are fresh; fails if not (for CI)
    Check {
        #[command(flatten)]
        selection: Selection,
    },
    /// Run the integer networks on their test images, with the kernels of the device
    Eval {
        #[command(flatten)]
        selection: Selection,
        /// Write label and logits of each image to this file, one line of comma-separated values each
        #[arg(long, value_name = "FILE")]
        logits: Option<PathBuf>,
        /// Run them on these images instead, of any kind that mixq reads: on the test part if there is one,
        /// else on all. The artifact need not be fresh
        #[arg(long, value_name = "PATH")]
        dataset: Option<String>,
    },
    /// Bits and memory of a network under a budget, before anything is trained
    Allocate {
        #[command(flatten)]
        arguments: allocate::Arguments,
        /// End with one line of JSON
        #[arg(long)]
        json: bool,
    },
    /// Read a network of another tool, ONNX or TensorFlow Lite: layers, what is not supported, answers
    Import {
        #[command(flatten)]
        arguments: import::Arguments,
        /// End with one line of JSON
        #[arg(long)]
        json: bool,
    },
    /// Get a well-known dataset, checked, for `dataset = "$MIXQ_DATA/..."`
    Data {
        #[command(flatten)]
        arguments: data::Arguments,
        /// End with one line of JSON
        #[arg(long)]
        json: bool,
    },
    /// Fetch libtorch and make training available, in this tool and in builds of firmware
    Setup {
        #[command(flatten)]
        arguments: setup::Arguments,
        /// End with one line of JSON
        #[arg(long)]
        json: bool,
    },
    /// The microcontrollers that `chip` and `--chip` know
    Chips {
        /// One line of JSON instead
        #[arg(long)]
        json: bool,
    },
}

/// Which models a command is about, and how it answers.
#[derive(Args)]
struct Selection {
    /// Cargo.toml of the package or the workspace
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
    /// This package only
    #[arg(short, long, value_name = "CRATE")]
    package: Option<String>,
    /// This model only
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// End with one line of JSON
    #[arg(long)]
    json: bool,
}

/// What a command found: one JSON object for each model, what all models of each firmware take together
/// (where the command is about that), and whether all is well.
struct Outcome {
    models: Vec<serde_json::Value>,
    firmware: Vec<FirmwareReport>,
    well: bool,
}

/// What a command answers with `--json`, and whether all is well.
struct Answer {
    json: serde_json::Value,
    well: bool,
}

/// The exit code of a command that a signal has stopped.
#[cfg(feature = "train")]
use progress::stopped;

/// Commands that do not train are ended by signals, not asked to stop.
#[cfg(not(feature = "train"))]
fn stopped() -> Option<u8> {
    None
}

fn main() -> ExitCode {
    let Cargo::Mixq { command } = Cargo::parse();
    let (json, result) = match command {
        // What is taken over from a file as it is, fresh or to be laid out anew needs no trainer.
        #[cfg(not(feature = "train"))]
        Command::Retrain { selection, force, .. } if retrain::trains_nothing(&selection, force) => {
            (selection.json, retrain::run(&selection, force).map(Answer::from))
        }
        #[cfg(not(feature = "train"))]
        Command::Retrain { selection, .. } | Command::Pace { selection } => match setup::start() {
            Ok(code) => return code,
            Err(problem) => (selection.json, Err(problem.into())),
        },
        #[cfg(feature = "distributed")]
        Command::Retrain { selection, processes: Some(processes @ 2..), .. } => {
            match together::launch(processes) {
                Ok(code) => return code,
                Err(error) => (selection.json, Err(error)),
            }
        }
        #[cfg(all(feature = "train", not(feature = "distributed")))]
        Command::Retrain { selection, processes: Some(2..), .. } => {
            let message = "this program was built to train in one process";
            let problem = mixq_build::engine::error::Problem::new(message);
            (selection.json, Err(problem.help("build it with --features distributed").into()))
        }
        #[cfg(feature = "train")]
        Command::Retrain { selection, force, .. } => {
            (selection.json, retrain::run(&selection, force).map(Answer::from))
        }
        #[cfg(feature = "train")]
        Command::Pace { selection } => (selection.json, pace::run(&selection).map(Answer::from)),
        Command::Report { selection } => (selection.json, report::run(&selection).map(Answer::from)),
        Command::Check { selection } => (selection.json, check::run(&selection).map(Answer::from)),
        Command::Eval { selection, logits, dataset } => {
            let outcome = eval::run(&selection, logits.as_deref(), dataset.as_deref());
            (selection.json, outcome.map(Answer::from))
        }
        Command::Allocate { arguments, json } => (json, allocate::run(&arguments)),
        Command::Import { arguments, json } => (json, import::run(&arguments)),
        Command::Data { arguments, json } => (json, data::run(&arguments)),
        Command::Setup { arguments, json } => (json, setup::run(&arguments)),
        Command::Chips { json } => (json, Ok(chips::run(json))),
    };
    match result {
        Ok(answer) => {
            if json {
                say!("{}", answer.json);
            }
            if answer.well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            let failed = fail(&error, json);
            stopped().map_or(failed, ExitCode::from)
        }
    }
}

fn fail(error: &Error, json: bool) -> ExitCode {
    problems::print(error);
    if json {
        let problems: Vec<String> = error.problems.iter().map(ToString::to_string).collect();
        say!("{}", serde_json::json!({ "errors": problems }));
    }
    ExitCode::FAILURE
}

/// All models; of a single one, its figures also stand at the top.
impl From<Outcome> for Answer {
    fn from(Outcome { models, firmware, well }: Outcome) -> Answer {
        let well = well && firmware.iter().all(|firmware| firmware.fits);
        let mut object = match &models[..] {
            [serde_json::Value::Object(only)] => only.clone(),
            _ => serde_json::Map::new(),
        };
        object.insert("ok".to_string(), well.into());
        object.insert("models".to_string(), models.into());
        if !firmware.is_empty() {
            let figures: Vec<_> = firmware.iter().map(FirmwareReport::json).collect();
            object.insert("firmware".to_string(), figures.into());
        }
        Answer { json: object.into(), well }
    }
}
