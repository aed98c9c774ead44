//! The kernels for ARMv7E-M against the portable ones, on an emulated Cortex-M: thousands of random layers,
//! every byte. And hostile ones, which safe code may ask for: no kernel touches what is not its own. On a
//! Cortex-M33 fewer of both: the assembly is the same.
//!
//! `MIXQ_DIFFERENTIAL` and `MIXQ_HOSTILE` take other numbers of layers, `MIXQ_SEED` another first one.

#[path = "../bench/src/differential/constants.rs"]
mod constants;
#[path = "../bench/src/differential/layers.rs"]
mod layers;
#[path = "../bench/src/differential/moves.rs"]
mod moves;
#[path = "../bench/src/differential/mutate.rs"]
mod mutate;
#[path = "../bench/src/differential/numbers.rs"]
mod numbers;
#[path = "kernels/prelu.rs"]
mod prelu;
#[path = "kernels/resize.rs"]
mod resize;
#[path = "../bench/src/differential/unweighted.rs"]
mod unweighted;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use mixq_rt::run_layer;
use mixq_tests::firmware::{self, Board};
use mutate::Case;
use numbers::Numbers;

const LAYERS: u64 = 4000;
const HOSTILE: u64 = 3000;
/// Of the Cortex-M33's layers: one of this number.
const FEWER: u64 = 4;
/// On this machine, which is faster.
const HOSTILE_ON_THE_HOST: u64 = 20_000;
/// As many at once as firmware has time for.
const PORTION: u64 = 1000;

/// A number from the environment.
fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// The firmware for a Rust target.
fn build(target: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench");
    let _turn = firmware::turn(&folder);
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--release", "--bin", "differential", "--target", target, "--target-dir"])
        .arg(&folder)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("bench"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder.join(target).join("release").join("differential")
}

/// A board, and the firmware for it.
struct Machine {
    board: Board,
    firmware: LazyLock<PathBuf>,
}

static M7: Machine =
    Machine { board: Board::CortexM7, firmware: LazyLock::new(|| build("thumbv7em-none-eabihf")) };
static M33: Machine =
    Machine { board: Board::CortexM33, firmware: LazyLock::new(|| build("thumbv8m.main-none-eabihf")) };

impl Machine {
    /// Runs this number of layers of a kind in portions; the sums of the numbers that each prints.
    fn sums<const N: usize>(&self, layers: u64, kind: &str) -> [u64; N] {
        let seed = number("MIXQ_SEED", 1);
        // What firmware prints lies beside it: the tests, which run at the same time, have one each.
        let elf = self.firmware.with_file_name(format!("differential-{kind}"));
        std::fs::copy(&*self.firmware, &elf).expect("firmware can be copied");
        let mut sums = [0; N];
        for start in (0..layers).step_by(PORTION as usize) {
            let (count, seed) = ((layers - start).min(PORTION).to_string(), (seed + start).to_string());
            let printed = firmware::run(self.board, &elf, &["differential", &count, &seed, kind]);
            let mut counts =
                printed.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse::<u64>().ok());
            for sum in &mut sums {
                *sum += counts.next().expect("a number for each kind");
            }
        }
        sums
    }

    /// Every byte is the same, and most of the layers have kernels of their own. Moves, convolutions in
    /// groups and layers with constants come on top of `layers`: they are three of seven.
    fn compare(&self, layers: u64) {
        let [
            convolutions,
            depthwise,
            linear,
            additions,
            pools,
            elementwise,
            products,
            moves,
            grouped,
            constants,
        ] = self.sums(layers + layers * 3 / 4, "usual");
        println!(
            "the same: convolutions {convolutions}, depthwise {depthwise}, fully connected {linear}, \
             additions {additions}, pools {pools}, elementwise {elementwise}, products {products}, \
             moves {moves}, in groups {grouped}, with constants {constants}"
        );
        assert!(
            convolutions >= layers / 3
                && depthwise >= layers / 8
                && linear >= layers / 20
                && additions >= layers / 12
                && pools >= layers / 12
                && elementwise >= layers / 24
                && products >= layers / 20
                && moves >= layers / 25
                && grouped >= layers / 6
                && constants >= layers / 20,
            "most of the layers have kernels of their own"
        );
    }

    /// No layer touches what is not its own, and all kinds are tried.
    fn defend(&self, layers: u64) {
        let [answers, panics, compared] = self.sums(layers, "hostile");
        println!("hostile layers: {answers} answers, {panics} panics, {compared} compared");
        assert!(
            answers >= layers / 8 && panics >= layers / 3 && compared >= layers / 12,
            "all kinds are tried"
        );
    }
}

