//! Classification: one output (logit) for each class, of which the largest names the class of the image.
//!
//! A target is the number of a class, 16 bits, low byte first.

mod column;
mod guessing;
mod labels;
#[cfg(feature = "train")]
mod loss;
mod network;
mod score;

/// The rules of this task.
pub struct Classification;

/// The answers in real numbers and the loss need libtorch.
#[cfg(not(feature = "train"))]
impl super::TrainingRules for Classification {}
