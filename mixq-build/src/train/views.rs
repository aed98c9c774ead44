//! Images that quantise layers.

use std::ops::Range;

use tch::Tensor;

use super::batches::{Augmentation, Draw, Form, augmented_batch, batch};
use super::images::Images;
use crate::settings::Training;

/// Some images, each once or several times: first all as they are, then all varied, and so on.
pub struct Views<'a> {
    images: &'a Images<'a>,
    /// How often each is shown, at least once.
    of_each: usize,
    /// Whether weights also make up for what the layers before them have lost on these views.
    pub reconstruct: bool,
    augmentation: Augmentation,
    seed: u64,
}

impl<'a> Views<'a> {
    /// As many of each image as the settings ask for. `varied` are the inputs that differ between views.
    pub fn of(images: &'a Images<'a>, settings: &Training, varied: &[usize]) -> Views<'a> {
        Views {
            images,
            of_each: settings.reconstruct.max(1) as usize,
            reconstruct: settings.reconstruct > 0,
            augmentation: Augmentation::of(settings, None, varied),
            seed: settings.seed,
        }
    }

    /// The number of views of all images.
    pub fn len(&self) -> usize {
        self.images.len() * self.of_each
    }

    /// Of a range of views the first ones that are of different images.
    pub fn of_different_images(&self, views: Range<usize>) -> Range<usize> {
        let round = views.start / self.images.len().max(1);
        views.start..views.end.min((round + 1) * self.images.len())
    }

    /// The inputs of views of different images, each `[n, channels, height, width]` on its grid.
    pub fn batch(&self, views: Range<usize>, form: &Form) -> Vec<Tensor> {
        let (round, first) = (views.start / self.images.len(), views.start % self.images.len());
        let indices: Vec<usize> = (first..first + views.len()).collect();
        match round {
            0 => batch(self.images, &indices, form).0,
            _ => {
                augmented_batch(
                    self.images,
                    &indices,
                    form,
                    &self.augmentation,
                    Draw::whole(self.seed, round, first),
                )
                .0
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::super::batches::InputForm;
    use super::*;
    use crate::convert::Grid;
    use crate::dataset::Split;
    use crate::graph::{AS_IT_IS, Shape};

    #[test]
    fn the_first_view_is_the_image_and_others_are_varied() {
        let pixels: Vec<u8> = (0..60).collect();
        let split = Split { pixels: pixels.into(), targets: vec![0; 3].into() };
        let images = Images::all(&split);
        let shape = Shape { height: 4, width: 5, channels: 1 };
        let grid = Grid { scale: 1.0, zero_point: 0 };
        let form = Form { inputs: vec![InputForm { shape, order: AS_IT_IS, grid }], device: Device::Cpu };
        let views = |reconstruct| {
            let settings = Training { reconstruct, shift: 2, ..Training::default() };
            Views::of(&images, &settings, &[0])
        };
        assert_eq!([0, 1, 4].map(|of_each| views(of_each).len()), [3, 3, 12]);
        assert_eq!([0, 1, 4].map(|of_each| views(of_each).reconstruct), [false, true, true]);
        let views = views(3);
        let found = [0..9, 1..2, 2..7, 4..9].map(|range| views.of_different_images(range));
        assert_eq!(found, [0..3, 1..2, 2..3, 4..6]);
        let plain = batch(&images, &[0, 1, 2], &form).0;
        assert_eq!(views.batch(0..3, &form), plain);
        assert_eq!(views.batch(1..3, &form)[0], plain[0].narrow(0, 1, 2));
        assert_ne!(views.batch(3..6, &form), plain);
        assert_ne!(views.batch(3..6, &form), views.batch(6..9, &form));
    }
}
