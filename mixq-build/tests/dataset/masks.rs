//! Images with masks in folders side by side.

use std::path::Path;

use mixq_build::engine::config::{DatasetConfig, TestPart};
use mixq_build::engine::dataset::{Dataset, Measure, Reader, measure};
use mixq_build::engine::error::Error;
use mixq_build::engine::graph::Shape;
use mixq_build::engine::task::Task;
use png::{BitDepth, ColorType};
use tempfile::TempDir;

use crate::written::*;

/// Two rows of four pixels.
pub const INPUT: Shape = Shape { height: 2, width: 4, channels: 1 };

/// A PNG file of two rows, with these bytes.
pub fn file(color: ColorType, depth: BitDepth, width: u32, height: u32, bytes: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(color);
    encoder.set_depth(depth);
    if color == ColorType::Indexed {
        // Colours that would tell nothing: all are black.
        encoder.set_palette(vec![0; 3 * 256]);
    }
    encoder.write_header().unwrap().write_image_data(bytes).unwrap();
    file
}

pub fn grey(width: u32, height: u32, bytes: &[u8]) -> Vec<u8> {
    file(ColorType::Grayscale, BitDepth::Eight, width, height, bytes)
}

pub fn mask(values: [u8; 8]) -> Vec<u8> {
    grey(4, 2, &values)
}

pub const FIRST: [u8; 8] = [0, 1, 2, 2, 0, 0, 1, 255];
pub const SECOND: [u8; 8] = [2, 1, 0, 0, 1, 1, 2, 2];

/// The image `seed`.
pub fn image(seed: usize) -> Vec<u8> {
    png(INPUT, seed)
}

/// Two images with masks to train with, two to measure with; the folders are called so.
pub fn layout(places: [[&str; 2]; 2]) -> Files {
    let mut files = Files::new();
    for (part, [images, masks]) in places.into_iter().enumerate() {
        for (at, values) in [FIRST, SECOND].into_iter().enumerate() {
            files.push((format!("{images}/{at}.png"), image(2 * part + at)));
            files.push((masks.replace('*', &at.to_string()), mask(values)));
        }
    }
    files
}

pub fn small() -> Files {
    layout([["train/images", "train/masks/*.png"], ["test/images", "test/masks/*.png"]])
}

pub fn config(path: &Path) -> DatasetConfig {
    DatasetConfig { task: Task::Dense, ..DatasetConfig::new(path) }
}

/// Read for an output of this grid and three classes.
pub fn read_for(
    files: &Files,
    grid: [usize; 2],
    change: impl Fn(DatasetConfig) -> DatasetConfig,
) -> (Result<Dataset, Error>, Vec<String>) {
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), files);
    let output = Shape { height: grid[0], width: grid[1], channels: 3 };
    let mut heard = Heard::default();
    let read = Dataset::load(&change(config(folder.path())), INPUT, output, &mut heard);
    let plain = |text: &str| text.replace(&folder.path().display().to_string(), "ROOT");
    let read = read.map_err(|mut error| {
        error.problems.iter_mut().for_each(|problem| problem.message = plain(&problem.message));
        error
    });
    (read, heard.warnings.iter().map(|warning| plain(warning)).collect())
}

fn read(files: &Files) -> Dataset {
    read_for(files, [2, 4], |config| config).0.unwrap_or_else(|error| panic!("{error}"))
}

pub fn expect(dataset: &Dataset) {
    for (part, split) in [&dataset.train, &dataset.test].into_iter().enumerate() {
        assert_eq!(split.targets.bytes(), [FIRST, SECOND].as_flattened(), "{part}");
        let images = [2 * part, 2 * part + 1].map(|seed| pixels(INPUT, seed)).concat();
        assert_eq!(split.pixels, images, "{part}");
    }
}

