//! The memory figures against the truth: flash and RAM as the linker has them, stack as the device uses it,
//! at both usual optimisation levels. For the example, and for MobileNetV1 at the paper's budget of 2 MiB and
//! 512 KiB.

use std::path::Path;

use fastrand::Rng;
use mixq_build::engine::config::{Rounding, Scheme};
use mixq_build::engine::convert::{About, convert};
use mixq_build::engine::graph::Graph;
use mixq_build::engine::import::builtin;
use mixq_build::engine::memory::allocate;
use mixq_format::{Accuracy, Artifact, Budget, Task};
use mixq_tests::firmware::{self, Board, Options, Part};
use mixq_tests::networks;
use mixq_tests::trained::{random_image, random_trained};

const BUDGET: Budget = Budget { flash: 2 << 20, ram: 512 << 10 };

/// The network with random weights, at the bits that the rules give it.
fn artifact(name: &str, width: f64, resolution: usize) -> Artifact {
    let options = builtin::Options { width, resolution, ..builtin::published("mobilenet_v1").unwrap() };
    let graph = Graph::resolve(&builtin::spec("mobilenet_v1", &options).unwrap()).unwrap();
    let scheme = Scheme::PerChannel;
    let allocation = allocate(&graph, BUDGET.flash, BUDGET.ram, scheme).unwrap();
    assert_eq!(allocation.plan.bytes, allocation.plan.lower_bound, "a chain reaches the lower bound");
    let mut rng = Rng::with_seed(resolution as u64);
    let trained = random_trained(&mut rng, &graph, &allocation, scheme, Rounding::Nearest);
    let converted = convert(&graph, &allocation, scheme, &trained).unwrap();
    let about = About {
        name: name.to_string(),
        task: Task::default(),
        labels: (0..graph.outputs()).map(|class| class.to_string()).collect(),
        samples: Vec::new(),
        readout: mixq_format::Readout::default(),
        fingerprint: Default::default(),
        budget: BUDGET,
        accuracy: Accuracy {
            float: 0.0,
            fake_quant: 0.0,
            integer: 0.0,
            test_images: 0,
            ..Accuracy::default()
        },
    };
    let artifact = converted.into_artifact(about);
    assert_eq!(
        (artifact.flash_bytes() as u64, artifact.ram_bytes() as u64),
        (allocation.flash, allocation.ram)
    );
    artifact
}

fn holds_what_was_announced(artifact: &Artifact, board: Board) {
    let name = &artifact.header.name;
    let image = |artifact: &Artifact| {
        let input = artifact.header.input;
        let shape = mixq_build::engine::graph::Shape {
            height: input.height.into(),
            width: input.width.into(),
            channels: input.channels.into(),
        };
        vec![random_image(&mut Rng::with_seed(3), shape)]
    };
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = scratch.join(name);
    firmware::write_models(&folder, std::slice::from_ref(artifact), image);
    let host = networks::logits(artifact, &image(artifact)[0]);
    let host: Vec<String> = host.iter().map(i32::to_string).collect();
    for opt_level in ["3", "s"] {
        let options = Options { target: "thumbv7em-none-eabihf", board, part: Part::Binary, opt_level };
        let elf = firmware::build(&folder, &options, scratch);
        firmware::assert_memory(&elf, std::slice::from_ref(artifact));
        let ram = artifact.ram_bytes();
        let printed = firmware::run(board, &elf, &[]);
        let (logits, stack) = firmware::logits_and_stack(&printed);
        assert_eq!(logits, [format!("{name}: {}", host.join(","))]);
        println!("{name}, opt-level {opt_level}: {ram} B of RAM, stack of infer {} B", stack[0].1);
        assert!(stack[0].1 > 0 && stack[0].1 <= firmware::STACK, "{stack:?} at opt-level {opt_level}");
    }
}

#[test]
fn mobilenet_v1_0_25_128() {
    let artifact = artifact("mobilenet_025_128", 0.25, 128);
    holds_what_was_announced(&artifact, Board::CortexM7);
}

#[test]
fn mobilenet_v1_0_5_192() {
    let artifact = artifact("mobilenet_05_192", 0.5, 192);
    holds_what_was_announced(&artifact, Board::CortexM7);
}

#[test]
fn digits() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/digits/models/digits.mixq");
    let artifact = Artifact::from_bytes(&std::fs::read(path).unwrap()).unwrap();
    holds_what_was_announced(&artifact, Board::Stm32f405);
}
