//! Regression: each output predicts a quantity.
//!
//! A target is a vector of numbers of 64 bits, one for each output. Training standardises them: an output of
//! the trained network counts standard deviations from the mean of the training targets. Scale and offset of
//! each output undo that.

#[cfg(feature = "train")]
mod loss;
mod network;
mod score;
mod values;

/// The rules of this task.
pub struct Regression;

/// The answers in real numbers and the loss need libtorch.
#[cfg(not(feature = "train"))]
impl super::TrainingRules for Regression {}
