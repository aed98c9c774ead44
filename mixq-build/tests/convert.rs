//! The integer network computes what the trained network says, code by code, in the bytes that were
//! allocated.

use std::collections::BTreeMap;

use fastrand::Rng;
use mixq_build::engine::config::{Rounding, Scheme};
use mixq_build::engine::convert::{Converted, TrainedNetwork, convert};
use mixq_build::engine::graph::{Graph, Source};
use mixq_build::engine::memory;
use mixq_build::engine::memory::{Allocation, allocate, allocate_uniformly};
use mixq_format::{Bits, Layer, Network, Rule, Tensor};
use mixq_tests::graphs::random_graph;
use mixq_tests::reference::{self, Codes};
use mixq_tests::trained::{random_image, random_trained};

/// How many elements were compared, and how many of them admitted one code only.
#[derive(Default)]
struct Tally {
    elements: usize,
    exact: usize,
    /// Codes that no clamp made.
    inner: usize,
    negative: usize,
    constant: usize,
    /// Of 16 and of 32 bits.
    thresholds: [usize; 2],
    operators: BTreeMap<String, usize>,
    /// Outputs beside that of the last layer.
    outputs: usize,
}

#[test]
fn random_networks_compute_what_was_trained() {
    let mut tally = Tally::default();
    for seed in 0..4000 {
        let mut rng = Rng::with_seed(seed);
        let graph = random_graph(&mut rng);
        let scheme = Scheme::CHOICES[rng.usize(0..4)].1;
        let rounding = [Rounding::Nearest, Rounding::Floor][rng.usize(0..2)];
        let allocation = random_allocation(&mut rng, &graph, scheme);
        let trained = random_trained(&mut rng, &graph, &allocation, scheme, rounding);
        let converted =
            convert(&graph, &allocation, scheme, &trained).unwrap_or_else(|e| panic!("{seed}: {e}"));
        check_bytes(&converted, &allocation, seed);
        let steps: Vec<Layer> = converted.layers.iter().map(|named| named.layer).collect();
        let kept: Vec<Tensor> = converted.outputs.iter().skip(1).map(|output| output.tensor).collect();
        let (_, alive) = memory::peak(converted.input, &steps, &kept);
        assert_eq!(alive, allocation.plan.lower_bound as u64, "{seed}: what a report says of the arena");
        for _ in 0..2 {
            let image = random_image(&mut rng, graph.input);
            compare(&graph, (&allocation, scheme), &trained, &converted, &image, &mut tally, seed);
        }
    }
    println!(
        "{} elements compared, {} to the code, {} of them inside the range, {} of channels with a negative \
         multiplier, {} of constant ones, {:?} by thresholds of 16 and 32 bits; {:?}",
        tally.elements,
        tally.exact,
        tally.inner,
        tally.negative,
        tally.constant,
        tally.thresholds,
        tally.operators
    );
    assert!(tally.exact * 10 > tally.elements * 7, "only {} of {} are exact", tally.exact, tally.elements);
    assert!(
        tally.negative > 1000
            && tally.constant > 1000
            && tally.thresholds.iter().all(|count| *count > 10_000)
    );
    let operators: Vec<&str> = tally.operators.keys().map(String::as_str).collect();
    assert_eq!(
        operators,
        [
            "add",
            "add constant",
            "average pool",
            "conv",
            "depthwise",
            "elementwise",
            "grouped conv",
            "linear",
            "max pool",
            "multiply",
            "multiply constant",
            "pointwise",
            "prelu",
            "rearrange",
            "resize"
        ]
    );
}

/// By budgets between the least and the most that the network can take, or the same bits for all.
fn random_allocation(rng: &mut Rng, graph: &Graph, scheme: Scheme) -> Allocation {
    if rng.u8(0..4) == 0 {
        let bits = Bits::QUANTISED[rng.usize(0..3)];
        return allocate_uniformly(graph, bits, u64::MAX, u64::MAX, scheme).unwrap();
    }
    let most = allocate(graph, u64::MAX, u64::MAX, scheme).unwrap();
    loop {
        let (flash, ram) = (rng.u64(0..=most.flash), rng.u64(0..=most.ram));
        let flash = if rng.bool() { flash } else { most.flash };
        let ram = if rng.bool() { ram } else { most.ram };
        if let Ok(allocation) = allocate(graph, flash, ram, scheme) {
            return allocation;
        }
    }
}

fn network<'a>(converted: &'a Converted, layers: &'a [Layer]) -> Network<'a> {
    let Converted { parameters, input, output, arena_bytes, .. } = converted;
    Network { layers, parameters, input: *input, output: *output, arena_bytes: *arena_bytes }
}

