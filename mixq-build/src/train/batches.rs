//! Images into batches: shuffled and augmented by seed, the same in every run.

use tch::{Kind, Tensor};

use crate::convert::Grid;
use crate::dataset::Split;
use crate::graph::Shape;

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
}

/// The indices of `count` images in the order of one epoch.
pub fn shuffled(count: usize, seed: u64, epoch: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    generator(seed, epoch, 0).shuffle(&mut order);
    order
}

/// A generator for one purpose in one epoch: an epoch draws the same whether or not training was interrupted before it.
fn generator(seed: u64, epoch: usize, purpose: u64) -> fastrand::Rng {
    let mixed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ ((epoch as u64) << 8) ^ purpose;
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

/// Images `[n, channels, height, width]` on their grid, and their labels `[n]`.
pub fn batch(split: &Split, indices: &[usize], shape: Shape, image: Grid) -> (Tensor, Tensor) {
    let pixels: Vec<u8> = indices.iter().flat_map(|&index| split.image(index)).copied().collect();
    (to_tensor(&pixels, indices.len(), shape, image), labels(split, indices))
}

/// As [`batch`], each image varied; `position` is that of the batch in its epoch.
pub fn augmented_batch(
    split: &Split,
    indices: &[usize],
    shape: Shape,
    image: Grid,
    augmentation: Augmentation,
    (seed, epoch, position): (u64, usize, usize),
) -> (Tensor, Tensor) {
    let mut random = generator(seed, epoch, 2 + position as u64);
    let (images, labels) = batch(split, indices, shape, image);
    let maps: Vec<f32> = indices.iter().flat_map(|_| augmentation.draw(&mut random, shape)).collect();
    let maps = Tensor::from_slice(&maps).reshape([indices.len() as i64, 2, 3]);
    let grid = Tensor::affine_grid_generator(&maps, images.size(), false);
    // Bilinear between pixels (exact for whole shifts and mirrors), edges repeated.
    (images.grid_sampler(&grid, 0, 1, false), labels)
}

impl Augmentation {
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

fn to_tensor(pixels: &[u8], count: usize, shape: Shape, image: Grid) -> Tensor {
    let size = [count, shape.height, shape.width, shape.channels].map(|size| size as i64);
    let codes = Tensor::from_slice(pixels).reshape(size).permute([0, 3, 1, 2]).contiguous();
    (codes.to_kind(Kind::Float) - f64::from(image.zero_point)) * image.scale
}

fn labels(split: &Split, indices: &[usize]) -> Tensor {
    let labels: Vec<i64> = indices.iter().map(|&index| i64::from(split.labels[index])).collect();
    Tensor::from_slice(&labels)
}
