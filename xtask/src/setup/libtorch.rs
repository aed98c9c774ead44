//! libtorch, which `cargo mixq setup` finds or fetches.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

use super::system;
use crate::mixq::{Mixq, Profile};

/// A folder with `lib` and `include` of libtorch.
#[derive(Debug, Deserialize)]
pub struct Libtorch {
    /// Absolute; what LIBTORCH has to be.
    #[serde(rename = "libtorch")]
    pub folder: PathBuf,
    /// Its version.
    #[serde(rename = "libtorch_version")]
    pub version: String,
    /// Whether it came from the network just now.
    #[serde(rename = "libtorch_fetched")]
    pub fetched: bool,
}

/// Finds libtorch, or fetches it.
///
/// # Errors
/// If LIBTORCH names something else, or libtorch cannot be fetched.
pub fn ensure(profile: Profile) -> Result<Libtorch> {
    eprintln!("compiling cargo-mixq");
    let mixq = Mixq::build(profile, None)?;
    let find = || mixq.json("setup", &["--libtorch-only"]);
    let answer = match find() {
        // It is pip that downloads.
        Err(_) if !system::PIP.there() => {
            system::PIP.ensure()?;
            find()
        }
        answer => answer,
    };
    read(answer?)
}

fn read(answer: Value) -> Result<Libtorch> {
    Libtorch::deserialize(&answer).context("`cargo mixq setup`")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_answer_of_setup_is_read() {
        let answer = json!({
            "ok": true, "libtorch": "/c/libtorch-2.13.0", "libtorch_version": "2.13.0",
            "libtorch_fetched": true,
        });
        let found = read(answer).unwrap();
        assert_eq!((found.folder, found.fetched), (PathBuf::from("/c/libtorch-2.13.0"), true));
        let error = read(json!({ "errors": ["no network"] })).unwrap_err();
        assert!(format!("{error:#}").contains("missing field `libtorch`"), "{error:#}");
    }
}
