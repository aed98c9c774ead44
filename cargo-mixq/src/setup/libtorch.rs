//! libtorch: the one that `LIBTORCH` names, or one in a cache folder of the user, which all clones share.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fmt;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use super::{folder, wheels};
use mixq_build::engine::error::Problem;

/// The version that tch 0.26 binds.
pub const VERSION: &str = "2.13.0";

/// The environment variable that names its folder.
pub const VARIABLE: &str = "LIBTORCH";

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
pub fn ensure() -> Result<Libtorch, Problem> {
    match std::env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) {
        Some(given) => given_folder(Path::new(&given)),
        None => cached(&folder()?, wheels::fetch),
    }
}

/// Whether [`ensure`] will fetch it from the network.
pub fn is_to_be_fetched(folder: &Path) -> bool {
    let given = std::env::var_os(VARIABLE).is_some_and(|folder| !folder.is_empty());
    !given && wheels::EXIST && check(&place(folder), &wheels::LIBRARIES).is_err()
}

/// Where set-up keeps what it fetches, in its folder.
pub fn place(folder: &Path) -> PathBuf {
    folder.join(format!("libtorch-{VERSION}"))
}

/// Whether a folder is libtorch of the right version, fetched or named by a person.
///
/// # Errors
/// Why it is not: the end of a sentence that begins with the folder.
pub fn is_libtorch(folder: &Path) -> Result<(), String> {
    check(folder, &libraries())
}

/// What every libtorch has in `lib`.
fn libraries() -> [String; 3] {
    ["torch_cpu", "torch", "c10"].map(|name| format!("{DLL_PREFIX}{name}{DLL_SUFFIX}"))
}

/// The libtorch that a person names.
fn given_folder(folder: &Path) -> Result<Libtorch, Problem> {
    // Compilers run elsewhere than this program.
    let folder = std::path::absolute(folder).map_err(|error| Problem::io("find", folder, &error))?;
    is_libtorch(&folder).map_err(|reason| {
        Problem::new(format!("{VARIABLE} is {}, {reason}", folder.display())).help(format!(
            "it must name a folder with lib and include of libtorch {VERSION}, or be unset: then \
             `cargo mixq setup` fetches one"
        ))
    })?;
    Ok(Libtorch { folder, source: Source::Given })
}

/// The libtorch in a cache folder; `fetch` fills an empty folder if there is none.
fn cached(cache: &Path, fetch: impl FnOnce(&Path) -> Result<(), Problem>) -> Result<Libtorch, Problem> {
    let folder = place(cache);
    if check(&folder, &wheels::LIBRARIES).is_ok() {
        return Ok(Libtorch { folder, source: Source::Cached });
    }
    fs::create_dir_all(cache).map_err(|error| Problem::io("create", cache, &error))?;
    let _lock = lock(&beside(&folder, "lock"))?;
    // Another set-up may have fetched it while this one waited.
    if check(&folder, &wheels::LIBRARIES).is_ok() {
        return Ok(Libtorch { folder, source: Source::Cached });
    }
    // Only who holds the lock has such a folder: one that is there belongs to a set-up that was killed.
    let partial = beside(&folder, "partial");
    remove(&partial)?;
    fs::create_dir(&partial).map_err(|error| Problem::io("create", &partial, &error))?;
    let fetched = fetch(&partial).and_then(|()| {
        check(&partial, &wheels::LIBRARIES)
            .map_err(|reason| Problem::new(format!("what was fetched is unfit, {reason}")))?;
        remove(&folder)?;
        fs::rename(&partial, &folder).map_err(|error| Problem::io("create", &folder, &error))
    });
    if let Err(problem) = fetched {
        remove(&partial)?;
        let message = format!("cannot fetch libtorch {VERSION}: {}", problem.message);
        return Err(Problem { message, ..problem });
    }
    Ok(Libtorch { folder, source: Source::Fetched })
}