#[test]
fn folders_are_side_by_side() {
    for places in [
        [["train/images", "train/masks/*.png"], ["test/images", "test/masks/*.png"]],
        [
            ["images/training", "annotations/training/*.png"],
            ["images/validation", "annotations/validation/*.png"],
        ],
        [["data/train", "data/train_masks/*_mask.png"], ["data/val", "data/val_masks/*_mask.png"]],
        [["train", "trainannot/*.png"], ["test", "testannot/*.png"]],
        [["x/train", "x/train/*_mask.png"], ["x/test", "x/test/*_mask.png"]],
        [
            ["JPEGImages/train", "SegmentationClass/train/*.png"],
            ["JPEGImages/test", "SegmentationClass/test/*.png"],
        ],
    ] {
        expect(&read(&layout(places)));
    }
    // As archives.
    let folder = TempDir::new().unwrap();
    let output = Shape { channels: 3, ..INPUT };
    for (name, packed) in [("d.zip", zip(&small())), ("d.tar.zst", zstd(&tar(&small())))] {
        let path = write_file(folder.path(), name, &packed);
        expect(&Dataset::load(&config(&path), INPUT, output, &mut ()).unwrap());
    }
}

#[test]
fn a_test_part_is_cut_by_name() {
    let mut files = Files::new();
    for at in 0..10 {
        files.push((format!("images/{at}.png"), image(at)));
        files.push((format!("annotations/trimaps/{at}.png"), mask([(at % 3) as u8; 8])));
    }
    let (dataset, warnings) =
        read_for(&files, [2, 4], |config| DatasetConfig { test: Some(TestPart::Rows(3)), ..config });
    let dataset = dataset.unwrap();
    assert_eq!((dataset.train.len(), dataset.test.len()), (7, 3));
    assert!(warnings.len() < 2, "{warnings:?}");
    // Each image has its mask.
    for split in [&dataset.train, &dataset.test] {
        for at in 0..split.len() {
            let seed = (0..10).find(|seed| pixels(INPUT, *seed) == split.image(at)).unwrap();
            assert_eq!(split.targets.get(at), [(seed % 3) as u8; 8]);
        }
    }
}

#[test]
fn values_are_those_of_the_file() {
    let packed = |bits: usize, values: [u8; 8]| -> Vec<u8> {
        let each = 8 / bits;
        let row = |row: &[u8]| -> Vec<u8> {
            row.chunks(each)
                .map(|pixels| (0..each).fold(0, |byte, at| byte << bits | pixels.get(at).unwrap_or(&0)))
                .collect()
        };
        values.chunks(4).flat_map(row).collect()
    };
    use BitDepth::{Eight, Four, One, Sixteen, Two};
    use ColorType::{Grayscale, GrayscaleAlpha, Indexed, Rgb, Rgba};
    let few = [0, 1, 2, 2, 0, 0, 1, 2];
    let bit = [0, 1, 1, 0, 1, 0, 0, 1];
    let each = |values: [u8; 8], of: &dyn Fn(u8) -> Vec<u8>| -> Vec<u8> {
        values.iter().flat_map(|value| of(*value)).collect()
    };
    for (color, depth, bytes, expected) in [
        (Indexed, Eight, FIRST.to_vec(), FIRST),
        (Indexed, Four, packed(4, few), few),
        (Indexed, Two, packed(2, few), few),
        (Indexed, One, packed(1, bit), bit),
        (Grayscale, Four, packed(4, few), few),
        (Grayscale, Two, packed(2, few), few),
        (Grayscale, One, packed(1, bit), bit),
        (Grayscale, Sixteen, each(few, &|value| vec![0, value]), few),
        (Grayscale, Sixteen, each(FIRST, &|value| vec![if value == 255 { 255 } else { 0 }, value]), FIRST),
        (GrayscaleAlpha, Eight, each(FIRST, &|value| vec![value, 9]), FIRST),
        (Rgb, Eight, each(FIRST, &|value| vec![value; 3]), FIRST),
        (Rgba, Eight, each(FIRST, &|value| vec![value, value, value, 9]), FIRST),
    ] {
        let contents = file(color, depth, 4, 2, &bytes);
        let files = with(small(), &[("train/masks/0.png", &contents)]);
        assert_eq!(read(&files).train.targets.get(0), expected, "{color:?} {depth:?}");
    }
}

