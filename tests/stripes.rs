//! Random networks that can be executed in stripes: rows of whole words, all operators that have rows.

use std::fmt::Write;
use std::path::Path;

use fastrand::Rng;
use mixq_build::engine::convert::{About, convert};
use mixq_build::engine::graph::{Graph, Op, Spec};
use mixq_build::engine::import::layers;
use mixq_build::engine::memory::{Allocation, allocate_uniformly};
use mixq_build::engine::settings::{Execution, Ram, Rounding, Scheme};
use mixq_format::{Accuracy, Artifact, Between, Bits, Budget, Layer, Rest, Stage};

use crate::random::samples_of;
use crate::trained::random_trained;

/// Networks in stripes, in as little RAM as they can be executed in: those of [`few`]; one of 2 bits with a
/// long stage; one with a depthwise convolution in a stage, an output over an input, and a stage from the
/// last row to the first; and two with images of other sizes in their stages, and constants.
pub fn networks() -> Vec<Artifact> {
    let over = first("striped_over", Bits::B8, |network| {
        let (layers, stages) = (network.layers(), &network.header.stages);
        let is_over = |stage: &Stage| {
            let [input, output] =
                [layers[stage.range().start].first_input(), layers[stage.range().end - 1].output()];
            output.offset < input.offset && output.offset as usize + output.bytes() > input.offset as usize
        };
        has_inside(network, |layer| matches!(layer, Layer::Depthwise(_)))
            && stages.iter().any(is_over)
            && stages.iter().any(|stage| stage.backwards)
    });
    let has = |graph: &Graph, is_wanted: fn(&Op) -> bool| graph.nodes.iter().any(|node| is_wanted(&node.op));
    let has_constants = |graph: &Graph| has(graph, |op| matches!(op, Op::Constants(_)));
    let resized = first_of("striped_resized", Bits::B8, has_constants, |network| {
        has_inside(network, |layer| matches!(layer, Layer::Resize(table) if table.between == INTERPOLATED))
            && has_inside(network, |layer| matches!(layer, Layer::Constants(_)))
    });
    let has_resize = |graph: &Graph| has(graph, |op| matches!(op, Op::Resize(_)));
    let blocks = first_of("striped_blocks", Bits::B4, has_resize, |network| {
        has_inside(network, |layer| matches!(layer, Layer::Resize(table) if table.between != INTERPOLATED))
            && has_inside(network, |layer| {
                layer.output().height > layer.first_input().height && is_moved(layer)
            })
    });
    few().into_iter().chain([long(Bits::B2), over, resized, blocks]).collect()
}

const INTERPOLATED: Between = Between::Interpolated;

fn is_moved(layer: &Layer) -> bool {
    matches!(layer, Layer::Rearrange(_))
}

/// Some of them, which are made in less than a second: of 4 and 8 bits, each with a long stage; and one with
/// a concatenation in a stage.
pub fn few() -> Vec<Artifact> {
    let joined = first("striped_concat", Bits::B8, |network| {
        has_inside(network, |layer| matches!(layer, Layer::Rearrange(table) if table.rest == Rest::Kept))
    });
    vec![long(Bits::B4), long(Bits::B8), joined]
}

/// One with a stage of five layers or more.
fn long(bits: Bits) -> Artifact {
    let is_long = |network: &Artifact| network.header.stages.iter().any(|stage| stage.layers >= 5);
    first(&format!("striped{}", bits.count()), bits, is_long)
}

/// The first of the random networks, in as little RAM as they can be executed in at these bits, that is
/// wanted. It is small: all networks of a test share the RAM of a microcontroller.
fn first(name: &str, bits: Bits, is_wanted: impl Fn(&Artifact) -> bool) -> Artifact {
    first_of(name, bits, |_| true, is_wanted)
}

/// The same, where a graph must be wanted before it is known how it is executed.
fn first_of(
    name: &str,
    bits: Bits,
    is_candidate: impl Fn(&Graph) -> bool,
    is_wanted: impl Fn(&Artifact) -> bool,
) -> Artifact {
    let is_wanted = |network: &Artifact| network.ram_bytes() <= 5000 && is_wanted(network);
    let graphs = (0..).map(|seed| random_graph(&mut Rng::with_seed(seed))).filter(is_candidate);
    let mut networks = graphs.map(|graph| least(name, &graph, bits)).filter(is_wanted);
    networks.next().expect("some network is wanted")
}

/// Whether such a layer is in a stage.
fn has_inside(network: &Artifact, is_wanted: fn(&Layer) -> bool) -> bool {
    let layers = network.layers();
    network.header.stages.iter().any(|stage| layers[stage.range()].iter().any(is_wanted))
}

