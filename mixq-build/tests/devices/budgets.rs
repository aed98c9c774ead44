//! From a device to the budgets of models.

use std::path::Path;

use mixq_build::engine::config::Config;
use mixq_build::engine::error::Error;
use tempfile::TempDir;

const PACKAGE: &str = "[package]\nname = \"firmware\"\n[package.metadata.mixq.models.a]\nnetwork \
                       = \"a.toml\"\n\
                       dataset = \"a.csv\"\n";
const MEMORY_X: &str =
    "MEMORY {\n  FLASH : ORIGIN = 0, LENGTH = 512K - 16K\n  RAM : ORIGIN = 0, LENGTH = 64K\n}\n";

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A package whose device has these lines, beside a memory.x.
pub fn load(device: &str) -> Result<Config, String> {
    let folder = TempDir::new().unwrap();
    let manifest = format!("{PACKAGE}[package.metadata.mixq.device]\n{device}");
    write(&folder.path().join("Cargo.toml"), &manifest);
    write(&folder.path().join("memory.x"), MEMORY_X);
    Config::load(folder.path()).map_err(|error| relative(&error, folder.path()))
}

/// Problems, line by line, with paths as in the folder.
fn relative(error: &Error, folder: &Path) -> String {
    error.to_string().replace(&format!("{}/", folder.display()), "")
}

fn budgets(device: &str) -> (u64, u64) {
    let config = load(device).unwrap_or_else(|error| panic!("{error}\n{device}"));
    (config.models[0].flash, config.models[0].ram)
}

fn says(device: &str, expected: &[&str]) {
    let found = load(device).expect_err(device);
    assert_eq!(found.lines().collect::<Vec<_>>(), expected, "{device}");
}

#[test]
fn a_chip_gives_its_whole_memories() {
    assert_eq!(budgets("chip = \"stm32h743zi\""), (2 << 20, 512 << 10));
    assert_eq!(budgets("chip = \"STM32F405RGT6\""), (1 << 20, 128 << 10));
    assert_eq!(budgets("chip = \"rp2040\"\nflash = \"16 MiB\""), (16 << 20, 256 << 10));
    assert_eq!(budgets("ram = \"1 kB\"\nchip = \"rp2040\""), (2 << 20, 1000));
    let config = load("chip = \"nrf52840\"").unwrap();
    let model = &config.models[0];
    let at = [&model.flash_at, &model.ram_at].map(|at| at.as_ref().map(|at| (at.line(), at.column())));
    assert_eq!((at, &config.linker_scripts), ([Some((7, 8)); 2], &vec![]));
}

#[test]
fn reserves_are_subtracted_wherever_sizes_come_from() {
    let reserves = "reserve-flash = \"64 KiB\"\nreserve-ram = 1024\n";
    assert_eq!(budgets(&format!("chip = \"nrf52832\"\n{reserves}")), (448 << 10, 63 << 10));
    assert_eq!(budgets(&format!("memory-x = \"memory.x\"\n{reserves}")), (432 << 10, 63 << 10));
    assert_eq!(budgets(&format!("flash = \"1M\"\nram = \"2K\"\n{reserves}")), (960 << 10, 1 << 10));
    assert_eq!(budgets("chip = \"nrf52832\"\nreserve-ram = 0"), (512 << 10, 64 << 10));
}

#[test]
fn a_linker_script_gives_its_regions() {
    assert_eq!(budgets("memory-x = \"memory.x\""), (496 << 10, 64 << 10));
    assert_eq!(budgets("memory-x = \"memory.x\"\nflash = \"16K\""), (16 << 10, 64 << 10));
    // A chip beside it counts, as long as it is within the regions.
    let reserved = "chip = \"nrf52832\"\nreserve-flash = \"16 KiB\"\nmemory-x = \"memory.x\"";
    assert_eq!(budgets(reserved), (496 << 10, 64 << 10));
    let config = load("memory-x = \"memory.x\"").unwrap();
    assert!(config.linker_scripts[0].ends_with("memory.x") && config.linker_scripts.len() == 1);
}

#[test]
fn own_budgets_come_first_and_near_tables_before_far_ones() {
    let root = TempDir::new().unwrap();
    let workspace = "[workspace.metadata.mixq.device]\nmemory-x = \"ld/memory.x\"\nflash = 1000\nram = 2000\n\
                     reserve-ram = 100\n";
    write(&root.path().join("Cargo.toml"), &format!("[workspace]\nmembers = [\"firmware\"]\n{workspace}"));
    write(&root.path().join("firmware/src/lib.rs"), "");
    write(&root.path().join("ld/memory.x"), MEMORY_X);
    let load = |device: &str| {
        let own = format!("{PACKAGE}flash = 77\n[package.metadata.mixq.models.b]\nnetwork = \"b.toml\"\n");
        let manifest = format!("{own}dataset = \"b.csv\"\n[package.metadata.mixq.device]\n{device}");
        write(&root.path().join("firmware/Cargo.toml"), &manifest);
        let config =
            Config::load(&root.path().join("firmware")).map_err(|error| relative(&error, root.path()))?;
        Ok::<_, String>([0, 1].map(|index| (config.models[index].flash, config.models[index].ram)))
    };
    // The reserve is the device's: what a model itself may take stays, and is not left to the others.
    assert_eq!(load(""), Ok([(77, 1900), (923, 1900)]));
    assert_eq!(load("ram = 3000"), Ok([(77, 2900), (923, 2900)]));
    assert_eq!(load("chip = \"stm32f072rb\""), Ok([(77, 16_284), (130_995, 16_284)]));
    // The workspace's linker script is a limit all the same.
    assert_eq!(
        load("flash = \"1M\"").unwrap_err(),
        "firmware/Cargo.toml:11:9: `flash` is 1,048,576 B, but the region `FLASH` has 507,904 B \
         (ld/memory.x:2:32); set flash = \"507,904 B\" or less, or leave it out | flash = \"1M\""
    );
}

