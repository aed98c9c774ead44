//! Resize: an image of another size, by bilinear interpolation or to the nearest pixel.

use mixq_format::{Axis, Between, Tensor};
use serde::Serialize;

use super::{Arity, Follows, Form, Input, Layer, Op, OpSpec, Operator, Output, Weights, Written};
use crate::graph::{LARGEST, Shape, Window};

pub(super) static RESIZE: Form = Form {
    name: "resize",
    required: &[],
    optional: &["size", "factor", "interpolation", "coordinates"],
    parameters: &[],
    read: |values| {
        Some(OpSpec::Resize(ResizeSpec {
            size: values.size,
            factor: values.factor,
            interpolation: values.interpolation.unwrap_or(Interpolation::Bilinear),
            coordinates: values.coordinates.unwrap_or(Coordinates::HalfPixel),
        }))
    },
    arity: Arity::One,
    reads_image: Err("put a conv or depthwise layer before it"),
    reads_any_shape: false,
    follows: Follows::NOTHING,
    folds: None,
};

/// What an output pixel is that lies between input pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Interpolation {
    /// Between the four input pixels around it, by its distances.
    Bilinear,
    /// The nearest input pixel.
    Nearest,
}

impl Interpolation {
    /// Both by their names.
    pub const CHOICES: [(&str, Interpolation); 2] =
        [("bilinear", Interpolation::Bilinear), ("nearest", Interpolation::Nearest)];
}

/// Where output pixels lie on the input, by ONNX's names. Pixel `i` of `outputs` lies at pixel:
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Coordinates {
    /// `(i + 1/2) inputs / outputs - 1/2`: the usual of PyTorch's bilinear interpolation and of TensorFlow 2.
    HalfPixel,
    /// `i (inputs - 1) / (outputs - 1)`: the corners lie on one another.
    AlignCorners,
    /// `i inputs / outputs`: of older TensorFlow, and of PyTorch's nearest neighbour.
    Asymmetric,
}

impl Coordinates {
    /// All by their names.
    pub const CHOICES: [(&str, Coordinates); 3] = [
        ("half_pixel", Coordinates::HalfPixel),
        ("align_corners", Coordinates::AlignCorners),
        ("asymmetric", Coordinates::Asymmetric),
    ];
}

/// Resize as it is written: to a size, or by factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResizeSpec {
    /// Height and width of the output.
    pub size: Option<[usize; 2]>,
    /// How many times larger the output is, down and to the right.
    pub factor: Option<[usize; 2]>,
    /// What lies between input pixels.
    pub interpolation: Interpolation,
    /// Where output pixels lie on the input.
    pub coordinates: Coordinates,
}

/// Resize to a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Resize {
    /// Height and width of the output.
    pub size: [usize; 2],
    /// What lies between input pixels.
    pub interpolation: Interpolation,
    /// Where output pixels lie on the input.
    pub coordinates: Coordinates,
}

impl Written for ResizeSpec {
    fn form(&self) -> &'static Form {
        &RESIZE
    }

    fn resolve(&self, layer: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        let ResizeSpec { interpolation, coordinates, .. } = *self;
        let Shape { height, width, channels } = inputs[0].shape;
        let size = match (self.size, self.factor) {
            (Some(size), None) => size,
            (None, Some([down, right])) => [height.saturating_mul(down), width.saturating_mul(right)],
            (Some(_), Some(_)) | (None, None) => {
                let which = if self.size.is_some() { "both" } else { "neither" };
                let message = format!("layer {} has {which} of `size` and `factor`", layer.me());
                layer.report(message, "give one: size = [height, width] of the output, or factor = ...");
                return None;
            }
        };
        if size.into_iter().any(|side| side == 0 || side > LARGEST) {
            let message = format!("layer {} resizes to {}x{}", layer.me(), size[0], size[1]);
            layer.report(message, "each side is 1 to 65,535");
            return None;
        }
        let resize = Resize { size, interpolation, coordinates };
        // The device computes positions in 32 bits: sides of up to 32,767 always fit.
        if !resize.axes([height, width]).into_iter().zip(size).all(|(axis, side)| axis.fits(side)) {
            let (me, input) = (layer.me(), layer.describe(inputs[0]));
            let message = format!("layer {me} resizes {input} to {}x{}", size[0], size[1]);
            layer.report(message, "resize at most 32,767 to at most 32,767 pixels");
            return None;
        }
        Some((Op::Resize(resize), Shape { height: size[0], width: size[1], channels }))
    }
}

impl Resize {
    /// Where rows and columns of the output lie on an input of this height and width.
    pub fn axes(&self, input: [usize; 2]) -> [Axis; 2] {
        [0, 1].map(|index| self.axis(input[index] as i64, self.size[index] as i64))
    }

    /// Of `inputs` pixels.
    fn axis(&self, inputs: i64, outputs: i64) -> Axis {
        let rounded = self.interpolation == Interpolation::Nearest;
        // Nearest pixels are those before positions that are half a pixel further; with asymmetric
        // coordinates those before the positions themselves.
        let (first, step, unit) = match self.coordinates {
            Coordinates::HalfPixel => {
                (if rounded { inputs } else { inputs - outputs }, 2 * inputs, 2 * outputs)
            }
            Coordinates::AlignCorners => {
                let last = (outputs - 1).max(1);
                (if rounded { last } else { 0 }, 2 * (inputs - 1), 2 * last)
            }
            Coordinates::Asymmetric => (0, inputs, outputs),
        };
        Axis { first: first as i32, step: step as u32, unit: unit as u32 }
    }

    /// What lies between input pixels.
    pub fn between(&self) -> Between {
        match self.interpolation {
            Interpolation::Bilinear => Between::Interpolated,
            Interpolation::Nearest => Between::Before,
        }
    }

    /// The table of a layer that reads `input` and writes `output`.
    pub fn table(&self, input: Tensor, output: Tensor) -> mixq_format::Resize {
        let [rows, columns] = self.axes([input.height.into(), input.width.into()]);
        mixq_format::Resize { input, output, rows, columns, between: self.between() }
    }
}

impl Operator for Resize {
    fn word(&self) -> &'static str {
        "resize"
    }

    fn window(&self) -> Option<&Window> {
        None
    }

    fn weights(&self) -> Option<Weights> {
        None
    }

    fn output(&self) -> Output {
        Output::InputGrid
    }

    fn table_bytes(&self) -> usize {
        size_of::<mixq_format::Resize>()
    }
}
