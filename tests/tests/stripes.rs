//! Networks in stripes of rows: the same outputs as on whole tensors, in less RAM.

use fastrand::Rng;
use mixq_build::engine::graph::Graph;
use mixq_build::engine::memory::{Infeasible, Losses, allocate_by_losses, allocate_uniformly};
use mixq_build::engine::settings::Scheme;
use mixq_format::Bits;
use mixq_tests::networks::logits;
use mixq_tests::stripes::{artifact, random_graph};
use mixq_tests::trained::random_row;

const ANY: u64 = u64::MAX;

/// Bytes of the least arena at these bits.
fn least(graph: &Graph, bits: Bits) -> u64 {
    match allocate_uniformly(graph, bits, ANY, 0, Scheme::PerChannel) {
        // That is with everything at 2 bits.
        Err(Infeasible::Ram { least, .. }) if bits == Bits::B2 => least,
        _ => 0,
    }
}

#[test]
fn stripes_give_the_same_outputs_as_whole_tensors() {
    let (mut striped, mut stages, mut saved) = (0, 0, 0.0);
    for seed in 0..400 {
        let mut rng = Rng::with_seed(seed);
        let graph = random_graph(&mut rng);
        let bits = [Bits::B8, Bits::B8, Bits::B4, Bits::B2][rng.usize(..4)];
        let scheme = Scheme::PerChannel;
        let whole = allocate_uniformly(&graph, bits, ANY, ANY, scheme).unwrap();
        assert!(whole.stages.is_empty(), "seed {seed}: stages without need");
        let image = random_row(&mut rng, &graph.inputs);
        let expected = logits(&artifact("whole", &graph, &whole, seed), &image);
        let mut ram = whole.ram;
        while ram > least(&graph, bits) {
            ram -= (ram / 8).max(4);
            let Ok(allocation) = allocate_uniformly(&graph, bits, ANY, ram, scheme) else { break };
            assert!(!allocation.stages.is_empty() && allocation.ram <= ram, "seed {seed}, {ram} B");
            let artifact = artifact("striped", &graph, &allocation, seed);
            assert_eq!(artifact.ram_bytes() as u64, allocation.ram, "seed {seed}");
            assert_eq!(artifact.flash_bytes() as u64, allocation.flash, "seed {seed}");
            assert_eq!(logits(&artifact, &image), expected, "seed {seed}, {ram} B: {:?}", allocation.stages);
            striped += 1;
            stages += allocation.stages.len();
            ram = ram.min(allocation.ram);
        }
        saved += 1.0 - ram as f64 / whole.ram as f64;
    }
    println!("{striped} striped networks with {stages} stages; {:.1} % less RAM at least", saved / 4.0);
    assert!(striped > 400 && stages > striped, "{striped} networks with {stages} stages");
}

/// Bits that lose least lose no more than equal bits that fit.
#[test]
fn the_bits_that_lose_least_lose_no_more_than_4_bits_for_all() {
    let scheme = Scheme::PerChannel;
    let mut compared = 0;
    for seed in 0..150 {
        let mut rng = Rng::with_seed(seed);
        let graph = random_graph(&mut rng);
        // A different loss for each node, at 8, 4 and 2 bits.
        let loss = |rng: &mut Rng| {
            let each = rng.f64();
            [0.0, each, 4.0 * each]
        };
        let activations: Vec<[f64; 3]> = graph.nodes.iter().map(|_| loss(&mut rng)).collect();
        let losses = Losses { weights: vec![[0.0; 3]; graph.nodes.len()], activations: activations.clone() };
        let of = |bits: &[Bits]| -> f64 {
            let each = bits.iter().zip(&activations).zip(&graph.nodes);
            each.filter(|(_, node)| node.op.output().has_own_grid())
                .map(|((bits, losses), _)| match bits {
                    Bits::B4 => losses[1],
                    Bits::B2 => losses[2],
                    Bits::B8 | Bits::B32 => 0.0,
                })
                .sum()
        };
        let whole = allocate_uniformly(&graph, Bits::B8, ANY, ANY, scheme).unwrap();
        for eighths in 2..8 {
            let ram = whole.ram * eighths / 8;
            let Ok(equal) = allocate_uniformly(&graph, Bits::B4, ANY, ram, scheme) else { continue };
            let found = allocate_by_losses(&graph, ANY, ram, scheme, &losses).unwrap();
            let (found, equal) = (of(&found.activations), of(&equal.activations));
            assert!(found <= equal + 1e-9, "seed {seed}, {ram} B: {found} is more than {equal}");
            compared += 1;
        }
    }
    assert!(compared > 150, "{compared} allocations");
}
