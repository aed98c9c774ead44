//! The inputs of a model as images: files do not say which dimension is which.

use super::layers::LARGEST;
use super::view::{Axis, Scaling, View, whole};
use super::{Taken, Unsupported};
use crate::graph::{Shape, Source};
use crate::import::model::{Array, Format, Input, MOST_ELEMENTS, Model};

/// The most combinations of orders of axes that are tried.
const MOST_ORDERS: usize = 64;

fn unsupported(what: String, help: &str) -> Unsupported {
    Unsupported { operator: "input".to_string(), what, help: help.to_string() }
}

/// The views that the inputs may be, the most usual first: a view for each input that nodes read.
///
/// # Errors
/// The inputs that mixq cannot have.
pub(super) fn inputs(model: &Model, taken: Taken) -> Result<Vec<Vec<View>>, Vec<Unsupported>> {
    let given = model.read_inputs();
    if given.is_empty() {
        return Err(vec![unsupported("the model reads no input".to_string(), "check the model")]);
    }
    if given.len() > 1 && taken == Taken::AsTheyAre {
        let names: Vec<&str> = given.iter().map(|input| input.name.as_str()).collect();
        let what = format!("the model reads {} inputs ({})", given.len(), names.join(", "));
        let help = "mixq takes over integers of models with one input; leave `bits` out for a float network";
        return Err(vec![unsupported(what, help)]);
    }
    let (mut combined, mut problems): (Vec<Vec<View>>, _) = (vec![Vec::new()], Vec::new());
    for (index, input) in given.into_iter().enumerate() {
        match views(model, index, input) {
            Ok(views) => {
                let longer = |before: Vec<View>| {
                    views.clone().into_iter().map(move |view| [&before[..], &[view]].concat())
                };
                combined = combined.into_iter().flat_map(longer).take(MOST_ORDERS).collect();
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(combined) } else { Err(problems) }
}

/// The views that an input may be, the most usual first.
fn views(model: &Model, index: usize, input: &Input) -> Result<Vec<View>, Unsupported> {
    let name = input.name.escape_debug();
    let mut sizes = Vec::new();
    for (dim, size) in input.dims.iter().enumerate() {
        match size {
            // A batch has one sample on the device.
            _ if dim == 0 && input.dims.len() > 1 => sizes.push(1),
            Some(size) => sizes.push(*size),
            None => {
                let what = format!("dimension {dim} of input `{name}` is open");
                return Err(unsupported(what, "export the model with a fixed shape of its input"));
            }
        }
    }
    let elements = sizes.iter().try_fold(1usize, |count, size| count.checked_mul(*size));
    if elements.is_none_or(|elements| elements > MOST_ELEMENTS) || sizes.iter().any(|size| *size > LARGEST) {
        let what = format!("input `{name}` has the shape {sizes:?}");
        return Err(unsupported(what, "height, width and channels are each 1 to 65,535"));
    }
    let mut views = reshaped_inputs(model, index, input, &sizes);
    let Some(orders) = orders(sizes.len(), model.format) else {
        let what = format!("input `{name}` has {} dimensions", sizes.len());
        return Err(unsupported(what, "an input is an image, or a row of samples: at most 4 dimensions"));
    };
    views.extend(orders.iter().map(|order| view(model, index, input, &sizes, order)));
    Ok(views)
}

/// The orders that the axes of an input of so many dimensions may have, the most usual first.
fn orders(dimensions: usize, format: Format) -> Option<&'static [&'static [Axis]]> {
    use Axis::{Channels, Height, Width};
    Some(match (dimensions, format) {
        (1, _) => &[&[Channels]],
        (2, _) => &[&[Channels], &[Width]],
        (3, Format::Onnx) => &[&[Channels, Width], &[Width, Channels], &[Height, Width]],
        (3, Format::Tflite) => &[&[Width, Channels], &[Height, Width]],
        (4, Format::Onnx) => &[&[Channels, Height, Width], &[Height, Width, Channels]],
        (4, Format::Tflite) => &[&[Height, Width, Channels], &[Channels, Height, Width]],
        _ => return None,
    })
}

/// An input of these sizes, whose axes after the batch are these.
fn view(model: &Model, index: usize, input: &Input, sizes: &[usize], order: &[Axis]) -> View {
    use Axis::{Channels, Height, Width};
    let batch = usize::from(sizes.len() > 1);
    let size = |axis: Axis| order.iter().position(|own| *own == axis).map_or(1, |at| sizes[batch + at]);
    let shape = Shape { height: size(Height), width: size(Width), channels: size(Channels) };
    let own = order.iter().map(|axis| whole(*axis, size(*axis)));
    let dims = std::iter::repeat_n(Vec::new(), batch).chain(own).collect();
    // What is given to a quantised network are its integers.
    let scaling = model.grids.get(&input.name).map_or(Vec::new(), |grid| {
        let factor = f64::from(grid.scales[0]);
        let summand = -(grid.zero_points[0] as f64) * factor;
        vec![Scaling { factor, summand }; shape.channels]
    });
    // Without scales integers are what they are.
    let integer = scaling.is_empty() && input.element.range().is_some();
    View { scaling, integer, dims, ..View::image(Source::Input(index), shape) }
}

/// The image that the input becomes where the first node reshapes it to one of four dimensions.
fn reshaped_inputs(model: &Model, index: usize, input: &Input, sizes: &[usize]) -> Vec<View> {
    let mut name = input.name.as_str();
    for node in model.nodes.iter() {
        if node.inputs.first().is_none_or(|first| first != name) {
            continue;
        }
        match node.operator.as_str() {
            "Identity" | "Cast" | "QuantizeLinear" | "DequantizeLinear" | "mixq.Range" => {}
            "Reshape" => {
                let shape = node.inputs.get(1).and_then(|name| model.constants.get(name));
                let Some([_, shape @ ..]) = shape.and_then(Array::ints) else { return Vec::new() };
                let shape: Option<Vec<usize>> =
                    shape.iter().map(|size| usize::try_from(*size).ok().filter(|size| *size > 0)).collect();
                let Some(shape) = shape.filter(|shape| shape.len() == 3) else { return Vec::new() };
                let shape = [&[1], &shape[..]].concat();
                let orders = orders(4, model.format).unwrap_or(&[]);
                let seen = orders
                    .iter()
                    .filter_map(|order| view(model, index, input, &shape, order).reshaped(sizes));
                return seen.collect();
            }
            _ => return Vec::new(),
        }
        name = node.outputs.first().map_or("", String::as_str);
    }
    Vec::new()
}
