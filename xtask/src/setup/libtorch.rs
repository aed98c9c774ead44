//! libtorch: the one that `LIBTORCH` names, or one in a cache folder of the user, which all clones share.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fmt;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use etcetera::BaseStrategy;

use super::wheels;

/// The version that tch 0.26 binds.
pub const VERSION: &str = "2.13.0";

/// Where libtorch writes its version.
const VERSION_HEADER: &str = "include/torch/headeronly/version.h";

/// A folder with `lib` and `include` of libtorch.
#[derive(Debug)]
pub struct Libtorch {
    /// Absolute; what LIBTORCH has to be.
    pub folder: PathBuf,
    /// Where it comes from.
    pub source: Source,
}

/// Where a libtorch comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// LIBTORCH names it.
    Given,
    /// An earlier set-up fetched it.
    Cached,
    /// It was fetched now.
    Fetched,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Source::Given => "named by LIBTORCH",
            Source::Cached => "fetched earlier",
            Source::Fetched => "fetched now",
        })
    }
}

/// Finds libtorch, or fetches it.
///
/// # Errors
/// If LIBTORCH names something else, or libtorch cannot be fetched.
pub fn ensure() -> Result<Libtorch> {
    if let Some(given) = std::env::var_os("LIBTORCH").filter(|folder| !folder.is_empty()) {
        return given_folder(Path::new(&given));
    }
    let caches = etcetera::choose_base_strategy().context("there is no home folder to keep libtorch in")?;
    cached(&caches.cache_dir().join("mixq"), wheels::fetch)
}

/// The libtorch that a person names.
fn given_folder(folder: &Path) -> Result<Libtorch> {
    // Compilers run elsewhere than this program.
    let folder = std::path::absolute(folder).context("LIBTORCH cannot be made absolute")?;
    let libraries = ["torch_cpu", "torch", "c10"].map(|name| format!("{DLL_PREFIX}{name}{DLL_SUFFIX}"));
    check(&folder, &libraries).map_err(|reason| {
        anyhow!(
            "LIBTORCH is {}, {reason}; it must name a folder with lib and include of libtorch {VERSION}, or be \
             unset: then setup fetches one",
            folder.display()
        )
    })?;
    Ok(Libtorch { folder, source: Source::Given })
}

/// The libtorch in a cache folder; `fetch` fills an empty folder if there is none.
fn cached(cache: &Path, fetch: impl FnOnce(&Path) -> Result<()>) -> Result<Libtorch> {
    let name = format!("libtorch-{VERSION}");
    let folder = cache.join(&name);
    if check(&folder, &wheels::LIBRARIES).is_ok() {
        return Ok(Libtorch { folder, source: Source::Cached });
    }
    fs::create_dir_all(cache).with_context(|| format!("cannot create {}", cache.display()))?;
    let _lock = lock(&cache.join(format!("{name}.lock")))?;
    // Another set-up may have fetched it while this one waited.
    if check(&folder, &wheels::LIBRARIES).is_ok() {
        return Ok(Libtorch { folder, source: Source::Cached });
    }
    // Only who holds the lock has such a folder: one that is there belongs to a set-up that was killed.
    let partial = cache.join(format!("{name}.partial"));
    remove(&partial)?;
    fs::create_dir(&partial).with_context(|| format!("cannot create {}", partial.display()))?;
    let fetched = fetch(&partial).and_then(|()| {
        check(&partial, &wheels::LIBRARIES)
            .map_err(|reason| anyhow!("what was fetched is unfit, {reason}"))?;
        remove(&folder)?;
        fs::rename(&partial, &folder).with_context(|| format!("cannot create {}", folder.display()))
    });
    if let Err(error) = fetched {
        remove(&partial)?;
        return Err(error.context(format!("cannot fetch libtorch {VERSION}")));
    }
    Ok(Libtorch { folder, source: Source::Fetched })
}

/// Waits for other set-ups.
fn lock(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
    let locked = match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            eprintln!("waiting: another set-up fetches libtorch");
            file.lock()
        }
        Err(TryLockError::Error(error)) => Err(error),
        Ok(()) => Ok(()),
    };
    locked.with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Why a folder is not libtorch of the right version with these libraries: the end of a sentence.
