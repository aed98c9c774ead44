//! Masks whose colours stand for classes.

use mixq_build::engine::config::DatasetConfig;
use mixq_build::engine::dataset::Dataset;
use mixq_build::engine::graph::Shape;
use png::{BitDepth, ColorType};

use crate::masks::*;
use crate::npz::{npy, npz};
use crate::written::{Files, with};

const BLACK: [u8; 3] = [0, 0, 0];
const RED: [u8; 3] = [255, 0, 0];
const SKY: [u8; 3] = [70, 130, 180];
const ORANGE: [u8; 3] = [255, 128, 0];

/// A mask of 2x4 pixels in these colours.
fn painted(colours: [[u8; 3]; 8]) -> Vec<u8> {
    file(ColorType::Rgb, BitDepth::Eight, 4, 2, colours.as_flattened())
}

fn of(classes: [u8; 8]) -> [[u8; 3]; 8] {
    classes.map(|class| [BLACK, RED, SKY, ORANGE][usize::from(class)])
}

const CLASSES: [u8; 8] = [0, 1, 2, 2, 0, 0, 1, 3];

/// Four masks: the first one has a fourth colour, the others have black alone, which is also grey.
fn colourful() -> Files {
    let masks = small().into_iter().map(|(name, contents)| match &name[..] {
        "train/masks/0.png" => (name, painted(of(CLASSES))),
        _ if name.contains("masks") => (name, painted([BLACK; 8])),
        _ => (name, contents),
    });
    masks.collect()
}

fn named(colours: &[[u8; 3]]) -> impl Fn(DatasetConfig) -> DatasetConfig {
    let colours = Some(colours.to_vec());
    move |config| DatasetConfig { mask_colours: colours.clone(), ..config }
}

#[test]
fn colours_are_named_in_the_order_of_the_outputs() {
    let (dataset, warnings) = read_for(&colourful(), [2, 4], named(&[SKY, BLACK, RED]));
    let dataset = dataset.unwrap();
    // Sky is class 0, black 1, red 2; orange does not count.
    assert_eq!(dataset.train.targets.get(0), [1, 2, 0, 0, 1, 1, 2, 255]);
    assert_eq!(dataset.train.targets.get(1), [1; 8]);
    let expected = "ROOT: pixels do not count whose colour `mask-colours` does not name: [255, 128, 0] (in 1 \
                    of 4 masks)";
    assert_eq!(warnings[0], expected);
}

#[test]
fn every_kind_of_png_has_colours() {
    let grey = [BLACK, [85; 3], [255; 3]];
    let classes = [0, 1, 2, 2, 1, 0, 0, 1];
    let palette = |colours: &[[u8; 3]]| {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, 4, 2);
        encoder.set_color(ColorType::Indexed);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_palette(colours.as_flattened().to_vec());
        encoder.write_header().unwrap().write_image_data(&classes).unwrap();
        file
    };
    let wide = |colour: [u8; 3]| colour.map(|side| [side, 7]).concat();
    let deep: Vec<u8> = of(classes).into_iter().flat_map(wide).collect();
    let clear: Vec<u8> = of(classes).into_iter().flat_map(|[r, g, b]| [r, g, b, 9]).collect();
    // Two bits a pixel: 0, 1 and 3 are black, a third, and white.
    let level = |class: u8| [0, 1, 3][usize::from(class)];
    let packed: Vec<u8> =
        classes.chunks(4).map(|row| row.iter().fold(0, |byte, class| byte << 2 | level(*class))).collect();
    let colours = [BLACK, RED, SKY];
    for (mask, colours) in [
        (palette(&colours), colours),
        (file(ColorType::Rgb, BitDepth::Sixteen, 4, 2, &deep), colours),
        (file(ColorType::Rgba, BitDepth::Eight, 4, 2, &clear), colours),
        (file(ColorType::Grayscale, BitDepth::Two, 4, 2, &packed), grey),
    ] {
        let files = small().into_iter().map(|(name, contents)| match name.contains("masks") {
            true => (name, mask.clone()),
            false => (name, contents),
        });
        let (dataset, warnings) = read_for(&files.collect(), [2, 4], named(&colours));
        assert_eq!(dataset.unwrap().train.targets.get(0), classes, "{warnings:?}");
    }
    // Without the key it is the number in the palette that counts, whatever the colours.
    let files = with(small(), &[("train/masks/0.png", &palette(&[SKY, SKY, BLACK]))]);
    let (dataset, _) = read_for(&files, [2, 4], |config| config);
    assert_eq!(dataset.unwrap().train.targets.get(0), classes);
    let files = with(small(), &[("train/masks/0.png", &palette(&[SKY, SKY]))]);
    let said = read_for(&files, [2, 4], named(&colours)).0.unwrap_err().to_string();
    assert!(said.contains("train/masks/0.png (its palette has no colour 2)"), "{said}");
}

