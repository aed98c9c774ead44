//! How operators are written: what all of them have, as data.

use super::{Axis, Coordinates, FORMS, Interpolation, Number, OpSpec};
use crate::graph::{Activation, Padding};

/// How an operator is written, and what may stand around it.
pub struct Form {
    /// Its name in a layer list; without a name of its own a layer is called after it.
    pub name: &'static str,
    /// The keys that it must have.
    pub required: &'static [&'static str],
    /// The keys that it may have, beside those of batch norm, activation, name and inputs.
    pub optional: &'static [&'static str],
    /// The parameters of a function, at most as many as [`Values`] has, which are keys of the layer, too.
    pub parameters: &'static [&'static Parameter],
    /// The operator of these values; `None` if a required one is missing.
    pub read: fn(&Values) -> Option<OpSpec>,
    /// Tensors that it reads.
    pub arity: Arity,
    /// Whether it may read the image; if not, what helps.
    pub reads_image: Result<(), &'static str>,
    /// Whether it takes all elements in the order row, column, channel, whatever their shape: a flattened
    /// tensor still has the rows that it had before.
    pub reads_any_shape: bool,
    /// What may follow it.
    pub follows: Follows,
    /// For an operator that is not a layer of its own: the part of the layer before it that it becomes.
    pub folds: Option<Fold>,
}

/// A parameter of a function: a key with a number.
pub struct Parameter {
    /// The key.
    pub key: &'static str,
    /// Its value if it is not given; without one it must be given.
    pub default: Option<f64>,
    /// The numbers that it accepts, in words.
    pub range: &'static str,
    /// The same as a condition on a finite number.
    pub accepts: fn(f64) -> bool,
}

/// How many tensors an operator reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    /// One.
    One,
    /// Two.
    Two,
    /// Two or more.
    TwoOrMore,
}

impl Arity {
    /// Whether it may read this number of tensors.
    pub fn takes(self, inputs: usize) -> bool {
        match self {
            Arity::One => inputs == 1,
            Arity::Two => inputs == 2,
            Arity::TwoOrMore => inputs >= 2,
        }
    }

    /// The least number.
    pub fn least(self) -> usize {
        match self {
            Arity::One => 1,
            Arity::Two | Arity::TwoOrMore => 2,
        }
    }

    /// The number in words.
    pub fn words(self) -> &'static str {
        match self {
            Arity::One => "1",
            Arity::Two => "2",
            Arity::TwoOrMore => "2 or more",
        }
    }
}

/// What may follow an operator as a part of its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Follows {
    /// Batch norm.
    pub norm: bool,
    /// An activation.
    pub activation: bool,
    /// Whether batch norm and ReLU follow if nothing is said of them.
    pub by_default: bool,
}

impl Follows {
    /// Nothing.
    pub const NOTHING: Follows = Follows { norm: false, activation: false, by_default: false };
}

/// What a layer is that is folded into the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// Its batch norm.
    Norm,
    /// Its activation.
    Activation(Activation),
}

/// The values of the keys of a layer; `None` where a key is not there, or is wrong.
///
/// Kernels and strides are `[height, width]` in pixels.
#[derive(Clone, Copy, Debug, Default)]
pub struct Values {
    /// Output channels of a convolution.
    pub filters: Option<usize>,
    /// Output channels of a fully connected layer.
    pub features: Option<usize>,
    /// Size of the window.
    pub kernel: Option<[usize; 2]>,
    /// Step of the window.
    pub stride: Option<[usize; 2]>,
    /// What surrounds the input.
    pub padding: Option<Padding>,
    /// The first of some channels, counted from 0.
    pub first: Option<usize>,
    /// A number of channels.
    pub channels: Option<usize>,
    /// Groups of channels.
    pub groups: Option<usize>,
    /// Filters for each input channel.
    pub multiplier: Option<usize>,
    /// Step from a tap of a window to the next one.
    pub dilation: Option<[usize; 2]>,
    /// How often pixels are repeated, or how many times larger an image becomes: down, to the right.
    pub factor: Option<[usize; 2]>,
    /// Height and width of an image.
    pub size: Option<[usize; 2]>,
    /// What lies between pixels.
    pub interpolation: Option<Interpolation>,
    /// Where pixels of a resized image lie.
    pub coordinates: Option<Coordinates>,
    /// Height, width and channels.
    pub shape: Option<[usize; 3]>,
    /// Which axis becomes height, width, channels: 0 is height, 1 width, 2 channels.
    pub order: Option<[usize; 3]>,
    /// Side of a block of pixels.
    pub block: Option<usize>,
    /// Whether pixels of padding count in an average.
    pub count_padding: Option<bool>,
    /// Whether constants are trained.
    pub trained: Option<bool>,
    /// The axis along which a global pool goes; both if it is not given.
    pub axis: Option<Axis>,
    /// Parameters of a function, in the order of [`Form::parameters`], with their defaults.
    pub parameters: [Option<Number>; 2],
}

/// The names of the operators of which `is` holds, as messages list them: "conv, linear and add".
pub fn names_of(is: impl Fn(&Form) -> bool) -> String {
    let names: Vec<&str> = FORMS.iter().filter(|form| is(form)).map(|form| form.name).collect();
    match names.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        Some(_) | None => names.concat(),
    }
}
