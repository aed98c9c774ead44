//! Folders for each class, as they are and packed.

use std::path::Path;

use image::ImageFormat;
use mixq_build::engine::config::{DatasetConfig, TestPart};
use mixq_build::engine::dataset::{Dataset, Split};
use mixq_build::engine::graph::Shape;
use mixq_build::engine::task::Task;
use proptest::prelude::*;
use tempfile::TempDir;

use crate::files::gzip;
use crate::written::*;

/// Images by their numbers, with their labels.
fn split(images: &[(usize, u16)]) -> Split {
    Split {
        pixels: images.iter().flat_map(|(seed, _)| pixels(COLOUR, *seed)).collect(),
        targets: images.iter().map(|(_, label)| *label).collect(),
    }
}

fn expected() -> Dataset {
    Dataset {
        inputs: COLOUR.into(),
        task: Task::default(),
        outputs: 2,
        labels: vec!["ant".to_string(), "bee".to_string()],
        train: split(&[(0, 0), (1, 0), (2, 1), (3, 1)]),
        test: split(&[(4, 0), (5, 1)]),
        unlabelled: [false; 2],
        synthetic: false,
        samples: vec![Vec::new()],
        groups: Vec::new(),
    }
}

fn read(name: &str, contents: &[u8]) -> Dataset {
    let folder = TempDir::new().unwrap();
    load(&DatasetConfig::new(write_file(folder.path(), name, contents))).unwrap_or_else(|e| panic!("{e}"))
}

fn read_folder(files: &Files) -> Dataset {
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), files);
    load(&DatasetConfig::new(folder.path())).unwrap_or_else(|error| panic!("{error}"))
}

fn renamed(from: &str, to: &str) -> Files {
    small().into_iter().map(|(name, contents)| (name.replacen(from, to, 1), contents)).collect()
}

#[test]
fn class_after_class_in_the_order_of_names() {
    assert_eq!(read_folder(&small()), expected());
    for test in ["val", "valid", "validation"] {
        assert_eq!(read_folder(&renamed("test/", &format!("{test}/"))), expected());
    }
    // A folder around, whatever it is called, and files that are not images of a class.
    let around: Files = small().into_iter().map(|(name, file)| (format!("a/train/{name}"), file)).collect();
    assert_eq!(read_folder(&around), expected());
    let beside: [(&str, &[u8]); 4] = [
        ("README.txt", b"x"),
        ("train/ant/.DS_Store", b"x"),
        (".git/x/y.png", b"x"),
        ("train/list.csv", b"x"),
    ];
    assert_eq!(read_folder(&with(small(), &beside)), expected());
}

/// The name of a class may be the start of another, with any character after it.
#[test]
fn classes_are_sorted_by_their_own_names() {
    let files = [
        ("a/1.png", 0),
        ("a-b/1.png", 1),
        ("a/2.png", 2),
        ("a b/1.png", 3),
        ("a b/2.png", 4),
        ("a-b/2.png", 5),
    ];
    let files: Files = files.map(|(name, seed)| (name.to_string(), png(COLOUR, seed))).into();
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), &files);
    let config = DatasetConfig { test: Some(TestPart::Rows(3)), ..DatasetConfig::new(folder.path()) };
    let dataset = Dataset::load(&config, COLOUR, 3, &mut ()).unwrap();
    assert_eq!(dataset.labels, ["a", "a b", "a-b"]);
    assert_eq!(
        (dataset.train.targets.labels(), dataset.test.targets.labels()),
        (vec![0, 1, 2], vec![0, 1, 2])
    );
}