/// A network with random weights, in as little RAM as it can be executed in at these bits.
pub fn least(name: &str, graph: &Graph, bits: Bits) -> Artifact {
    least_in(name, graph, bits, Execution::default())
}

/// The same of this execution.
pub fn least_in(name: &str, graph: &Graph, bits: Bits, execution: Execution) -> Artifact {
    artifact(name, graph, &least_allocation(graph, bits, execution), 1)
}

/// The allocation of the least RAM at these bits.
///
/// # Panics
/// If there is none.
pub fn least_allocation(graph: &Graph, bits: Bits, execution: Execution) -> Allocation {
    let allocate = |bytes| {
        let ram = Ram { bytes, execution };
        allocate_uniformly(graph, bits, u64::MAX, ram, Scheme::PerChannel)
    };
    let mut allocation = allocate(u64::MAX).expect("all of the memory is enough");
    let mut too_few = 0;
    while allocation.ram > too_few + 4 {
        let bytes = (allocation.ram + too_few) / 8 * 4;
        match allocate(bytes) {
            Ok(less) => allocation = less,
            Err(_) => too_few = bytes,
        }
    }
    allocation
}

/// The artifact of a network with random weights, written and read.
///
/// # Panics
/// If it is not valid.
pub fn artifact(name: &str, graph: &Graph, allocation: &Allocation, seed: u64) -> Artifact {
    let artifact = unchecked(name, graph, allocation, seed);
    let read = Artifact::from_bytes(&artifact.to_bytes());
    assert_eq!(read.as_ref().map_err(|error| error.to_string()), Ok(&artifact), "seed {seed}");
    artifact
}

/// The same, which may be of another task than it says.
pub fn unchecked(name: &str, graph: &Graph, allocation: &Allocation, seed: u64) -> Artifact {
    let scheme = Scheme::PerChannel;
    let trained = random_trained(&mut Rng::with_seed(seed), graph, allocation, scheme, Rounding::Nearest);
    let converted = convert(graph, allocation, scheme, &trained);
    let converted = converted.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    let about = About {
        name: name.to_string(),
        task: mixq_format::Task::default(),
        labels: (0..graph.outputs()).map(|class| class.to_string()).collect(),
        samples: converted.inputs.iter().map(|input| samples_of(&input.tensor)).collect(),
        readout: mixq_format::Readout::default(),
        fingerprint: Default::default(),
        budget: Budget { flash: u64::MAX, ram: allocation.ram },
        accuracy: Accuracy::default(),
    };
    converted.into_artifact(about)
}

/// A network that resolves: convolutions of all kinds, pools, functions and residual branches on images of up
/// to 60 rows, and a classifier at the end.
pub fn random_graph(rng: &mut Rng) -> Graph {
    loop {
        let text = text(rng);
        // Windows may be larger than what is left of the image.
        let Ok(spec) = layers::parse(Path::new("random.toml"), &text) else { continue };
        if let Some(graph) = resolved(&spec) {
            return graph;
        }
    }
}

fn resolved(spec: &Spec) -> Option<Graph> {
    Graph::resolve(spec).ok()
}

