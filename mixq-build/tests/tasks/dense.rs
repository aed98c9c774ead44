//! A class for each pixel: discs and squares on a background, by a small U-Net; and on a coarse grid, as FOMO
//! counts them.

use std::io::{Cursor, Write as _};

use super::*;

/// Two resolutions, joined.
const U_NET: &str = r#"
input = [16, 16, 1]
layer = [
    { op = "conv", name = "fine", filters = 8, kernel = 3 },
    { op = "max_pool", kernel = 2 },
    { op = "conv", filters = 16, kernel = 3 },
    { op = "conv", name = "coarse", filters = 8, kernel = 3 },
    { op = "upsample", name = "up", factor = 2 },
    { op = "concat", inputs = ["fine", "up"] },
    { op = "conv", filters = 8, kernel = 3 },
    { op = "conv", filters = 3, kernel = 1 },
]
"#;

/// Cells of 4x4 pixels.
const GRID: &str = r#"
input = [24, 24, 1]
layer = [
    { op = "conv", filters = 8, kernel = 3, stride = 2 },
    { op = "conv", filters = 16, kernel = 3, stride = 2 },
    { op = "conv", filters = 16, kernel = 3 },
    { op = "pointwise", filters = 3, batch_norm = false, activation = "none" },
]
"#;

/// An array of NumPy.
pub(super) fn npy(kind: &str, shape: &[usize], bytes: &[u8]) -> Vec<u8> {
    let shape = shape.iter().map(|size| format!("{size}, ")).collect::<String>();
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}");
    while !(10 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), bytes].concat()
}

pub(super) fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, array) in arrays {
        archive.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(array).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// An image of `side` pixels a side with one or two things, and its mask: 1 disc, 2 square. Around them is a
/// rim that does not count.
fn scene(rng: &mut Rng, side: usize, radius: f64) -> (Vec<u8>, Vec<u8>) {
    let mut image: Vec<u8> = (0..side * side).map(|_| rng.u8(20..70)).collect();
    let mut mask = vec![0; side * side];
    for _ in 0..rng.usize(1..=2) {
        let mut place = || radius + (side as f64 - 2.0 * radius) * rng.f64();
        let (y, x) = (place(), place());
        let class = rng.u8(1..=2);
        for pixel in 0..side * side {
            let (dy, dx) = ((pixel / side) as f64 + 0.5 - y, (pixel % side) as f64 + 0.5 - x);
            let distance = if class == 1 { dy.hypot(dx) } else { dy.abs().max(dx.abs()) };
            if distance < radius {
                (image[pixel], mask[pixel]) = (rng.u8(150..230), class);
            } else if distance < radius + 0.5 && mask[pixel] == 0 {
                mask[pixel] = 255;
            }
        }
    }
    (image, mask)
}

/// A package with `count` scenes.
fn scenes(network: &str, side: usize, radius: f64, count: usize, policy: &str, training: &str) -> Package {
    let mut rng = Rng::with_seed(11);
    let (mut images, mut masks) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let (image, mask) = scene(&mut rng, side, radius);
        images.extend(image);
        masks.extend(mask);
    }
    let shape = [count, side, side];
    let package = package("dense", network, "", ", labels = [\"ground\", \"disc\", \"square\"]", training);
    let file = npz(&[("x", npy("|u1", &shape, &images)), ("y", npy("|u1", &shape, &masks))]);
    std::fs::write(package.path("scenes.npz"), file).unwrap();
    package.replace("Cargo.toml", "images.csv", "scenes.npz");
    package.replace("Cargo.toml", "ram = \"6 KiB\"", "ram = \"12 KiB\"");
    package.replace("Cargo.toml", "scheme =", &format!("policy = {policy:?}\nscheme ="));
    package
}

const TRAINING: &str = "epochs = 12, quantised-epochs = 6, learning-rate = 0.005, batch = 16, flip = true, \
                        class-weights = \"balanced\"";

