//! `LIBTORCH` in the user's own cargo configuration, `$CARGO_HOME/config.toml`, for firmware that trains when
//! it is built.
//!
//! The path is one of this machine, so it belongs in no file of a project. A variable of the environment wins
//! over the entry.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, TableLike, value};

use super::libtorch::VARIABLE;
use mixq_build::engine::error::Problem;

/// Behind the entry: tells people where it comes from, and set-up that it is its own.
const MARK: &str = " # by `cargo mixq setup`, which takes it out again with --undo";

/// What became of the entry.
#[derive(Debug, PartialEq, Eq)]
pub enum Entry {
    /// It was written.
    Written,
    /// It was there already, with this value.
    There,
    /// Somebody else's stands there, with another value, which stays.
    Foreign(String),
}

/// Cargo's folder of the user.
///
/// # Errors
/// There is none: no home folder.
pub fn cargo_home() -> Result<PathBuf, Problem> {
    let named = std::env::var_os("CARGO_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let home = named.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let home = home.ok_or_else(|| Problem::new("there is no home folder").help("set CARGO_HOME"))?;
    std::path::absolute(&home).map_err(|error| Problem::io("find", &home, &error))
}

/// The configuration in cargo's folder; cargo prefers the older of its two names.
pub fn file(cargo_home: &Path) -> PathBuf {
    let old = cargo_home.join("config");
    if old.is_file() { old } else { cargo_home.join("config.toml") }
}

/// Puts a folder of libtorch into the configuration.
///
/// # Errors
/// The file cannot be read or written, or is no TOML.
pub fn enter(file: &Path, libtorch: &Path) -> Result<Entry, Problem> {
    let mut document = read(file)?;
    let libtorch = libtorch.to_str().ok_or_else(|| {
        let message = format!("{} is not a path that TOML can hold", libtorch.display());
        Problem::new(message).help("set XDG_CACHE_HOME to a folder with a name in Unicode")
    })?;
    let table = environment(&mut document, file)?;
    match table.get(VARIABLE) {
        Some(item) if item.as_str() == Some(libtorch) => return Ok(Entry::There),
        Some(item) if !is_own(item) => return Ok(Entry::Foreign(item.to_string().trim().to_string())),
        _ => {}
    }
    let mut entry = value(libtorch);
    if let Some(value) = entry.as_value_mut() {
        value.decor_mut().set_suffix(MARK);
    }
    table.insert(VARIABLE, entry);
    write(file, &document.to_string())?;
    Ok(Entry::Written)
}

/// Takes the entry out again, if set-up wrote it. Whether it was there.
///
/// # Errors
/// As [`enter`].
pub fn remove(file: &Path) -> Result<bool, Problem> {
    let mut document = read(file)?;
    let Some(table) = document.get_mut("env").and_then(Item::as_table_like_mut) else { return Ok(false) };
    if !table.get(VARIABLE).is_some_and(is_own) {
        return Ok(false);
    }
    table.remove(VARIABLE);
    if table.is_empty() {
        document.remove("env");
    }
    let text = document.to_string();
    if text.trim().is_empty() {
        fs::remove_file(file).map_err(|error| Problem::io("remove", file, &error))?;
    } else {
        write(file, &text)?;
    }
    Ok(true)
}

fn is_own(item: &Item) -> bool {
    let suffix = item.as_value().and_then(|value| value.decor().suffix()?.as_str());
    suffix.is_some_and(|suffix| suffix.contains("cargo mixq setup"))
}

/// The table `env`, made if it is not there. On one line a comment would swallow what follows, hence a table
/// of lines.
fn environment<'a>(document: &'a mut DocumentMut, file: &Path) -> Result<&'a mut dyn TableLike, Problem> {
    let item = document.entry("env").or_insert(toml_edit::table());
    if item.is_inline_table() {
        *item = std::mem::take(item).into_table().map_or_else(|item| item, Item::Table);
    }
    item.as_table_like_mut().ok_or_else(|| {
        Problem::new(format!("`env` in {} is not a table", file.display())).help("cargo wants a table there")
    })
}

fn read(file: &Path) -> Result<DocumentMut, Problem> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Problem::io("read", file, &error)),
    };
    text.parse().map_err(|error: toml_edit::TomlError| {
        let reason = error.message().trim().replace('\n', " ");
        Problem::new(format!("{} is no TOML: {reason}", file.display())).help("cargo cannot read it either")
    })
}