fn check(folder: &Path, libraries: &[impl AsRef<str>]) -> Result<(), String> {
    if !folder.is_dir() {
        return Err("which is no folder".to_string());
    }
    let libraries = libraries.iter().map(|name| format!("lib/{}", name.as_ref()));
    let wanted = libraries.chain([VERSION_HEADER.to_string()]);
    let missing: Vec<String> = wanted.filter(|path| !folder.join(path).exists()).collect();
    if !missing.is_empty() {
        return Err(format!("which lacks {}", missing.join(", ")));
    }
    match version(&folder.join(VERSION_HEADER)) {
        Ok(found) if found == VERSION => Ok(()),
        Ok(found) => Err(format!("which is libtorch {found}")),
        Err(error) => Err(format!("whose {VERSION_HEADER} does not say the version ({error})")),
    }
}

/// The version that the header defines.
fn version(header: &Path) -> Result<String> {
    let text = fs::read_to_string(header)?;
    let part = |name| {
        let define = format!("#define TORCH_VERSION_{name} ");
        text.lines().find_map(|line| line.strip_prefix(&define)).map(str::trim)
    };
    match (part("MAJOR"), part("MINOR"), part("PATCH")) {
        (Some(major), Some(minor), Some(patch)) => Ok(format!("{major}.{minor}.{patch}")),
        _ => bail!("no TORCH_VERSION_MAJOR, MINOR and PATCH"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fills a folder as libtorch of some version.
    fn fill(folder: &Path, [major, minor]: [u32; 2]) -> Result<()> {
        fs::create_dir_all(folder.join("lib"))?;
        for library in wheels::LIBRARIES {
            fs::write(folder.join("lib").join(library), "")?;
        }
        fs::create_dir_all(folder.join("include/torch/headeronly"))?;
        let header = format!(
            "#define TORCH_VERSION_MAJOR {major}\n#define TORCH_VERSION_MINOR {minor}\n#define TORCH_VERSION_PATCH 0\n"
        );
        Ok(fs::write(folder.join(VERSION_HEADER), header)?)
    }

    #[test]
    fn an_empty_folder_is_refused_with_all_that_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let error = given_folder(folder.path()).unwrap_err().to_string();
        for word in ["torch_cpu", "c10", "include", VERSION, &folder.path().display().to_string()] {
            assert!(error.contains(word), "{word} is not in: {error}");
        }
    }

    #[test]
    fn no_folder_and_another_version_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let error = given_folder(&folder.path().join("absent")).unwrap_err().to_string();
        assert!(error.contains("absent, which is no folder; "), "{error}");
        fill(folder.path(), [2, 12]).unwrap();
        let error = check(folder.path(), &wheels::LIBRARIES).unwrap_err();
        assert_eq!(error, "which is libtorch 2.12.0");
    }

    #[test]
    fn the_cache_is_filled_once() {
        let cache = tempfile::tempdir().unwrap();
        let first = cached(cache.path(), |folder| fill(folder, [2, 13])).unwrap();
        assert_eq!((first.source, &first.folder), (Source::Fetched, &cache.path().join("libtorch-2.13.0")));
        let again = cached(cache.path(), |_| bail!("must not fetch")).unwrap();
        assert_eq!((again.source, again.folder), (Source::Cached, first.folder));
    }

    #[test]
    fn a_failed_fetch_leaves_nothing_and_a_damaged_cache_is_fetched_anew() {
        let cache = tempfile::tempdir().unwrap();
        let error = cached(cache.path(), |folder| {
            fs::create_dir(folder.join("lib"))?;
            bail!("the network is down")
        });
        assert_eq!(format!("{:#}", error.unwrap_err()), "cannot fetch libtorch 2.13.0: the network is down");
        let error = cached(cache.path(), |_| Ok(())).unwrap_err();
        assert!(format!("{error:#}").contains("what was fetched is unfit, which lacks lib/"), "{error:#}");
        let left: Vec<_> =
            fs::read_dir(cache.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["libtorch-2.13.0.lock"]);

        let found = cached(cache.path(), |folder| fill(folder, [2, 13])).unwrap();
        fs::remove_file(found.folder.join("lib/libc10.so")).unwrap();
        let found = cached(cache.path(), |folder| fill(folder, [2, 13])).unwrap();
        assert_eq!(found.source, Source::Fetched);
        assert!(found.folder.join("lib/libc10.so").is_file());
    }

    #[test]
    fn set_ups_at_the_same_time_fetch_once() {
        let cache = tempfile::tempdir().unwrap();
        let fetches = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    cached(cache.path(), |folder| {
                        fetches.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        fill(folder, [2, 13])
                    })
                    .unwrap();
                });
            }
        });
        assert_eq!(fetches.into_inner(), 1);
    }
}
