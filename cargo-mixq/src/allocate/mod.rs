//! `cargo mixq allocate`: needs no Cargo.toml, no images and no libtorch.

mod sweep;

use std::path::Path;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use mixq_format::Bits;
use serde_json::{Value, json};

use crate::{Answer, problems, table};
use mixq_build::engine::clock;
use mixq_build::engine::config::chips::{self, Chip};
use mixq_build::engine::error::{Error, Problem, nearest};
use mixq_build::engine::import::builtin::PaddingStyle;
use mixq_build::engine::import::{BUILTIN_NAMES, Builtin, Imported, InputNormalisation, NetworkSource};
use mixq_build::engine::report::allocation::AllocationReport;
use mixq_build::engine::settings::{DELTA, Execution, Scheme};
use mixq_build::engine::shortage::{MemoryModel, Request, rows};
use mixq_build::engine::target::Platform;
use mixq_build::engine::{import, size};

/// What the command is told.
#[derive(Args)]
pub struct Arguments {
    /// A layer list, an ONNX or TFLite file, or a built-in network: ds_cnn, mobilenet_v1,
    /// mobilenet_v2, mobilenet_v3_small, resnet8,
    /// shufflenet_v2, squeezenet
    #[arg(value_name = "NETWORK")]
    network: String,
    /// Flash that it may take: bytes, or "512 KiB", "1 MB"; without it any
    #[arg(long, value_name = "SIZE", value_parser = size)]
    flash: Option<u64>,
    /// RAM that it may take; without it any
    #[arg(long, value_name = "SIZE", value_parser = size)]
    ram: Option<u64>,
    /// The whole flash and RAM of a microcontroller, where --flash and --ram do not say otherwise
    #[arg(long, value_name = "NAME")]
    chip: Option<String>,
    /// The Rust target of the firmware, for instructions and RAM for speed; without it the chip's usual one
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    /// The processor's clock, such as "168 MHz"; without it the chip's highest
    #[arg(long, value_name = "FREQUENCY", value_parser = clock)]
    clock: Option<u64>,
    /// A row for each of several chips or budgets (flash + RAM): "rp2350, 512 KiB + 64 KiB"
    #[arg(long, value_name = "LIST", value_delimiter = ',', conflicts_with_all = ["flash", "ram", "chip"])]
    sweep: Vec<String>,
    /// How finely weights are scaled
    #[arg(long, default_value = "per-channel", value_parser = choice(&Scheme::CHOICES))]
    scheme: Scheme,
    /// How memory is counted: as the firmware holds it, or as in arXiv 1905.13082
    #[arg(long, value_name = "MODEL", default_value = "runtime", value_parser = ["runtime", "paper"])]
    model: String,
    /// How layers are executed: in stripes of rows where whole tensors do not fit; the first ones always so,
    /// as rows of the image come; or always on whole tensors
    #[arg(long, value_name = "WAY", default_value = "stripes", value_parser = choice(&Execution::CHOICES))]
    execution: Execution,
    /// With --execution rows: rows from one window of a signal to the next one, which overlaps it
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u16).range(1..))]
    hop: Option<u16>,
    /// Slack of the rule that cuts weights, a share [default: 0.05]
    #[arg(long, value_name = "SHARE", value_parser = millionths)]
    delta: Option<u32>,
    /// Width multiplier of a built-in network
    #[arg(long, value_name = "FACTOR")]
    width: Option<f64>,
    /// Height and width of a built-in network's image, in pixels
    #[arg(long, value_name = "PIXELS")]
    resolution: Option<usize>,
    /// Classes of a built-in network
    #[arg(long, value_name = "COUNT")]
    classes: Option<usize>,
    /// Channels of a built-in network's image
    #[arg(long, value_name = "COUNT")]
    channels: Option<usize>,
    /// Stride of a built-in network's first layer
    #[arg(long, value_name = "PIXELS")]
    stem_stride: Option<usize>,
    /// Whose padding a MobileNet has
    #[arg(long, value_name = "STYLE", value_parser = choice(&PaddingStyle::CHOICES))]
    padding: Option<PaddingStyle>,
}

