//! Files that are whole or not there, whatever ends the process that writes them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// What names of temporary files begin and end with, so that those of killed processes can be told from other
/// files.
const AFFIXES: [&str; 2] = [".mixq-", ".tmp"];

/// Writes a file: whatever happens, a process that is killed, a full disk or a loss of power, it is the old
/// one or the new one.
///
/// # Errors
/// What `contents` says, or the disk is full or the folder cannot be written to. The old file is then
/// untouched.
pub(crate) fn write(path: &Path, contents: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let folder = parent.unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    clear(folder);
    let mut file = temporary(folder)?;
    contents(&mut file.file)?;
    file.file.sync_all()?;
    file.rename(path)?;
    // The new name is in the folder. A file system that cannot write folders alone has a whole file all the
    // same.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// A file with a name of its own. Dropping it removes the file.
pub(crate) struct Temporary {
    file: File,
    path: PathBuf,
    /// Whether the file has its final name.
    renamed: bool,
}

impl Temporary {
    /// A new, empty file.
    ///
    /// # Errors
    /// The folder is missing or cannot be written to.
    pub fn new(folder: &Path) -> io::Result<Temporary> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("{}{}-{count}{}", AFFIXES[0], std::process::id(), AFFIXES[1]);
            let path = folder.join(name);
            match OpenOptions::new().read(true).write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Temporary { file, path, renamed: false }),
                // Left by a process that had the same number.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its final name, in the same folder; a file of that name is replaced.
    fn rename(mut self, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)?;
        self.renamed = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A file that is locked as long as its process lives: [`clear`] leaves such files alone.
fn temporary(folder: &Path) -> io::Result<Temporary> {
    loop {
        let file = Temporary::new(folder)?;
        // Where files cannot be locked, `clear` removes none.
        let locked = file.file.lock().is_ok();
        // Before it was locked, another process may have removed it as the file of a dead process.
        if !locked || file.path.exists() {
            return Ok(file);
        }
    }
}

/// Removes the temporary files that killed processes left in a folder.
fn clear(folder: &Path) {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    for path in files.filter(|file| is_temporary(&file.file_name())).map(|file| file.path()) {
        // Only a file may be opened: something else may keep its opener waiting.
        if path.is_file()
            && let Ok(file) = File::open(&path)
            && file.try_lock().is_ok()
        {
            // A file that cannot be removed only costs space.
            let _ = fs::remove_file(&path);
        }
    }
}

fn is_temporary(name: &std::ffi::OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with(AFFIXES[0]) && name.ends_with(AFFIXES[1]))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = (fs::read_dir(folder).unwrap())
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_full_disk_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        write(&path, |file| file.write_all(b"old")).unwrap();
        let result = write(&path, |file| {
            file.write_all(b"new and lo")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(&folder.path().join("a")), ["b"], "nothing is left behind");
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let alive = temporary(root).unwrap();
        let alive_name = alive.path().file_name().unwrap().to_str().unwrap().to_string();
        // A killed process removes nothing; the system takes back its locks.
        let dead = root.join(format!("{}0-0{}", AFFIXES[0], AFFIXES[1]));
        fs::write(&dead, "half of it").unwrap();
        for name in [".mixq-notes", "model.tmp", ".tmpAbC123"] {
            fs::write(root.join(name), "of the user").unwrap();
        }
        fs::create_dir(root.join(".mixq-folder.tmp")).unwrap();
        write(&root.join("new"), |file| file.write_all(b"new")).unwrap();
        assert!(!dead.exists() && alive.path().exists());
        let mut expected = [".mixq-folder.tmp", ".mixq-notes", ".tmpAbC123", "model.tmp", "new", &alive_name];
        expected.sort_unstable();
        assert_eq!(names(root), expected);
    }

    #[test]
    fn writers_beside_each_other_do_not_remove_what_the_other_writes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let writer = |contents: &'static [u8]| {
            for _ in 0..100 {
                write(&path, |file| file.write_all(contents)).unwrap();
                assert_eq!(fs::read(&path).unwrap().len(), 1000);
            }
        };
        std::thread::scope(|scope| {
            for contents in [&[1; 1000], &[2; 1000], &[3; 1000]] {
                scope.spawn(move || writer(contents));
            }
        });
        assert_eq!(names(folder.path()), ["file"]);
    }
}
