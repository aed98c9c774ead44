//! What the linker put into an ELF.

use std::ops::Range;
use std::path::Path;

use object::{Object, ObjectSymbol};

/// Where a board has its memory, as its linker script in `tests/firmware` says.
#[derive(Clone, Debug)]
pub struct Memory {
    /// Addresses of flash.
    pub flash: Range<u64>,
    /// Addresses of RAM.
    pub ram: Range<u64>,
}

impl Memory {
    /// Of the STM32F405.
    pub const STM32F405: Memory = Memory { flash: 0x0800_0000..0x0810_0000, ram: 0x2000_0000..0x2002_0000 };
    /// Of the board with a Cortex-M7.
    pub const CORTEX_M7: Memory = Memory { flash: 0..0x0020_0000, ram: 0x2000_0000..0x2008_0000 };
}

/// The symbols of an ELF: demangled path, address, bytes.
pub struct Symbols(Vec<(String, u64, u64)>);

impl Symbols {
    /// Reads all symbols of a file.
    ///
    /// # Panics
    /// If it is no ELF.
    pub fn read(path: &Path) -> Symbols {
        let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display()));
        let elf = object::File::parse(&*bytes).expect("firmware is an ELF");
        let read = |symbol: object::Symbol| {
            let name = format!("{:#}", rustc_demangle::demangle(symbol.name().ok()?));
            Some((name, symbol.address(), symbol.size()))
        };
        Symbols(elf.symbols().filter_map(read).collect())
    }

    /// Bytes of the one symbol in that memory whose path ends so.
    ///
    /// # Panics
    /// If there is none, or several.
    pub fn size(&self, memory: &Range<u64>, end: &str) -> u64 {
        let here = |(name, address, size): &&(String, u64, u64)| {
            *size > 0 && memory.contains(address) && name.ends_with(end)
        };
        let found: Vec<_> = self.0.iter().filter(here).collect();
        match found[..] {
            [(_, _, size)] => *size,
            _ => panic!("one symbol {end} expected at {memory:x?}, found {found:x?}"),
        }
    }

    /// Addresses of the functions whose path has this part.
    pub fn addresses(&self, part: &str) -> Vec<Range<u64>> {
        let found = self.0.iter().filter(|(name, ..)| name.contains(part));
        // The lowest bit says that it is Thumb code.
        found.map(|(_, address, size)| address & !1..(address & !1) + size).collect()
    }

    /// Bytes of all symbols in that memory.
    pub fn total(&self, memory: &Range<u64>) -> u64 {
        self.0.iter().filter(|(_, address, _)| memory.contains(address)).map(|(.., size)| size).sum()
    }

    /// Bytes of a model's constants: its layer tables and its parameters.
    pub fn flash_bytes(&self, memory: &Memory, model: &str) -> u64 {
        ["LAYERS", "PARAMETERS"]
            .iter()
            .map(|table| self.size(&memory.flash, &format!("::{model}::{table}")))
            .sum()
    }
}