fn size(text: &str) -> Result<u64, String> {
    match size::parse(text) {
        Ok(0) => Err("no network fits in 0 bytes".to_string()),
        Ok(bytes) => Ok(bytes),
        Err(wrong) => Err(format!("{wrong}; {}", size::ACCEPTED)),
    }
}

fn clock(text: &str) -> Result<u64, String> {
    clock::parse(text).map_err(|wrong| format!("{wrong}; {}", clock::ACCEPTED))
}

fn millionths(text: &str) -> Result<u32, String> {
    let share: f64 = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
    if !(0.0..=1.0).contains(&share) {
        return Err(format!("{share} is not within 0 and 1"));
    }
    Ok((share * 1e6).round() as u32)
}

fn choice<T: Copy + Send + Sync + 'static>(
    choices: &'static [(&'static str, T)],
) -> impl TypedValueParser<Value = T> {
    let names = PossibleValuesParser::new(choices.iter().map(|(name, _)| *name));
    names.try_map(|text| {
        let chosen = choices.iter().find(|(name, _)| *name == text);
        chosen.map(|(_, value)| *value).ok_or("unknown")
    })
}

/// Prints the table, or what does not fit.
pub fn run(arguments: &Arguments) -> Result<Answer, Error> {
    if arguments.hop.is_some() && !arguments.execution.is_fed() {
        let problem = Problem::new("`--hop` is for a network whose input comes in rows");
        return Err(problem.help("add --execution rows").into());
    }
    let source = source(arguments)?;
    let imported = import::read(&source)?;
    let (_, graph) = import::resolve(&imported.spec)?;
    // Nothing is done with the weights yet: but what is wrong with them is said. How the input is normalised
    // Cargo.toml may say.
    let none = graph.inputs.iter().map(|input| InputNormalisation::none(input.image().channels));
    let own = imported.normalisations.iter().cloned();
    let normalisations = own.zip(none).map(|(own, none)| own.or(Some(none))).collect();
    let imported = Imported { normalisations, ..imported };
    let initial = imported.initial(&graph)?;
    initial
        .iter()
        .flat_map(|(initial, _)| &initial.warnings)
        .for_each(|warning| eprintln!("note: {warning}"));
    let request = Request {
        who: format!("`{}`", arguments.network),
        source: &source,
        graph: &graph,
        flash: arguments.flash.unwrap_or(u64::MAX),
        ram: arguments.ram.unwrap_or(u64::MAX),
        scheme: arguments.scheme,
        memory_model: memory_model(arguments),
    };
    if let MemoryModel::Runtime { execution, .. } = request.memory_model {
        rows::check(&request.who, &graph, execution, Bits::B8)?;
    }
    if !arguments.sweep.is_empty() {
        return sweep::run(arguments, &request);
    }
    let chip = arguments.chip.as_deref().map(chips::find).transpose()?;
    let request = Request {
        flash: arguments.flash.or(chip.map(|chip| chip.flash)).unwrap_or(u64::MAX),
        ram: arguments.ram.or(chip.map(|chip| chip.ram)).unwrap_or(u64::MAX),
        ..request
    };
    match AllocationReport::new(&request, &arguments.network, platform(arguments, chip)?.as_ref()) {
        Ok(report) => {
            say!("{}", table::allocation(&report));
            report.notes.iter().for_each(|note| eprintln!("note: {note}"));
            Ok(Answer { json: with_ok(report.json(), true), well: true })
        }
        Err(found) => {
            let error = Error { problems: found };
            let json = does_not_fit(&request, &error)?;
            problems::print(&error);
            Ok(Answer { json: with_ok(json, false), well: false })
        }
    }
}

