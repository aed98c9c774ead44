//! Firmware on emulated Cortex-M: the same logits as the host, bit for bit, and as many bytes in the ELF
//! as the artifacts announce.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use mixq_elf::{Elf, Place};
use mixq_format::Artifact;
use mixq_tests::firmware::{self, Board, Options, Part};
use mixq_tests::networks;

static ARTIFACTS: LazyLock<Vec<Artifact>> = LazyLock::new(networks::all);

/// The folder of the networks, written once for all tests.
static MODELS: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("models");
    firmware::write_models(&folder, &ARTIFACTS, networks::images);
    folder
});

fn build(target: &str, part: Part) -> PathBuf {
    let options = Options { target, board: Board::Stm32f405, part, opt_level: "3" };
    firmware::build(&MODELS, &options, &Path::new(env!("CARGO_TARGET_TMPDIR")).join("firmware"))
}

/// What the firmware has to print, computed on this machine.
fn expected() -> Vec<String> {
    let line = |artifact: &Artifact, image: &Vec<u8>| {
        let logits: Vec<String> = networks::logits(artifact, image).iter().map(i32::to_string).collect();
        format!("{}: {}", artifact.header.name, logits.join(","))
    };
    let lines = |artifact| networks::images(artifact).iter().map(|i| line(artifact, i)).collect::<Vec<_>>();
    ARTIFACTS.iter().flat_map(lines).collect()
}

fn answers_as_the_host_does(target: &str) {
    let printed = firmware::run(Board::Stm32f405, &build(target, Part::Binary), &[]);
    let (printed, stack) = firmware::logits_and_stack(&printed);
    assert_eq!(stack.len(), ARTIFACTS.len());
    for (network, bytes) in &stack {
        println!("{target}: infer of {network} takes {bytes} B of stack");
    }
    let over: Vec<_> = stack.iter().filter(|(_, bytes)| *bytes > firmware::STACK).collect();
    assert!(over.is_empty(), "infer takes more than {} B of stack: {over:?}", firmware::STACK);
    let expected = expected();
    for (device, host) in printed.iter().zip(&expected) {
        assert_eq!(device, host, "device and host differ");
    }
    assert_eq!(printed.len(), expected.len(), "the device prints one line for each image");
}

#[test]
fn cortex_m4_answers_as_the_host_does() {
    answers_as_the_host_does("thumbv7em-none-eabihf");
}

/// Without DSP instructions and atomics; the emulated Cortex-M4 executes it all the same.
#[test]
fn cortex_m0_code_answers_as_the_host_does() {
    answers_as_the_host_does("thumbv6m-none-eabi");
}

#[test]
fn riscv_compiles() {
    build("riscv32imac-unknown-none-elf", Part::Library);
}

#[test]
fn flash_and_ram_figures_are_what_the_linker_holds() {
    let linked = Elf::read(&build("thumbv7em-none-eabihf", Part::Binary)).unwrap();
    for artifact in ARTIFACTS.iter() {
        let name = &artifact.header.name;
        assert_eq!(linked.constants(name).unwrap(), artifact.flash_bytes() as u64, "flash of {name}");
        let ram = linked.bytes(Place::Ram, &format!("::{name}")).unwrap();
        assert_eq!(ram, artifact.ram_bytes() as u64, "RAM of {name}");
    }
}
