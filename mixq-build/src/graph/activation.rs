//! Activations.

/// What follows a layer's sums, and batch norm, element by element.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    #[default]
    None,
    /// `max(x, 0)`.
    Relu,
}

impl Activation {
    /// All by the names that they have in a layer list.
    pub const CHOICES: [(&str, Activation); 2] = [("relu", Activation::Relu), ("none", Activation::None)];

    /// Its name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Activation::None => "none",
            Activation::Relu => "ReLU",
        }
    }

    /// Whether it is never negative: its codes have the zero point 0.
    pub fn starts_at_zero(self) -> bool {
        match self {
            Activation::None => false,
            Activation::Relu => true,
        }
    }
}
