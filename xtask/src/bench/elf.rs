//! Code in a linked firmware.

use std::ops::Range;

use anyhow::{Context, Result, bail};
use object::{Object, ObjectSymbol, SymbolKind};

/// Functions: demangled path, address, bytes.
fn functions(elf: &[u8]) -> Result<Vec<(String, u64, u64)>> {
    let elf = object::File::parse(elf).context("the firmware is no ELF")?;
    let read = |symbol: object::Symbol<'_, '_>| {
        let path = format!("{:#}", rustc_demangle::demangle(symbol.name().ok()?));
        // The lowest bit says that it is Thumb code.
        let address = symbol.address() & !1;
        (symbol.kind() == SymbolKind::Text).then_some((path, address, symbol.size()))
    };
    Ok(elf.symbols().filter_map(read).collect())
}

/// Bytes of the functions whose path begins so.
///
/// # Errors
/// If this is no ELF, or there are none.
pub fn code(elf: &[u8], prefix: &str) -> Result<u64> {
    let functions = functions(elf)?;
    let mut found: Vec<_> = functions
        .iter()
        .filter(|(path, ..)| path.trim_start_matches('<').starts_with(prefix))
        .map(|(_, address, bytes)| (*address, *bytes))
        .collect();
    // One function may have several names.
    found.sort();
    found.dedup();
    match found.iter().map(|(_, bytes)| bytes).sum() {
        0 => bail!("the firmware has no functions {prefix}"),
        bytes => Ok(bytes),
    }
}

/// Addresses of the functions whose path begins so.
///
/// # Errors
/// If this is no ELF.
pub fn ranges(elf: &[u8], prefix: &str) -> Result<Vec<Range<u64>>> {
    let functions = functions(elf)?.into_iter();
    let found = functions.filter(|(path, ..)| path.starts_with(prefix));
    Ok(found.map(|(_, address, bytes)| address..address + bytes).collect())
}

/// Addresses of the functions whose path has this part.
///
/// # Errors
/// If this is no ELF.
pub fn ranges_with(elf: &[u8], part: &str) -> Result<Vec<Range<u64>>> {
    let found = functions(elf)?.into_iter().filter(|(path, ..)| path.contains(part));
    Ok(found.map(|(_, address, bytes)| address..address + bytes).collect())
}

/// Address of the one function whose path ends so.
///
/// # Errors
/// If this is no ELF, or there is none or several.
pub fn address(elf: &[u8], end: &str) -> Result<u64> {
    let functions = functions(elf)?;
    let found: Vec<_> = functions.iter().filter(|(path, ..)| path.ends_with(end)).collect();
    match found[..] {
        [(_, address, _)] => Ok(*address),
        _ => bail!("the firmware should have one function {end}, it has {}", found.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_elf_is_refused() {
        assert!(code(b"not an ELF", "mixq_rt::").is_err());
        assert!(address(b"not an ELF", "::run").is_err());
    }
}
