//! `cargo mixq data`.

mod download;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use comfy_table::{Attribute, Cell, Table};
use serde_json::{Value, json};

use super::Answer;
use mixq_build::engine::dataset::{KNOWN, Known, KnownFile, VARIABLE, sha256, user_folder};
use mixq_build::engine::error::{Error, Problem, nearest};
use mixq_build::engine::size;

/// What `cargo mixq data` is asked.
#[derive(Args)]
pub struct Arguments {
    /// The dataset; without one, all that are known are listed
    name: Option<String>,
    /// The folder to put it into, instead of the user's cache folder
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> Result<Answer, Error> {
    let Some(name) = &arguments.name else { return Ok(list()) };
    let names = KNOWN.map(|known| known.name);
    let known = KNOWN.iter().find(|known| known.name == name).ok_or_else(|| {
        let help = match nearest(name, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known are {}", names.join(", ")),
        };
        Problem::new(format!("there is no known dataset `{name}`")).help(help)
    })?;
    let shared = std::env::var_os(VARIABLE).filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let got = get(known, shared.as_deref(), arguments.to.as_deref())?;
    let written = match &arguments.to {
        Some(_) => got.path.display().to_string(),
        None => format!("${VARIABLE}/{}", known.path),
    };
    say!("{} {} ({})", got.how, got.path.display(), size::bytes(got.bytes));
    say!("dataset = \"{written}\"");
    let json = json!({
        "ok": true,
        "name": known.name,
        "path": got.path,
        "bytes": got.bytes,
        "fetched": got.fetched,
        "dataset": written,
    });
    Ok(Answer { json, well: true })
}

fn list() -> Answer {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    let titles = ["dataset", "what it is", "in Cargo.toml"];
    table.set_header(titles.map(|title| Cell::new(title).add_attribute(Attribute::Bold)));
    for known in &KNOWN {
        table.add_row([known.name, known.about, &format!("${VARIABLE}/{}", known.path)]);
    }
    say!("{table}");
    let sets: Vec<Value> = KNOWN
        .iter()
        .map(|known| json!({ "name": known.name, "about": known.about, "path": known.path }))
        .collect();
    Answer { json: json!({ "ok": true, "datasets": sets }), well: true }
}

/// A dataset that is there now.
struct Got {
    path: PathBuf,
    /// Of all its files.
    bytes: u64,
    /// Whether anything came from the network.
    fetched: bool,
    how: &'static str,
}

/// Finds, copies or fetches all files of a dataset. What the folder `shared` has stays there, unless it is
/// wanted elsewhere.
fn get(known: &Known, shared: Option<&Path>, to: Option<&Path>) -> Result<Got, Error> {
    if let (Some(shared), None) = (shared, to)
        && known.files.iter().all(|file| known.file_in(shared, file).exists())
    {
        for file in known.files {
            check(&known.file_in(shared, file), file)?;
        }
        return Ok(Got::new(known, shared, false, "there already:")?);
    }
    let own = to.map(Path::to_path_buf).or_else(user_folder).ok_or_else(|| {
        Problem::new("there is no home folder to keep datasets in").help("name a folder with --to")
    })?;
    let (mut fetched, mut copied) = (false, false);
    for file in known.files {
        let target = known.file_in(&own, file);
        if target.exists() {
            check(&target, file)?;
            continue;
        }
        match shared.map(|shared| known.file_in(shared, file)).filter(|path| path.exists()) {
            Some(path) => {
                check(&path, file)?;
                copy(&path, &target)?;
                copied = true;
            }
            None => {
                download::from_any(known, file, &target)?;
                fetched = true;
            }
        }
    }
    let how = match (fetched, copied) {
        (true, _) => "fetched:",
        (false, true) => "copied:",
        (false, false) => "there already:",
    };
    Ok(Got::new(known, &own, fetched, how)?)
}

impl Got {
    fn new(known: &Known, folder: &Path, fetched: bool, how: &'static str) -> Result<Got, Problem> {
        let mut bytes = 0;
        for file in known.files {
            let path = known.file_in(folder, file);
            bytes += fs::metadata(&path).map_err(|error| Problem::io("read", &path, &error))?.len();
        }
        Ok(Got { path: folder.join(known.path), bytes, fetched, how })
    }
}

/// A file must be what it is called.
fn check(path: &Path, file: &KnownFile) -> Result<(), Problem> {
    let found = sha256(path)?;
    if found == file.sha256 {
        return Ok(());
    }
    let message =
        format!("{} is not {}: its SHA-256 is {found}, not {}", path.display(), file.name, file.sha256);
    Err(Problem::new(message).help("remove it and run the command again"))
}

/// Copies a file; a half copy never has its name.
fn copy(from: &Path, to: &Path) -> Result<(), Problem> {
    let folder = to.parent().unwrap_or(Path::new("."));
    let copied = || -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let partial = download::partial(to);
        let mut file = fs::File::create(&partial)?;
        io::copy(&mut fs::File::open(from)?, &mut file)?;
        file.sync_all()?;
        fs::rename(&partial, to)
    };
    copied().map_err(|error| Problem::io("write", to, &error))
}

#[cfg(test)]
mod tests;
