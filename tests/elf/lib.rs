//! What the linker put into firmware: the symbols of its ELF.

use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, bail};
use object::{Object, ObjectSection, ObjectSymbol, SectionKind, SymbolKind};

/// Where the linker puts a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Functions, in flash.
    Code,
    /// Constants, in flash.
    Constants,
    /// Variables, in RAM.
    Ram,
    /// Debug information and others.
    Elsewhere,
}

impl From<SectionKind> for Place {
    fn from(kind: SectionKind) -> Place {
        match kind {
            SectionKind::Text => Place::Code,
            // The merged strings in .rodata make the linker call all of it strings.
            SectionKind::ReadOnlyData | SectionKind::ReadOnlyString => Place::Constants,
            SectionKind::Data | SectionKind::UninitializedData => Place::Ram,
            _ => Place::Elsewhere,
        }
    }
}

#[derive(Debug)]
struct Symbol {
    /// Demangled, without hash.
    path: String,
    address: u64,
    bytes: u64,
    place: Place,
}

/// The symbols of an ELF.
#[derive(Debug)]
pub struct Elf(Vec<Symbol>);

impl Elf {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, or is not an ELF.
    pub fn read(path: &Path) -> Result<Elf> {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Elf::parse(&bytes).with_context(|| path.display().to_string())
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// If they are not an ELF.
    pub fn parse(bytes: &[u8]) -> Result<Elf> {
        let elf = object::File::parse(bytes).context("the firmware is not an ELF")?;
        let read = |symbol: object::Symbol<'_, '_>| {
            let path = format!("{:#}", rustc_demangle::demangle(symbol.name().ok()?));
            let section = symbol.section_index().and_then(|index| elf.section_by_index(index).ok());
            let (place, address) = match symbol.kind() {
                // The lowest bit says that it is Thumb code.
                SymbolKind::Text => (Place::Code, symbol.address() & !1),
                _ => (section.map_or(Place::Elsewhere, |section| section.kind().into()), symbol.address()),
            };
            Some(Symbol { path, address, bytes: symbol.size(), place })
        };
        Ok(Elf(elf.symbols().filter_map(read).collect()))
    }

    /// The one symbol in that place whose path ends so.
    fn one(&self, place: Place, end: &str) -> Result<&Symbol> {
        let wanted =
            |symbol: &&Symbol| symbol.bytes > 0 && symbol.place == place && symbol.path.ends_with(end);
        let found: Vec<&Symbol> = self.0.iter().filter(wanted).collect();
        match found[..] {
            [symbol] => Ok(symbol),
            _ => {
                let paths: Vec<&str> = found.iter().map(|symbol| symbol.path.as_str()).collect();
                let found = if paths.is_empty() { "none".to_string() } else { paths.join(", ") };
                bail!("the firmware should have one symbol {end} in {place:?}, found: {found}")
            }
        }
    }

    /// Bytes of the one symbol in that place whose path ends so.
    ///
    /// # Errors
    /// If there is none, or several.
    pub fn bytes(&self, place: Place, end: &str) -> Result<u64> {
        Ok(self.one(place, end)?.bytes)
    }

    /// Bytes of all symbols in that place.
    pub fn total(&self, place: Place) -> u64 {
        self.0.iter().filter(|symbol| symbol.place == place).map(|symbol| symbol.bytes).sum()
    }

    /// Bytes of a model's constants: its layer table and its parameters.
    ///
    /// # Errors
    /// If they are not there, each once.
    pub fn constants(&self, model: &str) -> Result<u64> {
        let bytes = |table| self.bytes(Place::Constants, &format!("::{model}::{table}"));
        Ok(bytes("LAYERS")? + bytes("PARAMETERS")?)
    }

    /// Address of the one function whose path ends so.
    ///
    /// # Errors
    /// If there is none, or several.
    pub fn address(&self, end: &str) -> Result<u64> {
        Ok(self.one(Place::Code, end)?.address)
    }

    /// Addresses of the functions whose path begins so; of methods too.
    pub fn functions(&self, prefix: &str) -> Vec<Range<u64>> {
        self.ranges(|path| path.trim_start_matches('<').starts_with(prefix))
    }

    /// Addresses of the functions whose path has this part.
    pub fn functions_with(&self, part: &str) -> Vec<Range<u64>> {
        self.ranges(|path| path.contains(part))
    }

    /// Addresses of the functions that execute the layers of the firmware `networks`: a function a layer, and
    /// one for all layers of a stage, without those that it calls for each of them.
    pub fn layers(&self) -> Vec<Range<u64>> {
        self.ranges(|path| path.contains("::written::n") && !path.contains("::on_rows"))
    }

    fn ranges(&self, wanted: impl Fn(&str) -> bool) -> Vec<Range<u64>> {
        let found = self.0.iter().filter(|symbol| symbol.place == Place::Code && wanted(&symbol.path));
        let mut ranges: Vec<_> = found.map(|symbol| symbol.address..symbol.address + symbol.bytes).collect();
        // One function may have several names.
        ranges.sort_by_key(|range| (range.start, range.end));
        ranges.dedup();
        ranges
    }

    /// Bytes of the functions whose path begins so.
    ///
    /// # Errors
    /// If there are none.
    pub fn code(&self, prefix: &str) -> Result<u64> {
        match self.functions(prefix).into_iter().map(|range| range.end - range.start).sum() {
            0 => bail!("the firmware has no functions {prefix}"),
            bytes => Ok(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Place::{Code, Constants, Elsewhere, Ram};
    use super::*;

    /// Path, address, bytes, place.
    fn elf(symbols: &[(&str, u64, u64, Place)]) -> Elf {
        let symbol = |(path, address, bytes, place): &(&str, u64, u64, Place)| Symbol {
            path: path.to_string(),
            address: *address,
            bytes: *bytes,
            place: *place,
        };
        Elf(symbols.iter().map(symbol).collect())
    }

    #[test]
    fn tables_parameters_and_network_are_counted() {
        let elf = elf(&[
            ("digits::digits::LAYERS", 0, 456, Constants),
            ("digits::digits::PARAMETERS", 0, 44_708, Constants),
            ("digits::other::LAYERS", 0, 1000, Constants),
            ("digits::main::NETWORK", 0, 6144, Ram),
            ("digits::main::NETWORK", 0, 12, Elsewhere),
        ]);
        assert_eq!(elf.constants("digits").unwrap(), 45_164);
        assert_eq!(elf.bytes(Ram, "::NETWORK").unwrap(), 6144);
        assert_eq!([Constants, Ram, Code].map(|place| elf.total(place)), [46_164, 6144, 0]);
    }

    #[test]
    fn functions_are_counted_once() {
        let elf = elf(&[
            ("mixq_rt::run", 100, 10, Code),
            ("mixq_rt::same", 100, 10, Code),
            ("<mixq_rt::Arena>::bytes", 200, 4, Code),
            ("mixq_rt::TABLE", 300, 50, Constants),
            ("bench::w6::run", 400, 6, Code),
        ]);
        assert_eq!(elf.functions("mixq_rt::"), [100..110, 200..204]);
        assert_eq!(elf.code("mixq_rt::").unwrap(), 14);
        assert_eq!(elf.address("::w6::run").unwrap(), 400);
        assert!(elf.code("other::").unwrap_err().to_string().contains("no functions other::"));
    }

    #[test]
    fn missing_and_ambiguous_symbols_are_errors() {
        let error = elf(&[]).constants("digits").unwrap_err().to_string();
        assert!(error.contains("::digits::LAYERS") && error.ends_with("found: none"), "{error}");
        let twice = elf(&[("d::a::NETWORK", 0, 1, Ram), ("d::b::NETWORK", 0, 1, Ram)]);
        let error = twice.bytes(Ram, "::NETWORK").unwrap_err().to_string();
        assert!(error.ends_with("found: d::a::NETWORK, d::b::NETWORK"), "{error}");
    }

    #[test]
    fn what_is_not_an_elf_is_refused() {
        let error = Elf::parse(b"not an ELF at all").unwrap_err().to_string();
        assert_eq!(error, "the firmware is not an ELF");
    }
}
