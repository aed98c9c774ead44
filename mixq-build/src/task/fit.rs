//! What a training knows of the outputs of its network: what they can be, and what they stand for.

use mixq_format::Unit;

use crate::settings::Loss;

/// What the outputs of a network can be, and in which units.
#[derive(Clone, Copy, Debug)]
pub struct End {
    /// The least and the largest value that the last layer writes; infinite where there is none.
    pub range: [f64; 2],
    /// Of a network that was trained elsewhere, and ends in a layer without weights: an image's normalised
    /// numbers, by numbers of its own units. Its outputs keep these units.
    pub given: Option<Unit>,
    /// The least and the largest normalised number of an image.
    pub image: [f64; 2],
}

impl End {
    /// Whether training may choose unit and zero of the outputs.
    pub fn is_free(&self) -> bool {
        self.given.is_none() && self.range == [f64::NEG_INFINITY, f64::INFINITY]
    }
}

/// What a training knows of the targets of its training images as a whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fit {
    /// The quantity that each output of the trained network stands for; empty: outputs are what they are. Of
    /// an autoencoder one: the normalised number of an image that any output stands for.
    pub units: Vec<Unit>,
    /// How much each class or label counts; empty: all alike.
    pub weights: Vec<f64>,
    /// The outputs of a pixel, where each pixel has its own target; else 0.
    pub channels: i64,
    /// What a regression takes for the size of an error.
    pub loss: Loss,
}

/// What an integer network was made from, as far as the readout of its outputs depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Made<'a> {
    /// What the training knew of the targets.
    pub fit: &'a Fit,
    /// What one unit of an integer output is worth in the trained network.
    pub logit_scale: f64,
    /// What one code of the image is worth there.
    pub image_scale: f64,
    /// The code of the image that stands for 0 there.
    pub zero_point: u8,
    /// Elements of an image.
    pub elements: usize,
}
