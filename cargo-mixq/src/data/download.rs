//! Files from the network: resumed where a download broke off, and named only when their checksum is right.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use ureq::http::StatusCode;

use super::check;
use mixq_build::engine::dataset::{Known, KnownFile, VARIABLE, sha256};
use mixq_build::engine::error::{Error, Problem};

/// For a server to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Fetches a file of a dataset from the first source that has it.
pub fn from_any(known: &Known, file: &KnownFile, target: &Path) -> Result<(), Error> {
    if known.sources.is_empty() {
        let message = format!("{} is not to be had from the network: {}", file.name, known.origin);
        let help = format!("set {VARIABLE} to a folder that has {}", file.name);
        return Err(Problem::new(message).help(help).into());
    }
    let mut problems = Vec::new();
    for source in known.sources {
        match download(&format!("{source}{}", file.name), file, target) {
            Ok(()) => return Ok(()),
            Err(problem) => problems.push(problem),
        }
    }
    Err(Error { problems })
}

/// What a file is called until it is whole.
pub fn partial(target: &Path) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!("{name}.partial"))
}

fn download(url: &str, file: &KnownFile, target: &Path) -> Result<(), Problem> {
    let folder = target.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|error| Problem::io("write", folder, &error))?;
    let partial = partial(target);
    let failed = |error| Problem::io("write", &partial, &error);
    let mut options = OpenOptions::new();
    let mut part = options.create(true).append(true).read(true).open(&partial).map_err(failed)?;
    lock(&part, target).map_err(failed)?;
    if target.exists() {
        // Another process was faster.
        return check(target, file);
    }
    fetch(url, &mut part, &partial)?;
    part.sync_all().map_err(failed)?;
    let found = sha256(&partial)?;
    if found != file.sha256 {
        remove(&partial);
        let message =
            format!("{url} is not the file that mixq knows: its SHA-256 is {found}, not {}", file.sha256);
        return Err(Problem::new(message).help("try again; if that does not help, the source has changed"));
    }
    fs::rename(&partial, target).map_err(failed)
}

/// One process at a time fetches a file.
fn lock(part: &File, target: &Path) -> std::io::Result<()> {
    match part.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::Error(error)) => Err(error),
        Err(TryLockError::WouldBlock) => {
            eprintln!("waiting: another process fetches {}", target.display());
            part.lock()
        }
    }
}

/// Appends what is missing.
fn fetch(url: &str, part: &mut File, partial: &Path) -> Result<(), Problem> {
    let failed = |error| Problem::io("write", partial, &error);
    let mut have = part.seek(SeekFrom::End(0)).map_err(failed)?;
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(PATIENCE))
        .timeout_recv_response(Some(PATIENCE))
        .user_agent(concat!("mixq/", env!("CARGO_PKG_VERSION")));
    let agent = ureq::Agent::new_with_config(config.build());
    let mut request = agent.get(url);
    if have > 0 {
        request = request.header("Range", format!("bytes={have}-"));
    }
    let response = request.call().map_err(|error| unreachable_source(url, &error.to_string()))?;
    match response.status() {
        StatusCode::PARTIAL_CONTENT => {}
        // All is there, or more than that: the checksum tells.
        StatusCode::RANGE_NOT_SATISFIABLE => return Ok(()),
        StatusCode::OK => {
            part.set_len(0).map_err(failed)?;
            have = 0;
        }
        status => return Err(unreachable_source(url, &format!("the server answers {status}"))),
    }
    let length = response.body().content_length();
    let bar = bar(url, have, length);
    let mut body = response.into_body().into_reader();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = body.read(&mut buffer).map_err(|error| {
            let message = format!("{url} broke off after {} B: {error}", bar.position());
            Problem::new(message).help("run the command again: it goes on from there")
        })?;
        if count == 0 {
            break;
        }
        part.write_all(&buffer[..count]).map_err(failed)?;
        bar.inc(count as u64);
    }
    bar.finish_and_clear();
    Ok(())
}

fn unreachable_source(url: &str, reason: &str) -> Problem {
    let help = format!("check the network, or set {VARIABLE} to a folder that has the file");
    Problem::new(format!("cannot fetch {url}: {reason}")).help(help)
}

fn bar(url: &str, have: u64, length: Option<u64>) -> ProgressBar {
    let name = url.rsplit('/').next().unwrap_or(url).to_string();
    let style = "{msg} {bar:30} {bytes} of {total_bytes}, {eta} left";
    let style = ProgressStyle::with_template(style).expect("a valid template");
    let bar = ProgressBar::new(have + length.unwrap_or(0)).with_style(style).with_message(name);
    bar.set_position(have);
    bar.reset_eta();
    bar
}

/// A file that is of no use; that it stays is no reason to fail.
fn remove(path: &PathBuf) {
    let _ = fs::remove_file(path);
}
