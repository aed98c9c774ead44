//! Tables that are meant for mixq, but stand where mixq does not read them.

use std::path::Path;

use super::defaults::Defaults;
use crate::error::{Error, Problem};
use crate::toml::{Entry, File};

/// The tables that are read.
const PLACES: [&str; 2] = ["package.metadata.mixq", "workspace.metadata.mixq"];

/// How deep those lie; nothing deeper is looked at.
const DEPTH: usize = 3;

/// Tables in a Cargo.toml that are called `mixq`, or nearly so, and have settings of mixq, but are not read:
/// `[package.metadata.mixqq]`, `[package.mixq]`, `[metadata.mixq]`.
///
/// # Errors
/// The file cannot be read, or is not TOML.
pub fn in_manifest(path: &Path) -> Result<Vec<Problem>, Error> {
    Ok(all(&File::read(path)?))
}

pub(super) fn all(manifest: &File) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut open: Vec<(Entry<'_>, usize)> = manifest.root().entries().map(|entry| (entry, 1)).collect();
    while let Some((entry, depth)) = open.pop() {
        // Values that are not tables are checked elsewhere.
        let Some(table) = entry.table(&mut Vec::new()) else { continue };
        if near(entry.name) {
            let known = |key: &str| key == "models" || Defaults::KEYS.contains(&key);
            if !PLACES.contains(&plain(&entry).as_str())
                && table
                    .entries()
                    .any(|inner| known(inner.name) && (inner.is_table() || inner.as_str().is_some()))
            {
                problems.push(problem(&entry));
            }
        } else if depth < DEPTH {
            open.extend(table.entries().map(|inner| (inner, depth + 1)));
        }
    }
    problems
}

fn problem(entry: &Entry<'_>) -> Problem {
    let right = if entry.path.starts_with("workspace") { PLACES[1] } else { PLACES[0] };
    let message = format!("mixq does not read [{}]", entry.path);
    Problem::new(message).help(format!("call it [{right}]")).at(entry.key_location())
}

/// The path without the quotes that keys may have.
fn plain(entry: &Entry<'_>) -> String {
    entry.path.replace(['"', '\''], "")
}

/// At most one letter besides `mixq`, in any case.
fn near(name: &str) -> bool {
    strsim::osa_distance(&name.to_lowercase(), "mixq") <= 1
}
