//! Linker scripts: what is understood.

use std::path::Path;

use mixq_build::engine::config::memory_x::MemoryX;
use mixq_build::engine::error::Error;
use proptest::prelude::*;

pub fn parse(text: &str) -> Result<MemoryX, Error> {
    MemoryX::parse(Path::new("memory.x"), text)
}

/// Lengths of FLASH and RAM.
pub fn sizes(text: &str) -> (u64, u64) {
    let memory_x = parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    (memory_x.flash.bytes, memory_x.ram.bytes)
}

/// The sizes of a FLASH of this length.
fn flash(length: &str) -> u64 {
    sizes(&format!("MEMORY {{ FLASH : ORIGIN = 0, LENGTH = {length}\nRAM : ORIGIN = 0, LENGTH = 1 }}")).0
}

/// What is said of a script in which a `^` stands before the place that is meant.
pub fn says(marked: &str, expected: &str) {
    let (line, column) = marked.split('^').next().map_or((1, 1), |before| {
        let last = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[last..].chars().count() + 1)
    });
    let error = parse(&marked.replace('^', "")).expect_err(marked);
    let found = error.problems[0].to_string();
    let place = format!("memory.x:{line}:{column}: ");
    assert!(found.starts_with(&format!("{place}{expected}")), "found {found}, expected {place}{expected}");
    let help = error.problems[0].help.as_deref().unwrap_or_default();
    assert!(help.ends_with("or leave `memory-x` out and write `flash` and `ram`"), "{help}");
}

#[test]
fn scripts_of_real_firmware() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/digits/memory.x");
    let memory_x = MemoryX::read(Path::new(example)).unwrap();
    assert_eq!((memory_x.flash.bytes, memory_x.ram.bytes), (1024 << 10, 128 << 10));
    assert_eq!((memory_x.flash.at.line(), memory_x.flash.at.column()), (4, 41));
    assert_eq!((memory_x.ram.at.line(), memory_x.ram.at.column()), (5, 41));
    // The second stage bootloader of an RP2040, and symbols and sections behind.
    let rp2040 = r#"
        MEMORY {
            BOOT2 : ORIGIN = 0x10000000, LENGTH = 0x100
            FLASH : ORIGIN = 0x10000100, LENGTH = 2048K - 0x100
            RAM   : ORIGIN = 0x20000000, LENGTH = 256K
        }
        EXTERN(BOOT2_FIRMWARE)
        SECTIONS { .boot2 ORIGIN(BOOT2) : { KEEP(*(.boot2)); } > BOOT2 } INSERT BEFORE .text;
        _stack_start = ORIGIN(RAM) + LENGTH(RAM);
    "#;
    assert_eq!(sizes(rp2040), ((2048 << 10) - 256, 256 << 10));
    let odd = "/* MEMORY { */ INCLUDE \"MEMORY { x\" PROVIDE(MEMORY = 1);\nMEMORY\n{ \
               CCM-RAM(rwx!a):org=0x1000 0000K";
    assert!(parse(odd).is_err());
    let regions = "MEMORY{CCM-RAM(rwx!a):org=0x10000000 len=64k FLASH(rx):o=ORIGIN(CCM-RAM),l=0X80000\n\
                   RAM(w):ORIGIN=0x20000000,LENGTH=LENGTH(CCM-RAM)*2+(LENGTH(FLASH)-1M/4)/ 8}";
    assert_eq!(sizes(regions), (512 << 10, (128 << 10) + (32 << 10)));
    // Regions may stand in several commands.
    let two = "MEMORY { RAM : ORIGIN = 1, LENGTH = 2 }\nMEMORY { FLASH : ORIGIN = 3, LENGTH = 4 }";
    assert_eq!(sizes(two), (4, 2));
}

