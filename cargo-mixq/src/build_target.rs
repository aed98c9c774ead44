//! The Rust target that cargo compiles a package for, if that is not the host.

use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, Value};

/// What `cargo build` in this folder compiles for: by the variable `CARGO_BUILD_TARGET`, or `build.target` of
/// the nearest `.cargo/config.toml`. A list of several targets names none; a file that cannot be read is
/// cargo's to report.
pub fn build_target(folder: &Path) -> Option<String> {
    let named = std::env::var("CARGO_BUILD_TARGET").ok().filter(|target| !target.is_empty());
    named.or_else(|| {
        let folder = std::path::absolute(folder).ok()?;
        folder.ancestors().flat_map(files).find_map(|file| in_file(&file))
    })
}

/// Both names that cargo knows, the older one first.
fn files(folder: &Path) -> [PathBuf; 2] {
    ["config", "config.toml"].map(|name| folder.join(".cargo").join(name))
}

fn in_file(file: &Path) -> Option<String> {
    let document: DocumentMut = std::fs::read_to_string(file).ok()?.parse().ok()?;
    match document.get("build")?.as_table_like()?.get("target")? {
        Item::Value(Value::String(target)) => Some(target.value().clone()),
        Item::Value(Value::Array(targets)) if targets.len() == 1 => {
            Some(targets.get(0)?.as_str()?.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_file_that_names_a_target_counts() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("firmware");
        std::fs::create_dir_all(inner.join(".cargo")).unwrap();
        std::fs::create_dir_all(folder.path().join(".cargo")).unwrap();
        let write = |folder: &Path, text: &str| {
            std::fs::write(folder.join(".cargo/config.toml"), text).unwrap();
            folder.ancestors().take(1).flat_map(files).find_map(|file| in_file(&file))
        };
        assert_eq!(
            write(folder.path(), "[build]\ntarget = \"thumbv6m-none-eabi\"").unwrap(),
            "thumbv6m-none-eabi"
        );
        assert_eq!(write(&inner, "[build]\nrustflags = []"), None);
        assert_eq!(build_target(&inner).as_deref(), Some("thumbv6m-none-eabi"));
        assert_eq!(
            write(&inner, "build = { target = [\"riscv32imac-unknown-none-elf\"] }").as_deref(),
            Some("riscv32imac-unknown-none-elf")
        );
        assert_eq!(write(&inner, "build = { target = [\"a\", \"b\"] }"), None);
        assert_eq!(write(&inner, "not TOML"), None);
    }
}
