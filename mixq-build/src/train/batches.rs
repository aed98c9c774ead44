//! Images into batches: shuffled and augmented by seed, the same in every run.

use std::collections::BTreeSet;

use tch::{Device, Kind, Tensor};

use super::images::Images;
use crate::convert::Grid;
use crate::dataset::Share;
use crate::graph::{Graph, Shape};
use crate::settings::Training;
use crate::task::Targets;

/// The form of batches.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// Shape of an image.
    pub shape: Shape,
    /// Its grid: real 0 and the size of a step.
    pub image: Grid,
    /// The device that computes.
    pub device: Device,
}

/// How training images are varied, each by its own draw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Augmentation {
    /// Whole pixels by which an image moves at the most, in each direction; its edges are repeated.
    pub shift: usize,
    /// Degrees by which it turns at the most, either way.
    pub rotation: f64,
    /// Share by which it grows or shrinks at the most.
    pub zoom: f64,
    /// Mirrors half of the images left to right.
    pub flip: bool,
    /// If targets are masks, which are varied as the images are: their rows and columns. Images then move by
    /// whole pixels of a mask.
    pub masks: Option<[usize; 2]>,
}

/// The indices of `count` images in the order of one epoch.
pub fn shuffled(count: usize, seed: u64, epoch: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    generator(seed, epoch, 0).shuffle(&mut order);
    order
}

/// The batches of an epoch: `size` images each, the last one the rest. A last batch of fewer than `least`
/// images joins the one before.
pub fn batches(order: &[usize], size: usize, least: usize) -> Vec<&[usize]> {
    let mut batches: Vec<&[usize]> = order.chunks(size).collect();
    if let [.., last] = batches[..]
        && last.len() < least
        && batches.len() > 1
    {
        batches.truncate(batches.len() - 2);
        batches.push(&order[batches.len() * size..]);
    }
    batches
}

/// The least number of images in a batch: two where batch norm has one pixel, since a variance needs two
/// values.
pub fn least(graph: &Graph) -> usize {
    if graph.normalises_single_pixels().is_some() { 2 } else { 1 }
}

/// A generator for one purpose in one epoch: an epoch draws the same whether or not training was interrupted
/// before it.
fn generator(seed: u64, epoch: usize, purpose: u64) -> fastrand::Rng {
    let mixed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ ((epoch as u64) << 32) ^ purpose;
    fastrand::Rng::with_seed(mixed)
}

/// Parts of `0..count` for training and validation: a share `validation` of each run of shuffled indices.
pub fn split(count: usize, validation: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let mut order: Vec<usize> = (0..count).collect();
    generator(seed, 0, 1).shuffle(&mut order);
    let held_out = ((count as f64 * validation).round() as usize).clamp(1, count - 1);
    let train = order.split_off(held_out);
    (train, order)
}

/// The same of images in groups: no group is in both parts. Each of `classes`, the indices of its images, has
/// about its share of the validation part, and keeps a group to train with. Where that leaves no group for
/// the validation part, it has images of groups to train with.
pub fn split_groups(
    groups: &[u32],
    classes: &[Vec<usize>],
    validation: f64,
    seed: u64,
) -> (Vec<usize>, Vec<usize>) {
    let all: BTreeSet<u32> = groups.iter().copied().collect();
    let mut order: Vec<u32> = all.into_iter().collect();
    generator(seed, 0, 1).shuffle(&mut order);
    let mut share = Share::new(classes, groups, BTreeSet::new());
    share.choose((groups.len() as f64 * validation).round() as usize, &order);
    if share.taken.is_empty() {
        return split(groups.len(), validation, seed);
    }
    (0..groups.len()).partition(|image| !share.taken.contains(&groups[*image]))
}

/// Images `[n, channels, height, width]` on their grid, and their targets.
pub fn batch(images: &Images<'_>, indices: &[usize], form: Form) -> (Tensor, Targets) {
    let pixels: Vec<u8> = indices.iter().flat_map(|&index| images.image(index)).copied().collect();
    (to_tensor(&pixels, indices.len(), form), images.targets_of(indices))
}