/// The file is the old one or the new one, whatever happens; a link stays one.
fn write(file: &Path, text: &str) -> Result<(), Problem> {
    let failed = |error: std::io::Error| Problem::io("write", file, &error);
    let real = file.canonicalize().unwrap_or_else(|_| file.to_path_buf());
    let folder = real.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    let mut temporary = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    temporary.write_all(text.as_bytes()).map_err(failed)?;
    let file_before = fs::metadata(&real);
    if let Ok(before) = &file_before {
        temporary.as_file().set_permissions(before.permissions()).map_err(failed)?;
    }
    temporary.as_file().sync_all().map_err(failed)?;
    temporary.persist(&real).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIBTORCH: &str = "/home/u/.cache/mixq/libtorch-2.13.0";

    /// What becomes of a configuration, and what becomes of that when it is undone.
    fn there_and_back(text: &str) -> (String, String) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        fs::write(&file, text).unwrap();
        assert_eq!(enter(&file, Path::new(LIBTORCH)).unwrap(), Entry::Written);
        let entered = fs::read_to_string(&file).unwrap();
        assert_eq!(enter(&file, Path::new(LIBTORCH)).unwrap(), Entry::There);
        assert_eq!(fs::read_to_string(&file).unwrap(), entered);
        assert!(remove(&file).unwrap());
        assert!(!remove(&file).unwrap());
        (entered, fs::read_to_string(&file).unwrap())
    }

    #[test]
    fn other_entries_their_order_and_comments_stay() {
        let text =
            "# mine\n[build]\njobs = 2 # of 4\n\n[env]\n# needed\nFOO = \"bar\"\n\n[net]\noffline = false\n";
        let (entered, left) = there_and_back(text);
        let line = format!("LIBTORCH = {LIBTORCH:?}{MARK}\n");
        assert_eq!(entered, text.replace("FOO = \"bar\"\n", &format!("FOO = \"bar\"\n{line}")));
        assert_eq!(left, text);
    }

    #[test]
    fn a_table_is_made_and_goes_again() {
        let (entered, left) = there_and_back("[build]\njobs = 2\n");
        assert_eq!(entered, format!("[build]\njobs = 2\n\n[env]\nLIBTORCH = {LIBTORCH:?}{MARK}\n"));
        assert_eq!(left, "[build]\njobs = 2\n");
    }

    #[test]
    fn a_table_on_one_line_becomes_lines() {
        let (entered, left) = there_and_back("env = { FOO = \"bar\" }\n");
        let document: DocumentMut = entered.parse().unwrap();
        assert_eq!(document["env"]["LIBTORCH"].as_str(), Some(LIBTORCH), "{entered}");
        assert_eq!(left.parse::<DocumentMut>().unwrap()["env"]["FOO"].as_str(), Some("bar"), "{left}");
        let (entered, left) = there_and_back("env.FOO = \"bar\"\n");
        assert_eq!(entered, format!("env.FOO = \"bar\"\nenv.LIBTORCH = {LIBTORCH:?}{MARK}\n"));
        assert_eq!(left, "env.FOO = \"bar\"\n");
    }

    #[test]
    fn without_a_configuration_one_is_made_and_removed_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = file(&folder.path().join("cargo"));
        assert_eq!(enter(&file, Path::new(LIBTORCH)).unwrap(), Entry::Written);
        let expected = format!("[env]\nLIBTORCH = {LIBTORCH:?}{MARK}\n");
        assert_eq!(fs::read_to_string(&file).unwrap(), expected);
        // Another folder takes the place of an entry of ours.
        assert_eq!(enter(&file, Path::new("/opt/libtorch")).unwrap(), Entry::Written);
        assert!(fs::read_to_string(&file).unwrap().contains("LIBTORCH = \"/opt/libtorch\" # by "));
        assert!(remove(&file).unwrap());
        assert!(!file.exists());
    }

    #[test]
    fn what_somebody_else_wrote_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        for (own, shown) in [
            ("\"/opt/libtorch\"", "\"/opt/libtorch\""),
            ("{ value = \"lib\", relative = true }", "{ value = \"lib\", relative = true }"),
        ] {
            let text = format!("[env]\nLIBTORCH = {own}\n");
            fs::write(&file, &text).unwrap();
            let found = enter(&file, Path::new(LIBTORCH)).unwrap();
            assert_eq!(found, Entry::Foreign(shown.to_string()));
            assert!(!remove(&file).unwrap());
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
    }

    #[test]
    fn a_configuration_that_cargo_cannot_read_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        for (text, reason) in [("env = 1\n", "`env` in "), ("[env\n", " is no TOML: ")] {
            fs::write(&file, text).unwrap();
            let problem = enter(&file, Path::new(LIBTORCH)).unwrap_err();
            assert!(problem.message.contains(reason), "{problem}");
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
    }

    #[test]
    fn cargo_prefers_the_older_name() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(file(folder.path()), folder.path().join("config.toml"));
        fs::write(folder.path().join("config"), "").unwrap();
        assert_eq!(file(folder.path()), folder.path().join("config"));
    }
}
