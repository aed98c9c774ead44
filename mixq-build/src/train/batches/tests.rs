//! Batches hold what they should, varied as they should be.

use std::collections::BTreeSet;

use super::*;
use crate::dataset::Split;

const SHAPE: Shape = Shape { height: 3, width: 4, channels: 2 };

fn of_shape(shape: Shape) -> Form {
    let grid = Grid { scale: 1.0, zero_point: 0 };
    Form { inputs: vec![InputForm { shape, order: AS_IT_IS, grid }], device: Device::Cpu }
}

fn form() -> Form {
    of_shape(SHAPE)
}

/// Copied pixels are what the affine map gives, which interpolates nothing where it moves by whole
/// pixels.
#[test]
fn moved_pixels_are_those_of_the_affine_map() {
    let pixels: Vec<u8> = (0..24).collect();
    let split = Split { pixels: pixels.clone().into(), targets: vec![0].into() };
    let images = Images::all(&split);
    for seed in 0..50 {
        let augmentation = Augmentation { shift: 2, ..whole() };
        let drawn = &mut generator(seed, 0, 2);
        let (down, right) = (drawn.isize(-2..=2), drawn.isize(-2..=2));
        let mirror = drawn.bool();
        let (found, _) = augmented_batch(&images, &[0], &form(), &augmentation, Draw::whole(seed, 0, 0));
        for y in 0..3isize {
            for x in 0..4isize {
                let from_x = if mirror { 3 - x } else { x } + right;
                let index = ((y + down).clamp(0, 2) * 4 + from_x.clamp(0, 3)) * 2;
                for channel in 0..2 {
                    let value = found[0].double_value(&[0, channel, y as i64, x as i64]);
                    assert_eq!(value, f64::from(pixels[index as usize + channel as usize]));
                }
            }
        }
    }
}

/// An image whose pixels are its mask, in blocks of `block` pixels a side: they stay the same, however
/// the image is varied.
#[test]
fn masks_move_as_images_do() {
    for block in [1, 2, 4] {
        let cells = [8 / block, 12 / block];
        let mask: Vec<u8> = (0..cells[0] * cells[1]).map(|cell| (cell * 37 % 251) as u8).collect();
        let cell = |pixel: usize| pixel / 12 / block * cells[1] + pixel % 12 / block;
        let pixels: Vec<u8> = (0..96).map(|pixel| mask[cell(pixel)]).collect();
        let augmentation = Augmentation { shift: 5, ..whole() };
        let mut moved = 0;
        for seed in 0..40 {
            let (image, found) =
                vary(&pixels, &mask, Augmentation { masks: Some(cells), ..augmentation.clone() }, seed);
            moved += usize::from(found != mask);
            for (pixel, value) in image.into_iter().enumerate() {
                assert_eq!(value, f64::from(found[cell(pixel)]), "{block} {seed} {pixel}");
            }
        }
        assert!(moved > 10, "{block}: {moved}");
    }
}

/// Two halves: an interpolated pixel lies nearer to the half that the mask says.
#[test]
fn masks_turn_and_grow_as_images_do() {
    let half: Vec<u8> = (0..96).map(|pixel| if pixel % 12 < 6 { 10 } else { 210 }).collect();
    let augmentation = Augmentation { rotation: 180.0, zoom: 0.4, masks: Some([8, 12]), ..whole() };
    let mut seen = [0; 2];
    for seed in 0..40 {
        let (image, found) = vary(&half, &half, augmentation.clone(), seed);
        for (value, class) in image.into_iter().zip(found) {
            assert!((value - f64::from(class)).abs() < 100.01, "{seed}: {value} is {class}");
            seen[usize::from(class == 210)] += 1;
        }
    }
    assert!(seen.iter().all(|count| *count > 1000), "{seen:?}");
}

fn whole() -> Augmentation {
    Augmentation { shift: 0, rotation: 0.0, zoom: 0.0, flip: true, masks: None, inputs: vec![0] }
}

