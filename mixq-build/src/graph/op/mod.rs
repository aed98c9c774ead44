//! The operators: one file for each, and the lists of them.
//!
//! An operator has two forms. As it is written ([`OpSpec`]) it has the keys of a layer list. Resolved
//! ([`Op`]) it has its padding in pixels, and answers what memory, training, conversion and reports ask. A
//! new operator is a file here and a line in each list; then the compiler names the places that compute it.

mod add;
mod affine;
mod constants;
mod conv;
mod depthwise;
mod elementwise;
mod flatten;
mod folded;
mod form;
mod grouped;
mod linear;
mod multiply;
mod pool;
mod prelu;
mod rearrange;
mod resize;
mod transposed;
mod weights;

pub use add::{Add, Addition, Subtract};
pub use affine::Affine;
pub use constants::Constants;
pub use conv::{Conv, ConvSpec, PointwiseSpec};
pub use depthwise::{Depthwise, DepthwiseSpec};
pub use elementwise::{Elementwise, Function, Number, activation, functions};
pub use flatten::Flatten;
pub use folded::{BatchNorm, Relu};
pub use form::{Arity, Fold, Follows, Form, Parameter, Values, names_of};
pub use grouped::{GroupedConv, GroupedConvSpec, Grouping};
pub use linear::{Linear, LinearSpec};
pub use multiply::Multiply;
pub use pool::{
    AveragePool, AveragePoolSpec, Axis, AxisPool, GlobalAveragePool, GlobalMaxPool, MaxPool, MaxPoolSpec,
};
pub use prelu::Prelu;
pub use rearrange::{
    AXES, ChannelShuffle, Concat, DepthToSpace, Pad, Rearrange, Reshape, Slice, SpaceToDepth, Transpose,
    Upsample,
};
pub use resize::{Coordinates, Interpolation, Resize, ResizeSpec};
pub use transposed::TransposedConvSpec;
pub use weights::Weights;

use mixq_format::Kind;

use super::layer::{Input, Layer};
use super::{Shape, Window};

/// All operators as a layer list has them, in the order in which messages name them.
pub const FORMS: [&Form; OTHERS.len() + elementwise::COUNT] = {
    let (mut forms, mut index) = ([OTHERS[0]; OTHERS.len() + elementwise::COUNT], 0);
    while index < forms.len() {
        forms[index] = match index.checked_sub(OTHERS.len()) {
            Some(function) => &elementwise::FORMS[function],
            None => OTHERS[index],
        };
        index += 1;
    }
    forms
};

/// All but the functions.
const OTHERS: [&Form; 29] = [
    &conv::CONV,
    &depthwise::DEPTHWISE,
    &conv::POINTWISE,
    &transposed::TRANSPOSED_CONV,
    &linear::LINEAR,
    &pool::AVERAGE_POOL,
    &pool::GLOBAL_AVERAGE_POOL,
    &pool::MAX_POOL,
    &pool::GLOBAL_MAX_POOL,
    &add::ADD,
    &add::SUBTRACT,
    &multiply::MULTIPLY,
    &affine::AFFINE,
    &constants::ADD_CONSTANT,
    &constants::MULTIPLY_CONSTANT,
    &prelu::PRELU,
    &rearrange::CONCAT,
    &rearrange::SLICE,
    &rearrange::CHANNEL_SHUFFLE,
    &rearrange::PAD,
    &rearrange::UPSAMPLE,
    &resize::RESIZE,
    &rearrange::DEPTH_TO_SPACE,
    &rearrange::SPACE_TO_DEPTH,
    &rearrange::RESHAPE,
    &rearrange::TRANSPOSE,
    &flatten::FLATTEN,
    &folded::BATCH_NORM,
    &folded::RELU,
];

/// What is asked of an operator as it is written.
pub trait Written {
    /// How it is written, and what may stand around it.
    fn form(&self) -> &'static Form;

    /// What it becomes of the layer before it, if it is no layer of its own.
    fn folds(&self) -> Option<Fold> {
        self.form().folds
    }

    /// What it computes and writes; `None` after a problem, which is reported to `layer`.
    fn resolve(&self, layer: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)>;
}

/// What is asked of a resolved operator.
pub trait Operator {
    /// Its word in tables and messages: that of [`mixq_format::Layer::kind`].
    fn word(&self) -> &'static str;

    /// The sliding window, of an operator that has one.
    fn window(&self) -> Option<&Window>;

    /// How its weights are laid out, of an operator that has weights.
    fn weights(&self) -> Option<Weights>;

    /// Where its output lies, and on which grid.
    fn output(&self) -> Output;

    /// Bytes of its table in flash.
    fn table_bytes(&self) -> usize;

    /// Whether it has weights.
    fn weighted(&self) -> bool {
        self.weights().is_some()
    }

    /// Whether its outputs are sums of products with its weights. These fill an accumulator, have a bias or a
    /// batch norm, and are requantised.
    fn accumulates(&self) -> bool {
        self.weighted()
    }

