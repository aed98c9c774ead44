//! What a network takes in a linked firmware, by the linker's own account.

use anyhow::{Context, Result, bail};
use object::{Object, ObjectSection, ObjectSymbol, SectionKind};

/// Bytes in the ELF.
#[derive(Debug, PartialEq, Eq)]
pub struct Memory {
    /// Bytes of constants: the layer table and the parameters of the model.
    pub flash: u64,
    /// Bytes of RAM: the static NETWORK.
    pub ram: u64,
}

/// Where the linker puts a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Constants, in flash.
    Constants,
    /// Zeros at start, in RAM.
    Zeros,
    /// Code, debug information and others.
    Elsewhere,
}

impl From<SectionKind> for Place {
    fn from(kind: SectionKind) -> Place {
        match kind {
            // The merged strings in .rodata make the linker call all of it strings.
            SectionKind::ReadOnlyData | SectionKind::ReadOnlyString => Place::Constants,
            SectionKind::UninitializedData => Place::Zeros,
            _ => Place::Elsewhere,
        }
    }
}

/// A symbol: path, bytes, place.
type Symbol = (String, u64, Place);

/// Reads the bytes of `model` from a firmware that has one `static NETWORK` of it.
///
/// # Errors
/// If this is no ELF, or has not exactly these symbols.
pub fn memory(elf: &[u8], model: &str) -> Result<Memory> {
    let elf = object::File::parse(elf).context("the firmware is no ELF")?;
    let read = |symbol: object::Symbol<'_, '_>| {
        let section = elf.section_by_index(symbol.section_index()?).ok()?;
        let path = format!("{:#}", rustc_demangle::demangle(symbol.name().ok()?));
        Some((path, symbol.size(), section.kind().into()))
    };
    sum(&elf.symbols().filter_map(read).collect::<Vec<_>>(), model)
}

fn sum(symbols: &[Symbol], model: &str) -> Result<Memory> {
    let constants = |name| size(symbols, &format!("::{model}::{name}"), Place::Constants);
    Ok(Memory {
        flash: constants("LAYERS")? + constants("PARAMETERS")?,
        ram: size(symbols, "::NETWORK", Place::Zeros)?,
    })
}

/// Bytes of the one symbol in that place whose path ends so.
fn size(symbols: &[Symbol], end: &str, place: Place) -> Result<u64> {
    let found: Vec<&Symbol> =
        symbols.iter().filter(|(path, size, at)| *size > 0 && *at == place && path.ends_with(end)).collect();
    match found[..] {
        [(_, size, _)] => Ok(*size),
        _ => {
            let paths: Vec<&str> = found.iter().map(|(path, ..)| path.as_str()).collect();
            let found = if paths.is_empty() { "none".to_string() } else { paths.join(", ") };
            let place = format!("{place:?}").to_lowercase();
            bail!("the firmware should have one symbol {end} among its {place}, found: {found}")
        }
    }
}

#[cfg(test)]
mod tests {
    use Place::{Constants, Elsewhere, Zeros};

    use super::*;

    fn symbols(given: &[(&str, u64, Place)]) -> Vec<Symbol> {
        given.iter().map(|(path, size, place)| (path.to_string(), *size, *place)).collect()
    }

    #[test]
    fn tables_parameters_and_network_are_counted() {
        let symbols = symbols(&[
            ("digits::digits::LAYERS", 456, Constants),
            ("digits::digits::PARAMETERS", 44_708, Constants),
            ("digits::other::LAYERS", 1000, Constants),
            ("digits::main::NETWORK", 6144, Zeros),
            ("digits::main::NETWORK", 12, Elsewhere),
        ]);
        assert_eq!(sum(&symbols, "digits").unwrap(), Memory { flash: 45_164, ram: 6144 });
    }

    #[test]
    fn missing_and_ambiguous_symbols_are_errors() {
        let error = sum(&[], "digits").unwrap_err().to_string();
        assert!(error.contains("::digits::LAYERS") && error.ends_with("found: none"), "{error}");
        let twice = symbols(&[
            ("d::digits::LAYERS", 1, Constants),
            ("d::digits::PARAMETERS", 1, Constants),
            ("d::a::NETWORK", 1, Zeros),
            ("d::b::NETWORK", 1, Zeros),
        ]);
        let error = sum(&twice, "digits").unwrap_err().to_string();
        assert!(error.ends_with("found: d::a::NETWORK, d::b::NETWORK"), "{error}");
    }

    #[test]
    fn what_is_no_elf_is_refused() {
        assert!(memory(b"not an ELF at all", "digits").is_err());
    }
}
