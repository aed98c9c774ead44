//! What is known of a linker script and of what it includes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{BY_HAND, File, MemoryX, Region};
use crate::error::{Error, Location, Problem};

/// The names of the region where the constants go, the first that is there: riscv-rt's, then cortex-m-rt's.
const FLASH: [&str; 2] = ["REGION_RODATA", "FLASH"];

/// The names of the region where the arena goes.
const RAM: [&str; 2] = ["REGION_BSS", "RAM"];

/// A region that has been read, or another name of one.
#[derive(Clone)]
pub(super) struct Named {
    pub name: String,
    pub origin: u64,
    pub length: u64,
    /// Where the length is written.
    pub at: Location,
}

/// What is known of a script and of what it includes.
#[derive(Default)]
pub(super) struct Script {
    pub files: Vec<PathBuf>,
    /// Files that are included, but are not in the folder.
    pub elsewhere: Vec<String>,
    pub regions: Vec<Named>,
    pub symbols: BTreeMap<String, i128>,
    /// Where MEMORY is written, if it is.
    pub memory: Option<Location>,
}

impl Script {
    /// The regions that matter.
    ///
    /// # Errors
    /// Those that are missing or empty.
    pub fn finish(self, path: &Path, text: &str) -> Result<MemoryX, Error> {
        let elsewhere = match &self.elsewhere[..] {
            [] => String::new(),
            names => format!(", and {} is not in the same folder", names.join(" and ")),
        };
        let Some(memory) = self.memory else {
            let file = File { path, source: text.into() };
            return Err(file.problem(0..0, format!("there is no `MEMORY {{ ... }}`{elsewhere}")).into());
        };
        let mut problems = Vec::new();
        let mut find = |names: [&str; 2]| {
            let by_name = |name: &&str| self.regions.iter().find(|region| region.name == **name);
            let name = names[1];
            let Some(region) = names.iter().find_map(by_name) else {
                let there: Vec<String> =
                    self.regions.iter().map(|region| format!("`{}`", region.name)).collect();
                let there = if there.is_empty() { "none".to_string() } else { there.join(", ") };
                let message = format!("`MEMORY` has no region `{name}`, there is {there}{elsewhere}");
                let help = format!("name it as cortex-m-rt wants, add REGION_ALIAS({name}, ...), {BY_HAND}");
                problems.push(Problem::new(message).help(help).at(memory.clone()));
                return None;
            };
            if region.length == 0 {
                let message = format!("the region `{}` has a length of 0 bytes", region.name);
                let help = format!("correct it, {BY_HAND}");
                problems.push(Problem::new(message).help(help).at(region.at.clone()));
                return None;
            }
            Some(Region { bytes: region.length, at: region.at.clone() })
        };
        match (find(FLASH), find(RAM)) {
            (Some(flash), Some(ram)) => Ok(MemoryX { files: self.files, flash, ram }),
            _ => Err(Error { problems }),
        }
    }
}
