//! The integer network computes what the trained network says, code by code, in the bytes that were
//! allocated.

use fastrand::Rng;
use mixq_build::engine::config::{Rounding, Scheme};
use mixq_build::engine::convert::{Converted, convert};
use mixq_build::engine::graph::Graph;
use mixq_build::engine::memory;
use mixq_build::engine::memory::{Allocation, allocate, allocate_uniformly};
use mixq_build::engine::settings::{Execution, Ram};
use mixq_format::target::Steps;
use mixq_format::{Bits, Layer, Network, Tensor};
use mixq_tests::compare::{Tally, compare};
use mixq_tests::graphs::{random_graph, random_graph_of_inputs};
use mixq_tests::trained::{random_row, random_trained};

#[test]
fn random_networks_compute_what_was_trained() {
    let tally = compare_all(4000, random_graph);
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
        // Tensors are compared whole.
        let ram = Ram { bytes: ram, execution: Execution::Whole };
        if let Ok(allocation) = allocate(graph, flash, ram, scheme) {
            return allocation;
        }
    }
}

/// Networks that read two or three inputs, of 8, 4 and 2 bits each.
#[test]
fn random_networks_with_several_inputs_compute_what_was_trained() {
    let mut bits = std::collections::BTreeSet::new();
    let tally = compare_all(1500, |rng| {
        let graph = random_graph_of_inputs(rng);
        bits.extend(graph.inputs.iter().enumerate().map(|(index, input)| (index, input.bits)));
        graph
    });
    assert_eq!(bits.len(), 9, "each input has each width somewhere");
    assert!(tally.exact * 10 > tally.elements * 7, "only {} of {} are exact", tally.exact, tally.elements);
    println!("{} elements compared, {} to the code; {:?}", tally.elements, tally.exact, tally.operators);
}

/// Converts networks with random numbers, and runs each on two rows of codes.
fn compare_all(seeds: u64, mut graph: impl FnMut(&mut Rng) -> Graph) -> Tally {
    let mut tally = Tally::default();
    for seed in 0..seeds {
        let mut rng = Rng::with_seed(seed);
        let graph = graph(&mut rng);
        let scheme = Scheme::CHOICES[rng.usize(0..4)].1;
        let rounding = [Rounding::Nearest, Rounding::Floor][rng.usize(0..2)];
        let allocation = random_allocation(&mut rng, &graph, scheme);
        let trained = random_trained(&mut rng, &graph, &allocation, scheme, rounding);
        let converted =
            convert(&graph, &allocation, scheme, &trained).unwrap_or_else(|e| panic!("{seed}: {e}"));
        check_bytes(&converted, &allocation, seed);
        let steps: Vec<Layer> = converted.layers.iter().map(|named| named.layer).collect();
        let kept: Vec<Tensor> = converted.outputs.iter().skip(1).map(|output| output.tensor).collect();
        let inputs: Vec<Tensor> = converted.inputs.iter().map(|input| input.tensor).collect();
        let (_, alive) = memory::peak(&inputs, Steps { kept: &kept, ..Steps::from(&steps) });
        assert_eq!(alive, allocation.plan.lower_bound as u64, "{seed}: what a report says of the arena");
        for _ in 0..2 {
            let image = random_row(&mut rng, &graph.inputs);
            compare(&graph, (&allocation, scheme), &trained, &converted, &image, &mut tally, seed);
        }
    }
    tally
}

fn check_bytes(converted: &Converted, allocation: &Allocation, seed: u64) {
    let layers: Vec<Layer> = converted.layers.iter().map(|named| named.layer).collect();
    let inputs: Vec<Tensor> = converted.inputs.iter().map(|input| input.tensor).collect();
    let network = Network {
        layers: &layers,
        stages: &[],
        parameters: &converted.parameters,
        input: inputs[0],
        others: &inputs[1..],
        output: converted.output,
        arena_bytes: converted.arena_bytes,
    };
    network.validate().unwrap_or_else(|e| panic!("{seed}: {e}"));
    let found = (network.flash_bytes() as u64, network.ram_bytes() as u64);
    assert_eq!(found, (allocation.flash, allocation.ram), "seed {seed}");
}
