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
const INPUT: Shape = Shape { height: 2, width: 4, channels: 1 };

/// A PNG file of two rows, with these bytes.
fn file(color: ColorType, depth: BitDepth, width: u32, height: u32, bytes: &[u8]) -> Vec<u8> {
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

fn grey(width: u32, height: u32, bytes: &[u8]) -> Vec<u8> {
    file(ColorType::Grayscale, BitDepth::Eight, width, height, bytes)
}

fn mask(values: [u8; 8]) -> Vec<u8> {
    grey(4, 2, &values)
}

const FIRST: [u8; 8] = [0, 1, 2, 2, 0, 0, 1, 255];
const SECOND: [u8; 8] = [2, 1, 0, 0, 1, 1, 2, 2];

/// The image `seed`.
fn image(seed: usize) -> Vec<u8> {
    png(INPUT, seed)
}

/// Two images with masks to train with, two to measure with; the folders are called so.
fn layout(places: [[&str; 2]; 2]) -> Files {
    let mut files = Files::new();
    for (part, [images, masks]) in places.into_iter().enumerate() {
        for (at, values) in [FIRST, SECOND].into_iter().enumerate() {
            files.push((format!("{images}/{at}.png"), image(2 * part + at)));
            files.push((masks.replace('*', &at.to_string()), mask(values)));
        }
    }
    files
}

fn small() -> Files {
    layout([["train/images", "train/masks/*.png"], ["test/images", "test/masks/*.png"]])
}

fn config(path: &Path) -> DatasetConfig {
    DatasetConfig { task: Task::Dense, ..DatasetConfig::new(path) }
}

/// Read for an output of this grid and three classes.
fn read_for(
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

/// What is said of files; for three classes unless `change` says otherwise.
fn refused(files: &Files) -> Vec<String> {
    let error = read_for(files, [2, 4], |config| config).0.unwrap_err().to_string();
    error.lines().map(String::from).collect()
}

fn expect(dataset: &Dataset) {
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

#[test]
fn values_may_be_named() {
    let files = small().into_iter().map(|(name, contents)| match name.contains("masks") {
        // As the trimaps of Oxford's pets are: 1 to 3.
        true => (name, mask([1, 1, 2, 3, 3, 2, 1, 9])),
        false => (name, contents),
    });
    let files: Files = files.collect();
    let named = |values: &[u8]| {
        let values = Some(values.to_vec());
        read_for(&files, [2, 4], |config| DatasetConfig { mask_values: values.clone(), ..config })
    };
    let (dataset, warnings) = named(&[2, 1, 3]);
    assert_eq!(dataset.unwrap().train.targets.get(0), [1, 1, 0, 2, 2, 0, 1, 255]);
    let expected = "ROOT: pixels do not count whose value `mask-values` does not name: 9 (in 4 of 4 masks)";
    assert_eq!(warnings, [expected]);
    let said = named(&[1, 2]).0.unwrap_err().to_string();
    assert!(said.contains("`mask-values` has 2 values, but the network has 3 classes"), "{said}");
    let said = refused(&files);
    let expected = "ROOT: 4 of 4 masks have values that are not one of the network's 3 classes: \
                    test/masks/0.png has 3, 9, test/masks/1.png has 3, 9, train/masks/0.png has 3, 9, \
                    train/masks/1.png has 3, 9; classes are 0 to 2, and 255 does not count; mask-values = \
                    [1, 2, 3] in the dataset's table names other values for them, in the order of the outputs";
    assert_eq!(said, [expected]);
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), &files);
    let other = DatasetConfig { mask_values: Some(vec![1, 2]), ..DatasetConfig::new(folder.path()) };
    let said = Dataset::load(&other, INPUT, 2, &mut ()).unwrap_err().to_string();
    assert!(said.contains("`mask-values` is for task = \"dense\""), "{said}");
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
fn all_that_is_wrong_is_said_at_once() {
    let mut files = with(
        small(),
        &[
            ("train/images/a.png", &image(7)),
            ("train/masks/b.png", &mask(FIRST)),
            ("train/images/c.png", &image(8)),
            ("train/masks/c.png", &grey(2, 4, &FIRST)),
            ("train/images/d.png", &image(9)),
            ("train/masks/d.png", b"GIF89a"),
            ("train/images/e.png", &image(5)),
            ("train/masks/e.gif", b"GIF89a"),
            ("train/masks/1.png", &mask([0, 1, 2, 3, 4, 0, 0, 0])),
        ],
    );
    let rgb = file(ColorType::Rgb, BitDepth::Eight, 4, 2, &(0..24).collect::<Vec<u8>>());
    files = with(files, &[("test/masks/1.png", &rgb)]);
    let said = refused(&files);
    let left = "or set `tolerate`, the share of images that may be left out, now 0";
    let expected = [
        "ROOT: 1 of 7 masks have no image: train/masks/b.png; add images of the same name, or remove the masks"
            .to_string(),
        format!(
            "ROOT: 2 of 8 images cannot be read, or their masks: test/masks/1.png (it is in colour: a mask is \
             grey, or has a palette, and its values are the numbers of classes), train/masks/d.png (it is not \
             a PNG file: other kinds do not keep each value of a mask); repair or remove them, {left}"
        ),
        format!(
            "ROOT: 2 of 8 images have no mask of their name: train/images/a.png, train/images/e.png \
             (train/masks/e.gif is not a PNG file); add masks, or remove the images, {left}"
        ),
        "ROOT: 1 of 4 masks are not of their images' size: train/masks/c.png is 4x2 for an image of 2x4; a \
         mask has the size of its image, height x width, or of the output, 2x4"
            .to_string(),
        "ROOT: 1 of 4 masks have values that are not one of the network's 3 classes: train/masks/1.png has 3, \
         4; classes are 0 to 2, and 255 does not count; mask-values = [1, 2, 3] in the dataset's table names \
         other values for them, in the order of the outputs"
            .to_string(),
    ];
    assert_eq!(said, expected);
}

#[test]
fn images_without_masks_may_be_left_out() {
    let files = with(small(), &[("train/images/a.png", &image(7))]);
    let tolerate = |tolerate| read_for(&files, [2, 4], |config| DatasetConfig { tolerate, ..config });
    assert!(tolerate(0.19).0.is_err());
    let (dataset, warnings) = tolerate(0.2);
    expect(&dataset.unwrap());
    assert_eq!(warnings, ["ROOT: 1 of 5 images have no mask of their name: train/images/a.png; left out"]);
}

#[test]
fn what_belongs_to_nothing() {
    // Parts and numbers of things that are not used.
    let files = with(
        layout([
            ["JPEGImages/train", "SegmentationClass/train/*.png"],
            ["JPEGImages/test", "SegmentationClass/test/*.png"],
        ]),
        &[
            ("SegmentationObject/train/0.png", &mask(FIRST)),
            ("JPEGImages/val/9.png", &image(1)),
            ("SegmentationClass/val/9.png", &mask(FIRST)),
        ],
    );
    let (dataset, warnings) = read_for(&files, [2, 4], |config| config);
    expect(&dataset.unwrap());
    let expected = [
        "ROOT: the 1 images in folders of instances are not used",
        "ROOT: the 1 images beside the training and the test part are not used",
    ];
    assert_eq!(warnings, expected);
    // Two candidates.
    let twice = with(small(), &[("train/labels/0.png", &mask(FIRST))]);
    let said = refused(&twice);
    assert!(said[0].contains("1 files have more than one image or mask: train/images/0.png (train/labels/0.png and train/masks/0.png)"), "{said:?}");
    // No masks at all, and no images.
    let files: Files = small().into_iter().filter(|(name, _)| name.contains("images")).collect();
    let said = refused(&files);
    assert!(
        said[0].starts_with("ROOT has 4 images, but no masks, which task = \"dense\" wants; it holds "),
        "{said:?}"
    );
    let files: Files = small().into_iter().filter(|(name, _)| name.contains("masks")).collect();
    assert!(refused(&files)[0].starts_with("ROOT: 4 of 4 masks have no image: "));
}

#[test]
fn a_trained_network_is_measured_with_the_test_part() {
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), &small());
    let network = Reader {
        input: INPUT,
        output: Shape { channels: 3, ..INPUT },
        labels: &["a", "b", "c"].map(String::from),
        samples: &[],
    };
    let Measure { images, own_test_part } = measure(&config(folder.path()), network, &mut ()).unwrap();
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
