//! Rules of CONTRIBUTING.md that a program can check.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::process::{cargo, repository};

/// Characters of a line.
const LONGEST_LINE: usize = 110;

/// Characters of the subject of a commit.
const LONGEST_SUBJECT: usize = 72;

/// Pages that programs write, and files whose lines are not wrapped yet.
const EXCEPTIONS: [&str; 11] = [
    "docs/",
    "experiments/",
    "mixq-build/src/config/",
    "mixq-build/src/convert/",
    "mixq-build/src/dataset/",
    "mixq-build/src/memory/",
    "mixq-build/src/prepare/",
    "mixq-build/tests/config/",
    "mixq-format/",
    "mixq-macros/",
    "tests/bench/",
];

/// What git answers; `None` where this is not a repository.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).current_dir(repository("")).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn no_line_is_longer_than_110_characters() {
    let Some(files) = git(&["ls-files", "*.rs", "*.md", "*.toml"]) else { return };
    let mut long = Vec::new();
    for file in files.lines().filter(|file| !EXCEPTIONS.iter().any(|start| file.starts_with(start))) {
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

/// Of the newest commit only: older ones do not change any more.
#[test]
fn the_subject_of_a_commit_is_short() {
    let Some(subject) = git(&["log", "-1", "--no-merges", "--format=%s"]) else { return };
    let subject = subject.trim_end();
    assert!(subject.chars().count() <= LONGEST_SUBJECT, "over {LONGEST_SUBJECT} characters: {subject}");
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
