//! The index, which tells changed files without reading the others.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use mixq_build::engine::dataset::digest;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// More than a tick of the clock that stamps files.
const TICK: Duration = Duration::from_millis(30);

struct Kept {
    data: TempDir,
    cache: TempDir,
}

impl Kept {
    fn new(files: &[(&str, &str)]) -> Kept {
        let kept = Kept { data: TempDir::new().unwrap(), cache: TempDir::new().unwrap() };
        files.iter().for_each(|(name, contents)| kept.write(name, contents));
        kept
    }

    fn path(&self, name: &str) -> PathBuf {
        self.data.path().join(name)
    }

    fn write(&self, name: &str, contents: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), contents).unwrap();
    }

    fn exact(&self) -> String {
        digest(self.data.path(), None).unwrap()
    }

    /// By the index, once all that was done is some time ago.
    fn indexed(&self) -> String {
        std::thread::sleep(TICK);
        digest(self.data.path(), Some(self.cache.path())).unwrap()
    }

    fn index(&self) -> PathBuf {
        let files = fs::read_dir(self.cache.path()).unwrap().map(|entry| entry.unwrap().path());
        let [index] = &files.collect::<Vec<_>>()[..] else { panic!("one index and nothing else") };
        index.clone()
    }

    /// Has the index say of a file what it is not. Who believes that has not read the file.
    fn forge(&self, name: &str) {
        let text = fs::read_to_string(self.index()).unwrap();
        let (_, lines) = text.split_once('\n').unwrap();
        let lines: String = lines
            .lines()
            .map(|line| {
                let of_file = line.ends_with(&format!(" {name}"));
                if of_file { format!("{}{}\n", "00".repeat(32), &line[64..]) } else { format!("{line}\n") }
            })
            .collect();
        assert!(lines.contains(&"00".repeat(32)), "{name} is in {text}");
        let digest: String = Sha256::digest(&lines).iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(self.index(), format!("mixq-index-2 {digest}\n{lines}")).unwrap();
    }

    fn set_modified(&self, name: &str, time: SystemTime) {
        File::options().write(true).open(self.path(name)).unwrap().set_modified(time).unwrap();
    }
}

fn modified(path: &Path) -> SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}

#[cfg(unix)]
#[test]
fn unchanged_files_are_not_read() {
    let kept = Kept::new(&[("b/1.png", "two"), ("a.png", "one"), ("b/2.png", "six")]);
    let first = kept.exact();
    assert_eq!(kept.indexed(), first);
    assert_eq!(kept.indexed(), first);
    kept.forge("b/1.png");
    let forged = kept.indexed();
    assert_ne!(forged, first, "the index was used");
    assert_eq!(kept.indexed(), forged);
    // One changed file is read, the others still are not.
    kept.write("a.png", "ten");
    assert_ne!(kept.indexed(), kept.exact());
    kept.write("a.png", "one");
    assert_eq!(kept.indexed(), forged);
    kept.write("b/1.png", "two");
    assert_eq!(kept.indexed(), first, "what was forged is read when it changes");
}

#[test]
fn every_change_is_seen() {
    let kept = Kept::new(&[("a.png", "one"), ("b/1.png", "two"), ("b/2.png", "six")]);
    let mut seen = vec![kept.indexed()];
    let mut changed = |what: &str| {
        let now = kept.indexed();
        assert_eq!(now, kept.exact(), "{what}");
        assert!(!seen.contains(&now), "{what}");
        seen.push(now);
    };
    kept.write("a.png", "ONE");
    changed("other contents of one size");
    let time = modified(&kept.path("a.png"));
    kept.write("a.png", "1ne");
    kept.set_modified("a.png", time);
    changed("of one size and time, as `touch -r` makes them");
    kept.write("new", "ten");
    kept.set_modified("new", time);
    fs::rename(kept.path("new"), kept.path("a.png")).unwrap();
    changed("another file of one size and time in its place, as `cp -p` and `mv` make it");
    kept.write("b/2.png", "seven");
    changed("of another size");
    fs::rename(kept.path("b/2.png"), kept.path("b/3.png")).unwrap();
    changed("another name");
    fs::remove_file(kept.path("b/3.png")).unwrap();
    changed("one less");
    kept.write("c.png", "new");
    changed("one more");
}

