//! What is kept from one run to the next: decoded images, and digests of files.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use mixq_build::config::DatasetConfig;
use mixq_build::dataset::{Dataset, Watch, digest};
use tempfile::TempDir;

use crate::files::{GOOD, SMALL};

/// Long enough ago that a change would show.
fn long_ago(path: &Path, seconds: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000 + seconds);
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

fn kept(cache: &Path, extension: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
}

/// Writes a file and makes it look untouched since.
fn write(path: &Path, contents: &str) {
    fs::write(path, contents).unwrap();
    long_ago(path, 0);
}

/// A change that leaves size and time as they were is what the index cannot see: so it shows which files were not read.
#[test]
fn only_changed_files_are_read_for_a_digest() {
    let (folder, cache) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let root = folder.path();
    fs::create_dir(root.join("b")).unwrap();
    for (name, contents) in [("a", "one"), ("b/1", "two"), ("b/2", "six")] {
        write(&root.join(name), contents);
    }
    let exact = || digest(root, None).unwrap();
    let indexed = || digest(root, Some(cache.path())).unwrap();
    let first = exact();
    assert_eq!(indexed(), first);
    assert_eq!(kept(cache.path(), "index").len(), 1);
    write(&root.join("a"), "ten");
    assert_eq!((indexed() == first, exact() == first), (true, false), "the index was used");
    // Another file has another time: it is read, and `a` still is not.
    fs::write(root.join("b/1"), "TWO").unwrap();
    long_ago(&root.join("b/1"), 1);
    let changed = indexed();
    write(&root.join("a"), "one");
    assert_eq!(exact(), changed);
    assert_eq!(indexed(), changed);
    // Another size, another name, one file more or less.
    write(&root.join("b/2"), "seven");
    assert_eq!(indexed(), exact());
    fs::rename(root.join("b/2"), root.join("b/3")).unwrap();
    assert_eq!(indexed(), exact());
    fs::remove_file(root.join("a")).unwrap();
    assert_eq!(indexed(), exact());
    write(&root.join("c"), "new");
    assert_eq!(indexed(), exact());
    // A single file.
    let file = root.join("c");
    let alone = digest(&file, None).unwrap();
    assert_eq!(digest(&file, Some(cache.path())).unwrap(), alone);
    write(&file, "NEW");
    assert_eq!(digest(&file, Some(cache.path())).unwrap(), alone, "the index was used");
    // A damaged index is none.
    for index in kept(cache.path(), "index") {
        fs::write(&index, "mixq-index 1 1 0\nx").unwrap();
    }
    assert_eq!(digest(&file, Some(cache.path())).unwrap(), digest(&file, None).unwrap());
    assert_eq!(indexed(), exact());
}

/// What changes twice within the time that a file system tells apart looks unchanged: such files are read every time.
#[test]
fn fresh_files_are_not_trusted() {
    let (folder, cache) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let file = folder.path().join("a");
    let hour = Duration::from_secs(3600);
    for time in [SystemTime::now(), SystemTime::now() + hour] {
        for contents in ["one", "two", "six"] {
            fs::write(&file, contents).unwrap();
            File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
            for path in [&file, folder.path()] {
                assert_eq!(digest(path, Some(cache.path())).unwrap(), digest(path, None).unwrap());
            }
        }
    }
}

#[test]
fn hidden_files_are_no_part_of_a_dataset() {
    let folder = TempDir::new().unwrap();
    write(&folder.path().join("a"), "one");
    let before = digest(folder.path(), None).unwrap();
    write(&folder.path().join(".DS_Store"), "x");
    assert_eq!(digest(folder.path(), None).unwrap(), before);
}

