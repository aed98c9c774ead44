//! The trained networks of other families (table e of docs/results.md) on an emulated
//! Cortex-M7: the same logits as on the host, and as many bytes in the ELF as the artifacts announce.

use std::path::Path;

use mixq_format::Artifact;
use mixq_tests::firmware::{self, Board, Options, Part};
use mixq_tests::networks;

/// Models of experiments/Cargo.toml.
const NAMES: [&str; 9] = [
    "squeezenet_8_bits",
    "squeezenet_4_bits",
    "squeezenet_mixed",
    "shufflenet_8_bits",
    "shufflenet_4_bits",
    "shufflenet_mixed",
    "mobilenet_v3_8_bits",
    "mobilenet_v3_4_bits",
    "mobilenet_v3_mixed",
];

fn artifact(name: &str) -> Artifact {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../experiments/models");
    let bytes = std::fs::read(folder.join(format!("{name}.mixq"))).expect("the artifact is committed");
    Artifact::from_bytes(&bytes).expect("it is valid")
}

#[test]
fn networks_of_other_families_answer_as_the_host_does() {
    let artifacts = NAMES.map(artifact);
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = scratch.join("families");
    firmware::write_models(&folder, &artifacts, networks::images);
    let (target, board) = ("thumbv7em-none-eabihf", Board::CortexM7);
    let options = Options { target, board, part: Part::Binary, opt_level: "3" };
    let elf = firmware::build(&folder, &options, scratch);
    let printed = firmware::run(board, &elf, &[]);
    let (printed, stack) = firmware::logits_and_stack(&printed);
    assert_eq!(printed, networks::expected(&artifacts), "device and host differ");
    assert!(stack.iter().all(|(_, bytes)| *bytes <= firmware::STACK), "{stack:?}");
    firmware::assert_memory(&elf, &artifacts);
}
