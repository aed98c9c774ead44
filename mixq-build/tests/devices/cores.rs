//! From a device and rustc's flags to the kernels.

use std::collections::HashSet;

use mixq_build::engine::config::cores::{CORES, Core};
use mixq_build::engine::target::{Choice, Flags, choose};

use super::budgets::load;

const SIZES: &str = "flash = \"48 KiB\"\nram = \"6 KiB\"\n";
const M33: &str = "thumbv8m.main-none-eabihf";

/// The instruction set of firmware whose device has these lines beside sizes; problems without their places.
fn set(device: &str, rust_target: &str, flags: &str) -> Result<Choice, String> {
    let config = load(&format!("{SIZES}{device}")).unwrap_or_else(|error| panic!("{error}"));
    choose(rust_target, config.processor.as_ref(), &Flags::parse(flags)).map_err(|problem| {
        assert!(problem.location.is_some());
        format!("{}; {}", problem.message, problem.help.unwrap_or_default())
    })
}

#[track_caller]
fn takes(expected: &str, device: &str, rust_target: &str, flags: &str) {
    let Choice { target, warning } = set(device, rust_target, flags).unwrap();
    assert_eq!((target.name, warning), (expected, None));
}

#[test]
fn cores_have_one_name_each_and_find_theirs() {
    let mut names = HashSet::new();
    for core in CORES {
        assert!(names.insert(core.name.to_lowercase()), "{core:?}");
        assert!(
            core.title.to_lowercase() == core.name || names.insert(core.title.to_lowercase()),
            "{core:?}"
        );
        for name in [core.name, core.title, &core.name.to_uppercase()] {
            assert_eq!(Core::find(name), Ok(core), "{name}");
        }
        assert_eq!(core.dsp, core.is_arm() && core.executes("thumbv7em-none-eabi"), "{core:?}");
    }
    assert_eq!(Core::find("cortex-m0+").unwrap().name, "cortex-m0plus");
}

#[test]
fn an_unknown_core_is_answered_with_the_list() {
    let error = load(&format!("{SIZES}core = \"cortex-m34\"")).unwrap_err();
    let expected = "Cargo.toml:9:8: there is no core `cortex-m34`; did you mean `cortex-m4`? cores are \
                    `cortex-m0`, `cortex-m0plus`, `cortex-m3`, `cortex-m4`, `cortex-m7`, `cortex-m23`, \
                    `cortex-m33`, `cortex-m33+nodsp`, `cortex-m35p`, `cortex-m35p+nodsp`, `cortex-m52`, \
                    `cortex-m55`, `cortex-m85`, `rv32imc`, `rv32imac` | core = \"cortex-m34\"";
    assert_eq!(error, expected);
}

#[test]
fn dsp_comes_from_the_core_the_chip_or_flags() {
    takes("armv7em", "core = \"cortex-m33\"", M33, "");
    takes("armv7em", "core = \"Cortex-M55\"", "thumbv8m.main-none-eabi", "");
    takes("portable", "core = \"cortex-m33+nodsp\"", M33, "");
    for chip in ["rp2350", "nrf5340", "nrf9160", "stm32u575zi", "stm32u585ai", "stm32l552ze", "stm32h563zi"] {
        takes("armv7em", &format!("chip = \"{chip}\""), M33, "");
    }
    takes("portable", "chip = \"nrf5340-net\"", "thumbv8m.main-none-eabi", "");
    // The network core of a chip that is known by its application core.
    takes("portable", "chip = \"nrf5340\"\ncore = \"cortex-m33+nodsp\"", M33, "");
    takes("armv7em", "", M33, "-Ctarget-cpu=cortex-m85");
    takes("portable", "", M33, "-Ctarget-cpu=cortex-m33\x1f-Ctarget-feature=-dsp");
    takes("armv7em", "chip = \"rp2350\"", M33, "-Ctarget-cpu=cortex-m33");
}

#[test]
fn without_any_of_these_the_kernels_are_portable_with_a_warning() {
    for flags in ["", "-Ctarget-cpu=generic"] {
        let Choice { target, warning } = set("", M33, flags).unwrap();
        assert_eq!(target.name, "portable");
        let expected = "mixq does not know whether the processor has DSP instructions, which \
                        thumbv8m.main-none-eabihf leaves open, and takes kernels without: they are up to six \
                        times slower; write core = \"cortex-m33\" into [package.metadata.mixq.device], or \
                        \"cortex-m33+nodsp\" if it has none, or the `chip`";
        assert_eq!(warning.unwrap(), expected);
    }
}

#[test]
fn where_the_rust_target_says_it_nothing_else_does() {
    takes("armv7em", "", "thumbv7em-none-eabihf", "");
    takes("armv7em", "", "thumbv7em-none-eabihf", "-Ctarget-cpu=cortex-m4");
    takes("armv7em", "core = \"cortex-m33\"", "thumbv7em-none-eabihf", "");
    takes("armv6m", "chip = \"rp2350\"", "thumbv6m-none-eabi", "");
    takes("portable", "core = \"cortex-m33\"", "thumbv8m.base-none-eabi", "");
    // Its other two processors.
    takes("portable", "chip = \"rp2350\"", "riscv32imac-unknown-none-elf", "");
    takes("portable", "core = \"cortex-m33\"", "x86_64-unknown-linux-gnu", "");
}

#[test]
fn what_does_not_fit_together_is_an_error() {
    let error = |device: &str, rust_target, flags| set(device, rust_target, flags).unwrap_err();
    assert_eq!(
        error("core = \"cortex-m4\"", M33, ""),
        "`core` is cortex-m4, which does not execute code for thumbv8m.main-none-eabihf; compile for another \
         target, or name another `core`"
    );
    assert_eq!(
        error("chip = \"nrf5340-net\"", "thumbv7em-none-eabi", ""),
        "the chip nrf5340-net has a Cortex-M33 without DSP, which does not execute code for \
         thumbv7em-none-eabi; compile for another target; or if the chip has another processor beside it, \
         name that one by `core`"
    );
    assert_eq!(
        error("chip = \"rp2350\"", M33, "-Ctarget-feature=-dsp"),
        "the chip rp2350 has a Cortex-M33, but by rustc's flag `-C target-feature=-dsp` the processor has \
         none; take the flag out, or write core = \"cortex-m33+nodsp\" for kernels without"
    );
    assert_eq!(
        error("core = \"cortex-m33+nodsp\"", M33, "-Ctarget-cpu=cortex-m33"),
        "`core` is cortex-m33+nodsp, but by rustc's flag `-C target-cpu=cortex-m33` the processor has DSP \
         instructions; add `-C target-feature=-dsp` to rustc's flags, or write core = \"cortex-m33\""
    );
    let error = load(&format!("{SIZES}chip = \"nrf5340-net\"\ncore = \"cortex-m33\"")).unwrap_err();
    assert_eq!(
        error,
        "Cargo.toml:10:8: `core` is cortex-m33, but the chip nrf5340-net has a Cortex-M33 without DSP; leave \
         `core` out | core = \"cortex-m33\""
    );
}