#[test]
fn budgets_over_the_linkers_regions() {
    says(
        "memory-x = \"memory.x\"\nflash = \"512K\"\nram = \"64K\"",
        &["Cargo.toml:8:9: `flash` is 524,288 B, but the region `FLASH` has 507,904 B (memory.x:2:32); \
           set flash = \"507,904 B\" or less, or leave it out | flash = \"512K\""],
    );
    let chip = "Cargo.toml:7:8: the chip stm32f411re leaves";
    let help = "leave `chip` out, `memory-x` alone gives the budget; or set";
    says(
        "chip = \"stm32f411re\"\nmemory-x = \"memory.x\"\nreserve-ram = \"32K\"",
        &[
            &format!(
                "{chip} 524,288 B of flash, but the region `FLASH` has 507,904 B (memory.x:2:32); {help} \
                 reserve-flash = \"16,384 B\" or more | chip = \"stm32f411re\""
            ),
            &format!(
                "{chip} 98,304 B of RAM, but the region `RAM` has 65,536 B (memory.x:3:30); {help} \
                 reserve-ram = \"32,768 B\" or more | chip = \"stm32f411re\""
            ),
        ],
    );
}

#[test]
fn a_models_own_budget_over_the_linkers_region() {
    let folder = TempDir::new().unwrap();
    let manifest =
        format!("{PACKAGE}ram = \"65 KiB\"\n[package.metadata.mixq.device]\nmemory-x = \"memory.x\"\n");
    write(&folder.path().join("Cargo.toml"), &manifest);
    write(&folder.path().join("memory.x"), MEMORY_X);
    let error = Config::load(folder.path()).unwrap_err();
    assert_eq!(
        relative(&error, folder.path()),
        "Cargo.toml:6:7: `ram` is 66,560 B, but the region `RAM` has 65,536 B (memory.x:3:30); set ram \
         = \"65,536 B\" or less, or leave it out | ram = \"65 KiB\""
    );
}

#[test]
fn reserves_that_leave_nothing() {
    let help = "that leaves nothing for a network: reserve less";
    says(
        "chip = \"stm32f072rb\"\nreserve-flash = \"128 KiB\"\nreserve-ram = \"17 KiB\"",
        &[
            &format!(
                "Cargo.toml:8:17: `reserve-flash` is 131,072 B, of 131,072 B of flash that the chip \
                 stm32f072rb has; {help} | reserve-flash = \"128 KiB\""
            ),
            &format!(
                "Cargo.toml:9:15: `reserve-ram` is 17,408 B, of 16,384 B of RAM that the chip stm32f072rb \
                 has; {help} | reserve-ram = \"17 KiB\""
            ),
        ],
    );
    says(
        "memory-x = \"memory.x\"\nreserve-ram = \"64K\"",
        &[&format!(
            "Cargo.toml:8:15: `reserve-ram` is 65,536 B, of 65,536 B of RAM that the linker script has; \
             {help} | reserve-ram = \"64K\""
        )],
    );
    says(
        "flash = 5\nram = 5\nreserve-ram = 6",
        &[&format!(
            "Cargo.toml:9:15: `reserve-ram` is 6 B, of 5 B of RAM that the device has; {help} | \
             reserve-ram = 6"
        )],
    );
}

#[test]
fn malformed_values() {
    says(
        "chip = \"stm32f405oe\"",
        &["Cargo.toml:7:8: there is no chip `stm32f405oe` in the list; did you mean `stm32f405rg`? `cargo \
           mixq chips` lists all; or write its sizes by hand, like flash = \"512 KiB\" and ram = \"128 \
           KiB\" | chip = \"stm32f405oe\""],
    );
    says(
        "chip = 405\nreserve-ram = \"x\"\nmemory-x = \"\"",
        &[
            "Cargo.toml:7:8: `chip` is an integer, it must be a string | chip = 405",
            "Cargo.toml:8:15: `reserve-ram` is not a size: `x` does not begin with a whole number; a size is \
             a whole number with B, KiB, MiB (1024), kB, KB, MB (1000), or K, M as linkers write them (1024) \
             | reserve-ram = \"x\"",
            "Cargo.toml:9:12: `memory-x` is empty | memory-x = \"\"",
        ],
    );
    let missing = load("memory-x = \"ld/memory.x\"").unwrap_err();
    assert!(missing.starts_with("Cargo.toml:7:12: cannot read ld/memory.x: "), "{missing}");
    assert!(missing.ends_with(" | memory-x = \"ld/memory.x\"") && !missing.contains('\n'), "{missing}");
}

#[test]
fn what_is_wrong_in_the_linker_script_points_into_it() {
    let folder = TempDir::new().unwrap();
    let manifest = format!("{PACKAGE}[package.metadata.mixq.device]\nmemory-x = \"memory.x\"\n");
    write(&folder.path().join("Cargo.toml"), &manifest);
    write(&folder.path().join("memory.x"), "MEMORY {\n  FLASH : ORIGIN = 0, LENGTH = 512KB\n}\n");
    let error = Config::load(folder.path()).unwrap_err();
    assert_eq!(
        relative(&error, folder.path()),
        "memory.x:2:32: `512KB` is not a number that mixq reads; write a decimal or hexadecimal number, \
         which K or M may follow, or leave `memory-x` out and write `flash` and `ram` | FLASH : ORIGIN = 0, \
         LENGTH = 512KB"
    );
}
