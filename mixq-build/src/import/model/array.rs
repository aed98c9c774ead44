//! Constant tensors.

/// The most elements of a tensor: as many as offsets of 32 bits reach, and no more than a file of a network
/// for a microcontroller has.
pub const MOST_ELEMENTS: usize = 1 << 25;

/// What an element of a tensor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// A floating-point number, of any size.
    Float,
    /// A signed integer of this many bits.
    Signed(u32),
    /// An unsigned integer of this many bits.
    Unsigned(u32),
    /// True or false.
    Bool,
}

impl Element {
    /// The least and the largest integer; `None` of floating-point numbers.
    pub fn range(self) -> Option<(i64, i64)> {
        match self {
            Element::Float => None,
            Element::Bool => Some((0, 1)),
            Element::Signed(bits) => Some((-(1i64 << (bits.min(63) - 1)), (1i64 << (bits.min(63) - 1)) - 1)),
            Element::Unsigned(bits) => Some((0, (1i64 << bits.min(62)) - 1)),
        }
    }

    /// Its name in messages.
    pub fn name(self) -> String {
        match self {
            Element::Float => "float".to_string(),
            Element::Bool => "bool".to_string(),
            Element::Signed(bits) => format!("int{bits}"),
            Element::Unsigned(bits) => format!("uint{bits}"),
        }
    }
}

/// A constant tensor; the last dimension is the fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The size of each dimension; their product is at most [`MOST_ELEMENTS`].
    pub dims: Vec<usize>,
    /// As many as that product.
    pub values: Values,
    /// What its elements were in the file.
    pub element: Element,
}

/// The elements of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Floating-point numbers.
    Floats(Vec<f32>),
    /// Integers, and bools.
    Ints(Vec<i64>),
}

impl Values {
    /// The number of elements.
    pub fn len(&self) -> usize {
        match self {
            Values::Floats(values) => values.len(),
            Values::Ints(values) => values.len(),
        }
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Array {
    /// A tensor of floating-point numbers.
    pub fn floats(dims: Vec<usize>, values: Vec<f32>) -> Array {
        Array { dims, values: Values::Floats(values), element: Element::Float }
    }

    /// A list of integers.
    pub fn list(values: Vec<i64>) -> Array {
        Array { dims: vec![values.len()], values: Values::Ints(values), element: Element::Signed(64) }
    }

    /// Its elements as floating-point numbers.
    pub fn to_floats(&self) -> Vec<f32> {
        match &self.values {
            Values::Floats(values) => values.clone(),
            Values::Ints(values) => values.iter().map(|value| *value as f32).collect(),
        }
    }

    /// Its elements as integers; `None` if they are floating-point numbers.
    pub fn ints(&self) -> Option<&[i64]> {
        match &self.values {
            Values::Ints(values) => Some(values),
            Values::Floats(_) => None,
        }
    }

    /// Its only element as a number.
    pub fn scalar(&self) -> Option<f32> {
        match &self.values {
            Values::Floats(values) if values.len() == 1 => Some(values[0]),
            Values::Ints(values) if values.len() == 1 => Some(values[0] as f32),
            _ => None,
        }
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Elements in the order of `places`, which are indices of this tensor, as a tensor of other dimensions.
    pub fn gathered(&self, dims: Vec<usize>, places: impl Iterator<Item = usize>) -> Array {
        let values = match &self.values {
            Values::Floats(values) => Values::Floats(places.map(|place| values[place]).collect()),
            Values::Ints(values) => Values::Ints(places.map(|place| values[place]).collect()),
        };
        Array { dims, values, element: self.element }
    }

    /// With its dimensions in another order.
    pub fn transposed(&self, order: &[usize]) -> Array {
        let steps = strides(&self.dims);
        let dims: Vec<usize> = order.iter().map(|axis| self.dims[*axis]).collect();
        let steps: Vec<usize> = order.iter().map(|axis| steps[*axis]).collect();
        let places = walk(&dims, &steps);
        self.gathered(dims, places.into_iter())
    }

    /// Repeated along dimensions of size 1, and along new ones before the first, until it has these
    /// dimensions; `None` if it does not fit.
    pub fn expanded(&self, dims: &[usize]) -> Option<Array> {
        let added = dims.len().checked_sub(self.dims.len())?;
        let own = strides(&self.dims);
        let steps = dims.iter().enumerate().map(|(axis, size)| match axis.checked_sub(added) {
            None => Some(0),
            Some(axis) if self.dims[axis] == *size => Some(own[axis]),
            Some(axis) => (self.dims[axis] == 1).then_some(0),
        });
        let steps: Vec<usize> = steps.collect::<Option<_>>()?;
        Some(self.gathered(dims.to_vec(), walk(dims, &steps).into_iter()))
    }
}

/// The places of all elements of a tensor, whose dimensions have these steps.
fn walk(dims: &[usize], steps: &[usize]) -> Vec<usize> {
    let mut places = vec![0];
    for (size, step) in dims.iter().zip(steps) {
        places = places.iter().flat_map(|place| (0..*size).map(move |index| place + index * step)).collect();
    }
    places
}

/// The distance of neighbours along each dimension.
pub fn strides(dims: &[usize]) -> Vec<usize> {
    let mut steps = vec![1; dims.len()];
    for axis in (1..dims.len()).rev() {
        steps[axis - 1] = steps[axis] * dims[axis];
    }
    steps
}

/// The dimensions that two tensors have together, where dimensions of size 1 are repeated.
pub fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let size = |dims: &[usize], axis: usize| (axis + dims.len()).checked_sub(rank).map_or(1, |at| dims[at]);
    let joined = (0..rank).map(|axis| match (size(a, axis), size(b, axis)) {
        (a, b) if a == b || b == 1 => Some(a),
        (1, b) => Some(b),
        _ => None,
    });
    joined.collect()
}