#[test]
fn black_and_white_are_two_classes() {
    let folder = TempDir::new().unwrap();
    let white = [0, 255, 255, 0, 255, 0, 0, 0];
    let files = small().into_iter().map(|(name, contents)| match name.contains("masks") {
        true => (name, mask(white)),
        false => (name, contents),
    });
    let files: Files = files.collect();
    write_folder(folder.path(), &files);
    let two = Shape { channels: 2, ..INPUT };
    let mut heard = Heard::default();
    let dataset = Dataset::load(&config(folder.path()), INPUT, two, &mut heard).unwrap();
    assert_eq!(dataset.train.targets.get(0), white.map(|value| value / 255));
    let expected = "the masks have the values 0 and 255 alone; 255 is class 1";
    assert!(heard.warnings[0].ends_with(expected), "{:?}", heard.warnings);
    // With others there, 255 does not count.
    write_folder(folder.path(), &vec![("train/masks/0.png".to_string(), mask([0, 1, 1, 0, 1, 0, 255, 0]))]);
    let dataset = Dataset::load(&config(folder.path()), INPUT, two, &mut ()).unwrap();
    assert_eq!(dataset.train.targets.get(0)[6], 255);
    assert_eq!(dataset.train.targets.get(1), white);
}

/// An image of twice the size: the mask is the nearest pixels of its own, and of that the commonest class.
#[test]
fn masks_are_scaled_with_their_images() {
    let large = Shape { height: 4, width: 8, channels: 1 };
    let values: Vec<u8> = (0..32).map(|at| [0, 1, 2, 2, 1, 1, 0, 0][at % 8]).collect();
    let files: Files = (small().into_iter())
        .map(|(name, _)| match name.contains("masks") {
            true if name.contains("1.png") => (name, grey(8, 4, &[2; 32])),
            true => (name, grey(8, 4, &values)),
            false => (name, png(large, 3)),
        })
        .collect();
    let resize = |config| DatasetConfig { resize: true, ..config };
    // The centre of a pixel is on the border of four: the lower right one is taken.
    let (dataset, _) = read_for(&files, [2, 4], resize);
    assert_eq!(dataset.unwrap().train.targets.get(0), [1, 2, 1, 0, 1, 2, 1, 0]);
    let (dataset, _) = read_for(&files, [1, 2], resize);
    assert_eq!(dataset.unwrap().train.targets.get(0), [1, 0]);
    // Not a divisor of the image: the nearest of the file.
    let (dataset, _) = read_for(&files, [2, 3], resize);
    assert_eq!(dataset.unwrap().train.targets.get(0), [1, 1, 0, 1, 1, 0]);
    // Of the size of the output as it is.
    let coarse: Files = (files.iter())
        .map(|(name, contents)| match name.contains("masks") {
            true => (name.clone(), grey(2, 1, &[2, name.contains("0.png").into()])),
            false => (name.clone(), contents.clone()),
        })
        .collect();
    let (dataset, _) = read_for(&coarse, [1, 2], resize);
    assert_eq!(dataset.unwrap().train.targets.bytes(), [2, 1, 2, 0]);
    let said = read_for(&files, [2, 4], |config| config).0.unwrap_err().to_string();
    assert!(said.contains("4 of 4 images are not 2x4, as the network wants them"), "{said}");
}

#[test]
fn a_trained_network_is_measured_with_the_test_part() {
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), &small());
    let network = Reader {
        inputs: &INPUT.into(),
        output: Shape { channels: 3, ..INPUT },
        labels: &["a", "b", "c"].map(String::from),
        samples: &[&[]],
    };
    let Measure { images, own_test_part, .. } = measure(&config(folder.path()), network, &mut ()).unwrap();
    assert!(own_test_part);
    assert_eq!(images.targets.bytes(), [FIRST, SECOND].as_flattened());
    assert_eq!(images.image(0), pixels(INPUT, 2));
    // A test part alone will do.
    std::fs::remove_dir_all(folder.path().join("train")).unwrap();
    assert_eq!(measure(&config(folder.path()), network, &mut ()).unwrap().images, images);
    let output = Shape { channels: 3, ..INPUT };
    let said = Dataset::load(&config(folder.path()), INPUT, output, &mut ()).unwrap_err().to_string();
    assert!(said.contains("has a test part, but no training part"), "{said}");
}
