//! The list. Sizes are those of the datasheets' memory maps, in KiB; RAM is one contiguous block.
//! Clocks are the highest of the datasheets, in MHz.

use super::Chip;
use crate::config::cores::{self, Core};

const M0: &Core = &cores::CORTEX_M0;
const M0_PLUS: &Core = &cores::CORTEX_M0_PLUS;
const M3: &Core = &cores::CORTEX_M3;
const M4: &Core = &cores::CORTEX_M4;
const M7: &Core = &cores::CORTEX_M7;
const M33: &Core = &cores::CORTEX_M33;
const M33_NO_DSP: &Core = &cores::CORTEX_M33_NO_DSP;
const RISC_V: &Core = &cores::RV32IMC;
const RISC_V_ATOMIC: &Core = &cores::RV32IMAC;

const CCM: &str = "without 64 KiB CCM";
const F7: &str = "DTCM, SRAM1 and SRAM2 in a row";
const H7: &str = "AXI SRAM; without DTCM and SRAM1 to 4";
const U5: &str = "SRAM1 to 3 in a row; without SRAM4";

/// All chips, sorted by name.
pub const CHIPS: &[Chip] = &[
    chip(
        "esp32-c3",
        4096,
        313,
        160,
        RISC_V,
        "external flash, 4 MiB is usual; without cache and bootloader's RAM",
    ),
    chip(
        "esp32-c6",
        4096,
        441,
        160,
        RISC_V_ATOMIC,
        "external flash, 4 MiB is usual; without cache and bootloader's RAM",
    ),
    chip(
        "imxrt1062",
        8192,
        512,
        600,
        M7,
        "external flash, 8 MiB on Teensy 4.1; OCRAM2, without 512 KiB FlexRAM (TCM)",
    )
    .also(&["mimxrt1062"]),
    chip("nrf52832", 512, 64, 64, M4, "xxAA"),
    chip("nrf52832-qfab", 256, 32, 64, M4, "xxAB").also(&["nrf52832_xxab"]),
    chip("nrf52833", 512, 128, 64, M4, ""),
    chip("nrf52840", 1024, 256, 64, M4, ""),
    chip("nrf5340", 1024, 512, 128, M33, "application core"),
    chip("nrf5340-net", 256, 64, 64, M33_NO_DSP, "network core").also(&[
        "nrf5340_cpunet",
        "nrf5340-network",
        "nrf5340_xxaa_network",
    ]),
    chip("nrf9160", 1024, 256, 64, M33, "the modem's library takes a part of the RAM"),
    chip(
        "rp2040",
        2048,
        256,
        133,
        M0_PLUS,
        "external flash, 2 MiB on Pico; without SRAM4 and 5 (4 KiB each)",
    ),
    chip("rp2350", 4096, 512, 150, M33, "external flash, 4 MiB on Pico 2; without SRAM8 and 9 (4 KiB each)"),
    chip("samd21g18", 256, 32, 48, M0_PLUS, "").also(&["atsamd21g18"]),
    chip("samd51j19", 512, 192, 120, M4, "").also(&["atsamd51j19"]),
    chip("samd51j20", 1024, 256, 120, M4, "").also(&["atsamd51j20"]),
    chip("samd51p20", 1024, 256, 120, M4, "").also(&["atsamd51p20"]),
    chip("stm32f072rb", 128, 16, 48, M0, ""),
    chip("stm32f103c8", 64, 20, 72, M3, ""),
    chip("stm32f401re", 512, 96, 84, M4, ""),
    chip("stm32f405rg", 1024, 128, 168, M4, CCM),
    chip("stm32f407vg", 1024, 128, 168, M4, CCM),
    chip("stm32f411re", 512, 128, 100, M4, ""),
    chip("stm32f429zi", 2048, 192, 180, M4, CCM),
    chip("stm32f446re", 512, 128, 180, M4, ""),
    chip("stm32f746ng", 1024, 320, 216, M7, F7),
    chip("stm32f746zg", 1024, 320, 216, M7, F7),
    chip("stm32f767zi", 2048, 512, 216, M7, F7),
    chip("stm32g071rb", 128, 36, 64, M0_PLUS, "with the RAM's parity check off"),
    chip("stm32g474re", 512, 128, 170, M4, "SRAM1, SRAM2 and CCM in a row"),
    chip("stm32h563zi", 2048, 640, 250, M33, "SRAM1 to 3 in a row"),
    chip("stm32h743zi", 2048, 512, 480, M7, H7),
    chip("stm32h747xi", 2048, 512, 480, M7, "both cores' flash; AXI SRAM, without DTCM and SRAM1 to 4"),
    chip("stm32h750vb", 128, 512, 480, M7, H7),
    chip("stm32h7a3zi", 2048, 1024, 280, M7, "AXI SRAM1 to 3 in a row; without DTCM, AHB and SRD SRAM"),
    chip("stm32l432kc", 256, 64, 80, M4, "SRAM1 and SRAM2 in a row"),
    chip("stm32l476rg", 1024, 96, 80, M4, "SRAM1; without 32 KiB SRAM2"),
    chip("stm32l4r5zi", 2048, 640, 120, M4, "SRAM1 to 3 in a row"),
    chip("stm32l552ze", 512, 256, 110, M33, "SRAM1 and SRAM2 in a row"),
    chip("stm32u575zi", 2048, 768, 160, M33, U5),
    chip("stm32u585ai", 2048, 768, 160, M33, U5),
    chip(
        "stm32wb55rg",
        1024,
        192,
        64,
        M4,
        "SRAM1; the radio's stack also takes flash from the top, and SRAM2",
    ),
];

/// Sizes in KiB, clock in MHz.
const fn chip(
    name: &'static str,
    flash: u64,
    ram: u64,
    clock: u64,
    core: &'static Core,
    note: &'static str,
) -> Chip {
    Chip { name, also: &[], flash: flash << 10, ram: ram << 10, clock: clock * 1_000_000, core, note }
}

impl Chip {
    const fn also(self, names: &'static [&'static str]) -> Chip {
        Chip { also: names, ..self }
    }
}
