//! One training at a time: the second waits, whether thread or process, and whatever the path looks like.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use mixq_build::engine::artifact::Lock;
use tempfile::TempDir;

/// Long enough for a thread that does not wait to be caught.
const WHILE: Duration = Duration::from_millis(150);

/// Acquires `path` in another thread while something else holds it; `release` then ends that.
fn second_waits(path: &Path, release: impl FnOnce()) {
    let (waited, acquired) = (AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let lock = Lock::acquire(path, || {
                waited.fetch_add(1, Ordering::SeqCst);
            });
            lock.unwrap();
            acquired.store(true, Ordering::SeqCst);
        });
        while waited.load(Ordering::SeqCst) == 0 {
            assert!(!acquired.load(Ordering::SeqCst), "acquired without waiting");
            std::thread::yield_now();
        }
        std::thread::sleep(WHILE);
        assert!(!acquired.load(Ordering::SeqCst), "acquired while it was held");
        release();
    });
    assert!(acquired.load(Ordering::SeqCst));
    assert_eq!(waited.load(Ordering::SeqCst), 1, "`waiting` is called once");
    let free = Lock::acquire(path, || panic!("nobody holds it any more"));
    free.unwrap();
}

#[test]
fn a_thread_waits_for_another() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("models/digits.mixq");
    let first = Lock::acquire(&path, || panic!("nobody else is there")).unwrap();
    second_waits(&path, || drop(first));
}

#[test]
fn the_same_file_by_other_names_waits_too() {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("firmware")).unwrap();
    let path = folder.path().join("firmware/models/digits.mixq");
    let mut names = vec![folder.path().join("firmware/../firmware/./models/digits.mixq")];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(folder.path().join("firmware"), folder.path().join("link")).unwrap();
        names.push(folder.path().join("link/models/digits.mixq"));
    }
    for name in names {
        let first = Lock::acquire(&path, || panic!("nobody else is there")).unwrap();
        second_waits(&name, || drop(first));
    }
}

#[test]
fn other_artifacts_do_not_wait() {
    let folder = TempDir::new().unwrap();
    let _first = Lock::acquire(&folder.path().join("models/a.mixq"), || ()).unwrap();
    let other = Lock::acquire(&folder.path().join("models/b.mixq"), || panic!("another artifact"));
    other.unwrap();
}

/// What is in a folder.
fn files(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| name.into_string().unwrap()).collect()
}

/// Nothing is left for `git status` to show.
#[cfg(unix)]
#[test]
fn the_lock_leaves_no_file_behind() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("digits.mixq");
    let first = Lock::acquire(&path, || panic!("nobody else is there")).unwrap();
    assert_eq!(files(folder.path()), [".digits.mixq.lock"], "beside the artifact");
    second_waits(&path, || drop(first));
    assert!(files(folder.path()).is_empty());
}

/// The one who waited has opened a file that is gone by then.
#[test]
fn many_in_a_row_are_never_two_at_once() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("models/digits.mixq");
    let (inside, turns) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let lock = Lock::acquire(&path, || ()).unwrap();
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "somebody else is inside");
                    std::thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    turns.fetch_add(1, Ordering::SeqCst);
                    drop(lock);
                }
            });
        }
    });
    assert_eq!(turns.into_inner(), 400);
    if cfg!(unix) {
        assert!(files(&folder.path().join("models")).is_empty());
    }
}

const PATH: &str = "MIXQ_TEST_LOCK";

/// A process with its own folder for temporary files, which holds the lock.
fn other_process(path: &Path, temporary: &Path) -> (Child, impl Iterator<Item = String> + use<>) {
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_other_process", "--ignored", "--nocapture"])
        .env(PATH, path)
        .env("TMPDIR", temporary)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(other.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.ends_with("held")), "the other process holds the lock");
    (other, lines)
}

#[test]
fn a_process_that_is_killed_lets_go() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("digits.mixq");
    let (mut other, _lines) = other_process(&path, &std::env::temp_dir());
    second_waits(&path, || other.kill().unwrap());
    other.wait().unwrap();
    // What it left behind went with the next one.
    if cfg!(unix) {
        assert!(files(folder.path()).is_empty());
    }
}

#[test]
fn processes_with_other_folders_for_temporary_files_meet() {
    let (folder, temporary) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let path = folder.path().join("digits.mixq");
    let (mut other, _lines) = other_process(&path, temporary.path());
    second_waits(&path, || drop(other.stdin.take()));
    other.wait().unwrap();
    assert!(files(temporary.path()).is_empty());
}

/// Not a test: the tests above start this program again, with this name, as the other process.
#[test]
#[ignore = "started by the tests above as a process of its own; alone it would wait for its input"]
fn the_other_process() {
    let path = PathBuf::from(std::env::var_os(PATH).expect("set by the first process"));
    let _lock = Lock::acquire(&path, || panic!("nobody else is there")).unwrap();
    println!("held");
    // Until it is killed, or the first process is gone.
    std::io::stdin().read_line(&mut String::new()).unwrap();
}
