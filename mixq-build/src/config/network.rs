//! Where a model's network comes from.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::Problem;
use crate::graph::builtin::{self, PaddingStyle};
use crate::toml::{Entry, suggest};

/// Names of the built-in networks.
pub const BUILTIN_NAMES: &[&str] = &builtin::NAMES;

/// Where a model's network comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum NetworkSource {
    /// A layer list in TOML; the path is joined to the package's folder.
    File(PathBuf),
    /// A network that mixq knows.
    Builtin(Builtin),
}

/// A built-in network with its options.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Builtin {
    /// One of [`BUILTIN_NAMES`].
    pub name: String,
    /// Factor on the channels of the inner layers, over 0.
    pub width: f64,
    /// Height of the image in pixels, and its width where the network takes square images.
    pub resolution: usize,
    /// Channels of the image.
    pub channels: usize,
    /// Classes, at least 2; `None`: as many as the published network has.
    pub classes: Option<usize>,
    /// Stride of the first layer; `None`: the published one.
    pub stem_stride: Option<usize>,
    /// Whose padding the windows have.
    pub padding: PaddingStyle,
}

impl Builtin {
    /// The network as published: its full width and its own image; `None` if there is none of this name.
    pub fn published(name: &str) -> Option<Builtin> {
        let builtin::Options { width, resolution, channels, stem_stride, padding, .. } =
            builtin::published(name)?;
        let name = name.to_string();
        Some(Builtin { name, width, resolution, channels, classes: None, stem_stride, padding })
    }

    /// The same as options of [`builtin::spec`].
    pub fn options(&self) -> builtin::Options {
        let published = builtin::published(&self.name).map(|published| published.classes);
        builtin::Options {
            width: self.width,
            resolution: self.resolution,
            channels: self.channels,
            // A name that does not exist is refused for that, whatever the classes.
            classes: self.classes.or(published).unwrap_or(2),
            stem_stride: self.stem_stride,
            padding: self.padding,
        }
    }
}

/// Reads `network = ...` of a model.
pub(super) fn read(
    entry: &Entry<'_>,
    manifest_dir: &Path,
    problems: &mut Vec<Problem>,
) -> Option<NetworkSource> {
    if entry.is_table() {
        return read_table(entry, problems).map(NetworkSource::Builtin);
    }
    if entry.as_str().is_none() {
        problems.push(entry.wrong_type("a file's path, a built-in network's name or a table"));
        return None;
    }
    let text = entry.string(problems)?;
    if text.ends_with(".toml") {
        return Some(NetworkSource::File(manifest_dir.join(text)));
    }
    find(entry, text, problems).map(NetworkSource::Builtin)
}

fn read_table(entry: &Entry<'_>, problems: &mut Vec<Problem>) -> Option<Builtin> {
    let table = entry.table(problems)?;
    let keys = ["builtin", "width", "resolution", "channels", "classes", "stem-stride", "padding"];
    table.allow(&keys, problems);
    let builtin = match table.get("builtin") {
        Some(name) => name.string(problems).and_then(|text| find(&name, text, problems)),
        None => {
            let problem = entry.problem("has no `builtin`").help("for a file write network = \"path.toml\"");
            problems.push(problem);
            None
        }
    };
    // The other keys are checked even if the name is wrong.
    let width = table.get("width").and_then(|e| e.number(|n| n > 0.0, "over 0", problems));
    let resolution = table.get("resolution").and_then(|e| e.integer(1, problems));
    let channels = table.get("channels").and_then(|e| e.integer(1, problems));
    let classes = table.get("classes").and_then(|e| e.integer(2, problems));
    let stem_stride = table.get("stem-stride").and_then(|e| e.integer(1, problems));
    let padding = table.get("padding").and_then(|e| e.choice(&PaddingStyle::CHOICES, problems));
    let builtin = builtin?;
    Some(Builtin {
        width: width.unwrap_or(builtin.width),
        resolution: resolution.unwrap_or(builtin.resolution),
        channels: channels.unwrap_or(builtin.channels),
        classes,
        stem_stride: stem_stride.or(builtin.stem_stride),
        padding: padding.unwrap_or(builtin.padding),
        name: builtin.name,
    })
}

fn find(entry: &Entry<'_>, name: &str, problems: &mut Vec<Problem>) -> Option<Builtin> {
    let found = Builtin::published(name);
    if found.is_none() {
        let wrong = format!("is `{name}`, which is neither a .toml file nor a built-in network");
        problems.push(entry.problem(wrong).help(suggest(name, BUILTIN_NAMES)));
    }
    found
}