/// What would execute the network, as far as it is said.
///
/// # Errors
/// The chip does not execute code for the target, or the cost model does not know the target.
fn platform(arguments: &Arguments, chip: Option<&'static Chip>) -> Result<Option<Platform>, Problem> {
    let target = arguments.target.as_deref();
    if let (Some(target), Some(chip)) = (target, chip)
        && !chip.core.executes(target)
    {
        let message =
            format!("{} has a {}, which does not execute code for {target}", chip.name, chip.core.title);
        return Err(Problem::new(message).help(format!("{} is usual", chip.core.rust_target())));
    }
    let core = chip.map(|chip| chip.core);
    let Some(target) = target.or(core.map(|core| core.rust_target())) else { return Ok(None) };
    let clock = arguments.clock.or(chip.map(|chip| chip.clock));
    let platform = Platform::of(target, core, clock).ok_or_else(|| {
        let help = "it knows Rust targets of microcontrollers, such as thumbv7em-none-eabihf";
        Problem::new(format!("the cost model does not know {target}")).help(help)
    });
    platform.map(Some)
}

fn with_ok(mut json: Value, ok: bool) -> Value {
    json["ok"] = ok.into();
    json
}

/// Errors, the least budgets, and what near the network would fit.
///
/// # Errors
/// The memory model does not know such networks: the very problems that were found.
fn does_not_fit(request: &Request<'_>, error: &Error) -> Result<Value, Error> {
    let least = request.memory_model.least(request.graph, request.scheme).map_err(|_| error.clone())?;
    let alternatives = request.alternatives()?;
    let messages: Vec<String> = error.problems.iter().map(ToString::to_string).collect();
    Ok(json!({
        "fits": false,
        "errors": messages,
        "least_flash_bytes": least.flash,
        "least_ram_bytes": least.ram,
        "alternatives": {
            "resolution": alternatives.resolution,
            "width": alternatives.width,
            "input": alternatives.input.map(|shape| [shape.height, shape.width, shape.channels]),
            "chip": alternatives.chip.map(|chip| chip.name),
        },
    }))
}

fn memory_model(arguments: &Arguments) -> MemoryModel {
    let delta = arguments.delta.unwrap_or(DELTA);
    if arguments.model == "paper" {
        MemoryModel::Paper { delta }
    } else {
        MemoryModel::Runtime { delta, execution: execution(arguments) }
    }
}

fn execution(arguments: &Arguments) -> Execution {
    match (arguments.execution, arguments.hop) {
        (Execution::Rows { .. }, Some(hop)) => Execution::Rows { hop },
        (execution, _) => execution,
    }
}

/// A file if there is one of that name, or if it is called like one; otherwise a built-in network.
fn source(arguments: &Arguments) -> Result<NetworkSource, Problem> {
    let Arguments { network, width, resolution, classes, channels, stem_stride, padding, .. } = arguments;
    let path = Path::new(network);
    if network.ends_with(".toml") || import::is_foreign(path) || path.is_file() {
        let given = [
            ("--width", width.is_some()),
            ("--resolution", resolution.is_some()),
            ("--classes", classes.is_some()),
            ("--channels", channels.is_some()),
            ("--stem-stride", stem_stride.is_some()),
            ("--padding", padding.is_some()),
        ];
        let given: Vec<&str> = given.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
        if given.is_empty() {
            return Ok(NetworkSource::File(path.to_path_buf()));
        }
        let message = format!("`{network}` is a file: {} is for built-in networks", given.join(", "));
        return Err(Problem::new(message).help("change the file instead"));
    }
    let Some(published) = Builtin::published(network) else {
        let help = match nearest(network, BUILTIN_NAMES.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                format!("built in are {}; files end in .toml, .onnx or .tflite", BUILTIN_NAMES.join(", "))
            }
        };
        let message = format!("`{network}` is neither a file nor a built-in network");
        return Err(Problem::new(message).help(help));
    };
    Ok(NetworkSource::Builtin(Builtin {
        width: width.unwrap_or(published.width),
        resolution: resolution.unwrap_or(published.resolution),
        channels: channels.unwrap_or(published.channels),
        classes: *classes,
        stem_stride: stem_stride.or(published.stem_stride),
        padding: padding.unwrap_or(published.padding),
        name: published.name,
    }))
}