/// An image of 8x12 pixels and its mask, varied.
fn vary(pixels: &[u8], mask: &[u8], augmentation: Augmentation, seed: u64) -> (Vec<f64>, Vec<u8>) {
    let targets = Targets::new(mask.len(), mask.to_vec());
    let split = Split { pixels: pixels.to_vec().into(), targets };
    let form = of_shape(Shape { height: 8, width: 12, channels: 1 });
    let (image, found) =
        augmented_batch(&Images::all(&split), &[0], &form, &augmentation, Draw::whole(seed, 0, 0));
    let image = image[0].to_kind(Kind::Double).contiguous().flatten(0, -1);
    (Vec::try_from(image).unwrap(), found.bytes().to_vec())
}

#[test]
fn a_last_batch_that_is_too_small_joins_the_one_before() {
    let sizes = |count: usize, size: usize, least: usize| -> Vec<usize> {
        let order: Vec<usize> = (0..count).collect();
        let batches = batches(&order, size, least);
        assert_eq!(batches.concat(), order);
        batches.iter().map(|batch| batch.len()).collect()
    };
    assert_eq!(sizes(9, 4, 2), [4, 5]);
    assert_eq!(sizes(9, 4, 1), [4, 4, 1]);
    assert_eq!(sizes(10, 4, 2), [4, 4, 2]);
    assert_eq!(sizes(8, 4, 2), [4, 4]);
    assert_eq!(sizes(5, 4, 2), [5]);
    assert_eq!(sizes(1, 4, 2), [1]);
}

#[test]
fn groups_are_on_one_side_and_each_class_on_both() {
    // Two classes, each of six groups of ten images; groups 3 and 4 are of both.
    let groups: Vec<u32> = (0..100).map(|image| image / 10).chain([3, 4]).collect();
    let classes = [(0..60).collect(), (60..102).collect()];
    for seed in 0..20 {
        let (train, validation) = split_groups(&groups, &classes, 0.2, seed);
        assert_eq!(train.len() + validation.len(), 102);
        let of = |part: &[usize]| -> BTreeSet<u32> { part.iter().map(|image| groups[*image]).collect() };
        assert!(of(&train).is_disjoint(&of(&validation)), "{train:?} {validation:?}");
        assert!((10..=45).contains(&validation.len()), "{}", validation.len());
        for class in &classes {
            assert!(class.iter().any(|image| train.contains(image)));
        }
    }
    // With a single group there is no other way than by images.
    let (train, validation) = split_groups(&[7; 10], &[(0..10).collect()], 0.2, 1);
    assert_eq!((train.len(), validation.len()), (8, 2));
}

#[test]
fn every_epoch_has_every_image_in_an_order_of_its_own() {
    let (mut a, b) = (shuffled(100, 1, 0), shuffled(100, 1, 1));
    assert_eq!(a, shuffled(100, 1, 0));
    assert_ne!(a, b);
    a.sort_unstable();
    assert_eq!(a, (0..100).collect::<Vec<_>>());
}