    /// What it is, as tables show it: "conv 3x3", "pointwise", "average pool 4x4".
    fn kind(&self) -> Kind {
        Kind { operator: self.word(), kernel: self.window().map(|window| window.kernel) }
    }
}

/// Where the output of an operator lies, and on which grid its codes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// In a tensor with a grid and a width of its own.
    Own,
    /// The same. If an input is read for the last time, the output takes its place, and then its width too:
    /// each element is read before it is written.
    InPlace,
    /// In a tensor of its own, with the grid and the width of the input.
    InputGrid,
    /// In the input's tensor: nothing moves.
    InputTensor,
    /// In the tensor of the second input, of which it keeps what it does not write; with the grid and the
    /// width of both inputs. Nothing else reads that input.
    SecondInput,
}

impl Output {
    /// Whether its codes are on a grid of their own.
    pub fn has_own_grid(self) -> bool {
        match self {
            Output::Own | Output::InPlace => true,
            Output::InputGrid | Output::InputTensor | Output::SecondInput => false,
        }
    }
}

/// An enum of operators that answers as the one that it holds.
macro_rules! operators {
    ($(#[$about:meta])* $name:ident: $trait:ident { $($(#[$doc:meta])* $variant:ident($held:ty),)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$doc])* $variant($held),)*
        }

        impl std::ops::Deref for $name {
            type Target = dyn $trait;

            fn deref(&self) -> &Self::Target {
                match self {
                    $($name::$variant(operator) => operator,)*
                }
            }
        }

        $(impl From<$held> for $name {
            fn from(operator: $held) -> $name {
                $name::$variant(operator)
            }
        })*
    };
}

operators! {
    /// What a node computes, with its padding in pixels.
    Op: Operator {
        /// Standard convolution (pointwise if the kernel is 1x1).
        Conv(Conv),
        /// Depthwise convolution.
        Depthwise(Depthwise),
        /// Fully connected.
        Linear(Linear),
        /// Average pool.
        AveragePool(AveragePool),
        /// Maximum pool.
        MaxPool(MaxPool),
        /// Addition or subtraction.
        Add(Addition),
        /// Product of two tensors.
        Multiply(Multiply),
        /// ReLU with slopes.
        Prelu(Prelu),
        /// The same elements as one pixel.
        Flatten(Flatten),
        /// A function of each element.
        Elementwise(Elementwise),
        /// Elements at other places.
        Rearrange(Rearrange),
        /// An image of another size.
        Resize(Resize),
        /// Convolution in groups of channels, with gaps between taps.
        GroupedConv(GroupedConv),
        /// Sum or product of a tensor and constants.
        Constants(Constants),
    }
}

operators! {
    /// An operator with what must be known of it, as it is written.
    OpSpec: Written {
        /// Standard convolution.
        Conv(ConvSpec),
        /// Depthwise convolution.
        Depthwise(DepthwiseSpec),
        /// Convolution with a window of one pixel.
        Pointwise(PointwiseSpec),
        /// Convolution of an input with zeros between its pixels.
        TransposedConv(TransposedConvSpec),
        /// Fully connected.
        Linear(LinearSpec),
        /// Average pool.
        AveragePool(AveragePoolSpec),
        /// Average over all pixels.
        GlobalAveragePool(GlobalAveragePool),
        /// Maximum pool.
        MaxPool(MaxPoolSpec),
        /// Maximum over all pixels.
        GlobalMaxPool(GlobalMaxPool),
        /// Average or maximum along one axis.
        AxisPool(AxisPool),
        /// Residual addition.
        Add(Add),
        /// The first tensor less the second one.
        Subtract(Subtract),
        /// Product of two tensors.
        Multiply(Multiply),
        /// A factor and a summand for each channel.
        Affine(Affine),
        /// ReLU with slopes.
        Prelu(Prelu),
        /// All elements as one pixel.
        Flatten(Flatten),
        /// Batch norm, to be folded into the layer before it if that is possible.
        BatchNorm(BatchNorm),
        /// ReLU, to be folded into the layer before it.
        Relu(Relu),
        /// A function of each element; a clip from 0 is folded into the layer before it.
        Elementwise(Elementwise),
        /// Channels of several tensors.
        Concat(Concat),
        /// Some of the channels.
        Slice(Slice),
        /// A shuffle of channels.
        ChannelShuffle(ChannelShuffle),
        /// Zeros around the image.
        Pad(Pad),
        /// Each pixel several times.
        Upsample(Upsample),
        /// An image of another size.
        Resize(ResizeSpec),
        /// Channels to blocks of pixels.
        DepthToSpace(DepthToSpace),
        /// Blocks of pixels to channels.
        SpaceToDepth(SpaceToDepth),
        /// The same elements in another shape.
        Reshape(Reshape),
        /// Axes in another order.
        Transpose(Transpose),
        /// Convolution in groups of channels, with gaps between taps.
        GroupedConv(GroupedConvSpec),
        /// Sum or product of a tensor and constants.
        Constants(Constants),
    }
}
