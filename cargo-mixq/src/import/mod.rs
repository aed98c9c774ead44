//! `cargo mixq import`: reads a network of another tool, and says what mixq makes of it.

mod run;

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::{Value, json};

use crate::{Answer, problems, table};
use mixq_build::engine::as_imported::Integers;
use mixq_build::engine::error::{Error, Problem};
use mixq_build::engine::import::foreign::{self, FileInput, Foreign, Refused};
use mixq_build::engine::import::lower::{Lowered, Placed, Reading, Unsupported};
use mixq_build::engine::size::{bytes, thousands};
use mixq_build::engine::task::Task;

/// What the command is told.
#[derive(Args)]
pub struct Arguments {
    /// An ONNX or a TensorFlow Lite file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Execute the network on `in0`, `in1`, ... of this NPZ, an array for each input, and compare with
    /// `out0`, `out1`, ... where they are there; a quantised one in integers, by the kernels of the device,
    /// if it can be taken over as it is
    #[arg(long, value_name = "INPUTS.npz")]
    run: Option<PathBuf>,
    /// Execute a quantised network in floats
    #[arg(long, requires = "run")]
    floats: bool,
    /// What the network is for: functions at the end of one that answers values (regression,
    /// reconstruction) are layers
    #[arg(long, value_name = "TASK", value_parser = tasks())]
    task: Option<Task>,
    /// Print every layer
    #[arg(long)]
    layers: bool,
    /// Write a layer list, and its weights beside it in a .safetensors file
    #[arg(long, value_name = "NETWORK.toml")]
    write: Option<PathBuf>,
}

/// Reads the name of a task.
fn tasks() -> impl TypedValueParser<Value = Task> {
    let by_name = |name: String| Task::CHOICES.into_iter().find(|(own, _)| *own == name).map(|it| it.1);
    PossibleValuesParser::new(Task::CHOICES.map(|(name, _)| name))
        .map(move |name| by_name(name).unwrap_or_default())
}

/// Prints what the file has.
pub fn run(arguments: &Arguments) -> Result<Answer, Error> {
    let reading = Reading { task: arguments.task, ..Reading::NUMBERS };
    let foreign = match foreign::read_as(&arguments.file, reading) {
        Ok(foreign) => foreign,
        Err(refused) => return Ok(refuse(arguments, refused)),
    };
    say!("{}", summary(arguments, &foreign));
    if arguments.layers {
        say!("{}", table::network(&foreign.graph));
    }
    foreign.lowered.notes.iter().for_each(|note| eprintln!("note: {note}"));
    foreign.initial.warnings.iter().for_each(|warning| eprintln!("note: {warning}"));
    let mut json = report(arguments, &foreign);
    let integers = foreign.is_quantised.then(|| as_it_is(arguments));
    match &integers {
        Some(Ok(integers)) => {
            let artifact = integers.artifact();
            let (flash, ram) = (artifact.flash_bytes() as u64, artifact.ram_bytes() as u64);
            say!("as imported: {} of flash, {} of RAM", bytes(flash), bytes(ram));
            json["as_imported"] = json!({ "flash_bytes": flash, "ram_bytes": ram });
        }
        Some(Err(error)) => {
            let reasons: Vec<String> = error.problems.iter().map(|it| it.message.clone()).collect();
            say!("it cannot be taken over as it is: {}", reasons.join("; "));
            json["not_as_imported"] = json!(reasons);
        }
        None => {}
    }
    if let Some(inputs) = &arguments.run {
        let integers = integers.and_then(Result::ok).filter(|_| !arguments.floats);
        json["executed"] = if integers.is_some() { "integers" } else { "floats" }.into();
        let compared = run::run(&foreign, integers.as_ref(), inputs)?;
        say!("{}", run::text(&compared, integers.is_some()));
        run::report(&compared, &mut json);
    }
    if let Some(list) = &arguments.write {
        let weights = foreign.write(list)?;
        say!("wrote {} and {}", list.display(), weights.display());
    }
    Ok(Answer { json, well: true })
}

