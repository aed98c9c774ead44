//! Networks whose images come in rows.

use std::path::Path;

use fastrand::Rng;
use mixq_build::engine::graph::Graph;
use mixq_build::engine::import::layers;
use mixq_build::engine::memory::{Allocation, no_rows};
use mixq_build::engine::settings::Execution;
use mixq_format::{Artifact, Bits, ErrorScore, Readout, Task, Unit};

use crate::stripes::{least_allocation, least_in, random_graph, unchecked};

/// Networks in as little RAM as they can be executed in, whose images come in rows: pixels, and codes of 4
/// and of 2 bits that are made of samples. Each has a stage of four layers or more.
pub fn fed() -> Vec<Artifact> {
    let of = |bits: Bits, seed: u64| {
        let graph = random_graph(&mut Rng::with_seed(seed));
        let graph = Graph { inputs: graph.inputs.clone().with_bits(|_| bits), ..graph };
        let can = no_rows(&graph, bits).is_none();
        let network =
            can.then(|| least_in(&format!("fed{}", bits.count()), &graph, bits, Execution::ROWS))?;
        // All networks of a test share the RAM of a microcontroller.
        (network.header.stages[0].layers >= 4 && network.ram_bytes() <= 3000).then_some(network)
    };
    let first = |bits: Bits| (0..).find_map(|seed| of(bits, seed)).expect("some network has a long stage");
    Bits::QUANTISED.map(first).into_iter().chain([fed_resized()]).collect()
}

/// Half of the rows and back to all of them, while they come.
fn fed_resized() -> Artifact {
    let text = "input = [64, 4, 4]\n\
         [[layer]]\nop = \"conv\"\nname = \"all\"\nfilters = 8\nkernel = 3\nactivation = \"relu\"\n\
         [[layer]]\nop = \"conv\"\nfilters = 8\nkernel = 3\nstride = 2\nactivation = \"relu\"\n\
         [[layer]]\nop = \"resize\"\nname = \"half\"\nfactor = 2\n\
         [[layer]]\nop = \"concat\"\ninputs = [\"all\", \"half\"]\n\
         [[layer]]\nop = \"conv\"\nfilters = 8\nkernel = 3\nactivation = \"relu\"\n\
         [[layer]]\nop = \"add_constant\"\n\
         [[layer]]\nop = \"upsample\"\nfactor = 2\n\
         [[layer]]\nop = \"conv\"\nfilters = 4\nkernel = 3\nstride = 2\n\
         [[layer]]\nop = \"global_average_pool\"\n[[layer]]\nop = \"linear\"\nfeatures = 5\n";
    let spec = layers::parse(Path::new("network.toml"), text).unwrap_or_else(|error| panic!("{error}"));
    let graph = Graph::resolve_for(&spec, Task::default()).unwrap_or_else(|error| panic!("{error}"));
    let network = least_in("fed_resized", &graph, Bits::B8, Execution::ROWS);
    assert!(network.header.stages[0].layers >= 6, "{:?}", network.header.stages);
    network
}

/// Networks whose windows overlap: of pixels, and of codes of 4 bits that are made of samples. The first
/// layers keep rows, a stride and an addition among them; one behind them sees the ends of a window.
pub fn sliding() -> Vec<Artifact> {
    let conv = |name: &str, more: &str| {
        format!("[[layer]]\nop = \"conv\"\nname = \"{name}\"\nfilters = 16\n{more}\n")
    };
    let text = format!(
        "input = [33, 4, 4]\n{}{}{}{}{}",
        conv("a", "kernel = 3\nstride = [2, 1]\npadding = [0, 0, 1, 1]\nactivation = \"relu\""),
        conv("b", "kernel = 1"),
        "[[layer]]\nop = \"add\"\ninputs = [\"a\", \"b\"]\nactivation = \"relu\"\n\
         [[layer]]\nop = \"max_pool\"\nkernel = 3\nstride = 1\npadding = [0, 0, 1, 1]\n",
        conv("d", "kernel = 3\nactivation = \"relu\""),
        "[[layer]]\nop = \"global_average_pool\"\n[[layer]]\nop = \"linear\"\nfeatures = 5\n",
    );
    let spec = layers::parse(Path::new("network.toml"), &text).unwrap_or_else(|error| panic!("{error}"));
    let of = |bits: Bits| {
        let graph = Graph::resolve_for(&spec, Task::default()).unwrap_or_else(|error| panic!("{error}"));
        let graph = Graph { inputs: graph.inputs.clone().with_bits(|_| bits), ..graph };
        least_in(&format!("sliding{}", bits.count()), &graph, bits, Execution::Rows { hop: 6 })
    };
    [Bits::B8, Bits::B4].map(of).to_vec()
}