/// Such as those that were unpacked from an archive whose times are all the same.
#[test]
fn two_files_of_one_size_and_time_that_are_swapped_are_a_change() {
    let kept = Kept::new(&[("ant/0.png", "one"), ("bee/0.png", "two")]);
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    ["ant/0.png", "bee/0.png"].iter().for_each(|name| kept.set_modified(name, time));
    let first = kept.indexed();
    assert_eq!(kept.indexed(), first);
    let swap = || {
        fs::rename(kept.path("ant/0.png"), kept.path("x")).unwrap();
        fs::rename(kept.path("bee/0.png"), kept.path("ant/0.png")).unwrap();
        fs::rename(kept.path("x"), kept.path("bee/0.png")).unwrap();
    };
    swap();
    assert_eq!(kept.indexed(), kept.exact());
    assert_ne!(kept.indexed(), first);
    swap();
    assert_eq!(kept.indexed(), first);
}

#[test]
fn a_file_that_is_added_and_removed_again_changes_nothing() {
    let kept = Kept::new(&[("a.png", "one"), ("b.png", "two")]);
    let first = kept.indexed();
    for wait in [true, false] {
        kept.write("c.png", "six");
        let more =
            if wait { kept.indexed() } else { digest(kept.data.path(), Some(kept.cache.path())).unwrap() };
        assert!(more == kept.exact() && more != first);
        fs::remove_file(kept.path("c.png")).unwrap();
        assert_eq!(digest(kept.data.path(), Some(kept.cache.path())).unwrap(), first);
        assert_eq!(kept.indexed(), first);
    }
}

/// Within a tick of the clock two changes have one time.
#[test]
fn changes_right_after_a_look_are_seen() {
    let kept = Kept::new(&[("a.png", "0")]);
    let now = SystemTime::now();
    for time in [now, now + Duration::from_secs(3600), now - Duration::from_secs(3600)] {
        for turn in 0..100 {
            kept.write("a.png", ["one", "two"][turn % 2]);
            kept.set_modified("a.png", time);
            let indexed = digest(kept.data.path(), Some(kept.cache.path())).unwrap();
            assert_eq!(indexed, kept.exact(), "{turn}");
        }
    }
}

/// A file that is as young as the index is read again, but not for ever.
#[cfg(unix)]
#[test]
fn files_that_were_just_made_are_trusted_the_next_time() {
    let kept = Kept::new(&[("a.png", "one"), ("b.png", "two")]);
    digest(kept.data.path(), Some(kept.cache.path())).unwrap();
    kept.indexed();
    kept.forge("a.png");
    assert_ne!(kept.indexed(), kept.exact(), "the index is used");
}

#[cfg(unix)]
#[test]
fn an_index_that_is_damaged_or_edited_is_none() {
    let kept = Kept::new(&[("a.png", "one"), ("b.png", "two")]);
    let first = kept.indexed();
    let good = fs::read(kept.index()).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(kept.index(), bad).unwrap();
        assert_eq!(digest(kept.data.path(), Some(kept.cache.path())).unwrap(), first, "byte {at}");
        fs::write(kept.index(), &good[..at]).unwrap();
        assert_eq!(digest(kept.data.path(), Some(kept.cache.path())).unwrap(), first, "cut at {at}");
    }
    // Edited, with the digest of what was there.
    kept.forge("a.png");
    let forged = fs::read_to_string(kept.index()).unwrap();
    let lines = forged.split_once('\n').unwrap().1;
    let head = String::from_utf8(good).unwrap().split_once('\n').unwrap().0.to_string();
    fs::write(kept.index(), format!("{head}\n{lines}")).unwrap();
    assert_eq!(kept.indexed(), first);
}

#[test]
fn an_archive_and_a_csv_have_an_index_too() {
    let folder = TempDir::new().unwrap();
    let kept = Kept::new(&[]);
    let path = folder.path().join("d.csv");
    let indexed = || {
        std::thread::sleep(TICK);
        digest(&path, Some(kept.cache.path())).unwrap()
    };
    fs::write(&path, "1,0\n").unwrap();
    let first = indexed();
    assert_eq!((indexed(), digest(&path, None).unwrap()), (first.clone(), first.clone()));
    if cfg!(unix) {
        kept.forge("");
        assert_eq!(indexed(), "00".repeat(32), "the index is used");
    }
    let time = modified(&path);
    fs::write(&path, "2,0\n").unwrap();
    File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    assert_eq!(indexed(), digest(&path, None).unwrap());
    assert_ne!(indexed(), first);
}
