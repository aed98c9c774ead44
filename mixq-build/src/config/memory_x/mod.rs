//! The memory of the firmware's own linker script: LENGTH of FLASH and RAM in its `MEMORY`.
//!
//! ```text
//! MEMORY {
//!   FLASH (rx) : ORIGIN = 0x08000000 + 16K, LENGTH = 1024K - 16K   /* behind the bootloader */
//!   RAM_D1     : ORIGIN = 0x24000000,       LENGTH = 512K
//! }
//! REGION_ALIAS(RAM, RAM_D1)
//! ```

mod expression;
mod parser;
mod script;
mod token;

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Location, Problem};
use parser::Parser;
use script::Script;
use token::tokens;

/// What would help wherever mixq does not understand what a linker would.
const BY_HAND: &str = "or leave `memory-x` out and write `flash` and `ram`";

/// The regions that cortex-m-rt calls FLASH and RAM, and riscv-rt REGION_RODATA and REGION_BSS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryX {
    /// The file, then those that it includes.
    pub files: Vec<PathBuf>,
    /// Where the constants go.
    pub flash: Region,
    /// Where the arena goes.
    pub ram: Region,
}

/// A region of memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Its LENGTH in bytes, over 0.
    pub bytes: u64,
    /// Where that is written.
    pub at: Location,
}

impl MemoryX {
    /// Reads a linker script.
    ///
    /// # Errors
    /// If it cannot be read, and as [`MemoryX::parse`].
    pub fn read(path: &Path) -> Result<MemoryX, Error> {
        let text = text(path).map_err(|error| Problem::io("read", path, &error))?;
        MemoryX::parse(path, &text)
    }

    /// Reads the text of a linker script; `path` is what messages call it, and `INCLUDE` looks for files in
    /// its folder.
    ///
    /// # Errors
    /// What is wrong, with its line and column: a region that is missing, or an expression of more than
    /// numbers, K and M, `+ - * / << >>`, brackets, earlier symbols, and ORIGIN and LENGTH of earlier
    /// regions.
    pub fn parse(path: &Path, text: &str) -> Result<MemoryX, Error> {
        let mut script = Script::default();
        read(&mut script, path, text, false)?;
        script.finish(path, text)
    }
}

/// Bytes of the largest linker script that is read.
const LARGEST: u64 = 1 << 20;

/// The text of a file: no device, no pipe, none that could fill the memory.
fn text(path: &Path) -> io::Result<String> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    if metadata.len() > LARGEST {
        return Err(io::Error::other("it is larger than 1 MiB, which no linker script is"));
    }
    std::fs::read_to_string(path)
}

/// Reads one file's text: a script, or if it is included `within` MEMORY, regions.
fn read(script: &mut Script, path: &Path, text: &str, within: bool) -> Result<(), Problem> {
    script.files.push(path.to_path_buf());
    let source: Arc<str> = text.into();
    let file = File { path, source: source.clone() };
    let tokens = tokens(&file, &source)?;
    let mut parser = Parser { file: &file, tokens: &tokens, next: 0, script };
    if within { parser.regions() } else { parser.script() }
}

/// A linker script and how to point into it.
struct File<'a> {
    path: &'a Path,
    source: Arc<str>,
}

impl File<'_> {
    fn location(&self, span: Range<usize>) -> Location {
        Location { path: self.path.to_path_buf(), source: self.source.clone(), span }
    }

    fn problem(&self, span: Range<usize>, message: impl Into<String>) -> Problem {
        Problem::new(message).help(format!("correct it, {BY_HAND}")).at(self.location(span))
    }
}
