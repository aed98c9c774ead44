//! What a network reads: one input, or several that are all there before the first layer.

use std::ops::{Deref, Range};

use mixq_format::Bits;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::spec::IMAGE;
use super::{AS_IT_IS, Order, Shape, Source};

/// An input of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The name by which layers read it; "image" unless the network says otherwise.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// Bits of an element: 8, or fewer where the dataset's settings say so. Not a part of the network's text:
    /// it is in that of the dataset.
    pub bits: Bits,
    /// Which of its axes layers read as height, width and channels. Not a part of its text either: it is in
    /// that of the nodes.
    pub order: Order,
}

impl Input {
    /// Its shape as layers with weights read it: behind a `transpose`, if there is one.
    pub fn image(&self) -> Shape {
        self.shape.ordered(self.order)
    }

    /// Whether layers read its axes in another order.
    pub fn is_moved(&self) -> bool {
        self.order != AS_IT_IS
    }

    /// The channel of an element, in the shape that layers read.
    pub fn channel_of(&self, element: usize) -> usize {
        let Shape { height: _, width, channels } = self.shape;
        let place = [element / channels / width, element / channels % width, element % channels];
        place[self.order[2]]
    }
}

/// The inputs of a network in their order, one or more. In a dataset a row has the elements of all of them,
/// one input after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inputs(Vec<Input>);

impl Inputs {
    /// The inputs of these names and shapes.
    ///
    /// # Panics
    /// If there are none.
    pub fn new(inputs: impl IntoIterator<Item = (String, Shape)>) -> Inputs {
        let input = |(name, shape)| Input { name, shape, bits: Bits::B8, order: AS_IT_IS };
        let inputs: Vec<Input> = inputs.into_iter().map(input).collect();
        assert!(!inputs.is_empty(), "a network has an input");
        Inputs(inputs)
    }

    /// The same with other bits; `bits` answers those of each input.
    pub fn with_bits(mut self, bits: impl Fn(&Input) -> Bits) -> Inputs {
        self.0.iter_mut().for_each(|input| input.bits = bits(input));
        self
    }

    /// The same with these orders of axes.
    pub(super) fn with_orders(mut self, orders: &[Order]) -> Inputs {
        self.0.iter_mut().zip(orders).for_each(|(input, order)| input.order = *order);
        self
    }

    /// Whether there is more than one.
    pub fn are_several(&self) -> bool {
        self.0.len() > 1
    }

    /// Elements of a row.
    pub fn elements(&self) -> usize {
        self.iter().map(|input| input.shape.elements()).sum()
    }

    /// Where the elements of each input are in a row.
    pub fn ranges(&self) -> Vec<Range<usize>> {
        let mut start = 0;
        let range = |input: &Input| {
            start += input.shape.elements();
            start - input.shape.elements()..start
        };
        self.iter().map(range).collect()
    }

    /// What messages say that a row is: "images of 28x28x1", or all inputs with their names.
    pub fn describe(&self) -> String {
        if !self.are_several() {
            return format!("images of {}", self.0[0].shape);
        }
        let each: Vec<String> =
            self.iter().map(|input| format!("`{}` {}", input.name, input.shape)).collect();
        format!("the inputs {}", crate::text::enumerate(&each))
    }
}

impl Deref for Inputs {
    type Target = [Input];

    fn deref(&self) -> &[Input] {
        &self.0
    }
}

/// One image of this shape.
impl From<Shape> for Inputs {
    fn from(shape: Shape) -> Inputs {
        Inputs::new([(IMAGE.to_string(), shape)])
    }
}

impl From<&Inputs> for Inputs {
    fn from(inputs: &Inputs) -> Inputs {
        inputs.clone()
    }
}

/// One input is its shape; several are a list of names and shapes.
impl Serialize for Inputs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0[..] {
            [one] => one.shape.serialize(serializer),
            several => serializer.collect_seq(several),
        }
    }
}

impl Serialize for Input {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut input = serializer.serialize_struct("Input", 2)?;
        input.serialize_field("name", &self.name)?;
        input.serialize_field("shape", &self.shape)?;
        input.end()
    }
}

/// The first input is called "Image", as fingerprints of networks with one input have it.
impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Source::Input(0) => serializer.serialize_unit_variant("Source", 0, "Image"),
            Source::Input(input) => serializer.serialize_newtype_variant("Source", 2, "Input", input),
            Source::Node(node) => serializer.serialize_newtype_variant("Source", 1, "Node", node),
        }
    }
}