#[test]
fn armv7em_kernels_answer_as_the_portable_ones_do() {
    M7.compare(number("MIXQ_DIFFERENTIAL", LAYERS));
}

#[test]
fn no_kernel_of_the_device_touches_what_is_not_its_own() {
    M7.defend(number("MIXQ_HOSTILE", HOSTILE));
}

#[test]
fn a_cortex_m33_answers_and_defends_itself_alike() {
    M33.compare(number("MIXQ_DIFFERENTIAL", LAYERS) / FEWER);
    M33.defend(number("MIXQ_HOSTILE", HOSTILE) / FEWER);
}

/// A random layer that is hostile most often, its parameters and its arena.
fn hostile(number: u64) -> (Case, Vec<u8>, Vec<u8>, bool) {
    let mut numbers = Numbers::new(number);
    let (mut parameters, mut arena) = (vec![0; 256 << 10], vec![0; 64 << 10]);
    let layer = match numbers.within(0, 13) {
        0 => unweighted::addition(&mut numbers, &mut arena),
        1 => unweighted::pool(&mut numbers, &mut arena),
        2 => unweighted::elementwise(&mut numbers, &mut parameters, &mut arena),
        3 if numbers.once_in(3) => resize::resize(&mut numbers, &mut arena),
        3 => moves::rearrange(&mut numbers, &mut arena),
        4 => layers::grouped(&mut numbers, &mut parameters, &mut arena),
        5 => unweighted::multiplication(&mut numbers, &mut arena),
        6 => prelu::prelu(&mut numbers, &mut parameters, &mut arena),
        7 => constants::constants(&mut numbers, &mut parameters, &mut arena),
        _ => layers::random(&mut numbers, &mut parameters, &mut arena),
    };
    let mut case = Case { layer, plan: None, lengths: mutate::lengths(&layer), begins: [0; 2] };
    let is_hostile = !numbers.once_in(16) && mutate::mutate(&mut numbers, &mut case);
    parameters.truncate(case.lengths[0]);
    arena.truncate(case.lengths[1]);
    (case, parameters, arena, is_hostile)
}

#[test]
fn portable_kernels_panic_or_change_their_output_alone() {
    let layers = number("MIXQ_HOSTILE", HOSTILE_ON_THE_HOST);
    let seed = number("MIXQ_SEED", 1);
    // Panics of this thread are answers, not failures.
    let this = std::thread::current().id();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() != this {
            hook(info);
        }
    }));
    let (mut answers, mut panics, mut wrong) = (0, 0, Vec::new());
    for number in seed..seed + layers {
        let (case, parameters, arena, is_hostile) = hostile(number);
        let mut found = arena.clone();
        let start = Instant::now();
        let call = AssertUnwindSafe(|| run_layer(&case.layer, &parameters, &mut found));
        let answered = catch_unwind(call).is_ok();
        if start.elapsed() > Duration::from_secs(5) {
            wrong.push(format!("layer {number} takes {:?}: {case:?}", start.elapsed()));
        }
        if !answered && !is_hostile {
            wrong.push(format!("layer {number} panics, but nothing is wrong: {case:?}"));
        }
        let output = case.layer.output().range();
        let changed =
            |(index, (a, b)): (usize, (&u8, &u8))| (a != b && !output.contains(&index)).then_some(index);
        if let Some(index) = found.iter().zip(&arena).enumerate().find_map(changed) {
            wrong.push(format!("layer {number} writes byte {index}: {case:?}"));
        }
        if answered { answers += 1 } else { panics += 1 }
    }
    let _ = std::panic::take_hook();
    println!("hostile layers: {answers} answers, {panics} panics");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(answers >= layers / 8 && panics >= layers / 4, "both are tried: {answers} and {panics}");
}
