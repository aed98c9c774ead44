//! What is kept from one run to the next: decoded images, and digests of files.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use mixq_build::engine::config::DatasetConfig;
use mixq_build::engine::dataset::Dataset;
use mixq_build::engine::error::Error;
use mixq_build::engine::observer::Observer;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::files::{GOOD, SMALL};

/// Long enough ago that a change would show.
fn long_ago(path: &Path, seconds: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000 + seconds);
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

/// Reads with a cache.
fn load_kept(config: &DatasetConfig, cache: &Path, observer: &mut dyn Observer) -> Result<Dataset, Error> {
    Ok(Dataset::load_with_digest(config, Some(cache), SMALL, 2, observer)?.0)
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

#[test]
fn images_are_decoded_once() {
    let (folder, cache) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let path = folder.path().join("d.csv");
    write(&path, GOOD);
    let config = DatasetConfig::new(&path);
    let load = |config: &DatasetConfig| load_kept(config, &cache.path().join("deep/er"), &mut ());
    let plain = || Dataset::load(&config, SMALL, 2, &mut ()).unwrap();
    let first = plain();
    assert_eq!(load(&config).unwrap(), first);
    let images = kept(&cache.path().join("deep/er"), "images");
    let [images] = &images[..] else { panic!("{images:?}") };
    let written = || fs::metadata(images).unwrap().modified().unwrap();
    let time = written();
    assert_eq!(load(&config).unwrap(), first);
    assert_eq!(written(), time, "what is decoded is also written");
    // Other options are other images.
    write(&path, &GOOD.replace("255", "254"));
    let max = load(&DatasetConfig { max: 254, ..config.clone() }).unwrap();
    assert_eq!(max.test.pixels[3], 254);
    let deeper = cache.path().join("deep/er");
    assert!(Dataset::load_with_digest(&config, Some(&deeper), SMALL, 3, &mut ()).is_err());
    // A changed dataset takes the place of what it was.
    long_ago(&path, 1);
    let second = load(&config).unwrap();
    assert_eq!(second, plain());
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

/// What happens to the file afterwards must not show, nor stop the process.
#[test]
fn kept_images_stay_what_they_are() {
    let (folder, cache) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let path = folder.path().join("d.csv");
    write(&path, GOOD);
    let config = DatasetConfig::new(&path);
    let load = || load_kept(&config, cache.path(), &mut ()).unwrap();
    let expected = Dataset::load(&config, SMALL, 2, &mut ()).unwrap();
    load();
    let loaded = load();
    let [images] = &kept(cache.path(), "images")[..] else { panic!("one file") };
    File::options().write(true).open(images).unwrap().set_len(0).unwrap();
    assert_eq!(loaded, expected, "the file was cut short");
    write(&path, &GOOD.replace("255", "254"));
    long_ago(&path, 1);
    assert_ne!(load(), loaded, "the file is another one");
    assert_eq!(loaded, expected);
    fs::remove_dir_all(cache.path()).unwrap();
    assert_eq!(loaded, expected, "without a file");
}

/// A dataset that is kept, and the file of its images.
struct Kept {
    /// The dataset's, and that of what is kept.
    folders: [TempDir; 2],
    config: DatasetConfig,
    images: PathBuf,
}

impl Kept {
    fn new() -> Kept {
        let folders = [TempDir::new().unwrap(), TempDir::new().unwrap()];
        let [folder, cache] = [folders[0].path(), folders[1].path()];
        write(&folder.join("d.csv"), GOOD);
        let config = DatasetConfig::new(folder.join("d.csv"));
        load_kept(&config, cache, &mut ()).unwrap();
        let images = kept(cache, "images").remove(0);
        Kept { folders, config, images }
    }

    /// Loads the images; what was warned of.
    fn load(&self) -> (Dataset, Vec<String>) {
        let mut heard = Heard(Vec::new());
        let dataset = load_kept(&self.config, self.folders[1].path(), &mut heard).unwrap();
        (dataset, heard.0)
    }

    /// The images are decoded anew, and one line that names the file says why.
    fn is_made_anew(&self, contents: &[u8], reason: &str) {
        let (good, _) = self.load();
        let whole = fs::read(&self.images).unwrap();
        fs::write(&self.images, contents).unwrap();
        let (dataset, warnings) = self.load();
        assert_eq!(dataset, good);
        let [warning] = &warnings[..] else { panic!("one warning: {warnings:?}") };
        assert!(warning.starts_with(&format!("the kept images {}", self.images.display())), "{warning}");
        assert!(warning.contains(reason) && !warning.contains('\n'), "{warning}");
        assert!(fs::read(&self.images).unwrap() == whole, "the file is made anew");
        assert_eq!(self.load(), (good, Vec::new()));
    }
}

#[test]
fn a_flipped_bit_in_kept_images_is_noticed() {
    let kept = Kept::new();
    let whole = fs::read(&kept.images).unwrap();
    for byte in 0..whole.len() {
        let mut other = whole.clone();
        other[byte] ^= 1 << (byte % 8);
        kept.is_made_anew(&other, "it is ");
    }
    for length in [0, 1, whole.len() / 2, whole.len() - 1] {
        kept.is_made_anew(&whole[..length], "it is damaged");
    }
    let text = String::from_utf8_lossy(&whole[..20]).into_owned();
    let old = [text.replace("mixq-images 2", "mixq-images 1").as_bytes(), &whole[20..]].concat();
    kept.is_made_anew(&old, "it is of version 1, and this mixq has version 2");
}

/// Figures that somebody has written with a digest to match.
#[test]
fn kept_images_whose_figures_are_wrong_are_not_used() {
    let kept = Kept::new();
    let (good, _) = kept.load();
    let whole = fs::read(&kept.images).unwrap();
    let body = &whole[whole.iter().position(|byte| *byte == b'\n').unwrap() + 1..];
    let end = body.iter().position(|byte| *byte == b'\n').unwrap();
    let (head, values) = (std::str::from_utf8(&body[..end]).unwrap(), &body[end..]);
    let sealed = |head: &str, values: &[u8]| {
        let body = [head.as_bytes(), values].concat();
        let first = format!("mixq-images 2 {}", body.len());
        let digest = Sha256::digest([first.as_bytes(), &body].concat());
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        [format!("{first} {digest}\n").as_bytes(), &body].concat()
    };
    assert!(sealed(head, values) == whole, "the form of the file is known");
    let (train, test) = (good.train.len(), good.test.len());
    let images = format!("\"images\":[{train},{test}]");
    assert!(head.contains(&images), "{head}");
    let all = train + test;
    for (train, test) in [(0, all), (all, 0), (1, all - 1), (all, all), (usize::MAX, 1), (usize::MAX / 18, 2)]
    {
        let wrong = head.replace(&images, &format!("\"images\":[{train},{test}]"));
        kept.is_made_anew(&sealed(&wrong, values), "its figures do not fit each other");
    }
    let labels = r#""labels":["0","1"]"#;
    assert!(head.contains(labels), "{head}");
    for wrong in [r#""labels":[]"#, r#""labels":["0"]"#, r#""labels":["0","1","2"]"#] {
        let wrong = head.replace(labels, wrong);
        kept.is_made_anew(&sealed(&wrong, values), "its figures do not fit each other");
    }
    kept.is_made_anew(&sealed("{}", values), "its figures do not fit each other");
    let mut wrong = values.to_vec();
    *wrong.last_mut().unwrap() = 7;
    kept.is_made_anew(&sealed(head, &wrong), "its figures do not fit each other");
}

struct Heard(Vec<String>);

impl Observer for Heard {
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
    let config = DatasetConfig::new(&path);
    let mut heard = Heard(Vec::new());
    let dataset = load_kept(&config, &cache, &mut heard).unwrap();
    assert_eq!(dataset, Dataset::load(&config, SMALL, 2, &mut ()).unwrap());
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
    let config = DatasetConfig { tolerate: 0.5, ..DatasetConfig::new(folder.path()) };
    let mut warnings = Vec::new();
    for _ in 0..2 {
        let mut heard = written::Heard::default();
        let kept = Dataset::load_with_digest(&config, Some(cache.path()), COLOUR, 2, &mut heard);
        assert_eq!(kept.unwrap().0.train.len(), 4);
        warnings.push((heard.warnings, heard.progress.is_empty()));
    }
    assert_eq!((warnings[0].0.len(), warnings[0].1), (1, false));
    assert_eq!(warnings[1], (warnings[0].0.clone(), true), "from the cache");
}