/// As [`batch`], each image varied; `position` is that of the batch in its epoch.
pub fn augmented_batch(
    images: &Images<'_>,
    indices: &[usize],
    form: Form,
    augmentation: Augmentation,
    (seed, epoch, position): (u64, usize, usize),
) -> (Tensor, Targets) {
    let mut random = generator(seed, epoch, 2 + position as u64);
    if augmentation.moves_whole_pixels() {
        let mut pixels = Vec::with_capacity(indices.len() * form.shape.elements());
        let mut masks = Targets::default();
        for index in indices {
            let by = augmentation.draw_move(&mut random, form.shape);
            by.apply(images.image(*index), form.shape, &mut pixels);
            if let Some(grid) = augmentation.masks {
                masks.push(&by.of_mask(images.targets_of(&[*index]).get(0), grid, form.shape));
            }
        }
        let targets = if augmentation.masks.is_some() { masks } else { images.targets_of(indices) };
        return (to_tensor(&pixels, indices.len(), form), targets);
    }
    let (images, targets) = batch(images, indices, form);
    let maps: Vec<f32> = indices.iter().flat_map(|_| augmentation.draw(&mut random, form.shape)).collect();
    let maps = Tensor::from_slice(&maps).reshape([indices.len() as i64, 2, 3]).to_device(form.device);
    let grid = Tensor::affine_grid_generator(&maps, images.size(), false);
    let targets = match augmentation.masks {
        Some(cells) => sampled(&targets, &maps, cells),
        None => targets,
    };
    // Bilinear between pixels, edges repeated.
    (images.grid_sampler(&grid, 0, 1, false), targets)
}

/// Masks, varied as the images are: the nearest pixel, edges repeated.
fn sampled(masks: &Targets, maps: &Tensor, [height, width]: [usize; 2]) -> Targets {
    let size = [masks.len() as i64, 1, height as i64, width as i64];
    let grid = Tensor::affine_grid_generator(maps, size, false);
    let classes = Tensor::from_slice(masks.bytes()).to_device(maps.device()).reshape(size);
    let sampled = classes.to_kind(Kind::Float).grid_sampler(&grid, 1, 1, false);
    let classes = sampled.to_kind(Kind::Uint8).contiguous().flatten(0, -1);
    Targets::new(height * width, Vec::try_from(classes).expect("a flat tensor of classes"))
}

/// How an image moves by whole pixels.
#[derive(Clone, Copy)]
struct Move {
    down: isize,
    right: isize,
    mirror: bool,
}

impl Move {
    /// Appends an image, moved and mirrored; its edges are repeated.
    fn apply(self, image: &[u8], shape: Shape, moved: &mut Vec<u8>) {
        let inside =
            |position: usize, by: isize, size: usize| position.saturating_add_signed(by).min(size - 1);
        let row_bytes = shape.width * shape.channels;
        for y in 0..shape.height {
            let row = &image[inside(y, self.down, shape.height) * row_bytes..][..row_bytes];
            for x in 0..shape.width {
                let x = if self.mirror { shape.width - 1 - x } else { x };
                let pixel = inside(x, self.right, shape.width) * shape.channels;
                moved.extend_from_slice(&row[pixel..][..shape.channels]);
            }
        }
    }

    /// The mask of an image that has moved so.
    fn of_mask(self, mask: &[u8], [height, width]: [usize; 2], image: Shape) -> Vec<u8> {
        let cells = |by: isize, image: usize, grid: usize| by * grid as isize / image as isize;
        let (down, right) = (cells(self.down, image.height, height), cells(self.right, image.width, width));
        let mut moved = Vec::with_capacity(mask.len());
        Move { down, right, ..self }.apply(mask, Shape { height, width, channels: 1 }, &mut moved);
        moved
    }
}

impl Augmentation {
    /// As the settings say; `masks` are the rows and columns of targets that are masks.
    pub fn of(settings: &Training, masks: Option<[usize; 2]>) -> Augmentation {
        let &Training { shift, rotation, zoom, flip, .. } = settings;
        Augmentation { shift: shift as usize, rotation, zoom, flip, masks }
    }

    /// Nothing to interpolate: pixels can be copied.
    fn moves_whole_pixels(&self) -> bool {
        self.rotation == 0.0 && self.zoom == 0.0
    }

    /// Draws a move of whole pixels, also of a mask: none, where a pixel of a mask is not whole pixels.
    fn draw_move(&self, random: &mut fastrand::Rng, shape: Shape) -> Move {
        let reach = self.shift as isize;
        let (down, right) = (random.isize(-reach..=reach), random.isize(-reach..=reach));
        let mirror = self.flip && random.bool();
        let Some([rows, columns]) = self.masks else { return Move { down, right, mirror } };
        let whole = |by: isize, image: usize, grid: usize| match image % grid {
            0 => by - by % (image / grid) as isize,
            _ => 0,
        };
        Move { down: whole(down, shape.height, rows), right: whole(right, shape.width, columns), mirror }
    }

