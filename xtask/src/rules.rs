//! Rules of CONTRIBUTING.md that a program can check.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::process::{cargo, repository};

/// Characters of a line.
const LONGEST_LINE: usize = 110;

/// Lines of a Rust file.
const LONGEST_FILE: usize = 350;

/// Pages that programs write.
const GENERATED: &str = "docs/";

/// What git answers; `None` where this is not a repository.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).current_dir(repository("")).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn no_line_is_longer_than_110_characters() {
    let Some(files) = git(&["ls-files", "*.rs", "*.md", "*.toml"]) else { return };
    let mut long = Vec::new();
    for file in files.lines().filter(|file| !file.starts_with(GENERATED)) {
        // A file that was removed is in git's list until that is committed.
        let Ok(text) = fs::read_to_string(repository(file)) else { continue };
        for (number, line) in text.lines().enumerate() {
            let is_table = file.ends_with(".md") && line.starts_with('|');
            if line.chars().count() > LONGEST_LINE && !is_table {
                long.push(format!("{file}:{}", number + 1));
            }
        }
    }
    assert!(long.is_empty(), "longer than {LONGEST_LINE} characters:\n{}", long.join("\n"));
}

#[test]
fn no_rust_file_has_more_than_350_lines() {
    let Some(files) = git(&["ls-files", "*.rs"]) else { return };
    let lines = |file: &str| fs::read_to_string(repository(file)).map_or(0, |text| text.lines().count());
    let long: Vec<String> = (files.lines().map(|file| (file, lines(file))))
        .filter(|(_, lines)| *lines > LONGEST_FILE)
        .map(|(file, lines)| format!("{file}: {lines}"))
        .collect();
    assert!(long.is_empty(), "more than {LONGEST_FILE} lines; split by subject:\n{}", long.join("\n"));
}

/// Rooms of mixq-build that each file names, by the room of the file. `lib.rs` and `engine.rs` name all.
fn uses_of_rooms() -> BTreeMap<String, BTreeSet<String>> {
    let files = git(&["ls-files", "mixq-build/src"]).unwrap_or_default();
    let room = |file: &str| file.split(['/', '.']).nth(2).unwrap_or_default().to_string();
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files.lines().filter(|file| !["lib", "engine"].contains(&room(file).as_str())) {
        let text = fs::read_to_string(repository(file)).unwrap_or_default();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let used = uses.entry(room(file)).or_default();
        for path in code.split("crate::").skip(1) {
            let end = path.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(path.len());
            used.insert(path[..end].to_string());
        }
        used.remove(&room(file));
    }
    uses
}

#[test]
fn rooms_do_not_use_each_other_in_a_circle() {
    let mut uses = uses_of_rooms();
    // A room that uses none of those that remain is not in a circle.
    while let Some(free) = uses
        .iter()
        .find(|(_, used)| !used.iter().any(|room| uses.contains_key(room)))
        .map(|(room, _)| room.clone())
    {
        uses.remove(&free);
    }
    assert!(uses.is_empty(), "{uses:#?}");
}

/// What stands in quotes between `allow = [` and `]`.
fn allowed(deny: &str) -> BTreeSet<&str> {
    let list = deny.split_once("allow = [").and_then(|(_, rest)| rest.split_once(']'));
    list.expect("deny.toml has a list of licences").0.split('"').skip(1).step_by(2).collect()
}

/// Whether the licences that are allowed satisfy an SPDX expression: `OR` binds less than `AND`.
fn satisfied(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    any(&words, &mut 0, allowed)
}

fn any(words: &[&str], at: &mut usize, allowed: &BTreeSet<&str>) -> bool {
    let mut found = all(words, at, allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        found |= all(words, at, allowed);
    }
    found
}

fn all(words: &[&str], at: &mut usize, allowed: &BTreeSet<&str>) -> bool {
    let mut found = one(words, at, allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        found &= one(words, at, allowed);
    }
    found
}

fn one(words: &[&str], at: &mut usize, allowed: &BTreeSet<&str>) -> bool {
    let word = words.get(*at).copied().unwrap_or_default();
    *at += 1;
    if word == "(" {
        let found = any(words, at, allowed);
        *at += 1;
        return found;
    }
    // An exception allows more than the licence that it is from.
    if words.get(*at) == Some(&"WITH") {
        *at += 2;
    }
    allowed.contains(word)
}

#[test]
fn expressions_of_licences_are_understood() {
    let allowed = BTreeSet::from(["MIT", "ISC"]);
    for expression in ["MIT", "GPL-3.0 OR MIT", "GPL-3.0/MIT", "MIT AND ISC", "(GPL-3.0 OR ISC) AND MIT"] {
        assert!(satisfied(expression, &allowed), "{expression}");
    }
    for expression in ["GPL", "", "MIT AND GPL", "GPL AND ISC OR GPL-2.0", "(GPL) AND (MIT)"] {
        assert!(!satisfied(expression, &allowed), "{expression}");
    }
}

#[test]
fn all_dependencies_have_a_licence_that_deny_toml_allows() {
    let deny = fs::read_to_string(repository("deny.toml")).unwrap();
    let allowed = allowed(&deny);
    let output = cargo("").args(["metadata", "--locked", "--all-features", "--format-version", "1"]).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    for package in metadata["packages"].as_array().unwrap() {
        let licence = package["license"].as_str().unwrap_or_default();
        assert!(satisfied(licence, &allowed), "{}: `{licence}`", package["name"]);
    }
}
