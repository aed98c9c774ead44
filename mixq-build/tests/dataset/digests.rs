//! What counts of a dataset: what its reader reads, not how it is stored.

use std::fs;
use std::path::Path;

use flate2::{Compression, GzBuilder};
use mixq_build::engine::dataset::digest;
use tempfile::TempDir;

use crate::files::{GOOD, gzip};
use crate::written::*;

fn of_file(name: &str, contents: &[u8]) -> String {
    let folder = TempDir::new().unwrap();
    digest(&write_file(folder.path(), name, contents), None).unwrap_or_else(|error| panic!("{error}"))
}

fn of_folder(files: &Files) -> String {
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), files);
    digest(folder.path(), None).unwrap_or_else(|error| panic!("{error}"))
}

/// `printf '%s' GOOD | sha256sum`.
const OF_GOOD: &str = "a5f8539cefb9528bc9af057f5dcc2ba147f335a77d21426799f37fb0d9d4fb6a";

#[test]
fn line_ends_and_compression_of_a_csv_do_not_count() {
    let crlf = GOOD.replace('\n', "\r\n");
    let same = [
        GOOD.to_string(),
        crlf.clone(),
        GOOD.replace('\n', "\r"),
        GOOD.trim_end().to_string(),
        crlf.trim_end().to_string(),
        format!("\u{feff}{GOOD}"),
        format!("\u{feff}{crlf}"),
        format!("\n{}\n\n", GOOD.replace('\n', "\r\n\r\n")),
        GOOD.replace(',', " , "),
        GOOD.replace("255", "\"255\""),
    ];
    for text in same {
        assert_eq!(of_file("d.csv", text.as_bytes()), OF_GOOD, "{text:?}");
        assert_eq!(of_file("D.CSV.GZ", &gzip(text.as_bytes())), OF_GOOD, "{text:?}");
    }
    // A gzip file says when it was made, from what, and on which system.
    let builder = GzBuilder::new().mtime(1_700_000_000).filename("x.csv").operating_system(11);
    let mut later = builder.write(Vec::new(), Compression::best());
    std::io::Write::write_all(&mut later, GOOD.as_bytes()).unwrap();
    assert_eq!(of_file("d.csv.gz", &later.finish().unwrap()), OF_GOOD);
    let (head, tail) = GOOD.as_bytes().split_at(13);
    assert_eq!(of_file("d.csv.gz", &[gzip(head), gzip(tail)].concat()), OF_GOOD);
}

#[test]
fn all_that_a_row_says_counts() {
    let others = [
        GOOD.replace("255", "254"),
        GOOD.replace("1,2,3", "12,3"),
        GOOD.replace("0\n4", "04"),
        GOOD.replace("3,0\n", "3,0,\n"),
        GOOD.replace("3,0\n", "3,\"0\nx\"\n"),
        GOOD.replace("3,0\n", "\"3,0\"\n"),
        format!("a,b,c,d,e\n{GOOD}"),
        GOOD.lines().rev().map(|line| format!("{line}\n")).collect(),
        String::new(),
    ];
    let mut seen = vec![OF_GOOD.to_string()];
    for text in others {
        let found = of_file("d.csv", text.as_bytes());
        assert!(!seen.contains(&found), "{text:?}");
        seen.push(found);
    }
}

#[test]
fn a_csv_that_cannot_be_unpacked_has_no_digest() {
    let folder = TempDir::new().unwrap();
    let whole = gzip(GOOD.as_bytes());
    let path = write_file(folder.path(), "d.csv.gz", &whole[..whole.len() - 9]);
    let said = digest(&path, None).unwrap_err().to_string();
    assert!(
        said.starts_with(&format!("{} is truncated: its gzip data ends early", path.display())),
        "{said}"
    );
    let path = write_file(folder.path(), "d.foo", b"");
    let said = digest(&path, None).unwrap_err().to_string();
    assert!(said.contains("is not a kind of dataset that mixq reads"), "{said}");
}

/// Their reader refuses such files: who adds one must hear that, not that nothing has changed.
#[test]
fn a_file_beside_images_that_is_none_counts_by_its_name() {
    let add = |name: &str, contents: &[u8]| with(small(), &[(name, contents)]);
    let expected = of_folder(&add("train/ant/new.webp", b"x"));
    assert_ne!(expected, of_folder(&small()));
    assert_ne!(expected, of_folder(&add("train/ant/newer.webp", b"x")));
    assert_eq!(expected, of_folder(&add("train/ant/new.webp", b"y")));
    assert_eq!(expected, of_file("d.tar", &tar(&add("train/ant/new.webp", b"z"))));
}

/// A tar file as somebody else packs it.
fn repacked(files: &Files, time: u64) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, contents) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(contents.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(time);
        header.set_uid(time % 1000);
        header.set_username("somebody").unwrap();
        archive.append_data(&mut header, format!("./{name}"), &contents[..]).unwrap();
    }
    archive.into_inner().unwrap()
}

#[test]
fn an_archive_counts_as_the_folder_that_was_packed() {
    let expected = of_folder(&small());
    let plain = tar(&small());
    let others = [
        ("d.tar", plain.clone()),
        ("d.tgz", gzip(&plain)),
        ("d.tar.zst", zstd(&plain)),
        ("d.zip", zip(&small())),
        ("d.tar", repacked(&small(), 1)),
        ("d.tar.gz", gzip(&repacked(&small(), 1_700_000_000))),
    ];
    for (name, contents) in others {
        assert_eq!(of_file(name, &contents), expected, "{name}");
    }
    let other = with(small(), &[("train/ant/a.png", &png(COLOUR, 77))]);
    assert_ne!(of_file("d.tar", &tar(&other)), expected);
    assert_ne!(of_file("d.zip", &zip(&other)), expected);
}

