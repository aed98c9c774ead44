//! What becomes of single images: turned, grey, and read as far as they go.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat};
use mixq_build::engine::config::DatasetConfig;
use mixq_build::engine::dataset::Dataset;
use mixq_build::engine::graph::Shape;

use crate::given::Given;
use crate::written::*;

/// Orientations of EXIF 1 to 8, for 2 rows of 3 pixels stored as 1 2 3 and 4 5 6: where the 0th row and the
/// 0th column are stands in the standard.
const TURNED: [[u8; 6]; 8] = [
    [1, 2, 3, 4, 5, 6],
    [3, 2, 1, 6, 5, 4],
    [6, 5, 4, 3, 2, 1],
    [4, 5, 6, 1, 2, 3],
    [1, 4, 2, 5, 3, 6],
    [4, 1, 5, 2, 6, 3],
    [6, 3, 5, 2, 4, 1],
    [3, 6, 2, 5, 1, 4],
];

/// TIFF of one entry, the orientation (0x0112), a number of 16 bits; high byte first, or low.
fn exif(orientation: u8, big: bool) -> Vec<u8> {
    let number = |value: u16| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let wide = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    [
        if big { b"MM" } else { b"II" },
        &number(42)[..],
        &wide(8),
        &number(1),
        &number(0x0112),
        &number(3),
        &wide(1),
        &number(u16::from(orientation)),
        &number(0),
        &wide(0),
    ]
    .concat()
}

/// Length, kind, data, checksum.
fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(kind);
    crc.update(data);
    [&(data.len() as u32).to_be_bytes()[..], kind, data, &crc.sum().to_be_bytes()].concat()
}

/// What the first image with which `train/a/1` is trained becomes.
fn read(file: &str, contents: Vec<u8>, shape: Shape) -> (Dataset, Vec<String>) {
    let mut files: Files = vec![(file.to_string(), contents)];
    for name in ["train/b/1.png", "test/a/1.png", "test/b/1.png"] {
        files.push((name.to_string(), png(shape, 3)));
    }
    let given = Given::folder(&files);
    let mut heard = Heard::default();
    let dataset = given.load(shape, 2, &mut heard).unwrap_or_else(|error| panic!("{error}"));
    let path = given.path.display().to_string();
    (dataset, heard.warnings.into_iter().map(|warning| warning.replace(&path, "ROOT")).collect())
}

fn grey(height: usize, width: usize) -> Shape {
    Shape { height, width, channels: 1 }
}

#[test]
fn png_is_turned_as_exif_says() {
    let stored = encode(grey(2, 3), &[1, 2, 3, 4, 5, 6], ImageFormat::Png);
    for (at, expected) in TURNED.iter().enumerate() {
        let shape = if at < 4 { grey(2, 3) } else { grey(3, 2) };
        for big in [true, false] {
            let exif = chunk(b"eXIf", &exif(at as u8 + 1, big));
            // Behind the header of 33 bytes, or before the end mark of 12: programs write both.
            for place in [33, stored.len() - 12] {
                let file = [&stored[..place], &exif, &stored[place..]].concat();
                let (dataset, heard) = read("train/a/1.png", file, shape);
                assert_eq!(dataset.train.image(0), expected, "{} {place}", at + 1);
                assert!(heard.is_empty());
            }
        }
    }
    // Sizes are those of the turned image.
    let turned = [&stored[..33], &chunk(b"eXIf", &exif(6, true)), &stored[33..]].concat();
    let files = with(small(), &[("train/ant/x.png", &turned)]);
    let found = refused(&files, |config| config);
    assert!(
        found[0].ends_with(
            "as the network wants them: train/ant/x.png is 3x2; `resize = true` in the dataset's table \
                                scales images; sizes are height x width"
        ),
        "{found:?}"
    );
}

/// Blocks of one grey come back to within a rounding.
#[test]
fn jpeg_is_turned_as_exif_says() {
    let blocks: Vec<u8> = (0..16 * 24).map(|at| 40 * (1 + at / 24 / 8 * 3 + at % 24 / 8) as u8).collect();
    let stored = encode(grey(16, 24), &blocks, ImageFormat::Jpeg);
    for (at, expected) in TURNED.iter().enumerate() {
        let shape = if at < 4 { grey(16, 24) } else { grey(24, 16) };
        let data = [b"Exif\0\0", &exif(at as u8 + 1, false)[..]].concat();
        let segment = [&[0xFF, 0xE1], &(data.len() as u16 + 2).to_be_bytes()[..], &data].concat();
        let file = [&stored[..2], &segment, &stored[2..]].concat();
        let (dataset, _) = read("train/a/1.jpg", file, shape);
        let columns = shape.width / 8;
        for (block, expected) in expected.iter().enumerate() {
            let middle = (block / columns * 8 + 4) * shape.width + block % columns * 8 + 4;
            let found = dataset.train.image(0)[middle];
            assert!(found.abs_diff(40 * expected) <= 3, "{} block {block}: {found}", at + 1);
        }
    }
}

