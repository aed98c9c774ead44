//! Networks in stripes of rows: the same outputs as on whole tensors, in less RAM.

use fastrand::Rng;
use mixq_build::engine::graph::Graph;
use mixq_build::engine::memory::{Infeasible, Losses, allocate_by_losses, allocate_uniformly, no_rows};
use mixq_build::engine::settings::{Execution, Ram, Scheme};
use mixq_format::{Artifact, Bits, Layer, RowsError};
use mixq_rt::Frame;
use mixq_tests::frames::{decoders, map};
use mixq_tests::networks::{logits, outputs};
use mixq_tests::stripes::{artifact, least_allocation, random_graph};
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
    let (mut moves, mut blocks, mut resized, mut constants) = (0, 0, 0, 0);
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
            let layers = artifact.layers();
            let inside = artifact.header.stages.iter().flat_map(|stage| &layers[stage.range()]);
            for layer in inside {
                let [read, written] = [layer.first_input(), layer.output()].map(|tensor| tensor.height);
                moves += usize::from(matches!(layer, Layer::Rearrange(_)));
                blocks += usize::from(matches!(layer, Layer::Rearrange(_)) && read != written);
                resized += usize::from(matches!(layer, Layer::Resize(_)) && read != written);
                constants += usize::from(matches!(layer, Layer::Constants(_)));
            }
            ram = ram.min(allocation.ram);
        }
        saved += 1.0 - ram as f64 / whole.ram as f64;
    }
    println!("{striped} striped networks with {stages} stages; {:.1} % less RAM at least", saved / 4.0);
    assert!(striped > 400 && stages > striped, "{striped} networks with {stages} stages");
    println!(
        "in stages: {moves} moves, {blocks} of them of several rows; {resized} resizes, {constants} constants"
    );
    assert!(moves > 200, "concatenations, slices and shuffles in stages: {moves}");
    assert!(blocks > 80 && resized > 80 && constants > 20, "{blocks} {resized} {constants}");
}

/// The outputs for an image that comes a few rows at a time, any number of them.
fn pushed(artifact: &Artifact, image: &[u8], rng: &mut Rng) -> Vec<i32> {
    let layers = artifact.layers();
    let network = artifact.network(&layers);
    let mut arena = vec![0; network.arena_bytes as usize];
    rng.fill(&mut arena);
    let (row, height) = (network.input.bytes() / usize::from(network.input.height), network.input.height);
    // An image of which some rows come, and that is given up.
    let mut frame = Frame::begin(&network, &mut arena);
    frame.push_rows(&image[..row * rng.usize(..usize::from(height))]).unwrap();
    assert!(matches!(frame.finish(), Err(RowsError::Missing { .. })));
    let mut frame = Frame::begin(&network, &mut arena);
    let mut rest = image;
    let most = [1, 3, usize::from(height)][rng.usize(..3)];
    while !rest.is_empty() {
        assert_eq!(frame.push_rows(&image[1..]), Err(RowsError::Partial { elements: image.len() - 1, row }));
        let (rows, others) = rest.split_at(row * rng.usize(0..=most.min(rest.len() / row)));
        frame.push_rows(rows).unwrap();
        rest = others;
    }
    assert_eq!(frame.push_rows(&image[..row]), Err(RowsError::TooMany { rows: 1, left: 0 }));
    frame.finish().unwrap();
    outputs(artifact, &arena)
}

#[test]
fn rows_that_are_pushed_give_the_same_outputs_as_whole_images() {
    let scheme = Scheme::PerChannel;
    let (mut fed, mut refused, mut saved) = (0, 0, 0.0);
    for seed in 0..300 {
        let mut rng = Rng::with_seed(seed);
        let graph = random_graph(&mut rng);
        let bits = [Bits::B8, Bits::B8, Bits::B4, Bits::B2][rng.usize(..4)];
        let within = |bytes| {
            let ram = Ram { bytes, execution: Execution::ROWS };
            allocate_uniformly(&graph, bits, ANY, ram, scheme)
        };
        if let Some(reason) = no_rows(&graph, bits) {
            assert!(within(ANY).is_err(), "seed {seed}: {reason}");
            refused += 1;
            continue;
        }
        let whole = allocate_uniformly(&graph, bits, ANY, ANY, scheme).unwrap();
        let image = random_row(&mut rng, &graph.inputs);
        let expected = logits(&artifact("whole", &graph, &whole, seed), &image);
        let mut allocation = within(ANY).unwrap();
        loop {
            let artifact = artifact("fed", &graph, &allocation, seed);
            assert_eq!(artifact.ram_bytes() as u64, allocation.ram, "seed {seed}");
            assert_eq!(artifact.flash_bytes() as u64, allocation.flash, "seed {seed}");
            let layers = artifact.layers();
            let (network, stages) = (artifact.network(&layers), &allocation.stages);
            assert!(network.placed_input().height < network.input.height, "seed {seed}: {stages:?}");
            assert_eq!(logits(&artifact, &image), expected, "seed {seed}: {stages:?}");
            for artifact in [&artifact, &artifact.in_arena(network.arena_bytes + 4 * rng.u32(1..100))] {
                assert_eq!(pushed(artifact, &image, &mut rng), expected, "seed {seed}: {stages:?}");
            }
            fed += 1;
            let Ok(less) = within(allocation.ram - (allocation.ram / 8).max(4)) else { break };
            allocation = less;
        }
        saved += 1.0 - allocation.ram as f64 / whole.ram as f64;
    }
    println!("{fed} networks, {refused} that cannot; {:.0} % less RAM", 100.0 * saved / 300.0);
    assert!(fed > 400 && refused < 100, "{fed} networks, {refused} that cannot");
}

/// Where images become larger again, whole tensors are largest.
#[test]
fn decoders_take_less_than_half_of_the_ram() {
    for (name, graph) in decoders() {
        let mut rng = Rng::with_seed(1);
        let image = random_row(&mut rng, &graph.inputs);
        let whole = allocate_uniformly(&graph, Bits::B8, ANY, ANY, Scheme::PerChannel).unwrap();
        let expected = logits(&map(name, &graph, &whole), &image);
        for (execution, most) in [(Execution::Stripes, 0.48), (Execution::ROWS, 0.47)] {
            let least = least_allocation(&graph, Bits::B8, execution);
            assert!(least.ram as f64 <= most * whole.ram as f64, "{name}: {} of {}", least.ram, whole.ram);
            let artifact = map(name, &graph, &least);
            assert_eq!(logits(&artifact, &image), expected, "{name}: {:?}", least.stages);
            if least.stages[0].stage.fed {
                assert_eq!(pushed(&artifact, &image, &mut rng), expected, "{name}: {:?}", least.stages);
            }
        }
    }
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