/// The class of each pixel, by sorting.
fn masks(logits: &[i32], pixels: usize) -> Vec<Vec<u8>> {
    let class = |logits: &[i32]| {
        let mut order: Vec<usize> = (0..logits.len()).collect();
        order.sort_by_key(|class| (std::cmp::Reverse(logits[*class]), *class));
        order[0] as u8
    };
    logits.chunks(3).map(class).collect::<Vec<_>>().chunks(pixels).map(<[u8]>::to_vec).collect()
}

/// Objects by a flood from each cell, as sets of cells in the order of their first ones.
fn objects(mask: &[u8], side: usize) -> Vec<(u8, Vec<usize>)> {
    let (mut seen, mut found) = (vec![false; mask.len()], Vec::new());
    for start in 0..mask.len() {
        if mask[start] == 0 || seen[start] {
            continue;
        }
        let (mut cells, mut open) = (Vec::new(), vec![start]);
        seen[start] = true;
        while let Some(cell) = open.pop() {
            cells.push(cell);
            for other in 0..mask.len() {
                let near =
                    (cell / side).abs_diff(other / side) <= 1 && (cell % side).abs_diff(other % side) <= 1;
                if near && mask[other] == mask[start] && !seen[other] {
                    seen[other] = true;
                    open.push(other);
                }
            }
        }
        found.push((mask[start], cells));
    }
    found
}

/// Scores by their definitions, from what firmware reads; and the device against the host.
fn check(trained: &Trained, name: &str, side: usize, scale: usize) {
    let Trained { artifact, dataset, logits, .. } = trained;
    let header = &artifact.header;
    println!("{:?}\n{}", header.accuracy, report(artifact).details);
    let pixels = side * side;
    let masks = masks(logits, pixels);
    let figures = report(artifact).figures.unwrap();
    let (mut right, mut counted, mut mean) = (0, 0, 0.0);
    for class in 0..3u8 {
        let (mut both, mut either) = (0, 0);
        for (mask, target) in masks.iter().zip(dataset.test.targets.iter()) {
            for (answer, target) in mask.iter().zip(target).filter(|(_, target)| **target != 255) {
                both += usize::from(*answer == class && *target == class);
                either += usize::from(*answer == class || *target == class);
                counted += usize::from(*target == class);
            }
        }
        right += both;
        let iou = both as f64 / either as f64;
        assert!((figures["classes"][usize::from(class)]["iou"].as_f64().unwrap() - iou).abs() < 1e-12);
        mean += iou / 3.0;
    }
    assert!((figures["mean_iou"].as_f64().unwrap() - mean).abs() < 1e-12, "{figures}");
    assert!((header.accuracy.integer - mean).abs() < 1e-12, "{:?}", header.accuracy);
    let accuracy = right as f64 / counted as f64;
    assert!((figures["pixel_accuracy"].as_f64().unwrap() - accuracy).abs() < 1e-12, "{figures}");
    for (image, line) in on_device(name, trained, 12).iter().enumerate() {
        let mut expected = list(masks[image].iter());
        for (class, cells) in objects(&masks[image], side) {
            let centre = |of: &dyn Fn(usize) -> usize| {
                let sum: usize = cells.iter().map(|cell| of(*cell)).sum();
                (2 * sum + cells.len()) * scale / (2 * cells.len())
            };
            let (y, x) = (centre(&|cell| cell / side), centre(&|cell| cell % side));
            expected += &format!(" {class},{},{y},{x}", cells.len());
        }
        assert_eq!(*line, expected, "image {image}");
    }
}

