//! Dense prediction: a class for each pixel of the output (semantic segmentation), or for each cell of a
//! coarse grid (counting objects, as FOMO does).
//!
//! A target is a mask: the class of each pixel of the output, a byte each, row after row. 255 is no class:
//! the pixel does not count, neither in the loss nor in a score. An answer is a mask without such pixels.

mod cover;
#[cfg(feature = "train")]
mod loss;
mod masks;
mod network;
mod score;

/// The rules of this task.
pub struct Dense;

/// The answers in real numbers and the loss need libtorch.
#[cfg(not(feature = "train"))]
impl super::TrainingRules for Dense {}

/// A pixel of a target that does not count.
pub const IGNORED: u8 = u8::MAX;

/// Classes are bytes, of which one says that a pixel does not count.
const MOST_CLASSES: usize = 255;