    /// An affine map from output to input positions, both from -1 to 1 across the image: two rows of three.
    fn draw(&self, random: &mut fastrand::Rng, shape: Shape) -> [f32; 6] {
        let reach = self.shift as isize;
        let mut shift = |size: usize| 2.0 * random.isize(-reach..=reach) as f64 / size as f64;
        let (right, down) = (shift(shape.width), shift(shape.height));
        let mut signed = || 2.0 * random.f64() - 1.0;
        let (sine, cosine) = (signed() * self.rotation).to_radians().sin_cos();
        let zoom = 1.0 + signed() * self.zoom;
        let mirror = if self.flip && random.bool() { -1.0 } else { 1.0 };
        let aspect = shape.width as f64 / shape.height as f64;
        let map = [
            [mirror * zoom * cosine, -zoom * sine / aspect, right],
            [mirror * zoom * sine * aspect, zoom * cosine, down],
        ];
        map.as_flattened()
            .iter()
            .map(|x| *x as f32)
            .collect::<Vec<_>>()
            .try_into()
            .expect("two rows of three")
    }
}

/// Channels stay the innermost axis in memory, which libtorch's kernels are fastest with.
fn to_tensor(pixels: &[u8], count: usize, form: Form) -> Tensor {
    let Form { shape, image, device } = form;
    let size = [count, shape.height, shape.width, shape.channels].map(|size| size as i64);
    let codes = Tensor::from_slice(pixels).to_device(device).reshape(size).permute([0, 3, 1, 2]);
    (codes.to_kind(Kind::Float) - f64::from(image.zero_point)) * image.scale
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Split;

    const SHAPE: Shape = Shape { height: 3, width: 4, channels: 2 };

    fn form() -> Form {
        Form { shape: SHAPE, image: Grid { scale: 1.0, zero_point: 0 }, device: Device::Cpu }
    }

    /// Copied pixels are what the affine map gives, which interpolates nothing where it moves by whole
    /// pixels.
    #[test]
    fn moved_pixels_are_those_of_the_affine_map() {
        let pixels: Vec<u8> = (0..24).collect();
        let split = Split { pixels: pixels.clone().into(), targets: vec![0].into() };
        let images = Images::all(&split);
        for seed in 0..50 {
            let augmentation = Augmentation { shift: 2, rotation: 0.0, zoom: 0.0, flip: true, masks: None };
            let drawn = &mut generator(seed, 0, 2);
            let (down, right) = (drawn.isize(-2..=2), drawn.isize(-2..=2));
            let mirror = drawn.bool();
            let (found, _) = augmented_batch(&images, &[0], form(), augmentation, (seed, 0, 0));
            for y in 0..3isize {
                for x in 0..4isize {
                    let from_x = if mirror { 3 - x } else { x } + right;
                    let index = ((y + down).clamp(0, 2) * 4 + from_x.clamp(0, 3)) * 2;
                    for channel in 0..2 {
                        let value = found.double_value(&[0, channel, y as i64, x as i64]);
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
            let augmentation = Augmentation { shift: 5, ..WHOLE };
            let mut moved = 0;
            for seed in 0..40 {
                let (image, found) =
                    vary(&pixels, &mask, Augmentation { masks: Some(cells), ..augmentation }, seed);
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
        let augmentation = Augmentation { rotation: 180.0, zoom: 0.4, masks: Some([8, 12]), ..WHOLE };
        let mut seen = [0; 2];
        for seed in 0..40 {
            let (image, found) = vary(&half, &half, augmentation, seed);
            for (value, class) in image.into_iter().zip(found) {
                assert!((value - f64::from(class)).abs() < 100.01, "{seed}: {value} is {class}");
                seen[usize::from(class == 210)] += 1;
            }
        }
        assert!(seen.iter().all(|count| *count > 1000), "{seen:?}");
    }

    const WHOLE: Augmentation = Augmentation { shift: 0, rotation: 0.0, zoom: 0.0, flip: true, masks: None };

    /// An image of 8x12 pixels and its mask, varied.
    fn vary(pixels: &[u8], mask: &[u8], augmentation: Augmentation, seed: u64) -> (Vec<f64>, Vec<u8>) {
        let targets = Targets::new(mask.len(), mask.to_vec());
        let split = Split { pixels: pixels.to_vec().into(), targets };
        let form = Form { shape: Shape { height: 8, width: 12, channels: 1 }, ..form() };
        let (image, found) = augmented_batch(&Images::all(&split), &[0], form, augmentation, (seed, 0, 0));
        let image = image.to_kind(Kind::Double).contiguous().flatten(0, -1);
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
}
