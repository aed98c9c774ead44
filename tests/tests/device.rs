//! Firmware on emulated Cortex-M: the same logits as the host, bit for bit, and as many bytes in the ELF
//! as the artifacts announce.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use mixq_format::Artifact;
use mixq_tests::firmware::{self, Part};
use mixq_tests::networks;
use object::{Object, ObjectSymbol};

static ARTIFACTS: LazyLock<Vec<Artifact>> = LazyLock::new(networks::all);

/// The folder of the networks, written once for all tests.
static MODELS: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("models");
    firmware::write_models(&folder, &ARTIFACTS);
    folder
});

fn build(target: &str, part: Part) -> PathBuf {
    firmware::build(&MODELS, target, part, &Path::new(env!("CARGO_TARGET_TMPDIR")).join("firmware"))
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
    let printed = firmware::run(&build(target, Part::Binary));
    let printed: Vec<&str> = printed.lines().collect();
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

/// Where tests/firmware/memory.x has flash and RAM.
const FLASH: Range<u64> = 0x0800_0000..0x0810_0000;
const RAM: Range<u64> = 0x2000_0000..0x2002_0000;

/// A symbol of an ELF: demangled path, address, bytes.
type Symbol = (String, u64, u64);

fn symbols(elf: &[u8]) -> Vec<Symbol> {
    let elf = object::File::parse(elf).expect("the firmware is an ELF");
    let read = |symbol: object::Symbol| {
        let name = format!("{:#}", rustc_demangle::demangle(symbol.name().ok()?));
        Some((name, symbol.address(), symbol.size()))
    };
    elf.symbols().filter_map(read).collect()
}

/// Bytes of the one symbol in that memory whose path ends so.
fn size_of_symbol(symbols: &[Symbol], memory: &Range<u64>, end: &str) -> u64 {
    let here = |(name, address, size): &&Symbol| *size > 0 && memory.contains(address) && name.ends_with(end);
    let found: Vec<&Symbol> = symbols.iter().filter(here).collect();
    match found[..] {
        [(_, _, size)] => *size,
        _ => panic!("one symbol {end} expected at {memory:x?}, found {found:x?}"),
    }
}

#[test]
fn flash_and_ram_figures_are_what_the_linker_holds() {
    let elf = std::fs::read(build("thumbv7em-none-eabihf", Part::Binary)).expect("the ELF is there");
    let symbols = symbols(&elf);
    for artifact in ARTIFACTS.iter() {
        let name = &artifact.header.name;
        let constants = |table| size_of_symbol(&symbols, &FLASH, &format!("::{name}::{table}"));
        let flash = constants("LAYERS") + constants("PARAMETERS");
        assert_eq!(flash, artifact.flash_bytes() as u64, "flash of {name}");
        let ram = size_of_symbol(&symbols, &RAM, &format!("::{name}"));
        assert_eq!(ram, artifact.ram_bytes() as u64, "RAM of {name}");
    }
}