#[test]
fn archives_are_read_like_folders() {
    let with_folders = |root: &str| -> Files {
        let folders = ["", "train/", "train/ant/", "train/bee/", "test/", "test/ant/", "test/bee/"];
        let folders = folders.map(|folder| (format!("{root}{folder}"), Vec::new()));
        let files = small().into_iter().map(|(name, file)| (format!("{root}{name}"), file));
        folders.into_iter().filter(|(name, _)| !name.is_empty()).chain(files).collect()
    };
    for files in [small(), with_folders(""), with_folders("./"), with_folders("images/")] {
        let packed = tar(&files);
        assert_eq!(read("d.tar", &packed), expected());
        assert_eq!(read("d.tar.gz", &gzip(&packed)), expected());
        assert_eq!(read("D.TGZ", &gzip(&packed)), expected());
        assert_eq!(read("d.tar.zst", &zstd(&packed)), expected());
        assert_eq!(read("d.zip", &zip(&files)), expected());
    }
    // Several frames of Zstandard, and one to be skipped: a magic number, the length, what only others
    // understand.
    let packed = tar(&small());
    let (head, tail) = packed.split_at(700);
    let skipped = [&[0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
    assert_eq!(read("d.tzst", &[skipped.clone(), zstd(head), skipped, zstd(tail)].concat()), expected());
    // What macOS adds to its ZIP files.
    let attributes: [(&str, &[u8]); 1] = [("__MACOSX/train/ant/._a.png", b"x")];
    assert_eq!(read("d.zip", &zip(&with(small(), &attributes))), expected());
}

/// A dataset without parts: the same images become the test part whatever is around the folders or in which
/// order they come.
#[test]
fn a_share_of_each_class_is_cut_by_name() {
    let classes = [("ant", 40), ("bee", 10), ("cat", 50)];
    let files: Files = (classes.iter())
        .flat_map(|(class, count)| (0..*count).map(move |index| format!("{class}/{index:03}.png")))
        .enumerate()
        .map(|(seed, name)| (name, png(COLOUR, seed)))
        .collect();
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), &files);
    let load = |path: &Path, test| {
        Dataset::load(&DatasetConfig { test, ..DatasetConfig::new(path) }, COLOUR, 3, &mut ()).unwrap()
    };
    let counts =
        |split: &Split| [0, 1, 2].map(|class| split.targets.labels().iter().filter(|l| **l == class).count());
    let dataset = load(folder.path(), None);
    assert_eq!((counts(&dataset.train), counts(&dataset.test)), ([32, 8, 40], [8, 2, 10]));
    assert_eq!(counts(&load(folder.path(), Some(TestPart::Rows(50))).test), [20, 5, 25]);
    assert_eq!(counts(&load(folder.path(), Some(TestPart::Share(0.25))).test), [10, 2, 13]);
    // Every image is in one part, in its place among the others.
    let all: Vec<Vec<u8>> = (0..100).map(|seed| pixels(COLOUR, seed)).collect();
    let numbers = |split: &Split| -> Vec<usize> {
        (0..split.len()).map(|at| all.iter().position(|image| image == split.image(at)).unwrap()).collect()
    };
    let (train, test) = (numbers(&dataset.train), numbers(&dataset.test));
    assert!(train.is_sorted() && test.is_sorted());
    let mut both = [train, test.clone()].concat();
    both.sort_unstable();
    assert_eq!(both, (0..100).collect::<Vec<_>>());
    // Not the first and not the last of a class.
    assert_ne!(test[..8], [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_ne!(test[..8], [32, 33, 34, 35, 36, 37, 38, 39]);
    let packed = files.iter().map(|(name, file)| (format!("x/train/{name}"), file.clone())).collect();
    assert_eq!(load(&write_file(folder.path(), "d.zip", &zip(&packed)), None), dataset);
}

/// Colour and grey, and a size of their own. The weights of grey are those of ITU-R BT.601.
#[test]
fn images_become_what_the_network_wants() {
    let grey = Shape { channels: 1, ..COLOUR };
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), &small());
    let dataset = Dataset::load(&DatasetConfig::new(folder.path()), grey, 2, &mut ()).unwrap();
    for at in 0..4 {
        for (found, rgb) in dataset.train.image(at).iter().zip(pixels(COLOUR, at).as_chunks::<3>().0) {
            let [r, g, b] = rgb.map(f64::from);
            let exact = 0.299 * r + 0.587 * g + 0.114 * b;
            assert!((f64::from(*found) - exact).abs() <= 0.51, "{found} {exact}");
        }
    }
    let names = ["a/1.png", "a/2.png", "b/1.png", "b/2.png"];
    let files: Files =
        names.into_iter().enumerate().map(|(seed, name)| (name.to_string(), png(grey, seed))).collect();
    let config = |root: &Path| DatasetConfig { test: Some(TestPart::Rows(2)), ..DatasetConfig::new(root) };
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), &files);
    let coloured = load(&config(folder.path())).unwrap();
    let plain = Dataset::load(&config(folder.path()), grey, 2, &mut ()).unwrap();
    let tripled: Vec<u8> = plain.train.pixels.iter().flat_map(|pixel| [*pixel; 3]).collect();
    assert_eq!(coloured.train.pixels, tripled);
}