#[test]
fn a_u_net_finds_pixels_at_8_bits() {
    let package = scenes(U_NET, 16, 2.6, 500, "uniform-8", TRAINING);
    let trained = train(&package);
    assert!(trained.warnings.is_empty(), "{:?}", trained.warnings);
    let accuracy = &trained.artifact.header.accuracy;
    assert!(accuracy.float > 0.8, "it learns: {accuracy:?}");
    assert!(accuracy.integer > accuracy.float - 0.03, "{accuracy:?}");
    assert!((accuracy.integer - accuracy.fake_quant).abs() < 0.002, "{accuracy:?}");
    assert_eq!(accuracy.disagreements, 0, "{accuracy:?}");
    check(&trained, "u-net8", 16, 1);
}

#[test]
fn four_and_mixed_bits_find_them_too() {
    for policy in ["uniform-4", "rules"] {
        let package = scenes(U_NET, 16, 2.6, 500, policy, TRAINING);
        if policy == "rules" {
            // Three quarters of what 8 bits take.
            package.replace("Cargo.toml", "ram = \"12 KiB\"", "ram = \"6 KiB\"");
            package.replace("Cargo.toml", "flash = \"48 KiB\"", "flash = \"4 KiB\"");
        }
        let trained = train(&package);
        let accuracy = &trained.artifact.header.accuracy;
        println!("{policy}: {accuracy:?}");
        assert!(accuracy.integer > 0.75, "{accuracy:?}");
        assert!((accuracy.integer - accuracy.fake_quant).abs() < 0.01, "{accuracy:?}");
        check(&trained, &format!("u-net-{policy}"), 16, 1);
    }
}

#[test]
fn a_coarse_grid_counts_things() {
    let package = scenes(GRID, 24, 3.5, 600, "uniform-8", TRAINING);
    let trained = train(&package);
    let accuracy = &trained.artifact.header.accuracy;
    assert!(accuracy.integer > 0.7, "it learns: {accuracy:?}");
    assert_eq!(accuracy.disagreements, 0, "{accuracy:?}");
    check(&trained, "grid", 6, 4);
}

#[test]
fn what_is_not_a_mask_is_refused() {
    let write = |masks: Vec<u8>| {
        let package = scenes(U_NET, 16, 2.6, 20, "uniform-8", "");
        let images = vec![7; 10 * 256];
        let file = npz(&[("x", npy("|u1", &[10, 16, 16], &images)), ("y", masks)]);
        std::fs::write(package.path("scenes.npz"), file).unwrap();
        package
    };
    let said = refused(&write(npy("|u1", &[10, 12, 16], &[0; 10 * 192])));
    assert!(
        said.contains("image 0 of x: the mask has 12x16 pixels, but the network answers 16x16; a mask has"),
        "{said}"
    );
    let said = refused(&write(npy("|u1", &[10], &[0; 10])));
    assert!(
        said.contains("y is `|u1` of shape [10], it must be whole numbers, 0 to 255, of shape [n, "),
        "{said}"
    );
    let mut mask = vec![0; 2560];
    mask[256 + 16 + 2] = 9;
    let said = refused(&write(npy("|u1", &[10, 16, 16], &mask)));
    assert!(said.contains("image 1 of x: the mask has class 9 at row 1, column 2"), "{said}");
    let said = refused(&write(npy("|u1", &[10, 16, 16], &[0; 2560])));
    assert!(said.contains("the masks of the training images have pixels of `ground` only"), "{said}");
    let said = refused(&write(npy("|u1", &[10, 16, 16], &[255; 2560])));
    assert!(said.contains("have pixels of no class"), "{said}");
    // Twice the size is reduced.
    let package = write(npy("|u1", &[10, 32, 32], &vec![1; 10 * 1024]));
    assert!(refused(&package).contains("have pixels of `disc` only"));
    // Columns hold no masks.
    let package = write(npy("|u1", &[10, 16, 16], &[0; 2560]));
    package.replace("Cargo.toml", "scenes.npz", "images.csv");
    package.write("images.csv", &format!("{}0\n", "7,".repeat(256)).repeat(10));
    let said = refused(&package);
    assert!(said.contains("task = \"dense\" wants a mask for each image"), "{said}");
}
