//! Functions of each element: the integer network has them as tables, which are exact for every function.
//!
//! A function is a layer of its own, or the activation of a layer. As an activation it becomes a node of its
//! own after that layer, except ReLU6 and other clips from 0, which bound the ReLU of the layer. A new
//! function is a variant of [`Function`], a row of `forms`, and an arm in `train/elementwise.rs`.

mod erf;
mod forms;
mod function;

pub(super) use forms::{COUNT, FORMS};
pub use function::{Function, Number};

use super::{Fold, Form, Input, Layer, Op, OpSpec, Operator, Output, Values, Weights, Written};
use crate::graph::{Activation, Shape, Window};

/// A function of each element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elementwise {
    /// The function.
    pub function: Function,
}

/// How the functions are written that may be activations, by the names that they have there.
pub fn functions() -> impl Iterator<Item = &'static Form> {
    FORMS.iter()
}

/// The activation that a form has with these parameters; `None` if it is not the form of a function, or
/// lacks a parameter.
pub fn activation(form: &Form, values: &Values) -> Option<Activation> {
    match (form.read)(values)? {
        OpSpec::Elementwise(Elementwise { function }) => Some(Activation::of(function)),
        _ => None,
    }
}

impl Written for Elementwise {
    fn form(&self) -> &'static Form {
        let name = self.function.name();
        FORMS.iter().find(|form| form.name == name).expect("every function has a form")
    }

    fn folds(&self) -> Option<Fold> {
        match Activation::of(self.function) {
            bounded @ Activation::ReluUpTo(_) => Some(Fold::Activation(bounded)),
            _ => None,
        }
    }

    fn resolve(&self, layer: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        if let Some(wrong) = self.function.contradiction() {
            let message = format!("layer {} {wrong}", layer.me());
            layer.report(message, "correct one of them");
            return None;
        }
        Some((Op::Elementwise(*self), inputs[0].shape))
    }
}

impl Operator for Elementwise {
    fn word(&self) -> &'static str {
        "elementwise"
    }

    fn window(&self) -> Option<&Window> {
        None
    }

    fn weights(&self) -> Option<Weights> {
        None
    }

    fn output(&self) -> Output {
        Output::InPlace
    }

    fn table_bytes(&self) -> usize {
        size_of::<mixq_format::Elementwise>()
    }
}
