//! Files that are whole or not there, whatever ends the process that writes them.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use tempfile::NamedTempFile;

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
    contents(file.as_file_mut())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    // The new name is in the folder. A file system that cannot write folders alone has a whole file all the
    // same.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// A file that is locked as long as its process lives: [`clear`] leaves such files alone.
fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    loop {
        let file = tempfile::Builder::new().prefix(AFFIXES[0]).suffix(AFFIXES[1]).tempfile_in(folder)?;
        // Where files cannot be locked, `clear` removes none.
        let locked = file.as_file().lock().is_ok();
        // Between its making and its lock another process may have taken it for a dead one's.
        if !locked || file.path().exists() {
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
            // Whatever keeps it there costs a little space and nothing else.
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
        let (_, dead) = temporary(root).unwrap().keep().unwrap();
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
