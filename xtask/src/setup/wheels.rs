//! libtorch for the CPU out of PyPI's wheels.
//!
//! The wheel of torch is a CUDA build. Without `libtorch_cuda.so` the bindings link the CPU alone; two small CUDA
//! libraries must be there all the same, since `libtorch_cpu.so` names them.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use zip::ZipArchive;

use super::libtorch::VERSION;
use super::system;
use crate::process;

/// What `lib` holds.
pub const LIBRARIES: [&str; 6] =
    ["libtorch_cpu.so", "libtorch.so", "libc10.so", "libgomp.so.1", "libcudart.so.13", "libcupti.so.13"];

/// The CUDA packages beside torch.
const CUDA: [&str; 2] = ["nvidia-cuda-runtime==13.5.37", "nvidia-cuda-cupti==13.5.25"];

/// pip takes these literally, not as "at least".
const PLATFORMS: [&str; 4] =
    ["manylinux_2_28_x86_64", "manylinux_2_25_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"];

/// Downloads the wheels and unpacks `include` and `lib` into an empty folder.
///
/// # Errors
/// If this is no Linux on x86-64, without pip, without network, on a full disk.
pub fn fetch(folder: &Path) -> Result<()> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        bail!(
            "this is known to work on Linux on x86-64 only; elsewhere `pip install torch=={VERSION}` and set LIBTORCH \
             to what `python3 -c 'import torch; print(torch.__path__[0])'` prints"
        );
    }
    system::PIP.ensure()?;
    let wheels = folder.join("wheels");
    eprintln!("fetching libtorch {VERSION}: 540 MB, once for all clones");
    process::run(&mut pip(&wheels)).context("downloading the wheels of torch failed")?;
    let found = fs::read_dir(&wheels)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    unpack(&found, folder)?;
    fs::remove_dir_all(&wheels).with_context(|| format!("cannot remove {}", wheels.display()))
}

fn pip(wheels: &Path) -> Command {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:"]);
    // Whatever Python is here: nothing of Python is used.
    pip.args(["--python-version", "3.11", "--implementation", "cp"]);
    pip.args(PLATFORMS.iter().flat_map(|platform| ["--platform", platform]));
    pip.arg("--dest").arg(wheels).arg(format!("torch=={VERSION}")).args(CUDA);
    pip
}

/// Unpacks what is wanted of the wheels.
fn unpack(wheels: &[PathBuf], folder: &Path) -> Result<()> {
    let mut archives = Vec::new();
    let mut total = 0;
    for wheel in wheels {
        let mut archive = File::open(wheel)
            .map_err(Into::into)
            .and_then(ZipArchive::new)
            .with_context(|| format!("cannot read {}", wheel.display()))?;
        for index in 0..archive.len() {
            let entry = archive.by_index(index)?;
            total += wanted(&entry.name()?).map_or(0, |_| entry.size());
        }
        archives.push(archive);
    }
    let style = ProgressStyle::with_template("unpacking {bar:30} {bytes} of {total_bytes}, {eta} left")?;
    let bar = ProgressBar::new(total).with_style(style);
    for archive in &mut archives {
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index)?;
            let Some(path) = wanted(&entry.name()?) else { continue };
            let path = folder.join(path);
            let written = path
                .parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| io::copy(&mut entry, &mut bar.wrap_write(File::create(&path)?)));
            written.with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    bar.finish_and_clear();
    Ok(())
}

/// Where an entry of a wheel goes, if it is wanted.
fn wanted(name: &str) -> Option<PathBuf> {
    let path = Path::new(name);
    // A name that would lead elsewhere is none of ours.
    let plain = path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
    if !plain || name.ends_with('/') {
        return None;
    }
    if let Ok(header) = path.strip_prefix("torch/include") {
        return Some(Path::new("include").join(header));
    }
    let (folder, file) = (path.parent()?, path.file_name()?.to_str()?);
    let ours = folder == Path::new("torch/lib") || folder.starts_with("nvidia");
    (ours && LIBRARIES.contains(&file)).then(|| Path::new("lib").join(file))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    #[test]
    fn headers_and_the_needed_libraries_are_wanted_and_nothing_else() {
        let to = |name: &str| wanted(name).map(|path| path.display().to_string());
        assert_eq!(to("torch/include/ATen/ATen.h").as_deref(), Some("include/ATen/ATen.h"));
        assert_eq!(to("torch/lib/libtorch_cpu.so").as_deref(), Some("lib/libtorch_cpu.so"));
        assert_eq!(to("nvidia/cu13/lib/libcupti.so.13").as_deref(), Some("lib/libcupti.so.13"));
        for name in [
            "torch/lib/libtorch_cuda.so",
            "torch/include/",
            "torch/__init__.py",
            "torch/include/../../../escape.h",
            "/torch/include/absolute.h",
            "torch/bin/libc10.so",
        ] {
            assert_eq!(to(name), None, "{name}");
        }
    }

    #[test]
    fn wheels_are_unpacked_to_the_last_byte() {
        let folder = tempfile::tempdir().unwrap();
        let wheel = folder.path().join("torch.whl");
        let library: Vec<u8> =
            (0..100_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let mut zip = ZipWriter::new(File::create(&wheel).unwrap());
        for (name, bytes) in [
            ("torch/include/a/b.h", &b"#pragma once"[..]),
            ("torch/lib/libc10.so", &library),
            ("torch/lib/libtorch_cuda.so", b"large"),
        ] {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap();

        let to = folder.path().join("to");
        unpack(&[wheel], &to).unwrap();
        assert_eq!(fs::read(to.join("include/a/b.h")).unwrap(), b"#pragma once");
        assert!(fs::read(to.join("lib/libc10.so")).unwrap() == library);
        assert_eq!(fs::read_dir(to.join("lib")).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_wheel_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let wheel = folder.path().join("broken.whl");
        fs::write(&wheel, "no archive").unwrap();
        let error = unpack(std::slice::from_ref(&wheel), folder.path()).unwrap_err();
        assert!(format!("{error:#}").starts_with(&format!("cannot read {}: ", wheel.display())), "{error:#}");
    }
}