/// The same trick shows whether images come from the cache.
#[test]
fn images_are_decoded_once() {
    let (folder, cache) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let path = folder.path().join("d.csv");
    write(&path, GOOD);
    let plain = DatasetConfig::new(&path);
    let config = DatasetConfig { cache: Some(cache.path().join("deep/er")), ..plain.clone() };
    let load = |config: &DatasetConfig| Dataset::load(config, SMALL, 2, &mut ());
    let first = load(&plain).unwrap();
    assert_eq!(load(&config).unwrap(), first);
    let images = kept(&cache.path().join("deep/er"), "images");
    let [images] = &images[..] else { panic!("{images:?}") };
    let other = GOOD.replace("255", "254");
    write(&path, &other);
    assert_eq!(load(&config).unwrap(), first, "from the cache");
    // Other options are other images.
    let max = load(&DatasetConfig { max: 254, ..config.clone() }).unwrap();
    assert_eq!(max.test.pixels[3], 254);
    assert!(Dataset::load(&config, SMALL, 3, &mut ()).is_err());
    // A changed dataset takes the place of what it was.
    long_ago(&path, 1);
    let second = load(&config).unwrap();
    assert_eq!(second, load(&plain).unwrap());
    assert_ne!(second, first);
    assert_eq!(kept(&cache.path().join("deep/er"), "images").len(), 2);
    // Whatever happens to the file, it is not believed.
    let whole = fs::read(images).unwrap();
    write(&path, GOOD);
    for length in [0, 3, whole.len() / 2, whole.len() - 1] {
        fs::write(images, &whole[..length]).unwrap();
        long_ago(&path, 1);
        assert_eq!(load(&config).unwrap(), first, "decoded anew");
        assert_eq!(fs::read(images).unwrap().len(), whole.len(), "and written anew");
    }
}

/// The file is mapped: what another one that takes its place says must not show.
#[test]
fn kept_images_stay_what_they_are() {
    let (folder, cache) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let path = folder.path().join("d.csv");
    write(&path, GOOD);
    let plain = DatasetConfig::new(&path);
    let config = DatasetConfig { cache: Some(cache.path().to_path_buf()), ..plain.clone() };
    let load = |config: &DatasetConfig| Dataset::load(config, SMALL, 2, &mut ()).unwrap();
    let expected = load(&plain);
    load(&config);
    let mapped = load(&config);
    write(&path, &GOOD.replace("255", "254"));
    long_ago(&path, 1);
    assert_ne!(load(&config), mapped, "the file is another one");
    assert_eq!(mapped, expected);
    fs::remove_dir_all(cache.path()).unwrap();
    assert_eq!(mapped, expected, "without a name");
}

struct Heard(Vec<String>);

impl Watch for Heard {
    fn read(&mut self, _: u64, _: u64) {}
    fn warn(&mut self, message: &str) {
        self.0.push(message.to_string());
    }
}

#[test]
fn a_cache_that_cannot_be_written_is_a_warning() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("d.csv");
    write(&path, GOOD);
    // A folder cannot be made inside a file, not even by root.
    let cache = path.join("cache");
    let config = DatasetConfig { cache: Some(cache.clone()), ..DatasetConfig::new(&path) };
    let mut heard = Heard(Vec::new());
    let dataset = Dataset::load(&config, SMALL, 2, &mut heard).unwrap();
    assert_eq!(dataset, Dataset::load(&DatasetConfig::new(&path), SMALL, 2, &mut ()).unwrap());
    let [warning] = &heard.0[..] else { panic!("{:?}", heard.0) };
    assert!(warning.starts_with(&format!("cannot write {}", cache.display())), "{warning}");
    assert!(warning.ends_with("; the images will be decoded again the next time"), "{warning}");
}

#[cfg(feature = "datasets")]
#[test]
fn warnings_are_repeated() {
    use crate::written::{self, COLOUR, small, with, write_folder};

    let (folder, cache) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    write_folder(folder.path(), &with(small(), &[("train/ant/0.png", b"")]));
    let config = DatasetConfig {
        tolerate: 0.5,
        cache: Some(cache.path().to_path_buf()),
        ..DatasetConfig::new(folder.path())
    };
    let mut warnings = Vec::new();
    for _ in 0..2 {
        let mut heard = written::Heard::default();
        let dataset = Dataset::load(&config, COLOUR, 2, &mut heard).unwrap();
        assert_eq!(dataset.train.len(), 4);
        warnings.push((heard.warnings, heard.progress.is_empty()));
    }
    assert_eq!((warnings[0].0.len(), warnings[0].1), (1, false));
    assert_eq!(warnings[1], (warnings[0].0.clone(), true), "from the cache");
}