/// White that does not count is not the second class, as it is in masks of black and white.
#[test]
fn pixels_that_do_not_count_stay_so() {
    let white = [255; 3];
    let files = small().into_iter().map(|(name, contents)| match name.contains("masks") {
        true => (name, painted([BLACK, white, BLACK, white, RED, RED, SKY, SKY])),
        false => (name, contents),
    });
    let (dataset, _) = read_for(&files.collect(), [2, 4], named(&[BLACK, RED, SKY]));
    assert_eq!(dataset.unwrap().train.targets.get(0), [0, 255, 0, 255, 1, 1, 2, 2]);
}

#[test]
fn colours_that_nothing_names_are_listed() {
    let said = read_for(&colourful(), [2, 4], |config| config).0.unwrap_err().to_string();
    let expected = "ROOT: 1 of 4 masks are in colour, such as train/masks/0.png; their colours are [0, 0, 0] \
                    (in 1 of 4 masks), [70, 130, 180] (in 1 of 4 masks), [255, 0, 0] (in 1 of 4 masks), \
                    [255, 128, 0] (in 1 of 4 masks); mask-colours = [[0, 0, 0], [255, 0, 0], ...] in the \
                    dataset's table names the colour of each of the 3 classes, in the order of the outputs";
    assert_eq!(said, expected);
    // As many as there are classes: they are written out.
    let files = with(colourful(), &[("train/masks/0.png", &painted(of([0, 1, 2, 2, 0, 0, 1, 1])))]);
    let said = read_for(&files, [2, 4], |config| config).0.unwrap_err().to_string();
    assert!(said.contains("mask-colours = [[0, 0, 0], [70, 130, 180], [255, 0, 0]] in"), "{said}");
    // Smoothed edges have more colours than anybody listed.
    let pixels: Vec<u8> = (0..1000u32).flat_map(|at| [at as u8, (at / 4) as u8, (at >> 8) as u8]).collect();
    let smooth = file(ColorType::Rgb, BitDepth::Eight, 50, 20, &pixels);
    let said = read_for(&with(small(), &[("train/masks/0.png", &smooth)]), [2, 4], |config| config);
    let said = said.0.unwrap_err().to_string();
    assert!(said.contains(" and more than 240 more; "), "{said}");
    assert!(said.contains("so many colours come from smoothed edges or from JPEG"), "{said}");
    let two = read_for(&colourful(), [2, 4], named(&[BLACK, RED])).0.unwrap_err().to_string();
    assert!(two.contains("`mask-colours` has 2 colours, but the network has 3 classes"), "{two}");
}

#[test]
fn arrays_of_masks_may_be_in_colour() {
    let colours = of([0, 1, 2, 2, 0, 0, 1, 1]);
    let masks = [colours, of([2, 1, 0, 0, 0, 0, 1, 3])].concat();
    let images: Vec<u8> = (0..32).collect();
    let of_images = |images: &[u8]| npy("|u1", "(2, 2, 4)", images);
    let of_masks = npy("|u1", "(2, 2, 4, 3)", masks.as_flattened());
    let given = npz(&[
        ("x_train", &of_images(&images[..16])),
        ("y_train", &of_masks),
        ("x_test", &of_images(&images[16..])),
        ("y_test", &of_masks),
    ]);
    let load = |config| Dataset::load(&config, INPUT, Shape { channels: 3, ..INPUT }, &mut ());
    let dataset = load(named(&[BLACK, RED, SKY])(config(&given.path))).unwrap();
    assert_eq!(dataset.train.targets.get(0), [0, 1, 2, 2, 0, 0, 1, 1]);
    assert_eq!(dataset.test.targets.get(1), [2, 1, 0, 0, 0, 0, 1, 255]);
    let said = load(config(&given.path)).unwrap_err().to_string();
    assert!(said.contains("it must be whole numbers, 0 to 255, of shape [n, height, width]"), "{said}");
}
