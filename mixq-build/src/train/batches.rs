//! Images into batches: shuffled and augmented by seed, the same in every run.

mod order;

use tch::{Device, Kind, Tensor};

pub use order::{Draw, batches, least, shuffled, split, split_groups};

use order::generator;

use super::images::Images;
use crate::convert::Grid;
use crate::graph::{AS_IT_IS, Graph, Order, Shape};
use crate::settings::Training;
use crate::task::Targets;

/// The form of batches.
#[derive(Clone, Debug)]
pub struct Form {
    /// The inputs of the network.
    pub inputs: Vec<InputForm>,
    /// The device that computes.
    pub device: Device,
}

/// The form of an input.
#[derive(Clone, Copy, Debug)]
pub struct InputForm {
    /// Its shape.
    pub shape: Shape,
    /// Which of its axes layers read as height, width and channels: images are varied so.
    pub order: Order,
    /// Its grid: real 0 and the size of a step.
    pub grid: Grid,
}

/// How training images are varied, each by its own draw.
#[derive(Clone, Debug, PartialEq)]
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
    /// The inputs that are varied, all by the same draw: they have one height and width.
    pub inputs: Vec<usize>,
}

/// Elements of the largest tensor of all images that are computed at a time: 128 MiB of floats.
const MOST_ELEMENTS: usize = 1 << 25;

/// How many images may be computed at a time, of at most `wanted`: large ones need much memory each.
pub fn within_memory(graph: &Graph, wanted: usize) -> usize {
    let outputs = graph.nodes.iter().map(|node| node.output.elements());
    let largest = outputs.chain([graph.inputs.elements()]).max().unwrap_or(1);
    wanted.min(MOST_ELEMENTS / largest).max(1)
}

/// The inputs of images, each `[n, channels, height, width]` on its grid, and the targets of the images.
pub fn batch(images: &Images<'_>, indices: &[usize], form: &Form) -> (Vec<Tensor>, Targets) {
    let mut rows = Rows::new(form, indices.len());
    indices.iter().for_each(|index| rows.push(images.image(*index)));
    (rows.tensors(), images.targets_of(indices))
}

/// As [`batch`], each image varied.
pub fn augmented_batch(
    images: &Images<'_>,
    indices: &[usize],
    form: &Form,
    augmentation: &Augmentation,
    draw: Draw,
) -> (Vec<Tensor>, Targets) {
    let Some(first) = augmentation.inputs.first() else { return batch(images, indices, form) };
    let shape = form.inputs[*first].image();
    let Draw { seed, epoch, position, shard } = draw;
    let mut random = generator(seed, epoch, (2 + position as u64) ^ (shard as u64) << 48);
    if augmentation.moves_whole_pixels() {
        let mut rows = Rows::new(form, indices.len());
        let mut masks = Targets::default();
        for index in indices {
            let by = augmentation.draw_move(&mut random, shape);
            rows.push_moved(images.image(*index), |input| augmentation.inputs.contains(&input).then_some(by));
            if let Some(grid) = augmentation.masks {
                masks.push(&by.of_mask(images.targets_of(&[*index]).get(0), grid, shape));
            }
        }
        let targets = if augmentation.masks.is_some() { masks } else { images.targets_of(indices) };
        return (rows.tensors(), targets);
    }
    let (mut inputs, targets) = batch(images, indices, form);
    let maps: Vec<f32> = indices.iter().flat_map(|_| augmentation.draw(&mut random, shape)).collect();
    let maps = Tensor::from_slice(&maps).reshape([indices.len() as i64, 2, 3]).to_device(form.device);
    for input in &augmentation.inputs {
        let order = form.inputs[*input].order;
        let images = reordered(&inputs[*input], order);
        let grid = Tensor::affine_grid_generator(&maps, images.size(), false);
        // Bilinear between pixels, edges repeated.
        inputs[*input] = reordered(&images.grid_sampler(&grid, 0, 1, false), inverse(order));
    }
    let targets = match augmentation.masks {
        Some(cells) => sampled(&targets, &maps, cells),
        None => targets,
    };
    (inputs, targets)
}

