//! libtorch for the CPU out of PyPI's wheels.
//!
//! The wheel of torch is a CUDA build. Without `libtorch_cuda.so` the bindings link the CPU alone; two small
//! CUDA libraries must be there all the same, since `libtorch_cpu.so` names them.
//!
//! pip downloads them, because it knows the mirrors, proxies and certificates of its machine. What it brings
//! is used only if its SHA-256 is the one that stands here.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use indicatif::{ProgressBar, ProgressStyle};
use zip::ZipArchive;

use super::libtorch::{VERSION, remove};
use super::programs;
use mixq_build::engine::dataset::sha256;
use mixq_build::engine::error::Problem;

/// Whether there are wheels for this system.
pub const EXIST: bool = cfg!(all(target_os = "linux", target_arch = "x86_64"));

/// What `lib` holds.
pub const LIBRARIES: [&str; 6] =
    ["libtorch_cpu.so", "libtorch.so", "libc10.so", "libgomp.so.1", "libcudart.so.13", "libcupti.so.13"];

/// A file of PyPI.
struct Wheel {
    /// What pip is asked for: exactly this version, no local variant of it.
    requirement: &'static str,
    /// What the file is called.
    file: &'static str,
    /// SHA-256 of its contents in hexadecimal.
    sha256: &'static str,
}

/// torch, and the CUDA packages beside it.
const WHEELS: [Wheel; 3] = [
    Wheel {
        requirement: "torch===2.13.0",
        file: "torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl",
        sha256: "60fcdcb2f3876e21146cb4524ef06397d727ca9ad5f020818547e25075fe3cb7",
    },
    Wheel {
        requirement: "nvidia-cuda-runtime===13.5.37",
        file: "nvidia_cuda_runtime-13.5.37-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        sha256: "df2b79a8852f10d1fef8c848489c49eebb5754051bf870202a862831412b179d",
    },
    Wheel {
        requirement: "nvidia-cuda-cupti===13.5.25",
        file: "nvidia_cuda_cupti-13.5.25-py3-none-manylinux_2_25_x86_64.whl",
        sha256: "9dcca41c12a734192b14e7128ae116bc9ce1b9da686e2ebf48ae7a4415f76650",
    },
];

/// pip takes these literally, not as "at least".
const PLATFORMS: [&str; 4] =
    ["manylinux_2_28_x86_64", "manylinux_2_25_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"];

/// Downloads the wheels and unpacks `include` and `lib` into an empty folder. Wheels that were downloaded
/// before an interruption lie beside that folder and are not downloaded again.
///
/// # Errors
/// If this is no Linux on x86-64, without pip, without network, on a full disk; a wheel that is not the one
/// that mixq knows.
pub fn fetch(folder: &Path) -> Result<(), Problem> {
    if !EXIST {
        let message = "libtorch is fetched on Linux on x86-64 only";
        let help = format!(
            "`pip install torch=={VERSION}`, set LIBTORCH to what `python3 -c 'import torch; \
             print(torch.__path__[0])'` prints, and run `cargo mixq setup` again"
        );
        return Err(Problem::new(message).help(help));
    }
    let wheels = folder.with_extension("wheels");
    fs::create_dir_all(&wheels).map_err(|error| Problem::io("create", &wheels, &error))?;
    eprintln!("fetching libtorch {VERSION}: 540 MB, once");
    let files = WHEELS.iter().map(|wheel| wheel.get(&wheels, pip)).collect::<Result<Vec<_>, _>>()?;
    unpack(&files, folder)?;
    remove(&wheels)
}

impl Wheel {
    /// The file in the folder `wheels`; `download` puts it there, if it is not.
    fn get(
        &self,
        wheels: &Path,
        download: impl FnOnce(&str, &Path) -> Result<(), Problem>,
    ) -> Result<PathBuf, Problem> {
        let path = wheels.join(self.file);
        if path.is_file() && self.check(&path).is_ok() {
            return Ok(path);
        }
        let removed = if path.exists() { fs::remove_file(&path) } else { Ok(()) };
        removed.map_err(|error| Problem::io("remove", &path, &error))?;
        download(self.requirement, wheels)?;
        if !path.is_file() {
            let message = format!("pip brought another file for {} than {}", self.requirement, self.file);
            let help = "PIP_INDEX_URL, PIP_FIND_LINKS and `pip config list` say where pip looks";
            return Err(Problem::new(message).help(help));
        }
        // What is wrong must not be taken for what was left of an interrupted download.
        self.check(&path).inspect_err(|_| drop(fs::remove_file(&path)))?;
        Ok(path)
    }