/// The network of spectra whose windows overlap in docs/memory.md.
pub fn words() -> Graph {
    of_experiments("words", Task::default())
}

/// The networks of docs/memory.md that make images smaller and larger again.
pub fn decoders() -> [(&'static str, Graph); 2] {
    ["unet", "pyramid"].map(|name| (name, of_experiments(name, Task::Dense)))
}

/// A network whose output is a map.
pub fn map(name: &str, graph: &Graph, allocation: &Allocation) -> Artifact {
    let mut artifact = unchecked(name, graph, allocation, 1);
    artifact.header.task = Task::Dense;
    Artifact::from_bytes(&artifact.to_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn of_experiments(name: &str, task: Task) -> Graph {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../experiments/networks/{name}.toml"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{error}"));
    let spec = layers::parse(&path, &text).unwrap_or_else(|error| panic!("{error}"));
    Graph::resolve_for(&spec, task).unwrap_or_else(|error| panic!("{error}"))
}

/// One of each task; and a classification and a regression whose last layers write codes.
pub fn tasks() -> Vec<Artifact> {
    let linear = "[[layer]]\nop = \"global_average_pool\"\n[[layer]]\nop = \"linear\"\nfeatures = 5\n";
    let codes = format!("{}[[layer]]\nop = \"global_average_pool\"\n", conv(5, ""));
    let (map, again) = (conv(3, ""), conv(4, ""));
    [
        ("fed_labels", Task::MultiLabel, linear),
        ("fed_values", Task::Regression, linear),
        ("fed_codes", Task::Regression, &codes),
        ("fed_classes", Task::Classification, &codes),
        ("fed_map", Task::Dense, &map),
        ("fed_again", Task::Reconstruction, &again),
    ]
    .map(|(name, task, end)| of_task(name, task, end))
    .to_vec()
}

fn conv(filters: usize, activation: &str) -> String {
    format!("[[layer]]\nop = \"conv\"\nfilters = {filters}\nkernel = 3\n{activation}\n")
}

/// A network of two convolutions, and what comes behind them.
fn of_task(name: &str, task: Task, end: &str) -> Artifact {
    let relu = "activation = \"relu\"";
    let text = format!("input = [24, 8, 4]\n{}{}{end}", conv(8, relu), conv(4, relu));
    let spec = layers::parse(Path::new("network.toml"), &text).unwrap_or_else(|error| panic!("{error}"));
    let graph = Graph::resolve_for(&spec, task).unwrap_or_else(|error| panic!("{error}"));
    let allocation = least_allocation(&graph, Bits::B8, Execution::ROWS);
    let mut artifact = unchecked(name, &graph, &allocation, 1);
    let outputs = usize::from(artifact.header.output.channels);
    artifact.header.task = task;
    artifact.header.labels.truncate(task.labels(outputs));
    let unit = Unit { scale: 0.5, offset: -3.0 };
    artifact.header.readout = match task {
        Task::Classification | Task::Dense => Readout::default(),
        Task::MultiLabel => Readout { thresholds: vec![0; outputs], ..Readout::default() },
        Task::Regression => Readout { units: vec![unit; outputs], ..Readout::default() },
        Task::Reconstruction => Readout {
            units: vec![unit],
            thresholds: vec![1000],
            error: Some(ErrorScore::new(1.0, 0, 0.0)),
            ..Readout::default()
        },
    };
    Artifact::from_bytes(&artifact.to_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"))
}