#[test]
fn what_systems_leave_behind_does_not_count() {
    let expected = of_folder(&small());
    let left: [(&str, &[u8]); 7] = [
        (".DS_Store", b"x"),
        ("train/ant/.DS_Store", b"x"),
        ("Thumbs.db", b"x"),
        ("train/desktop.ini", b"x"),
        ("__MACOSX/train/ant/._a.png", b"x"),
        (".git/a/b.png", b"x"),
        ("README.txt", b"x"),
    ];
    for one in left {
        let files = with(small(), &[one]);
        assert_eq!(of_folder(&files), expected, "{}", one.0);
        assert_eq!(of_file("d.tar", &tar(&files)), expected, "{}", one.0);
        assert_eq!(of_file("d.zip", &zip(&files)), expected, "{}", one.0);
    }
    // Another name, another class, one more, one less.
    let (name, first) = &small()[0];
    for change in [
        with(small(), &[("train/ant/z.png", first)]),
        small().into_iter().filter(|(other, _)| other != name).collect(),
        small().into_iter().map(|(name, file)| (name.replace("bee", "wasp"), file)).collect(),
    ] {
        assert_ne!(of_folder(&change), expected);
    }
}

#[test]
fn labels_of_cifar_count_by_their_lines_and_idx_files_unpacked() {
    let meta = |text: &str| {
        of_folder(&vec![
            ("c/data_batch_1.bin".to_string(), vec![1, 2, 3]),
            ("c/batches.meta.txt".to_string(), text.as_bytes().to_vec()),
        ])
    };
    assert_eq!(meta("cat\ndog\n\n"), meta("cat\r\ndog\r\n\r\n"));
    assert_ne!(meta("cat\ndog\n"), meta("dog\ncat\n"));
    let idx = |end: &str, pack: fn(&[u8]) -> Vec<u8>, pixel: u8| {
        let images = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, pixel];
        of_folder(&vec![
            (format!("train-images-idx3-ubyte{end}"), pack(&images)),
            (format!("train-labels-idx1-ubyte{end}"), pack(&[0, 0, 8, 1, 0, 0, 0, 1, 0])),
        ])
    };
    let plain = idx("", |bytes| bytes.to_vec(), 5);
    assert_eq!(idx(".gz", gzip, 5), plain);
    assert_ne!(idx(".gz", gzip, 6), plain);
    let packed = |bytes: &[u8]| [gzip(&bytes[..3]), gzip(&bytes[3..])].concat();
    assert_eq!(idx(".gz", packed, 5), plain);
}

#[test]
fn arrays_count_however_they_are_packed() {
    let npy = |elements: &[u8]| {
        let header =
            format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({},), }}\n", elements.len());
        let length = (header.len() as u16).to_le_bytes();
        [&b"\x93NUMPY\x01\0"[..], &length, header.as_bytes(), elements].concat()
    };
    let files =
        |x: &[u8]| -> Files { vec![("x.npy".to_string(), npy(x)), ("y.npy".to_string(), npy(&[0, 1]))] };
    let expected = of_file("d.npz", &zip(&files(&[7, 8])));
    let mut stored = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, contents) in files(&[7, 8]) {
        stored.start_file(name, options).unwrap();
        std::io::Write::write_all(&mut stored, &contents).unwrap();
    }
    assert_eq!(of_file("d.npz", &stored.finish().unwrap().into_inner()), expected);
    assert_ne!(of_file("d.npz", &zip(&files(&[8, 7]))), expected);
}

/// Changes the files while they are read, this number of times.
struct Meddler<'a>(&'a Path, usize);

impl mixq_build::engine::observer::Observer for Meddler<'_> {
    fn read(&mut self, done: u64, _: u64) {
        if done == 0 && self.1 > 0 {
            self.1 -= 1;
            fs::write(self.0.join("train/ant/a.png"), png(COLOUR, 100 + self.1)).unwrap();
        }
    }

    fn warn(&mut self, _: &str) {}
}

#[test]
fn a_dataset_that_is_changed_while_it_is_read_is_read_again() {
    use mixq_build::engine::config::DatasetConfig;
    use mixq_build::engine::dataset::Dataset;
    let cache = TempDir::new().unwrap();
    for cache in [None, Some(cache.path())] {
        let folder = TempDir::new().unwrap();
        write_folder(folder.path(), &small());
        let config = DatasetConfig::new(folder.path());
        let mut meddler = Meddler(folder.path(), 2);
        let read = Dataset::load_with_digest(&config, cache, COLOUR, 2, &mut meddler);
        let (dataset, said) = read.unwrap();
        assert_eq!(said, digest(folder.path(), None).unwrap());
        assert_eq!(dataset.train.image(0), pixels(COLOUR, 100));
        let again = Dataset::load_with_digest(&config, cache, COLOUR, 2, &mut ());
        assert_eq!(again.unwrap().0, dataset, "and what is kept is the last state");
        let meddler = &mut Meddler(folder.path(), 99);
        let error = Dataset::load_with_digest(&config, None, COLOUR, 2, meddler);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("changes while it is read"), "{error}");
    }
}
