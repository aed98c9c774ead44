//! Firmware on emulated Cortex-M: the same logits as the host, bit for bit, and as many bytes in the ELF
//! as the artifacts announce.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use mixq_format::target::Target;
use mixq_format::{Artifact, Bits, Tensor, encode_narrow};
use mixq_tests::firmware::{self, Board, Options, Part};
use mixq_tests::{frames, networks, stripes};

static ARTIFACTS: LazyLock<Vec<Artifact>> = LazyLock::new(|| {
    [networks::all(), stripes::networks(), frames::fed(), frames::sliding(), frames::tasks()].concat()
});

/// The folder of the networks, written once for all tests.
static MODELS: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = scratch("models");
    firmware::write_models(&folder, &ARTIFACTS, networks::images);
    folder
});

fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn build(target: &str, part: Part) -> PathBuf {
    let options = Options { target, board: Board::Stm32f405, part, opt_level: "3" };
    firmware::build(&MODELS, &options, &scratch(""))
}

fn answers_as_the_host_does(target: &str) {
    check(Board::Stm32f405, target, &build(target, Part::Binary), &ARTIFACTS);
}

/// The firmware for a board with ARMv8-M, its networks in a folder of their own: only the linker script and
/// the set of kernels differ.
fn armv8_m_answers_as_the_host_does(board: Board, name: &str, artifacts: &[Artifact]) {
    let (models, target) = (scratch(name), "thumbv8m.main-none-eabihf");
    firmware::write_models(&models, artifacts, networks::images);
    let options = Options { target, board, part: Part::Binary, opt_level: "3" };
    check(board, target, &firmware::build(&models, &options, &scratch("")), artifacts);
}

fn check(board: Board, target: &str, elf: &Path, artifacts: &[Artifact]) {
    let printed = firmware::run(board, elf, &[]);
    let (printed, stack) = firmware::logits_and_stack(&printed);
    assert_eq!(stack.len(), artifacts.len());
    for (network, bytes) in &stack {
        println!("{target}: infer of {network} takes {bytes} B of stack");
    }
    let most = |network: &str| {
        let artifact = artifacts.iter().find(|artifact| artifact.header.name == network);
        let artifact = artifact.expect("the device names its networks");
        if has_portable_stripes(artifact, target) {
            firmware::STACK_OF_PORTABLE_STRIPES
        } else {
            firmware::STACK
        }
    };
    let over: Vec<_> = stack.iter().filter(|(network, bytes)| *bytes > most(network)).collect();
    assert!(over.is_empty(), "infer takes more of the stack than it may: {over:?}");
    let expected = networks::expected(artifacts);
    for (device, host) in printed.iter().zip(&expected) {
        assert_eq!(device, host, "device and host differ");
    }
    assert_eq!(printed.len(), expected.len(), "the device prints one line for each image");
}

/// Whether portable kernels execute a layer in a stage.
fn has_portable_stripes(artifact: &Artifact, target: &str) -> bool {
    let kernels = if target == "thumbv6m-none-eabi" { "portable" } else { "armv7em" };
    let kernels = Target::named(kernels).expect("the name of a set of kernels");
    let (layers, arena_bytes) = (artifact.layers(), artifact.header.arena_bytes);
    let tallies = kernels.tallies(target, &layers, &artifact.parameters, arena_bytes);
    artifact.header.stages.iter().any(|stage| {
        let mut inside = tallies[stage.range()].iter();
        inside.any(|tally| tally.kernels == "portable")
    })
}

#[test]
fn cortex_m4_answers_as_the_host_does() {
    answers_as_the_host_does("thumbv7em-none-eabihf");
}

/// Rows that come one by one, in uneven numbers, and all at once; of samples, too.
#[test]
fn pushed_rows_give_the_logits_of_the_host() {
    let target = "thumbv7em-none-eabihf";
    let printed = firmware::run(Board::Stm32f405, &build(target, Part::Frames), &[]);
    let (printed, stack) = firmware::logits_and_stack(&printed);
    println!("bytes of stack: {stack:?}");
    let artifacts = [frames::fed(), frames::sliding(), frames::tasks()].concat();
    assert_eq!(stack.len(), artifacts.len());
    assert!(stack.iter().all(|(_, bytes)| *bytes <= firmware::STACK), "{stack:?}");
    let mut expected = Vec::new();
    for artifact in artifacts {
        let header = &artifact.header;
        let lines = networks::expected(std::slice::from_ref(&artifact));
        expected.extend(lines.into_iter().flat_map(|line| vec![line; 3]));
        if let Some(channel) = header.samples.first() {
            let Tensor { channels, bits, .. } = header.input;
            let mut state = 1u32;
            let sample = |_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 27) as i16 - 8
            };
            let samples: Vec<i16> = (0..header.input.elements()).map(sample).collect();
            let mut image = vec![0; header.input.bytes()];
            encode_narrow(&[channel.codes], channels.into(), bits, &samples, &mut image);
            let logits: Vec<String> =
                networks::logits(&artifact, &image).iter().map(i32::to_string).collect();
            expected.extend(vec![format!("{}: {}", header.name, logits.join(",")); 4]);
        }
        if let hop @ 1.. = usize::from(header.stages[0].hop) {
            // The images are one signal.
            let signal = networks::images(&artifact).concat();
            let row = header.input.bytes() / usize::from(header.input.height);
            let windows = signal.windows(header.input.bytes()).step_by(hop * row);
            let line = |window: &[u8]| {
                let logits: Vec<String> =
                    networks::logits(&artifact, window).iter().map(i32::to_string).collect();
                format!("{}: {}", header.name, logits.join(","))
            };
            expected.extend(windows.map(line));
        }
    }
    assert_eq!(printed, expected);
}

/// Without DSP instructions and atomics; the emulated Cortex-M4 executes it all the same.
#[test]
fn cortex_m0_code_answers_as_the_host_does() {
    answers_as_the_host_does("thumbv6m-none-eabi");
}

/// The kernels of the Cortex-M4, after link-time optimisation without a flag that tells of DSP instructions.
#[test]
fn cortex_m33_answers_as_the_host_does() {
    armv8_m_answers_as_the_host_does(Board::CortexM33, "cortex-m33", &ARTIFACTS);
}

/// The portable kernels: on this board an instruction of the others is a fault.
#[test]
fn a_cortex_m33_without_dsp_answers_as_the_host_does() {
    armv8_m_answers_as_the_host_does(Board::CortexM33WithoutDsp, "cortex-m33-without-dsp", &few());
}

#[test]
fn cortex_m55_answers_as_the_host_does() {
    armv8_m_answers_as_the_host_does(Board::CortexM55, "cortex-m55", &few());
}

/// A few networks for code that others execute, too: all of them take long to compile.
fn few() -> [Artifact; 4] {
    [
        networks::weighted(Bits::B8, Bits::B8),
        networks::weighted(Bits::B4, Bits::B2),
        networks::pooled(Bits::B4),
        networks::residual(),
    ]
}

#[test]
fn riscv_compiles() {
    build("riscv32imac-unknown-none-elf", Part::Library);
}

#[test]
fn flash_and_ram_figures_are_what_the_linker_holds() {
    firmware::assert_memory(&build("thumbv7em-none-eabihf", Part::Binary), &ARTIFACTS);
}
