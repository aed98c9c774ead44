//! Reconstruction (autoencoder): the outputs make the image again, in the order row, column, channel. How far
//! they are from it is the score of an image: images that are unlike those to train with have large ones.
//!
//! A target is a byte: whether the image is normal or abnormal, or that this is not known. Only the test part
//! may have abnormal images. An answer is the score, in normalised units.

mod kinds;
#[cfg(feature = "train")]
mod loss;
mod network;
mod score;

/// The rules of this task.
pub struct Reconstruction;

/// The answers in real numbers and the loss need libtorch.
#[cfg(not(feature = "train"))]
impl super::TrainingRules for Reconstruction {}

/// A target: the image is like those to train with.
const NORMAL: u8 = 0;
/// A target: the image is to be told from them.
const ABNORMAL: u8 = 1;
/// A target: the dataset does not say.
const UNKNOWN: u8 = 2;
