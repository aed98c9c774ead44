//! The example `digits` from its committed artifact to its logits on the emulated device.

use std::path::{Path, PathBuf};
use std::process::Command;

use mixq_build::artifact::{self, State};
use mixq_build::config::Config;
use mixq_build::dataset::Dataset;
use mixq_build::evaluate;
use mixq_build::prepare::Prepared;
use mixq_tests::elf::{Memory, Symbols};
use mixq_tests::firmware::{self, Board};

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/digits")
}

fn build() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = example().join("../target");
    let output = Command::new(cargo)
        .args(["build", "--release", "--target-dir"])
        .arg(&target)
        .current_dir(example())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    target.join("thumbv7em-none-eabihf/release/digits")
}

#[test]
fn device_and_linker_agree_with_the_host() {
    let config = Config::load(&example()).unwrap();
    let model = &config.models[0];
    let prepared = Prepared::new(model).unwrap();
    let state = artifact::state(&artifact::path(&example(), "digits"), &prepared.fingerprint).unwrap();
    let State::Fresh(artifact) = state else {
        panic!("the committed artifact {}: run `cargo xtask retrain`", state.reason().unwrap());
    };
    let elf = build();

    // The linker.
    let symbols = Symbols::read(&elf);
    let memory = Memory::STM32F405;
    assert_eq!(symbols.flash_bytes(&memory, "digits"), artifact.flash_bytes() as u64);
    assert_eq!(symbols.size(&memory.ram, "::NETWORK"), artifact.ram_bytes() as u64);
    assert!(artifact.flash_bytes() as u64 <= model.flash && artifact.ram_bytes() as u64 <= model.ram);

    // The device, on all test images.
    let dataset = Dataset::load(&model.dataset, prepared.graph.input, prepared.graph.classes()).unwrap();
    assert_eq!(dataset.test.len(), 360);
    let host = evaluate::logits(&artifact, &dataset.test);
    let printed = firmware::run(Board::Stm32f405, &elf, &["digits", "logits"]);
    let device: Vec<i32> =
        printed.lines().flat_map(|line| line.split(',')).map(|logit| logit.trim().parse().unwrap()).collect();
    assert_eq!(device, host);

    // The figures that the artifact states and the issue of the example: what it is for.
    let accuracy = artifact.header.accuracy;
    assert_eq!(evaluate::accuracy(&host, &dataset.test), accuracy.integer);
    assert!(accuracy.integer >= 0.97, "{accuracy:?}");
    assert!(accuracy.integer >= accuracy.float - 0.01, "{accuracy:?}");
    assert!((accuracy.integer - accuracy.fake_quant).abs() <= 0.006, "{accuracy:?}");

    // Run without arguments, it talks to people.
    let shown = firmware::run(Board::Stm32f405, &elf, &["digits"]);
    let right = (accuracy.integer * 360.0).round();
    assert!(shown.contains("This is a ") && shown.contains(&format!("{right} of 360 right")), "{shown}");
}

/// The network is chosen so that the allocation has something to do.
#[test]
fn the_budget_takes_all_widths() {
    let config = Config::load(&example()).unwrap();
    let allocation = Prepared::new(&config.models[0]).unwrap().allocate().unwrap();
    let weights: Vec<usize> = allocation.weights.iter().flatten().map(|bits| bits.count()).collect();
    assert!(weights.contains(&8) && weights.contains(&4) && weights.contains(&2), "{weights:?}");
    assert!(allocation.cuts.iter().any(|cut| !cut.weights), "{:?}", allocation.cuts);
}
