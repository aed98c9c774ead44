//! Multi-label: one output (logit) for each label, of which an image may have any number.
//!
//! A target is a byte for each label, 1 if the image has it. An answer is a number for each label, which is
//! over 0 if the network finds it.

mod labels;
#[cfg(feature = "train")]
mod loss;
mod network;
mod score;
mod thresholds;

/// The rules of this task.
pub struct MultiLabel;

/// The answers in real numbers and the loss need libtorch.
#[cfg(not(feature = "train"))]
impl super::TrainingRules for MultiLabel {}
