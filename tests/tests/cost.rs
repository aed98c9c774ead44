//! What the cost model says of layers and networks, and what QEMU counts.

#[path = "cost/cycles.rs"]
mod cycles;
#[path = "cost/fit.rs"]
mod fit;
#[path = "../../xtask/src/bench/log.rs"]
mod log;

use std::path::Path;

use mixq_build::engine::settings::Execution as Way;
use mixq_format::target::{Cost, Execution, Free, Kernel, Tally};
use mixq_format::{Artifact, Bits, Layer};
use mixq_tests::measure::{self, CORTEX_M0, CORTEX_M4, CORTEX_M33, CORTEX_M33_WITHOUT_DSP, Processor, RISCV};
use mixq_tests::varied::{self, varied};
use mixq_tests::{frames, networks, stripes, zoo};

/// Instructions that a layer may differ by in any case: a few calls.
const FEW: f64 = 150.0;

/// By which share model and count may differ for networks that portable kernels execute parts of.
const PORTABLE: f64 = 0.04;

/// The same of a network that the kernels for ARMv7E-M execute.
const OWN: f64 = 0.02;

/// The artifact of an example.
fn example(path: &str) -> Artifact {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(path);
    let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display()));
    Artifact::from_bytes(&bytes).expect("an artifact")
}

/// A network in arenas that have so many bytes more than it needs, and by which share model and count may
/// differ: for the network, and for each layer if that is given.
struct Case {
    network: Artifact,
    spares: Vec<u32>,
    share: f64,
    of_layer: Option<f64>,
    /// Whether weights are as large as trained ones, so that the model is right without them, too.
    like_trained: bool,
}