/// Codes of a batch, by input.
struct Rows<'a> {
    form: &'a Form,
    codes: Vec<Vec<u8>>,
    images: usize,
}

impl<'a> Rows<'a> {
    /// None yet, with room for `images`.
    fn new(form: &'a Form, images: usize) -> Rows<'a> {
        let room = |input: &InputForm| Vec::with_capacity(images * input.shape.elements());
        Rows { form, codes: form.inputs.iter().map(room).collect(), images: 0 }
    }

    /// Appends an image: the codes of its inputs, one after the other.
    fn push(&mut self, image: &[u8]) {
        self.push_moved(image, |_| None);
    }

    /// The same, with the inputs moved for which `by` has a move.
    fn push_moved(&mut self, image: &[u8], by: impl Fn(usize) -> Option<Move>) {
        let mut rest = image;
        for (index, (input, codes)) in self.form.inputs.iter().zip(&mut self.codes).enumerate() {
            let (own, others) = rest.split_at(input.shape.elements());
            rest = others;
            match by(index) {
                Some(by) if input.order == AS_IT_IS => by.apply(own, input.shape, codes),
                Some(by) => {
                    let (image, mut moved) = (turned(own, input.shape, input.order), Vec::new());
                    by.apply(&image, input.image(), &mut moved);
                    codes.extend(turned(&moved, input.image(), inverse(input.order)));
                }
                None => codes.extend_from_slice(own),
            }
        }
        self.images += 1;
    }

    fn tensors(&self) -> Vec<Tensor> {
        let tensor =
            |(input, codes): (&InputForm, &Vec<u8>)| to_tensor(codes, self.images, *input, self.form.device);
        self.form.inputs.iter().zip(&self.codes).map(tensor).collect()
    }
}

/// Elements in the order row, column, channel of a shape, with its axes in another order.
fn turned(elements: &[u8], shape: Shape, order: Order) -> Vec<u8> {
    let steps = order.map(|axis| [shape.width * shape.channels, shape.channels, 1][axis]);
    let Shape { height, width, channels } = shape.ordered(order);
    let pixels = (0..height).flat_map(|row| (0..width).map(move |column| row * steps[0] + column * steps[1]));
    pixels.flat_map(|start| (0..channels).map(move |c| elements[start + c * steps[2]])).collect()
}

/// The order that undoes another one.
fn inverse(order: Order) -> Order {
    let mut inverse = order;
    order.iter().enumerate().for_each(|(to, from)| inverse[*from] = to);
    inverse
}

/// Images `[n, channels, height, width]` with their axes in another order.
fn reordered(images: &Tensor, order: Order) -> Tensor {
    let [height, width, channels] = order.map(|axis| axis as i64 + 1);
    images.permute([0, 2, 3, 1]).permute([0, channels, height, width])
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

impl InputForm {
    /// Its shape as layers read it.
    fn image(&self) -> Shape {
        self.shape.ordered(self.order)
    }
}

impl Augmentation {
    /// As the settings say, of these inputs; `masks` are the rows and columns of targets that are masks.
    pub fn of(settings: &Training, masks: Option<[usize; 2]>, inputs: &[usize]) -> Augmentation {
        let &Training { shift, rotation, zoom, flip, .. } = settings;
        Augmentation { shift: shift as usize, rotation, zoom, flip, masks, inputs: inputs.to_vec() }
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
fn to_tensor(pixels: &[u8], count: usize, form: InputForm, device: Device) -> Tensor {
    let InputForm { shape, grid: image, order: _ } = form;
    let size = [count, shape.height, shape.width, shape.channels].map(|size| size as i64);
    let codes = Tensor::from_slice(pixels).to_device(device).reshape(size).permute([0, 3, 1, 2]);
    (codes.to_kind(Kind::Float) - f64::from(image.zero_point)) * image.scale
}

#[cfg(test)]
mod tests;