    /// A file must be what it is called.
    fn check(&self, path: &Path) -> Result<(), Problem> {
        let found = sha256(path)?;
        if found == self.sha256 {
            return Ok(());
        }
        let message = format!(
            "{} is not the file that mixq knows: its SHA-256 should be {}, but is {found}",
            self.file, self.sha256
        );
        let help = "try again; if that does not help, the index or mirror that pip uses has another file";
        Err(Problem::new(message).help(help))
    }
}

/// Downloads what is required into a folder.
fn pip(requirement: &str, wheels: &Path) -> Result<(), Problem> {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:"]);
    // Whatever Python is here: nothing of Python is used.
    pip.args(["--python-version", "3.11", "--implementation", "cp"]);
    pip.args(PLATFORMS.iter().flat_map(|platform| ["--platform", platform]));
    pip.arg("--dest").arg(wheels).arg(requirement);
    programs::run(&mut pip, "downloading the wheels of torch")
        .map_err(|problem| problem.help("check the network, and run `cargo mixq setup` again"))
}

/// Unpacks what is wanted of the wheels.
fn unpack(wheels: &[PathBuf], folder: &Path) -> Result<(), Problem> {
    let unreadable =
        |wheel: &Path, reason: String| Problem::new(format!("cannot read {}: {reason}", wheel.display()));
    let mut archives = Vec::new();
    let mut total = 0;
    for wheel in wheels {
        let failed = |error: zip::result::ZipError| unreadable(wheel, error.to_string());
        let file = File::open(wheel).map_err(|error| Problem::io("read", wheel, &error))?;
        let mut archive = ZipArchive::new(file).map_err(failed)?;
        for index in 0..archive.len() {
            let entry = archive.by_index(index).map_err(failed)?;
            total += wanted(&entry.name().map_err(failed)?).map_or(0, |_| entry.size());
        }
        archives.push((wheel, archive));
    }
    let style = ProgressStyle::with_template("unpacking {bar:30} {bytes} of {total_bytes}, {eta} left");
    let bar = ProgressBar::new(total).with_style(style.expect("a valid template"));
    for (wheel, archive) in &mut archives {
        let failed = |error: zip::result::ZipError| unreadable(wheel, error.to_string());
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).map_err(failed)?;
            let Some(path) = wanted(&entry.name().map_err(failed)?) else { continue };
            let path = folder.join(path);
            let written = path
                .parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| io::copy(&mut entry, &mut bar.wrap_write(File::create(&path)?)));
            written.map_err(|error| Problem::io("write", &path, &error))?;
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
        assert!(error.message.starts_with(&format!("cannot read {}: ", wheel.display())), "{error}");
    }
    /// `printf 0123456789 | sha256sum`
    const KNOWN: Wheel = Wheel {
        requirement: "digits===1.0",
        file: "digits-1.0-py3-none-any.whl",
        sha256: "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882",
    };

    #[test]
    fn a_wheel_with_another_digest_is_refused_and_does_not_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(KNOWN.file);
        let problem = KNOWN.get(folder.path(), |requirement, to| {
            assert_eq!(requirement, "digits===1.0");
            fs::write(to.join(KNOWN.file), "x").unwrap();
            Ok(())
        });
        let expected = "digits-1.0-py3-none-any.whl is not the file that mixq knows: its SHA-256 should be \
                        84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882, but is \
                        2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
        // The latter is `printf x | sha256sum`.
        assert_eq!(problem.unwrap_err().message, expected);
        assert!(!path.exists());
    }

    #[test]
    fn a_whole_wheel_is_kept_and_a_damaged_one_is_downloaded_again() {
        let folder = tempfile::tempdir().unwrap();
        let whole = |_: &str, to: &Path| {
            fs::write(to.join(KNOWN.file), "0123456789").unwrap();
            Ok(())
        };
        fs::write(folder.path().join(KNOWN.file), "01234").unwrap();
        let path = KNOWN.get(folder.path(), whole).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"0123456789");
        KNOWN.get(folder.path(), |_, _| panic!("it is there")).unwrap();
        fs::remove_file(&path).unwrap();
        let problem = KNOWN.get(folder.path(), |_, _| Ok(())).unwrap_err();
        let expected = "pip brought another file for digits===1.0 than digits-1.0-py3-none-any.whl";
        assert_eq!(problem.message, expected);
    }

    #[test]
    fn every_wheel_has_a_digest_and_torch_the_version_of_the_bindings() {
        for wheel in &WHEELS {
            assert_eq!(wheel.sha256.len(), 64, "{}", wheel.file);
            let (name, version) = wheel.requirement.split_once("===").unwrap();
            let begin = format!("{}-{version}-", name.replace('-', "_"));
            assert!(wheel.file.starts_with(&begin), "{} is no {}", wheel.file, wheel.requirement);
        }
        assert_eq!(WHEELS[0].requirement, format!("torch==={VERSION}"));
    }
}
