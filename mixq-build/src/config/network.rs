//! The key `network` of a model.

use std::path::Path;

use crate::error::Problem;
use crate::folders;
use crate::import::builtin::PaddingStyle;
use crate::import::{BUILTIN_NAMES, Builtin, NetworkSource, is_foreign};
use crate::toml::{Entry, suggest};

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
    if text.ends_with(".toml") || is_foreign(Path::new(text)) {
        let path = match folders::shared(text) {
            Some(rest) => folders::resolve(rest, &folders::data_folders()),
            None => manifest_dir.join(text),
        };
        return Some(NetworkSource::File(path));
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
        let wrong =
            format!("is `{name}`, which is neither a .toml, .onnx or .tflite file nor a built-in network");
        problems.push(entry.problem(wrong).help(suggest(name, BUILTIN_NAMES)));
    }
    found
}