/// An image that is varied, and a vector that stays: the vector's codes follow the image's in each row.
#[test]
fn images_move_and_vectors_stay() {
    let grid = |zero_point| Grid { scale: 0.5, zero_point };
    let (image, vector) = (Shape { height: 3, width: 4, channels: 1 }, Shape::from(5));
    let inputs = vec![
        InputForm { shape: image, order: AS_IT_IS, grid: grid(0) },
        InputForm { shape: vector, order: AS_IT_IS, grid: grid(3) },
        InputForm { shape: image, order: AS_IT_IS, grid: grid(0) },
    ];
    let form = Form { inputs, device: Device::Cpu };
    // In each row 12 pixels, the vector, and the pixels again.
    let row = |start: u8| -> Vec<u8> {
        [start..start + 12, 100..105, start..start + 12].into_iter().flatten().collect()
    };
    let split = Split { pixels: [row(0), row(50)].concat().into(), targets: vec![0, 1].into() };
    let images = Images::all(&split);
    let values = |tensor: &Tensor| {
        let flat = tensor.to_kind(Kind::Double).permute([0, 2, 3, 1]).contiguous().flatten(0, -1);
        Vec::<f64>::try_from(flat).unwrap()
    };
    let expected: Vec<f64> = (0..2).flat_map(|_| (100..105).map(|code| 0.5 * f64::from(code - 3))).collect();
    for (rotation, shift) in [(0.0, 2), (90.0, 0)] {
        let augmentation = Augmentation { rotation, shift, inputs: vec![0, 2], ..whole() };
        let mut moved = 0;
        for seed in 0..20 {
            let (found, targets) =
                augmented_batch(&images, &[1, 0], &form, &augmentation, Draw::whole(seed, 0, 0));
            assert_eq!(
                found.iter().map(Tensor::size).collect::<Vec<_>>(),
                [[2, 1, 3, 4], [2, 5, 1, 1], [2, 1, 3, 4]]
            );
            assert_eq!(values(&found[1]), expected, "{seed}");
            // Both images of a row move alike.
            assert_eq!(values(&found[0]), values(&found[2]), "{seed}");
            moved += usize::from(
                values(&found[0])[12..] != (0..12).map(|code| 0.5 * f64::from(code)).collect::<Vec<_>>(),
            );
            assert_eq!(targets, images.targets_of(&[1, 0]));
        }
        assert!(moved > 10, "{moved}");
    }
    let (found, _) = augmented_batch(
        &images,
        &[1],
        &form,
        &Augmentation { inputs: Vec::new(), ..whole() },
        Draw::whole(0, 0, 0),
    );
    assert_eq!(values(&found[0]), (50..62).map(|code| 0.5 * f64::from(code)).collect::<Vec<_>>());
}

/// Planes move, turn and grow as the pixels do that they are made of.
#[test]
fn planes_are_varied_as_pixels_are() {
    let shape = Shape { height: 6, width: 5, channels: 3 };
    let pixels: Vec<u8> = (0..90u32).map(|at| (at * 37 % 251) as u8).collect();
    // [channels, height, width], and which of these are height, width and channels.
    let planes: Vec<u8> =
        (0..3).flat_map(|c| pixels.iter().copied().skip(c).step_by(3).collect::<Vec<_>>()).collect();
    let own = Shape { height: 3, width: 6, channels: 5 };
    let grid = Grid { scale: 1.0, zero_point: 0 };
    let form = |shape, order| Form { inputs: vec![InputForm { shape, order, grid }], device: Device::Cpu };
    let (plain, moved) = (form(shape, AS_IT_IS), form(own, [1, 2, 0]));
    let split = |pixels: &[u8]| Split { pixels: pixels.to_vec().into(), targets: vec![0].into() };
    let (of_pixels, of_planes) = (split(&pixels), split(&planes));
    let turned =
        Augmentation { rotation: 10.0, zoom: 0.2, shift: 1, flip: true, masks: None, inputs: vec![0] };
    for augmentation in [Augmentation { rotation: 0.0, zoom: 0.0, shift: 2, ..turned.clone() }, turned] {
        let mut changed = 0;
        for seed in 0..20 {
            let at = Draw::whole(seed, 0, 0);
            let (expected, _) = augmented_batch(&Images::all(&of_pixels), &[0], &plain, &augmentation, at);
            let (found, _) = augmented_batch(&Images::all(&of_planes), &[0], &moved, &augmentation, at);
            // [n, width, channels, height] as [n, channels, height, width].
            let found = found[0].permute([0, 2, 3, 1]);
            assert!((&found - &expected[0]).abs().max().double_value(&[]) < 1e-3, "{seed}");
            let (still, _) = batch(&Images::all(&of_pixels), &[0], &plain);
            changed += i32::from((&still[0] - &expected[0]).abs().max().double_value(&[]) > 1.0);
        }
        assert!(changed > 10, "{changed}");
    }
}