/// Something that belongs to libtorch's folder and lies beside it.
pub fn beside(folder: &Path, what: &str) -> PathBuf {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    folder.with_file_name(format!("{name}.{what}"))
}

/// Waits for other set-ups.
fn lock(path: &Path) -> Result<File, Problem> {
    let failed = |error| Problem::io("lock", path, &error);
    let file = File::create(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::Error(error)) => return Err(failed(error)),
        Err(TryLockError::WouldBlock) => {
            eprintln!("waiting: another set-up fetches libtorch");
            file.lock().map_err(failed)?;
        }
    }
    Ok(file)
}

/// Removes a folder, if it is there.
pub fn remove(folder: &Path) -> Result<(), Problem> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Problem::io("remove", folder, &error))
        }
        _ => Ok(()),
    }
}

/// Why a folder is not libtorch of the right version with these libraries: the end of a sentence.
fn check(folder: &Path, libraries: &[impl AsRef<str>]) -> Result<(), String> {
    if !folder.is_dir() {
        return Err("which is not a folder".to_string());
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
fn version(header: &Path) -> Result<String, String> {
    let text = fs::read_to_string(header).map_err(|error| error.to_string())?;
    let part = |name| {
        let define = format!("#define TORCH_VERSION_{name} ");
        text.lines().find_map(|line| line.strip_prefix(&define)).map(str::trim)
    };
    match (part("MAJOR"), part("MINOR"), part("PATCH")) {
        (Some(major), Some(minor), Some(patch)) => Ok(format!("{major}.{minor}.{patch}")),
        _ => Err("no TORCH_VERSION_MAJOR, MINOR and PATCH".to_string()),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Fills a folder as libtorch of some version.
    pub fn fill(folder: &Path, [major, minor]: [u32; 2]) -> Result<(), Problem> {
        fs::create_dir_all(folder.join("lib")).unwrap();
        for library in wheels::LIBRARIES.map(String::from).into_iter().chain(libraries()) {
            fs::write(folder.join("lib").join(library), "").unwrap();
        }
        fs::create_dir_all(folder.join("include/torch/headeronly")).unwrap();
        let header = format!(
            "#define TORCH_VERSION_MAJOR {major}\n#define TORCH_VERSION_MINOR {minor}\n#define \
             TORCH_VERSION_PATCH 0\n"
        );
        fs::write(folder.join(VERSION_HEADER), header).unwrap();
        Ok(())
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
        assert!(error.contains("absent, which is not a folder; it must name "), "{error}");
        fill(folder.path(), [2, 12]).unwrap();
        let error = check(folder.path(), &wheels::LIBRARIES).unwrap_err();
        assert_eq!(error, "which is libtorch 2.12.0");
    }

    #[test]
    fn the_cache_is_filled_once() {
        let cache = tempfile::tempdir().unwrap();
        let first = cached(cache.path(), |folder| fill(folder, [2, 13])).unwrap();
        assert_eq!((first.source, &first.folder), (Source::Fetched, &cache.path().join("libtorch-2.13.0")));
        let again = cached(cache.path(), |_| panic!("must not fetch")).unwrap();
        assert_eq!((again.source, again.folder), (Source::Cached, first.folder));
    }

    #[test]
    fn a_failed_fetch_leaves_nothing_and_a_damaged_cache_is_fetched_anew() {
        let cache = tempfile::tempdir().unwrap();
        let error = cached(cache.path(), |folder| {
            fs::create_dir(folder.join("lib")).unwrap();
            Err(Problem::new("the network is down").help("check it"))
        });
        let said = error.unwrap_err().to_string();
        assert_eq!(said, "cannot fetch libtorch 2.13.0: the network is down; check it");
        let error = cached(cache.path(), |_| Ok(())).unwrap_err();
        assert!(error.message.contains("what was fetched is unfit, which lacks lib/"), "{error}");
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