/// The template that is handed out for the STM32H7, and others that name regions their own way.
#[test]
fn regions_may_have_other_names() {
    let stm32h7 = "MEMORY\n{\n    FLASH    : ORIGIN = 0x08000000, LENGTH = 2048K\n    RAM_D1   : ORIGIN = \
                   0x24000000, LENGTH = 512K\n    DTCM     : ORIGIN = 0x20000000, LENGTH = \
                   128K\n}\nREGION_ALIAS(RAM, RAM_D1);\n";
    assert_eq!(sizes(stm32h7), (2 << 20, 512 << 10));
    let place = parse(stm32h7).unwrap().ram.at;
    assert_eq!((place.line(), place.column()), (4, 46));
    assert_eq!(sizes(&stm32h7.replace("(RAM, RAM_D1)", "(\"RAM\", DTCM)")), (2 << 20, 128 << 10));
    // An alias of an alias, and one in an expression of a second command.
    let chain = "MEMORY { ROM : ORIGIN = 0, LENGTH = 64K \"T-CM\" (rwx) : org = 1, len = 8k }\n\
                 REGION_ALIAS(\"FLASH\", ROM) REGION_ALIAS(FAST, T-CM)\n\
                 MEMORY { RAM : ORIGIN = org(FAST) + len(FAST), LENGTH = LENGTH(FLASH) / 4 - l(FAST) }";
    assert_eq!(sizes(chain), (64 << 10, 8 << 10));
    // As riscv-rt wants it: constants in one region, what is zero at first in another.
    let riscv = "MEMORY { L2_LIM : ORIGIN = 0, LENGTH = 1M  ROM : ORIGIN = 1, LENGTH = 2M  ITIM : ORIGIN = \
                 3, LENGTH = 4K }\n\
                 REGION_ALIAS(\"REGION_TEXT\", ITIM);\nREGION_ALIAS(\"REGION_RODATA\", ROM);\n\
                 REGION_ALIAS(\"REGION_DATA\", ITIM);\nREGION_ALIAS(\"REGION_BSS\", L2_LIM);\n";
    assert_eq!(sizes(riscv), (2 << 20, 1 << 20));
    says(
        "MEMORY { FLASH : ORIGIN = 0, LENGTH = 1 }\nREGION_ALIAS(RAM, ^RAM_D1)",
        "there is no region `RAM_D1`",
    );
    says(
        "MEMORY { FLASH : ORIGIN = 0, LENGTH = 1 RAM : ORIGIN = 0, LENGTH = 1 }\nREGION_ALIAS(^RAM, FLASH)",
        "the region `RAM` stands there twice",
    );
    says("REGION_ALIAS(^\"R\nAM\", RAM_D1)", "this is not a name");
    says("INCLUDE ^\"a\nb\"", "this is not a name");
    says("REGION_ALIAS(RAM ^RAM_D1)", "expected `,`, found `RAM_D1`");
}

#[test]
fn symbols_shifts_and_comments() {
    let script = "/* sizes */ _flash_size = 1M; # if it fits, as LLD has comments: MEMORY {\n\
                  PROVIDE(_ram_k = 96); PROVIDE(_flash_size = 1);\n_boot = 1 << 14; __stack = ORIGIN(RAM);\n\
                  ASSERT(_boot == 16K, \"x\")\n\
                  MEMORY { FLASH (rx) : ORIGIN = _boot, LENGTH = _flash_size - _boot # less the bootloader\n\
                  RAM : ORIGIN = 0x20000000, LENGTH = _ram_k * 1024 - (64K >> 2) }";
    assert_eq!(sizes(script), ((1 << 20) - (16 << 10), 80 << 10));
    assert_eq!(flash("1 + 1 << 2"), 8);
    assert_eq!(flash("1 << (2 + 1) << 1"), 16);
    let region = |text: &str| format!("MEMORY\n{{\n  FLASH : ORIGIN = 0, LENGTH = {text}\n}}\n");
    says(&region("1 ^<< 200"), "this is not a number that a linker could calculate with");
    // A symbol that is not a number is passed over until it is used.
    says(&format!("x = ADDR(.text);\n{}", region("^x")), "`x` is not a number that mixq reads");
    let both = "^#ifdef LARGE\nMEMORY { FLASH : ORIGIN = 0, LENGTH = 2 }\n#endif";
    says(both, "`#ifdef` is for the C preprocessor, which mixq does not run");
}

