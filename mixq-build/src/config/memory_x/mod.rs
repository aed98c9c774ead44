//! The memory of the firmware's own linker script: LENGTH of FLASH and RAM in its `MEMORY`.
//!
//! ```text
//! MEMORY {
//!   FLASH (rx) : ORIGIN = 0x08000000 + 16K, LENGTH = 1024K - 16K   /* behind the bootloader */
//!   RAM        : ORIGIN = 0x20000000,       LENGTH = 128K
//! }
//! ```

mod expression;
mod token;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Location, Problem};
use token::{Kind, Token, tokens};

/// What would help wherever mixq does not understand what a linker would.
const BY_HAND: &str = "or leave `memory-x` out and write `flash` and `ram`";

/// The regions that cortex-m-rt calls FLASH and RAM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryX {
    /// The file.
    pub path: PathBuf,
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
        let text = std::fs::read_to_string(path).map_err(|error| Problem::io("read", path, &error))?;
        MemoryX::parse(path, &text)
    }

    /// Reads the text of a linker script; `path` is what messages call it.
    ///
    /// # Errors
    /// What is wrong, with its line and column: a region that is missing, or an expression of more than numbers, K and M,
    /// `+ - * /`, brackets, and ORIGIN and LENGTH of earlier regions.
    pub fn parse(path: &Path, text: &str) -> Result<MemoryX, Error> {
        let source: Arc<str> = text.into();
        let file = File { path, source: source.clone() };
        let tokens = tokens(&file, &source)?;
        let mut parser = Parser { file: &file, tokens: &tokens, next: 0, regions: Vec::new(), memory: None };
        parser.script()?;
        parser.finish()
    }
}

/// A linker script and how to point into it.
struct File<'a> {
    path: &'a Path,
    source: Arc<str>,
}

impl File<'_> {
    fn location(&self, span: std::ops::Range<usize>) -> Location {
        Location { path: self.path.to_path_buf(), source: self.source.clone(), span }
    }

    fn problem(&self, span: std::ops::Range<usize>, message: impl Into<String>) -> Problem {
        Problem::new(message).help(format!("correct it, {BY_HAND}")).at(self.location(span))
    }
}

/// A region that has been read.
struct Named {
    name: String,
    origin: u64,
    length: u64,
    /// Where the length is written.
    at: Location,
}

/// Reads a script from its tokens.
struct Parser<'a> {
    file: &'a File<'a>,
    tokens: &'a [Token<'a>],
    next: usize,
    regions: Vec<Named>,
    /// Where MEMORY is written, if it is.
    memory: Option<Location>,
}

impl<'a> Parser<'a> {
    /// All of it: what is in no `MEMORY { ... }` is passed over.
    fn script(&mut self) -> Result<(), Problem> {
        while let Some(token) = self.take() {
            if token.text == "MEMORY" && self.accept("{") {
                self.memory = Some(self.file.location(token.span()));
                while !self.accept("}") {
                    self.region()?;
                }
            }
        }
        Ok(())
    }

    /// `NAME (attributes) : ORIGIN = expression, LENGTH = expression`.
    fn region(&mut self) -> Result<(), Problem> {
        let name = self.region_name()?;
        let text = &self.file.source[name.clone()];
        if self.regions.iter().any(|region| region.name == text) {
            return Err(self.file.problem(name, format!("the region `{text}` stands there twice")));
        }
        if self.accept("(") {
            while !self.accept(")") {
                self.take().ok_or_else(|| self.expected("`)`"))?;
            }
        }
        self.expect(&[":"])?;
        self.expect(&["ORIGIN", "org", "o"])?;
        self.expect(&["="])?;
        let (origin, _) = self.expression()?;
        self.accept(",");
        self.expect(&["LENGTH", "len", "l"])?;
        self.expect(&["="])?;
        let (length, at) = self.expression()?;
        let at = self.file.location(at);
        self.regions.push(Named { name: text.to_string(), origin, length, at });
        Ok(())
    }

    /// Letters, digits, dots, and hyphens within.
    fn region_name(&mut self) -> Result<std::ops::Range<usize>, Problem> {
        let mut span = self.word("a region's name or `}`")?.span();
        while self.accept("-") {
            span.end = self.word("the rest of a region's name")?.span().end;
        }
        Ok(span)
    }

    fn finish(self) -> Result<MemoryX, Error> {
        let Some(memory) = self.memory else {
            let problem = self.file.problem(0..0, "there is no `MEMORY { ... }`");
            return Err(problem.into());
        };
        let mut problems = Vec::new();
        let mut find = |name: &str| {
            let Some(region) = self.regions.iter().find(|region| region.name == name) else {
                let there: Vec<String> =
                    self.regions.iter().map(|region| format!("`{}`", region.name)).collect();
                let there = if there.is_empty() { "none".to_string() } else { there.join(", ") };
                let problem = Problem::new(format!("`MEMORY` has no region `{name}`, there is {there}"));
                problems.push(
                    problem.help(format!("name it as cortex-m-rt wants, {BY_HAND}")).at(memory.clone()),
                );
                return None;
            };
            if region.length == 0 {
                let message = format!("the region `{name}` has a length of 0 bytes");
                problems.push(self.file.problem(region.at.span.clone(), message));
                return None;
            }
            Some(Region { bytes: region.length, at: region.at.clone() })
        };
        match (find("FLASH"), find("RAM")) {
            (Some(flash), Some(ram)) => Ok(MemoryX { path: self.file.path.to_path_buf(), flash, ram }),
            _ => Err(Error { problems }),
        }
    }

    fn take(&mut self) -> Option<&'a Token<'a>> {
        let token = self.tokens.get(self.next)?;
        self.next += 1;
        Some(token)
    }

    fn word(&mut self, wanted: &str) -> Result<&'a Token<'a>, Problem> {
        match self.tokens.get(self.next) {
            Some(token) if token.kind == Kind::Word => {
                self.next += 1;
                Ok(token)
            }
            _ => Err(self.expected(wanted)),
        }
    }

    fn accept(&mut self, text: &str) -> bool {
        let found = self.tokens.get(self.next).is_some_and(|token| token.text == text);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, texts: &[&str]) -> Result<(), Problem> {
        if texts.iter().any(|text| self.accept(text)) {
            Ok(())
        } else {
            Err(self.expected(&format!("`{}`", texts[0])))
        }
    }

    /// That something else stands at the next token.
    fn expected(&self, wanted: &str) -> Problem {
        match self.tokens.get(self.next) {
            Some(token) => {
                let message = format!("expected {wanted}, found `{}`", token.text.escape_debug());
                self.file.problem(token.span(), message)
            }
            None => {
                let end = self.file.source.len();
                self.file.problem(end..end, format!("expected {wanted}, but the file ends"))
            }
        }
    }
}
