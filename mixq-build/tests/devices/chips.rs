//! The list of chips, and how people write their names.

use std::collections::HashSet;

use mixq_build::engine::config::chips::{CHIPS, Chip, find, smallest};
use mixq_build::engine::config::cores::CORES;

#[test]
fn the_list_is_sorted_unique_and_plausible() {
    assert!(CHIPS.is_sorted_by_key(|chip| chip.name));
    let plain = |name: &str| name.replace(['-', '_'], "");
    let mut names = HashSet::new();
    for chip in CHIPS {
        for name in [chip.name].iter().chain(chip.also) {
            assert!(names.insert(plain(name)), "{name} stands there twice");
            let usual = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
            assert!(name.chars().all(usual), "{name}");
        }
        assert!((64 << 10..=8 << 20).contains(&chip.flash) && chip.flash.is_multiple_of(1024), "{chip:?}");
        assert!((16 << 10..=1 << 20).contains(&chip.ram) && chip.ram.is_multiple_of(1024), "{chip:?}");
        // Programs live in flash: none of these has less of it than RAM, but the value line.
        assert!(chip.flash > chip.ram || chip.name == "stm32h750vb", "{chip:?}");
        assert!(CORES.contains(chip.core), "{chip:?}");
    }
    assert!(CHIPS.len() >= 25);
}

#[test]
fn every_chip_is_found_by_its_names() {
    for chip in CHIPS {
        for name in [chip.name].iter().chain(chip.also) {
            assert_eq!(find(name).unwrap(), chip);
            assert_eq!(find(&name.to_uppercase()).unwrap(), chip);
            assert_eq!(find(&name.replace(['-', '_'], "")).unwrap(), chip);
        }
    }
}

#[test]
fn package_letters_do_not_matter() {
    for (written, name) in [
        ("STM32F405RGT6", "stm32f405rg"),
        ("stm32f405", "stm32f405rg"),
        ("STM32H743ZIT6U", "stm32h743zi"),
        ("stm32h743zitx", "stm32h743zi"),
        ("stm32f103", "stm32f103c8"),
        ("stm32f103c8t6", "stm32f103c8"),
        // Both have the same memories.
        ("stm32f746", "stm32f746ng"),
        ("nrf52840-qiaa", "nrf52840"),
        ("nRF52840_xxAA", "nrf52840"),
        ("nRF52832_xxAA", "nrf52832"),
        // Half the flash and the RAM.
        ("nRF52832_xxAB", "nrf52832-qfab"),
        ("nrf52832-QFAB-R", "nrf52832-qfab"),
        ("nRF5340_xxAA", "nrf5340"),
        ("ATSAMD21G18A", "samd21g18"),
        ("atsamd51j19a-au", "samd51j19"),
        ("MIMXRT1062DVL6B", "imxrt1062"),
        ("esp32c3", "esp32-c3"),
        ("ESP32-C6-WROOM-1", "esp32-c6"),
        ("RP2350A", "rp2350"),
    ] {
        assert_eq!(find(written).unwrap().name, name, "{written}");
    }
}

#[test]
fn unknown_chips() {
    let by_hand = "or write its sizes by hand, like flash = \"512 KiB\" and ram = \"128 KiB\"";
    for (written, near) in [
        ("stm32f405oe", "stm32f405rg"),
        ("stm32h743vg", "stm32h743zi"),
        // More digits are another part.
        ("esp32-c61", "esp32-c6"),
        ("rp20400", "rp2040"),
    ] {
        assert_eq!(
            find(written).unwrap_err().to_string(),
            format!(
                "there is no chip `{written}` in the list; did you mean `{near}`? `cargo mixq chips` lists \
                 all; {by_hand}"
            )
        );
    }
    for written in ["", "-", "pic16f84", "8051\n"] {
        assert_eq!(
            find(written).unwrap_err().to_string(),
            format!(
                "there is no chip `{}` in the list; `cargo mixq chips` lists all; {by_hand}",
                written.escape_debug()
            )
        );
    }
    assert_eq!(
        find("esp32").unwrap_err().to_string(),
        format!("the chip `esp32` is one of `esp32-c3`, `esp32-c6`; name one, {by_hand}")
    );
}

#[test]
fn the_smallest_chip_has_the_least_ram_then_flash() {
    let name =
        |flash, ram| smallest(|chip: &Chip| chip.flash >= flash && chip.ram >= ram).map(|chip| chip.name);
    assert_eq!(name(1, 1), Some("stm32f072rb"));
    // Of several with 512 KiB, the one with the least flash.
    assert_eq!(name(128 << 10, 500 << 10), Some("stm32h750vb"));
    assert_eq!(name((128 << 10) + 1, 500 << 10), Some("nrf5340"));
    assert_eq!(name(1 << 20, 128 << 10), Some("stm32f405rg"));
    assert_eq!(name(1 << 20, (128 << 10) + 1), Some("stm32wb55rg"));
    assert_eq!(name((8 << 20) + 1, 1), None);
    assert_eq!(name(1, (1 << 20) + 1), None);
    for chip in CHIPS {
        let found = smallest(|other| other.flash >= chip.flash && other.ram >= chip.ram).unwrap();
        assert!(found.flash >= chip.flash && found.ram == chip.ram);
    }
}