/// A film behind the image, with markers of JPEG in it, as motion photos have it; and a small image in front.
#[test]
fn jpeg_with_data_behind_its_end_is_whole() {
    let shape = grey(16, 24);
    let blocks: Vec<u8> = (0..16 * 24).map(|at| (at % 24 / 8 * 100) as u8).collect();
    let plain = encode(shape, &blocks, ImageFormat::Jpeg);
    let film = [&b"\0\0\0\x18ftypmp42"[..], &[0xFF, 0xD8, 0xFF, 0xDA, 0, 8, 1, 2, 3, 0xFF, 0xDA, 7]].concat();
    let (expected, _) = read("train/a/1.jpg", plain.clone(), shape);
    let (found, _) = read("train/a/1.jpg", [&plain[..], &film].concat(), shape);
    assert_eq!(found, expected);
    let preview = [&[0xFF, 0xE1], &(plain.len() as u16 + 2).to_be_bytes()[..], &plain].concat();
    let (found, _) = read("train/a/1.jpg", [&plain[..2], &preview, &plain[2..]].concat(), shape);
    assert_eq!(found, expected);
    // The image itself ends early, whatever stands in front of it.
    for cut in [1, 2, plain.len() / 2, plain.len() / 4] {
        let rest = &plain[2..plain.len() - cut];
        let files = with(small(), &[("train/ant/x.jpg", &[&plain[..2], &preview, rest].concat())]);
        let found = refused(&files, |config| DatasetConfig { resize: true, ..config });
        let expected = "ROOT: 1 of 7 images cannot be read: train/ant/x.jpg (it is truncated); ";
        assert!(found[0].starts_with(expected), "{found:?}");
    }
}

/// 255 times 0.299, 0.587 and 0.114, as Pillow's `convert("L")` and OpenCV's `COLOR_RGB2GRAY` have it.
#[test]
fn grey_is_that_of_other_libraries() {
    let colours = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0], [200, 100, 50]];
    let shape = Shape { height: 2, width: 3, channels: 3 };
    let file = encode(shape, colours.as_flattened(), ImageFormat::Png);
    let (dataset, heard) = read("train/a/1.png", file, grey(2, 3));
    assert_eq!(dataset.train.image(0), [76, 150, 29, 255, 0, 124]);
    let expected = "ROOT: 1 images in colour were made grey (0.299 red + 0.587 green + 0.114 blue), since \
                    the network wants one channel";
    assert_eq!(heard, [expected]);
    // Grey that is stored as colour loses nothing.
    let file = encode(shape, &[[7; 3], [8; 3], [9; 3], [1; 3], [2; 3], [3; 3]].concat(), ImageFormat::Png);
    let (dataset, heard) = read("train/a/1.png", file, grey(2, 3));
    assert_eq!((dataset.train.image(0), heard), (&[7, 8, 9, 1, 2, 3][..], vec![]));
}

#[test]
fn what_is_lost_is_said_once() {
    let file = |image: DynamicImage| {
        let mut file = Cursor::new(Vec::new());
        image.write_to(&mut file, ImageFormat::Png).unwrap();
        file.into_inner()
    };
    let rgba = |alpha: u8| -> DynamicImage {
        let pixels = (1..=6).flat_map(|at| [at, 2 * at, 3 * at, if at == 3 { alpha } else { 255 }]).collect();
        image::RgbaImage::from_raw(3, 2, pixels).unwrap().into()
    };
    let colours: Vec<u8> = (1..=6).flat_map(|at| [at, 2 * at, 3 * at]).collect();
    let (dataset, heard) = read("train/a/1.png", file(rgba(255)), COLOUR);
    assert_eq!((dataset.train.image(0), heard), (&colours[..], vec![]), "opaque everywhere");
    let (dataset, heard) = read("train/a/1.png", file(rgba(9)), COLOUR);
    assert_eq!(dataset.train.image(0), colours);
    assert_eq!(heard, ["ROOT: 1 images are partly transparent; their transparency was dropped"]);
    // The high byte, and grey in three channels.
    let deep =
        image::ImageBuffer::<image::Luma<u16>, _>::from_raw(3, 2, vec![0, 257, 514, 771, 65_535, 5 * 257]);
    let (dataset, heard) = read("train/a/1.png", file(deep.unwrap().into()), COLOUR);
    assert_eq!(dataset.train.image(0), [[0; 3], [1; 3], [2; 3], [3; 3], [255; 3], [5; 3]].concat());
    let expected = [
        "ROOT: 1 images in grey got three equal channels, since the network wants colour",
        "ROOT: 1 images of 16 bits a channel were reduced to 8",
    ];
    assert_eq!(heard, expected);
}