fn text(rng: &mut Rng) -> String {
    let (height, width) = (rng.usize(8..=60), 4 * rng.usize(1..=6));
    let mut text = format!("input = [{height}, {width}, {}]\n", [1, 2, 3, 4][rng.usize(..4)]);
    let mut layers = 0;
    let mut push = |text: &mut String, lines: &str| {
        layers += 1;
        write!(text, "[[layer]]\nname = \"l{layers}\"\n{lines}\n").expect("a string can be written to");
        format!("l{layers}")
    };
    push(&mut text, &conv(rng));
    for _ in 0..rng.usize(2..=7) {
        match rng.usize(..17) {
            0..=2 => drop(push(&mut text, &conv(rng))),
            3 | 4 => {
                let window = window(rng);
                push(&mut text, &format!("op = \"depthwise\"\n{window}\n{}", activation(rng)));
            }
            5 => drop(push(
                &mut text,
                &format!("op = \"{}_pool\"\n{}", either(rng, "max", "average"), pool(rng)),
            )),
            6 => drop(push(&mut text, &format!("op = \"{}\"", either(rng, "sigmoid", "hard_swish")))),
            7 => {
                let lines = format!(
                    "op = \"conv\"\nfilters = 8\nkernel = 3\ndilation = {}\n{}",
                    rng.usize(1..=3),
                    activation(rng)
                );
                push(&mut text, &lines);
            }
            8 => drop(push(&mut text, &resized(rng))),
            9 => drop(push(&mut text, &format!("op = \"{}_constant\"", either(rng, "add", "multiply")))),
            10 => {
                let lines = match rng.usize(..3) {
                    0 => "op = \"space_to_depth\"\nblock = 2",
                    1 => "op = \"depth_to_space\"\nblock = 2",
                    _ => "op = \"transposed_conv\"\nfilters = 4\nkernel = 3\nstride = 2",
                };
                push(&mut text, lines);
            }
            11 | 12 => {
                // Half of the rows and back, beside all of them.
                let start = push(&mut text, &conv(rng));
                push(&mut text, "op = \"conv\"\nfilters = 8\nkernel = 3\nstride = 2");
                if rng.bool() {
                    push(&mut text, &format!("op = \"conv\"\nfilters = 8\nkernel = 3\n{}", activation(rng)));
                }
                let back = match rng.usize(..3) {
                    0 => push(&mut text, "op = \"upsample\"\nfactor = 2"),
                    _ => push(&mut text, &format!("op = \"resize\"\nfactor = 2\n{}", between(rng))),
                };
                push(&mut text, &format!("op = \"concat\"\ninputs = [\"{start}\", \"{back}\"]"));
                push(&mut text, &conv(rng));
            }
            13 | 14 => {
                let start = push(&mut text, &conv(rng));
                let filters = 4 * rng.usize(1..=3);
                let one = push(&mut text, &format!("op = \"pointwise\"\nfilters = {filters}"));
                let inputs = format!("inputs = [\"{start}\"]");
                let other = push(&mut text, &format!("op = \"conv\"\nfilters = 4\nkernel = 3\n{inputs}"));
                push(&mut text, &format!("op = \"concat\"\ninputs = [\"{one}\", \"{other}\"]"));
                match rng.usize(..3) {
                    0 => drop(push(&mut text, "op = \"channel_shuffle\"\ngroups = 2")),
                    1 => drop(push(&mut text, "op = \"slice\"\nfirst = 4\nchannels = 4")),
                    _ => {}
                }
            }
            _ => {
                let start = push(&mut text, "op = \"pointwise\"\nfilters = 8\nbatch_norm = true");
                push(&mut text, &format!("op = \"conv\"\nfilters = 8\nkernel = 3\n{}", activation(rng)));
                let end = push(&mut text, "op = \"conv\"\nfilters = 8\nkernel = [5, 3]");
                push(
                    &mut text,
                    &format!("op = \"add\"\ninputs = [\"{start}\", \"{end}\"]\n{}", activation(rng)),
                );
            }
        }
    }
    push(&mut text, "op = \"global_average_pool\"");
    push(&mut text, "op = \"linear\"\nfeatures = 5");
    text
}

fn either<'a>(rng: &mut Rng, a: &'a str, b: &'a str) -> &'a str {
    if rng.bool() { a } else { b }
}

fn activation(rng: &mut Rng) -> &'static str {
    if rng.bool() { "activation = \"relu\"" } else { "" }
}

fn window(rng: &mut Rng) -> String {
    let padding = match rng.usize(..3) {
        0 => "padding = \"valid\"".to_string(),
        1 => "padding = \"same\"".to_string(),
        _ => "padding = 1".to_string(),
    };
    let (kernel, stride) = ([2, 3, 3, 5][rng.usize(..4)], [1, 1, 2, 3][rng.usize(..4)]);
    format!("kernel = [{kernel}, 3]\nstride = [{stride}, 1]\n{padding}")
}

fn pool(rng: &mut Rng) -> String {
    format!("kernel = [{}, 1]\nstride = [{}, 1]", rng.usize(2..=3), rng.usize(1..=3))
}

/// An image of another size.
fn resized(rng: &mut Rng) -> String {
    match rng.usize(..4) {
        0 => format!("op = \"upsample\"\nfactor = [{}, {}]", rng.usize(1..=3), rng.usize(1..=2)),
        1 => format!("op = \"resize\"\nfactor = [{}, 1]\n{}", rng.usize(1..=3), between(rng)),
        _ => {
            let size = [rng.usize(3..=70), 4 * rng.usize(1..=6)];
            format!("op = \"resize\"\nsize = {size:?}\n{}", between(rng))
        }
    }
}

/// What lies between pixels, and where.
fn between(rng: &mut Rng) -> String {
    let coordinates = ["half_pixel", "align_corners", "asymmetric"][rng.usize(..3)];
    let interpolation = either(rng, "bilinear", "nearest");
    format!("interpolation = \"{interpolation}\"\ncoordinates = \"{coordinates}\"")
}

fn conv(rng: &mut Rng) -> String {
    let filters = 4 * rng.usize(1..=4);
    format!("op = \"conv\"\nfilters = {filters}\n{}\nbatch_norm = true\n{}", window(rng), activation(rng))
}