/// Asserts that networks take what the model says. They are written to a folder of this name.
fn check(name: &str, processor: Processor, cases: Vec<Case>) {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = scratch.join("cost").join(name);
    let target = processor.kernels();
    let networks: Vec<_> = cases.iter().map(|case| (case.network.clone(), case.spares.clone())).collect();
    let mut wrong = Vec::new();
    let (mut largest, mut largest_of_layer, mut largest_of_own) = (0.0f64, 0.0f64, 0.0f64);
    let off = |model: u64, counted: u64| {
        let difference = model as f64 - counted as f64;
        (difference.abs() - FEW).max(0.0) / counted as f64
    };
    for found in measure::measure(processor, &networks, &folder, scratch) {
        let Case { network, share, of_layer, like_trained, .. } = &cases[found.network];
        let arena = network.header.arena_bytes + found.spare;
        let network = network.in_arena(arena);
        let (layers, name) = (network.layers(), &network.header.name);
        let tallies = target.tallies(processor.target, &layers, &network.parameters, arena);
        let costs: Vec<Cost> = tallies.iter().map(Tally::cost).collect();
        // Other kernels than the portable ones: more is known of them.
        let own = |tally: &Tally| tally.kernels == target.name && target.name != "portable";
        for (index, (((cost, tally), counted), layer)) in
            costs.iter().zip(&tallies).zip(&found.layers).zip(layers.iter()).enumerate()
        {
            // All of a stage is counted as its first layer.
            if network.header.stages.iter().any(|stage| stage.range().contains(&index)) {
                continue;
            }
            let off = off(cost.instructions, *counted);
            largest_of_layer = largest_of_layer.max(off);
            if own(tally) {
                largest_of_own = largest_of_own.max(off);
            }
            if own(tally) && of_layer.is_some_and(|most| off > most) {
                wrong.push(format!("{name} +{}: {cost}, counted {counted}: {layer:?}", found.spare));
            }
        }
        let model: Cost = costs.into_iter().sum();
        let counted = found.layers.iter().sum();
        if *like_trained {
            let kernels = target.lay_out(&layers, &network.parameters, arena).kernels;
            let cost = |(layer, kernel): (&Layer, &Kernel)| {
                let (scratch_bytes, free) = (kernel.scratch_bytes, Free { spent: true, joined: true });
                let rust_target = processor.target;
                target.cost(layer, &Execution { rust_target, parameters: None, scratch_bytes, free })
            };
            let blind: Cost = layers.iter().zip(&kernels).map(cost).sum();
            if off(blind.instructions, counted) > *share {
                wrong.push(format!("{name} +{}: {blind} without weights, counted {counted}", found.spare));
            }
        }
        let off = off(model.instructions, counted);
        largest = largest.max(off);
        if off > *share {
            wrong.push(format!("{name} +{}: {model}, counted {counted}", found.spare));
        }
    }
    let [networks, layers, own] = [largest, largest_of_layer, largest_of_own].map(|share| 100.0 * share);
    println!(
        "{}: networks {networks:.2} % off at most, layers {layers:.2} %, those of own kernels {own:.2} %",
        processor.target
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The networks of the tests and of the examples.
fn networks() -> Vec<Artifact> {
    let examples = ["digits/models/digits.mixq", "cifar10/models/cifar10.mixq"].map(example);
    networks::all().into_iter().chain(examples).collect()
}

/// By which share model and count may differ for a network on a processor with DSP. There, too, portable code
/// moves parts of bytes, and multiplies those of less than 8 bits. And where a layer in
/// groups of four channels has no room, most of its time goes to plain Rust, of which a Cortex-M33 has other
/// code.
fn share_of(network: &Artifact) -> f64 {
    let portable = ["rearranged", "resized", "grouped", "products", "full_of_groups4"];
    if portable.iter().any(|kind| network.header.name.starts_with(kind)) { PORTABLE } else { OWN }
}

/// Networks in their least and in large arenas; and layers of random networks, none of them what the model
/// was fitted to.
#[test]
fn cortex_m4_takes_what_the_model_says() {
    let of_tests = networks().into_iter().map(|network| {
        let spares = vec![0, 600, 16384];
        let share = share_of(&network);
        Case { network, spares, share, of_layer: None, like_trained: false }
    });
    let random = (0..24).map(|seed| {
        let spares = vec![[0, 400, 1400][seed as usize % 3], 16384];
        Case { network: varied(seed), spares, share: 0.05, of_layer: Some(0.05), like_trained: false }
    });
    let known = [
        ("resnet8", Bits::B8, 1152),
        ("ds_cnn", Bits::B8, 512),
        ("ds_cnn", Bits::B4, 512),
        ("ad", Bits::B4, 256),
    ];
    let known = known.map(|(name, bits, spare)| {
        let (network, spares) = (zoo::artifact(name, bits), vec![0, spare]);
        Case { network, spares, share: 0.02, of_layer: None, like_trained: true }
    });
    let functions = (0..6).map(|seed| {
        let (network, spares) = (varied::functions(seed), vec![0]);
        Case { network, spares, share: 0.05, of_layer: Some(0.05), like_trained: false }
    });
    let moves = (0..6).map(|seed| {
        let (network, spares) = (varied::moves(seed), vec![0]);
        Case { network, spares, share: 0.05, of_layer: Some(0.05), like_trained: false }
    });
    let grouped = (0..6).map(|seed| {
        let (network, spares) = (varied::grouped(seed), vec![0]);
        Case { network, spares, share: PORTABLE, of_layer: None, like_trained: false }
    });
    let of_channels = (0..6).map(|seed| {
        let (network, spares) = (varied::of_channels(seed), vec![0]);
        Case { network, spares, share: 0.05, of_layer: Some(0.05), like_trained: false }
    });
    let products = (0..6).map(|seed| {
        let (network, spares) = (varied::products(seed), vec![0]);
        Case { network, spares, share: 0.05, of_layer: Some(0.05), like_trained: false }
    });
    let constants = (0..6).map(|seed| {
        let (network, spares) = (varied::constants(seed), vec![0]);
        Case { network, spares, share: 0.05, of_layer: Some(0.05), like_trained: false }
    });
    let random_kinds =
        functions.chain(moves).chain(grouped).chain(of_channels).chain(products).chain(constants);
    let all = of_tests.chain(random).chain(known).chain(random_kinds);
    check("m4", CORTEX_M4, all.collect());
}

/// Networks in stripes of rows, in the least RAM in which no activation loses bits.
#[test]
fn stripes_take_what_the_model_says() {
    let known = ["resnet8", "person_96x96x1", "mobilenet_v1_0.25_128", "mobilenet_v2_0.35_128"]
        .map(|name| stripes::least(name, &zoo::graph(name), Bits::B8));
    let random = stripes::networks();
    // With images that come in rows: copies of them count, too.
    let fed = ["person_96x96x1", "mobilenet_v1_0.25_128"]
        .map(|name| stripes::least_in(&format!("{name}_fed"), &zoo::graph(name), Bits::B8, Way::ROWS));
    // Of windows that overlap: one that follows another one.
    let windows = [1, 5, 25].map(|hop| {
        let execution = Way::Rows { hop };
        stripes::least_in(&format!("words_{hop}"), &frames::words(), Bits::B8, execution)
    });
    let decoders = frames::decoders().map(|(name, graph)| {
        frames::map(name, &graph, &stripes::least_allocation(&graph, Bits::B8, Way::Stripes))
    });
    let known = known.into_iter().chain(decoders);
    let fed = fed.into_iter().chain(frames::fed()).chain(frames::sliding()).chain(windows);
    let cases = known.chain(random).chain(fed).map(|network| Case {
        network,
        spares: vec![0, 2000],
        share: 0.03,
        of_layer: None,
        like_trained: false,
    });
    check("stripes", CORTEX_M4, cases.collect());
}

/// With DSP it executes the code of the Cortex-M4. Layers that only the portable kernels take have the code
/// of a Cortex-M33 without DSP. One test for both: they are written to the same folder.
#[test]
fn cortex_m33_takes_what_the_model_says_with_dsp_and_without() {
    for (processor, spares, share) in
        [(CORTEX_M33, vec![0, 16384], OWN), (CORTEX_M33_WITHOUT_DSP, vec![0], PORTABLE)]
    {
        let case = |network| {
            let share = share_of(&network).max(share);
            Case { network, spares: spares.clone(), share, of_layer: None, like_trained: false }
        };
        check("m33", processor, networks().into_iter().map(case).collect());
    }
}

#[test]
fn portable_kernels_take_about_what_the_model_says() {
    for processor in [CORTEX_M0, RISCV] {
        let case =
            |network| Case { network, spares: vec![0], share: PORTABLE, of_layer: None, like_trained: false };
        check("portable", processor, networks().into_iter().map(case).collect());
    }
}
