//! Cargo.tomls that tests write.

use std::path::Path;

use mixq_build::engine::config::Config;
use mixq_build::engine::error::{Error, Problem};
use tempfile::TempDir;

pub const PACKAGE: &str = "[package]\nname = \"firmware\"\n";
pub const DEVICE: &str = "[package.metadata.mixq.device]\nflash = \"48 KiB\"\nram = \"6 KiB\"\n";
pub const MODEL: &str = "[package.metadata.mixq.models.digits]\nnetwork = \"networks/digits.toml\"\n\
                     dataset = \"data/digits.csv.gz\"\n";

/// A package without code: cargo takes none without a target.
pub fn write(folder: &Path, manifest: &str) {
    std::fs::create_dir_all(folder.join("src")).unwrap();
    std::fs::write(folder.join("src/lib.rs"), "").unwrap();
    std::fs::write(folder.join("Cargo.toml"), manifest).unwrap();
}

pub fn load(manifest: &str) -> Result<Config, Error> {
    let folder = TempDir::new().unwrap();
    write(folder.path(), manifest);
    Config::load(folder.path())
}

/// Loads a Cargo.toml in which a `^` stands before each place that a problem must point at, in order, and
/// compares the problems' texts.
pub fn check(marked: &str, expected: &[&str]) {
    let mut places = Vec::new();
    let (mut line, mut column) = (1, 1);
    for c in marked.chars() {
        match c {
            '^' => places.push((line, column)),
            '\n' => (line, column) = (line + 1, 1),
            _ => column += 1,
        }
    }
    let error = load(&marked.replace('^', "")).expect_err(marked);
    let said = |problem: &Problem| match &problem.help {
        Some(help) => format!("{}; {help}", problem.message),
        None => problem.message.clone(),
    };
    // Places in messages are those of a file in a folder that is gone.
    let folder = error.problems[0].location.as_ref().and_then(|at| at.path.parent()).expect("a place");
    let folder = format!("{}/", folder.display());
    let found: Vec<_> = error.problems.iter().map(|problem| said(problem).replace(&folder, "")).collect();
    assert_eq!(found, expected, "in\n{marked}");
    let at = error.problems.iter().map(|problem| problem.location.as_ref().expect("a place"));
    let at: Vec<_> = at.map(|at| (at.line(), at.column())).collect();
    assert_eq!(at, places, "in\n{marked}");
}

/// The same for lines of the model's table, with everything else right.
pub fn check_model(lines: &str, expected: &[&str]) {
    check(&format!("{PACKAGE}{DEVICE}{MODEL}{lines}\n"), expected);
}

/// The same for lines of the model's training.
pub fn check_training(lines: &str, expected: &[&str]) {
    check_model(&format!("[package.metadata.mixq.models.digits.training]\n{lines}"), expected);
}

/// The same for the model's `dataset`.
pub fn check_dataset(dataset: &str, expected: &[&str]) {
    let model = "[package.metadata.mixq.models.digits]\nnetwork = \"n.toml\"\ndataset =";
    check(&format!("{PACKAGE}{DEVICE}{model} {dataset}\n"), expected);
}

/// The same for the model's `network`.
pub fn check_network(network: &str, expected: &[&str]) {
    let model = "[package.metadata.mixq.models.digits]\ndataset = \"d.csv\"\nnetwork =";
    check(&format!("{PACKAGE}{DEVICE}{model} {network}\n"), expected);
}