fn check_bytes(converted: &Converted, allocation: &Allocation, seed: u64) {
    let layers: Vec<Layer> = converted.layers.iter().map(|named| named.layer).collect();
    let network = network(converted, &layers);
    network.validate().unwrap_or_else(|e| panic!("{seed}: {e}"));
    let found = (network.flash_bytes() as u64, network.ram_bytes() as u64);
    assert_eq!(found, (allocation.flash, allocation.ram), "seed {seed}");
}

/// Runs layer by layer and compares each output, before later layers reuse its bytes.
fn compare(
    graph: &Graph,
    (allocation, scheme): (&Allocation, Scheme),
    trained: &TrainedNetwork,
    converted: &Converted,
    image: &[u8],
    tally: &mut Tally,
    seed: u64,
) {
    let mut arena = vec![0xA5; converted.arena_bytes as usize];
    arena[converted.input.range()].copy_from_slice(image);
    let codes = image.iter().map(|pixel| i64::from(*pixel)).collect();
    let image = Codes { shape: graph.input, grid: trained.input, codes };
    let mut known = BTreeMap::from([(Source::Image, image)]);
    let steps = &allocation.schedule.steps;
    assert_eq!(steps.len(), converted.layers.len());
    for (step, named) in steps.iter().zip(&converted.layers) {
        let node = step.node;
        let inputs: Vec<&Codes> =
            reference::sources(graph, node).iter().map(|source| &known[source]).collect();
        for (tensor, codes) in named.layer.inputs().zip(&inputs) {
            assert_eq!(unpack(&arena, tensor), codes.codes, "seed {seed}: {} was overwritten", named.name);
        }
        let expected =
            reference::output(graph, allocation, scheme, trained, node, &inputs, converted.logit_scale);
        mixq_rt::run_layer(&named.layer, &converted.parameters, &mut arena);
        let found = unpack(&arena, named.layer.output());
        let channels = graph.nodes[node].output.channels;
        for (index, &code) in found.iter().enumerate() {
            let (low, high) = expected.allowed(index);
            let multiplier = trained.layers[node].as_ref();
            let multiplier = multiplier.and_then(|layer| layer.multiplier.get(index % channels).copied());
            assert!(
                (low..=high).contains(&code),
                "seed {seed}, layer {}, element {index}: {code} is not {low} to {high} ({:?}, {:?})",
                named.name,
                expected.exact[index],
                named.layer
            );
            assert!(multiplier != Some(0.0) || low == high, "a constant channel admits one code");
            tally.exact += usize::from(low == high);
            tally.inner += usize::from(code > 0 && Some(code) < expected.max);
            tally.negative += usize::from(multiplier.is_some_and(|m| m < 0.0));
            tally.constant += usize::from(multiplier == Some(0.0));
            match named.layer.requant().map(|requant| requant.rule) {
                Some(Rule::Thresholds16) => tally.thresholds[0] += 1,
                Some(Rule::Thresholds32) => tally.thresholds[1] += 1,
                Some(Rule::Multiplier) | None => {}
            }
        }
        tally.elements += found.len();
        let kind = graph.nodes[node].op.kind().to_string();
        let kind = kind.trim_end_matches(|c: char| c.is_ascii_digit() || c == 'x').trim_end();
        *tally.operators.entry(kind.to_string()).or_default() += found.len();
        let output = Codes { shape: graph.nodes[node].output, grid: expected.grid, codes: found };
        known.insert(Source::Node(node), output);
    }
    // All outputs are there at the end.
    for (offered, output) in graph.outputs.iter().zip(&converted.outputs) {
        let tensor = &output.tensor;
        assert_eq!(
            unpack(&arena, tensor),
            known[&Source::Node(offered.node)].codes,
            "seed {seed}: {output:?}"
        );
        let grid = known[&Source::Node(offered.node)].grid;
        assert_eq!((output.scale, i32::from(tensor.zero_point)), (grid.scale, grid.zero_point));
    }
    tally.outputs += converted.outputs.len().saturating_sub(1);
}

/// The elements of a tensor in the arena; logits as numbers.
fn unpack(arena: &[u8], tensor: &Tensor) -> Vec<i64> {
    let bytes = &arena[tensor.range()];
    if tensor.bits == Bits::B32 {
        return bytes.as_chunks().0.iter().map(|logit| i64::from(i32::from_ne_bytes(*logit))).collect();
    }
    let width = tensor.bits.count();
    let channels = usize::from(tensor.channels);
    let pixels = bytes.chunks((channels * width).div_ceil(8));
    pixels
        .flat_map(|pixel| {
            (0..channels).map(move |c| {
                i64::from((u32::from(pixel[c * width / 8]) >> (c * width % 8)) & ((1 << width) - 1))
            })
        })
        .collect()
}