/// A quantised network in its own integers.
fn as_it_is(arguments: &Arguments) -> Result<Integers, Error> {
    let reading = Reading { task: arguments.task, ..Reading::AS_IT_IS };
    Integers::new(foreign::read_as(&arguments.file, reading)?)
}

/// All that keeps the file from being a network of mixq.
fn refuse(arguments: &Arguments, refused: Refused) -> Answer {
    let unsupported = match &refused {
        Refused::Unsupported(_, found) => &found[..],
        Refused::Wrong(_) => &[],
    };
    let entry = |it: &Unsupported| json!({ "operator": it.operator, "what": it.what, "help": it.help });
    let unsupported: Vec<Value> = unsupported.iter().map(entry).collect();
    let error = Error::from(refused);
    problems::print(&error);
    let json = json!({
        "file": arguments.file.display().to_string(),
        "format": format(arguments),
        "supported": false,
        "unsupported": unsupported,
        "errors": error.problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
    });
    Answer { json, well: false }
}

fn format(arguments: &Arguments) -> Option<&'static str> {
    foreign::format(&arguments.file).map(|format| format.name())
}

fn summary(arguments: &Arguments, foreign: &Foreign) -> String {
    let quantised = if foreign.is_quantised { ", quantised" } else { "" };
    let dims = |dims: &[usize]| dims.iter().map(ToString::to_string).collect::<Vec<_>>().join("x");
    let mut text = format!(
        "{}: {}{quantised}, {} layers, {} parameters, {} MAC",
        arguments.file.display(),
        foreign.format.name(),
        foreign.graph.nodes.len(),
        thousands(foreign.parameters()),
        thousands(foreign.macs()),
    );
    for (input, placed, called) in inputs(foreign) {
        text += &format!("\ninput  {} ({})", dims(&placed.dims), input.name);
        if let Some(called) = called.filter(|called| *called != input.name) {
            text += &format!(", called `{called}`");
        }
    }
    for (name, shape) in foreign.answers() {
        text += &format!("\noutput {} ({name})", shape.map_or("?".to_string(), |shape| dims(&shape)));
    }
    let left = foreign.lowered.tail.operators();
    if !left.is_empty() {
        text += &format!("\nleft to the firmware: {}", left.join(", "));
    }
    text
}

/// The inputs, each with its dimensions, and its name in Cargo.toml and in Rust if there are several.
fn inputs(foreign: &Foreign) -> impl Iterator<Item = (&FileInput, &Placed, Option<&str>)> {
    let Lowered { inputs, spec, .. } = &foreign.lowered;
    let are_several = inputs.len() > 1;
    let called = spec.inputs.iter().map(move |input| are_several.then_some(input.name.as_str()));
    foreign.inputs.iter().zip(inputs).zip(called).map(|((input, placed), called)| (input, placed, called))
}

fn report(arguments: &Arguments, foreign: &Foreign) -> Value {
    let input = |(input, placed, called): (&FileInput, &Placed, Option<&str>)| match called {
        Some(called) => json!({ "name": input.name, "shape": placed.dims, "called": called }),
        None => json!({ "name": input.name, "shape": placed.dims }),
    };
    let inputs: Vec<Value> = inputs(foreign).map(input).collect();
    let outputs: Vec<Value> =
        foreign.answers().into_iter().map(|(name, shape)| json!({ "name": name, "shape": shape })).collect();
    json!({
        "file": arguments.file.display().to_string(),
        "format": format(arguments),
        "supported": true,
        "unsupported": [],
        "quantised": foreign.is_quantised,
        "layers": foreign.graph.nodes.len(),
        "macs": foreign.macs(),
        "parameters": foreign.parameters(),
        "inputs": inputs,
        "outputs": outputs,
        "left": foreign.lowered.tail.operators(),
        "notes": foreign.lowered.notes,
    })
}

/// A problem of a file that belongs to this command.
fn problem(path: &std::path::Path, wrong: &str, help: &str) -> Problem {
    Problem::new(format!("{}: {wrong}", path.display())).help(help)
}
