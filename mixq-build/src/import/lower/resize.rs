//! Images of another size.

use super::constants::wrapped;
use super::layers::LARGEST;
use super::view::{Axis, View, whole};
use super::{Call, Lowering, Reader, Refusal, Value, refuse};
use crate::graph::Shape;
use crate::graph::op::{Coordinates, Interpolation, OpSpec, ResizeSpec, Upsample};
use crate::import::model::Array;

pub(super) const OPERATORS: &[(&str, Reader)] = &[("Resize", resize), ("Upsample", resize)];

fn resize(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let given = lowering.padded(call.tensor(0)?)?;
    let view = lowering.image(&given)?;
    let Shape { height, width, channels } = view.shape;
    if view.dims.len() != 4 {
        return refuse(format!("resizes a tensor {:?}", view.sizes()), "mixq resizes images");
    }
    let (from, ([rows, columns], scales)) = ([height, width], sides(call, &view)?);
    if [rows, columns] == [height, width] {
        return Ok(vec![Value::Tensor(view)]);
    }
    let attributes = &call.node.attributes;
    if attributes.int("antialias").unwrap_or(0) != 0 || attributes.int("exclude_outside").unwrap_or(0) != 0 {
        return refuse("smooths the image, or leaves out what lies outside", "export it without `antialias`");
    }
    let old = call.node.operator == "Upsample" || call.inputs.len() == 2;
    let coordinates = attributes.text("coordinate_transformation_mode").unwrap_or(if old {
        "asymmetric"
    } else {
        "half_pixel"
    });
    let rounding =
        attributes.text("nearest_mode").unwrap_or(if old { "floor" } else { "round_prefer_floor" });
    let whole_scales = (0..2).all(|axis| {
        let exact = from[axis] as f64 * scales[axis];
        (exact - [rows, columns][axis] as f64).abs() < 1e-4
    });
    // The middle of what becomes a single pixel is its first pixel there.
    let single = |axis: usize| [rows, columns][axis] == 1 && from[axis] > 1;
    let stays = |axis: usize| [rows, columns][axis] == from[axis];
    let coordinates = match coordinates {
        "pytorch_half_pixel" if single(0) || single(1) => {
            if !(0..2).all(|axis| single(axis) || stays(axis)) {
                let what = format!("makes a single pixel of {height}x{width} in one direction");
                return refuse(what, "export it with coordinate_transformation_mode = \"half_pixel\"");
            }
            Coordinates::Asymmetric
        }
        "half_pixel_symmetric" if !whole_scales => {
            let what = format!("scales {height}x{width} by {} and {}, which is cut", scales[0], scales[1]);
            return refuse(what, "export it with sizes, or with whole factors");
        }
        "half_pixel" | "pytorch_half_pixel" | "half_pixel_symmetric" => Coordinates::HalfPixel,
        "align_corners" => Coordinates::AlignCorners,
        "asymmetric" => Coordinates::Asymmetric,
        other => {
            return refuse(
                format!("has coordinates \"{other}\""),
                "mixq has half_pixel, align_corners, asymmetric",
            );
        }
    };
    let op: OpSpec = match attributes.text("mode").unwrap_or("nearest") {
        "linear" if !whole_scales && coordinates != Coordinates::AlignCorners => {
            let what = format!("scales {height}x{width} by {} and {}, which is cut", scales[0], scales[1]);
            return refuse(what, "export it with sizes, or with whole factors");
        }
        "linear" => {
            let size = Some([rows, columns]);
            ResizeSpec { size, factor: None, interpolation: Interpolation::Bilinear, coordinates }.into()
        }
        "nearest" => nearest(from, [rows, columns], scales, coordinates, rounding)?,
        other => return refuse(format!("interpolates by \"{other}\""), "mixq has nearest and linear"),
    };
    let shape = Shape { height: rows, width: columns, channels };
    let made = lowering.layers.add(call.wish(), op, &[&view], shape)?;
    let dims = vec![Vec::new(), view.dims[1].clone(), whole(Axis::Height, rows), whole(Axis::Width, columns)];
    Ok(vec![Value::Tensor(View { dims, ..made })])
}

