//! The tasks of mixq's repository: `cargo xtask setup`, `demo`, `test`, and `cargo mixq` for the examples.

mod bench;
mod bindings;
mod demo;
mod example;
mod firmware;
mod fuzz;
mod kills;
mod logits;
mod mixq;
mod process;
mod reproduce;
#[cfg(test)]
mod rules;
mod setup;
mod signals;
mod tables;
mod test;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

#[derive(Parser)]
#[command(name = "xtask", bin_name = "cargo xtask", about = "The tasks of mixq's repository")]
struct Xtask {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what is missing: Rust targets, C++ compiler, QEMU, libtorch
    Setup(Output),
    /// Train the digits example, run it on an emulated Cortex-M4, compare every logit with the host
    Demo(Output),
    /// Train what docs/results.md compares, as far as it is stale (hours), and write that page
    Reproduce {
        #[command(flatten)]
        output: Output,
        /// Train nothing: the page speaks of the networks that are fresh
        #[arg(long)]
        only_fresh: bool,
        /// Train no other model; may be given several times, also to another process at the same time
        #[arg(long = "model", conflicts_with = "only_fresh")]
        models: Vec<String>,
    },
    /// Write the tables of the documentation that mixq computes
    Tables(Output),
    /// Count instructions, code and stack of the kernels in QEMU, write the tables of the documentation
    Bench(Output),
    /// Make the Rust declarations of mixq-c10d's C functions, with bindgen and libclang
    Bindings(bindings::Arguments),
    /// Kill trainings at random times, and compare what they come to with an undisturbed one
    Kills(kills::Arguments),
    /// Run all tests, build the runtime for its targets and the examples
    Test(Output),
    /// Give mutated input to all that mixq reads: a target, or all; `--seconds`, `--seed`
    #[command(disable_help_flag = true)]
    Fuzz(Verbatim),
    /// `cargo mixq retrain` for the examples: train the models whose artifact is not fresh
    #[command(disable_help_flag = true)]
    Retrain(Verbatim),
    /// `cargo mixq pace` for the examples: how fast models are trained
    #[command(disable_help_flag = true)]
    Pace(Verbatim),
    /// `cargo mixq report` for the examples: layers, bits, memory, accuracy
    #[command(disable_help_flag = true)]
    Report(Verbatim),
    /// `cargo mixq check` for the examples: whether all artifacts are fresh
    #[command(disable_help_flag = true)]
    Check(Verbatim),
    /// `cargo mixq eval` for the examples: run the integer networks on their test images
    #[command(disable_help_flag = true)]
    Eval(Verbatim),
    /// `cargo mixq allocate`: bits and memory of a network under a budget, without training
    #[command(disable_help_flag = true)]
    Allocate(Verbatim),
    /// `cargo mixq import`: layers of a network of another tool, and what of it is not supported
    #[command(disable_help_flag = true)]
    Import(Verbatim),
    /// `cargo mixq data`: fetch a known dataset
    #[command(disable_help_flag = true)]
    Data(Verbatim),
    /// `cargo mixq chips`: the microcontrollers that a budget may name
    #[command(disable_help_flag = true)]
    Chips(Verbatim),
}

#[derive(Args)]
struct Output {
    /// End with one line of JSON
    #[arg(long)]
    json: bool,
}

/// Arguments for another program, which knows them.
#[derive(Args)]
struct Verbatim {
    /// As that program takes them; `--help` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

fn main() -> ExitCode {
    let result = match Xtask::parse().task {
        Task::Setup(output) => setup::run(output.json),
        Task::Demo(output) => demo::run(output.json),
        Task::Reproduce { output, only_fresh: true, .. } => {
            reproduce::run(output.json, reproduce::Extent::Nothing)
        }
        Task::Reproduce { output, models, .. } => {
            reproduce::run(output.json, reproduce::Extent::Stale(models))
        }
        Task::Tables(output) => tables::run(output.json),
        Task::Bench(output) => bench::run(output.json),
        Task::Bindings(arguments) => bindings::run(&arguments),
        Task::Kills(arguments) => kills::run(&arguments),
        Task::Test(output) => test::run(output.json),
        Task::Fuzz(verbatim) => fuzz::run(&verbatim.arguments),
        Task::Retrain(verbatim) => mixq::run("retrain", &verbatim.arguments),
        Task::Pace(verbatim) => mixq::run("pace", &verbatim.arguments),
        Task::Report(verbatim) => mixq::run("report", &verbatim.arguments),
        Task::Check(verbatim) => mixq::run("check", &verbatim.arguments),
        Task::Eval(verbatim) => mixq::run("eval", &verbatim.arguments),
        Task::Allocate(verbatim) => mixq::run("allocate", &verbatim.arguments),
        Task::Import(verbatim) => mixq::run("import", &verbatim.arguments),
        Task::Data(verbatim) => mixq::run("data", &verbatim.arguments),
        Task::Chips(verbatim) => mixq::run("chips", &verbatim.arguments),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        signals::stopped().map_or(ExitCode::FAILURE, ExitCode::from)
    })
}