/// Of halves of one colour each, doubled, the corners keep their colours; of one colour, all is that colour.
#[test]
fn images_are_scaled_as_a_whole() {
    let found = Shape { height: 4, width: 8, channels: 1 };
    let halves = |left: u8, right: u8| -> Vec<u8> {
        (0..32).map(|at| if at % 8 < 4 { left } else { right }).collect()
    };
    let files: Files = [("a/1.png", 10, 200), ("a/2.png", 10, 200), ("b/1.png", 90, 90), ("b/2.png", 90, 90)]
        .map(|(name, left, right)| (name.to_string(), encode(found, &halves(left, right), ImageFormat::Png)))
        .into();
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), &files);
    for (height, width) in [(2, 4), (8, 16), (4, 4), (3, 8)] {
        let shape = Shape { height, width, channels: 1 };
        let config = DatasetConfig {
            resize: true,
            test: Some(TestPart::Rows(2)),
            ..DatasetConfig::new(folder.path())
        };
        let dataset = Dataset::load(&config, shape, 2, &mut ()).unwrap();
        for row in dataset.train.image(0).chunks(width) {
            assert_eq!((row[0], row[width - 1]), (10, 200), "{shape}");
        }
        assert!(dataset.train.image(1).iter().all(|pixel| *pixel == 90), "{shape}");
    }
}

/// JPEG of one colour in each 8x8 block comes back to within its rounding.
#[test]
fn jpeg_is_decoded() {
    let shape = Shape { height: 16, width: 24, channels: 3 };
    let blocks = |seed: usize| -> Vec<u8> {
        let block = |at: usize| (at / 24 / 8) * 3 + at % 24 / 8;
        (0..16 * 24)
            .flat_map(|at| [0, 1, 2].map(|c| (40 + (block(at) * 30 + seed * 11 + c * 50) % 180) as u8))
            .collect()
    };
    let mut images = Vec::new();
    let names = ["a/1.jpg", "a/2.jpeg", "b/1.JPG", "b/2.jpg"];
    for (seed, name) in names.into_iter().enumerate() {
        let mut file = Vec::new();
        let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, 100);
        let image = image::RgbImage::from_raw(24, 16, blocks(seed)).unwrap();
        image.write_with_encoder(encoder).unwrap();
        images.push((name.to_string(), file));
    }
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), &images);
    let config = DatasetConfig { test: Some(TestPart::Rows(2)), ..DatasetConfig::new(folder.path()) };
    let dataset = Dataset::load(&config, shape, 2, &mut ()).unwrap();
    let originals: Vec<Vec<u8>> = (0..4).map(blocks).collect();
    for at in 0..2 {
        let near = |original: &&Vec<u8>| {
            original.iter().zip(dataset.train.image(at)).all(|(a, b)| a.abs_diff(*b) <= 4)
        };
        assert_eq!(originals.iter().filter(near).count(), 1);
    }
}

#[test]
fn progress_reaches_the_end() {
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), &small());
    let packed = write_file(folder.path(), "d.tar.gz", &gzip(&tar(&small())));
    let size = packed.metadata().unwrap().len();
    for (path, total) in [(folder.path(), 7), (&packed, size)] {
        let mut heard = Heard::default();
        // The archive lies in the folder, where it is in no class.
        Dataset::load(&DatasetConfig::new(path), COLOUR, 2, &mut heard).unwrap();
        assert!(heard.progress.is_sorted(), "{:?}", heard.progress);
        assert_eq!(heard.progress.last(), Some(&(total, total)));
        assert!(heard.warnings.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_was_packed_is_read(
        height in 1_usize..6,
        width in 1_usize..6,
        channels in prop::sample::select(vec![1_usize, 3]),
        counts in prop::collection::vec(1_usize..4, 2..5),
        kind in 0..5,
    ) {
        let shape = Shape { height, width, channels };
        let mut files = Files::new();
        let mut parts = [(Vec::new(), Vec::new()), (Vec::new(), Vec::new())];
        for (label, count) in counts.iter().enumerate() {
            for index in 0..2 * count {
                let seed = 100 * label + index;
                let part = usize::from(index >= *count);
                let name = ["train", "test"][part];
                files.push((format!("{name}/class {label}/{index}.png"), png(shape, seed)));
                parts[part].0.extend(pixels(shape, seed));
                parts[part].1.push(label as u16);
            }
        }
        let [train, test] = parts.map(|(pixels, labels)| {
            Split { pixels: pixels.into(), targets: labels.into() }
        });
        prop_assume!(train.pixels.iter().any(|pixel| *pixel != train.pixels[0]));
        let folder = TempDir::new().unwrap();
        let path = match kind {
            0 => { write_folder(folder.path(), &files); folder.path().to_path_buf() }
            1 => write_file(folder.path(), "d.tar", &tar(&files)),
            2 => write_file(folder.path(), "d.tar.gz", &gzip(&tar(&files))),
            3 => write_file(folder.path(), "d.tar.zst", &zstd(&tar(&files))),
            _ => write_file(folder.path(), "d.zip", &zip(&files)),
        };
        let dataset = Dataset::load(&DatasetConfig::new(path), shape, counts.len(), &mut ()).unwrap();
        prop_assert_eq!(dataset.train, train);
        prop_assert_eq!(dataset.test, test);
    }
}
