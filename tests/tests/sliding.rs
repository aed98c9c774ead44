//! Windows of a signal that overlap: what they share is kept, and the outputs are those of each window alone.

use std::fmt::Write;
use std::path::Path;

use fastrand::Rng;
use mixq_build::engine::graph::Graph;
use mixq_build::engine::import::layers;
use mixq_build::engine::memory::{allocate_uniformly, no_hop, no_rows};
use mixq_build::engine::settings::{Execution, Ram, Scheme};
use mixq_format::{Artifact, Bits, RowsError, Task};
use mixq_rt::Frame;
use mixq_tests::networks::{logits, outputs};
use mixq_tests::stripes::artifact;

const ANY: u64 = u64::MAX;

const NEAREST: &str = "interpolation = \"nearest\"";

/// A network of layers that pad no rows, with others behind them, and a hop that it can have.
fn random_network(rng: &mut Rng) -> (Graph, u16) {
    let count = rng.usize(1..6);
    let sizes: Vec<[usize; 2]> =
        (0..count).map(|_| [rng.usize(1..5), [1, 1, 1, 2, 3][rng.usize(..5)]]).collect();
    // Windows end where the last one of each layer ends. Behind some layers each row comes several times.
    let (mut height, mut factors) = (rng.usize(1..9), vec![1; count]);
    for ([kernel, stride], factor) in sizes.iter().zip(&mut factors).rev() {
        *factor = [1, 1, 2, 3][rng.usize(..4)];
        if !height.is_multiple_of(*factor) {
            *factor = 1;
        }
        height = (height / *factor - 1) * stride + kernel;
    }
    let (width, channels) = ([1, 3, 5][rng.usize(..3)], [4, 8, 16][rng.usize(..3)]);
    let mut text = format!("input = [{height}, {width}, {channels}]\n");
    for (index, ([kernel, stride], factor)) in sizes.iter().zip(&factors).enumerate() {
        let columns = [1, 3][rng.usize(..2)];
        let around = format!("kernel = [{kernel}, {columns}]\nstride = [{stride}, 1]");
        let side = columns / 2;
        let padding = format!("padding = [0, 0, {side}, {side}]");
        let filters = 16 * rng.usize(1..3);
        // No pool can read the image.
        let _ = match rng.usize(..if index == 0 { 3 } else { 5 }) {
            0 | 1 => writeln!(
                text,
                "[[layer]]\nop = \"conv\"\nfilters = {filters}\n{around}\n{padding}\nactivation = \"relu\""
            ),
            2 => writeln!(text, "[[layer]]\nop = \"depthwise\"\n{around}\n{padding}\nactivation = \"relu\""),
            3 => writeln!(text, "[[layer]]\nop = \"max_pool\"\n{around}\n{padding}"),
            // A branch, and both together.
            _ => writeln!(
                text,
                "[[layer]]\nop = \"conv\"\nname = \"a{index}\"\nfilters = 16\n{around}\n{padding}\n\
                 [[layer]]\nop = \"conv\"\nname = \"b{index}\"\nfilters = 16\nkernel = 1\n\
                 [[layer]]\nop = \"add\"\ninputs = [\"a{index}\", \"b{index}\"]\nactivation = \"relu\""
            ),
        };
        if *factor > 1 {
            let _ = match rng.usize(..3) {
                0 => writeln!(text, "[[layer]]\nop = \"upsample\"\nfactor = [{factor}, 1]"),
                1 => writeln!(text, "[[layer]]\nop = \"resize\"\nfactor = [{factor}, 1]\n{NEAREST}"),
                // It sees rows that windows do not share: those at the ends.
                _ => writeln!(text, "[[layer]]\nop = \"resize\"\nfactor = [{factor}, 1]"),
            };
        }
        if rng.u8(..8) == 0 {
            // Its rows are those of a window.
            text += "[[layer]]\nop = \"add_constant\"\n";
        }
    }
    if rng.bool() {
        // It sees where a window ends.
        text += "[[layer]]\nop = \"conv\"\nfilters = 8\nkernel = 3\nactivation = \"relu\"\n";
    }
    text += "[[layer]]\nop = \"global_average_pool\"\n[[layer]]\nop = \"linear\"\nfeatures = 7\n";
    let spec = layers::parse(Path::new("net.toml"), &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let graph = Graph::resolve_for(&spec, Task::default()).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let strides: Vec<usize> = sizes.iter().map(|[_, stride]| *stride).collect();
    let whole: usize = strides[..rng.usize(1..=count)].iter().product();
    (graph, (whole * rng.usize(1..4)) as u16)
}

/// The outputs of each window of a signal, whose rows come a few at a time.
fn of_signal(artifact: &Artifact, signal: &[u8], hop: u16, rng: &mut Rng) -> Vec<Vec<i32>> {
    let layers = artifact.layers();
    let network = artifact.network(&layers);
    let mut arena = vec![0; network.arena_bytes as usize];
    rng.fill(&mut arena);
    let height = usize::from(network.input.height);
    let row = network.input.bytes() / height;
    let mut frame = Frame::begin(&network, &mut arena);
    let (mut rest, mut left, mut found) = (signal, height, Vec::new());
    while rest.len() >= left * row {
        while left > 0 {
            assert_eq!(frame.slide(), Err(RowsError::Missing { left, height }));
            let now = rng.usize(1..=left);
            frame.push_rows(&rest[..now * row]).unwrap();
            (rest, left) = (&rest[now * row..], left - now);
        }
        assert_eq!(frame.push_rows(&signal[..row]), Err(RowsError::TooMany { rows: 1, left: 0 }));
        let answer = outputs(artifact, frame.answer_window().unwrap());
        // An application may ask more often than once.
        assert_eq!(outputs(artifact, frame.answer_window().unwrap()), answer);
        found.push(answer);
        frame.slide().unwrap();
        left = usize::from(hop);
    }
    found
}

#[test]
fn overlapping_windows_have_the_outputs_of_each_window_alone() {
    let scheme = Scheme::PerChannel;
    let (mut networks, mut windows, mut inside, mut refused, mut saved) = (0, 0, 0, 0, 0);
    for seed in 0..400 {
        let mut rng = Rng::with_seed(seed);
        let (graph, hop) = random_network(&mut rng);
        let bits = [Bits::B8, Bits::B8, Bits::B4, Bits::B2][rng.usize(..4)];
        let within = |bytes: u64| {
            let ram = Ram { bytes, execution: Execution::Rows { hop } };
            allocate_uniformly(&graph, bits, ANY, ram, scheme)
        };
        let why_not = no_rows(&graph, bits).or(no_hop(&graph, bits, hop).map(|[reason, _]| reason));
        if let Some(reason) = why_not {
            assert!(within(ANY).is_err(), "seed {seed}: {reason}");
            refused += 1;
            continue;
        }
        let whole = allocate_uniformly(&graph, bits, ANY, ANY, scheme).unwrap();
        let alone = artifact("alone", &graph, &whole, seed);
        let input = alone.header.input;
        let row = input.bytes() / usize::from(input.height);
        let count = 6;
        let mut signal = vec![0; row * (usize::from(input.height) + (count - 1) * usize::from(hop))];
        rng.fill(&mut signal);
        let window = |index: usize| &signal[index * usize::from(hop) * row..][..input.bytes()];
        let expected: Vec<Vec<i32>> = (0..count).map(|index| logits(&alone, window(index))).collect();
        let mut allocation = within(ANY).unwrap();
        loop {
            let artifact = artifact("windows", &graph, &allocation, seed);
            assert_eq!(artifact.ram_bytes() as u64, allocation.ram, "seed {seed}");
            assert_eq!(artifact.flash_bytes() as u64, allocation.flash, "seed {seed}");
            let larger = artifact.in_arena(artifact.header.arena_bytes + 4 * rng.u32(1..100));
            for artifact in [&artifact, &larger] {
                let found = of_signal(artifact, &signal, hop, &mut rng);
                assert_eq!(found, expected, "seed {seed}, hop {hop}: {:?}", allocation.stages);
                windows += count;
            }
            networks += 1;
            inside += usize::from(artifact.header.stages[0].layers);
            let Ok(less) = within(allocation.ram - 4) else { break };
            saved += allocation.ram - less.ram;
            allocation = less;
        }
    }
    println!(
        "{windows} windows of {networks} networks with {inside} layers that keep rows; {refused} cannot; \
         {saved} B saved"
    );
    assert!(networks > 300 && inside > 2 * networks && refused < 200, "{networks} {inside} {refused}");
}