/// Height and width of the output, given or computed of factors, and the factors.
fn sides(call: &Call, view: &View) -> Result<([usize; 2], [f64; 2]), Refusal> {
    let sizes = view.sizes();
    let attributes = &call.node.attributes;
    let attribute = attributes.floats("scales").map(<[f32]>::to_vec);
    let factors = if call.inputs.len() == 2 { call.constant(1) } else { call.constant(2) };
    let factors = factors.filter(|array| !array.is_empty()).map(Array::to_floats).or(attribute);
    let listed = call.constant(3).and_then(Array::ints).map(<[i64]>::to_vec);
    // Since version 18 a node may name the dimensions that change.
    let axes: Option<Vec<usize>> = match attributes.ints("axes") {
        Some(axes) => axes.iter().map(|axis| wrapped(*axis, sizes.len())).collect(),
        None => Some((0..sizes.len()).collect()),
    };
    let Some(axes) = axes else { return refuse("resizes dimensions that are not there", "check the model") };
    let mut given = Some(sizes.clone());
    let mut scales = vec![None; sizes.len()];
    for (place, axis) in axes.iter().enumerate() {
        let size = match (&listed, &factors) {
            (Some(listed), _) => listed.get(place).and_then(|size| usize::try_from(*size).ok()),
            (None, Some(factors)) => {
                factors.get(place).map(|factor| (sizes[*axis] as f32 * factor).floor() as usize)
            }
            (None, None) => None,
        };
        if listed.is_none() {
            scales[*axis] = factors.as_ref().and_then(|factors| factors.get(place).copied());
        }
        given = given.zip(size).map(|(mut given, size)| {
            given[*axis] = size;
            given
        });
    }
    match given.as_deref() {
        Some([1, channels, rows, columns])
            if *channels == sizes[1] && (1..=LARGEST).contains(rows) && (1..=LARGEST).contains(columns) =>
        {
            let scale =
                |axis: usize, size: usize| scales[axis].map_or(size as f64 / sizes[axis] as f64, f64::from);
            Ok(([*rows, *columns], [scale(2, *rows), scale(3, *columns)]))
        }
        _ => refuse(
            "resizes to what is not known, or more than rows and columns",
            "export it with constant sizes",
        ),
    }
}

/// The nearest pixel. Which one that is depends on how halves are rounded: what mixq has is taken where it
/// chooses the same pixels.
fn nearest(
    from: [usize; 2],
    to: [usize; 2],
    scales: [f64; 2],
    coordinates: Coordinates,
    rounding: &str,
) -> Result<OpSpec, Refusal> {
    let wanted = |axis: usize| -> Vec<usize> {
        let (inputs, outputs) = (from[axis] as f64, to[axis] as f64);
        let place = |index: usize| {
            let index = index as f64;
            let at = match coordinates {
                Coordinates::HalfPixel => (index + 0.5) / scales[axis] - 0.5,
                Coordinates::AlignCorners => index * (inputs - 1.0) / (outputs - 1.0).max(1.0),
                Coordinates::Asymmetric => index / scales[axis],
            };
            let pixel = match rounding {
                "floor" => at.floor(),
                "ceil" => at.ceil(),
                "round_prefer_ceil" => (at + 0.5).floor(),
                _ => (at - 0.5).ceil(),
            };
            pixel.clamp(0.0, inputs - 1.0) as usize
        };
        (0..to[axis]).map(place).collect()
    };
    let (rows, columns) = (wanted(0), wanted(1));
    let repeats = |axis: usize, pixels: &[usize]| {
        let factor = to[axis] / from[axis];
        to[axis].is_multiple_of(from[axis])
            && pixels.iter().enumerate().all(|(at, pixel)| *pixel == at / factor)
    };
    if repeats(0, &rows) && repeats(1, &columns) {
        return Ok(Upsample { factor: [to[0] / from[0], to[1] / from[1]] }.into());
    }
    for coordinates in [Coordinates::HalfPixel, Coordinates::AlignCorners, Coordinates::Asymmetric] {
        let interpolation = Interpolation::Nearest;
        let own = crate::graph::op::Resize { size: to, interpolation, coordinates };
        let [down, right] = own.axes(from);
        let same = |axis: mixq_format::Axis, size: usize, pixels: &[usize]| {
            let position = |at: usize| axis.position(at, size, own.between()).pixel;
            pixels.iter().enumerate().all(|(at, pixel)| position(at) == *pixel)
        };
        if same(down, from[0], &rows) && same(right, from[1], &columns) {
            return Ok(ResizeSpec { size: Some(to), factor: None, interpolation, coordinates }.into());
        }
    }
    refuse(format!("rounds pixels by \"{rounding}\""), "export it with nearest_mode = \"floor\"")
}
