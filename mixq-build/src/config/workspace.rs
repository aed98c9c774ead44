//! Which workspace a package belongs to: what cargo itself says.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Problem};
use crate::toml::{Entry, File};

/// The Cargo.toml of the workspace above or beside a package; `None` if the package is in none, or is itself
/// the root.
///
/// `exclude`, `members`, `package.workspace`, nested workspaces and path dependencies decide it, by rules
/// that are cargo's: it is asked with `cargo locate-project --workspace`, which is fast and needs no network.
///
/// # Errors
/// Cargo cannot be started, or refuses the manifest: its own words.
pub(super) fn root(package: &File) -> Result<Option<PathBuf>, Error> {
    let absolute =
        std::path::absolute(&package.path).map_err(|error| Problem::io("find", &package.path, &error))?;
    if alone(package, &absolute) {
        return Ok(None);
    }
    // Cargo tells build scripts, and what it runs, which cargo it is.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(&cargo)
        .args(["locate-project", "--workspace", "--message-format", "plain", "--manifest-path"])
        .arg(&absolute)
        .output();
    let failed = |why: String| {
        let message =
            format!("cargo does not say which workspace {} belongs to: {why}", package.path.display());
        Problem::new(message).help("`cargo locate-project --workspace` in its folder has to succeed")
    };
    let output = output.map_err(|error| failed(format!("{}: {error}", Path::new(&cargo).display())))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = words.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        return Err(failed(lines.join(" ")).at(package.location(0..0)).into());
    }
    let text = String::from_utf8(output.stdout).map_err(|_| failed("its answer is not text".to_string()))?;
    let root = PathBuf::from(text.trim_end_matches(['\r', '\n']));
    Ok(Some(root).filter(|root| !same(root, &absolute)))
}

/// Whether cargo need not be asked: the package is a workspace itself, or there is no other manifest that
/// could be one.
fn alone(package: &File, absolute: &Path) -> bool {
    let named =
        |entry: Entry<'_>| entry.table(&mut Vec::new()).is_some_and(|package| package.contains("workspace"));
    // The first two ancestors are the file itself and its folder.
    let above = || absolute.ancestors().skip(2).any(|folder| folder.join("Cargo.toml").is_file());
    package.root().contains("workspace") || !package.root().get("package").is_some_and(named) && !above()
}

/// Whether two paths lead to one file.
pub(super) fn same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    real(one) == real(other)
}