#[cfg(unix)]
#[test]
fn included_files_are_read() {
    let folder = tempfile::TempDir::new().unwrap();
    let write = |name: &str, text: &str| {
        std::fs::create_dir_all(folder.path().join("ld")).unwrap();
        std::fs::write(folder.path().join(name), text).unwrap();
    };
    let read = || MemoryX::read(&folder.path().join("memory.x"));
    write(
        "memory.x",
        "INCLUDE sizes.x\nMEMORY {\n  INCLUDE ld/flash.x\n  RAM : ORIGIN = 1, LENGTH = ram\n}\nINCLUDE \
         device.x;",
    );
    write("sizes.x", "ram = 3K;");
    write("ld/flash.x", "/* one */ FLASH : ORIGIN = 0,\n LENGTH = 5K");
    let memory_x = read().unwrap();
    assert_eq!((memory_x.flash.bytes, memory_x.ram.bytes), (5 << 10, 3 << 10));
    assert_eq!(memory_x.files, ["memory.x", "sizes.x", "ld/flash.x"].map(|name| folder.path().join(name)));
    assert!(memory_x.flash.at.path.ends_with("ld/flash.x") && memory_x.flash.at.line() == 2);
    // A file that is nowhere matters where it must have the regions.
    write("memory.x", "INCLUDE elsewhere.x");
    let error = read().unwrap_err().to_string();
    assert!(
        error.contains("there is no `MEMORY { ... }`, and elsewhere.x is not in the same folder"),
        "{error}"
    );
    write("memory.x", "MEMORY {\n  INCLUDE none.x\n}");
    let error = read().unwrap_err().to_string();
    assert!(error.contains("memory.x:2:3: cannot read ") && error.contains("none.x"), "{error}");
    write("memory.x", "MEMORY {\n  INCLUDE /dev/zero\n}");
    let error = read().unwrap_err().to_string();
    assert!(error.contains("cannot read /dev/zero: it is not a file"), "{error}");
    write("memory.x", &"/* */".repeat(300_000));
    assert!(read().unwrap_err().to_string().contains("larger than 1 MiB"));
    write("memory.x", "INCLUDE memory.x");
    let error = read().unwrap_err().to_string();
    assert!(error.contains("mixq reads 8 files at most, and `memory.x` would be one more"), "{error}");
}

#[test]
fn numbers_as_linkers_read_them() {
    for (length, bytes) in [
        ("1024", 1024),
        ("1024K", 1 << 20),
        ("1m", 1 << 20),
        ("0x100K", 256 << 10),
        ("0XfF", 255),
        ("010", 8),
        ("256K + 64K", 320 << 10),
        ("1M-16K-16K", (1 << 20) - (32 << 10)),
        ("2 * 3 + 4 * 5", 26),
        ("100 / 7 / 2", 7),
        ("((64K))", 64 << 10),
        ("8 - (4 - 2)", 6),
        ("16 - 32 + 64", 48),
        ("0xffffffffffffffff", u64::MAX),
    ] {
        assert_eq!(flash(length), bytes, "{length}");
    }
}

/// A number in one of several notations.
fn written() -> impl Strategy<Value = (String, i128)> {
    (0_u32..1 << 22, 0_usize..6).prop_map(|(number, notation)| {
        let value = i128::from(number);
        match notation {
            0 => (format!("{number}"), value),
            1 => (format!("{number:#x}"), value),
            2 => (format!("{number}K"), value * 1024),
            3 => (format!("0X{number:X}k"), value * 1024),
            4 => (format!("0{number:o}M"), value * 1_048_576),
            _ => (format!("({number} )"), value),
        }
    })
}

proptest! {
    #[test]
    fn sums_are_what_plain_arithmetic_gives(
        first in written(), rest in prop::collection::vec((any::<bool>(), written()), 0..5), space in " ?",
    ) {
        let (mut text, mut value) = first;
        for (minus, (number, addend)) in rest {
            text += &format!("{space}{}{space}{number}", if minus { '-' } else { '+' });
            value += if minus { -addend } else { addend };
        }
        let script = format!("MEMORY {{ RAM : ORIGIN = 0, LENGTH = 1 FLASH : ORIGIN = {text}, LENGTH = \
                              {text} }}");
        match u64::try_from(value) {
            Ok(bytes) if bytes > 0 => prop_assert_eq!(sizes(&script), (bytes, 1)),
            _ => prop_assert!(parse(&script).is_err()),
        }
    }
}
