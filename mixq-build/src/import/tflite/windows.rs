//! Operators of images: windows, other sizes, blocks of pixels.

use super::flatbuffer::Damaged;
use super::nodes::{Operator, Writer, int};
use crate::import::model::{Array, Attribute, Attributes};

/// From batch, rows, columns, channels to ONNX's order, and back.
const TO_ONNX: [i64; 4] = [0, 3, 1, 2];
const FROM_ONNX: [i64; 4] = [0, 2, 3, 1];

/// The nodes of an operator without its activation, whose number is answered.
pub(super) fn write(writer: &mut Writer, of: &Operator, output: &str) -> Result<u8, Damaged> {
    let image = if of.name == "TRANSPOSE_CONV" { 2 } else { 0 };
    let given = of.inputs.get(image).map_or("", String::as_str);
    let input = turned(writer, of, given, &TO_ONNX);
    let inner = writer.fresh();
    let activation = match of.name.as_str() {
        "CONV_2D" | "DEPTHWISE_CONV_2D" => conv(writer, of, &input, &inner)?,
        "TRANSPOSE_CONV" => transposed(writer, of, &input, &inner)?,
        "AVERAGE_POOL_2D" | "MAX_POOL_2D" => {
            let operator = if of.name == "MAX_POOL_2D" { "MaxPool" } else { "AveragePool" };
            let mut attributes = sliding(of, [2, 1])?;
            let kernel = vec![of.int(4, 0)?, of.int(3, 0)?];
            attributes.0.insert("kernel_shape".to_string(), Attribute::Ints(kernel));
            writer.node(of, operator, &[&input], &inner, attributes);
            of.byte(5)?
        }
        "RESIZE_BILINEAR" | "RESIZE_NEAREST_NEIGHBOR" => {
            resize(writer, of, &input, &inner)?;
            0
        }
        name => {
            let operator = if name == "DEPTH_TO_SPACE" { "DepthToSpace" } else { "SpaceToDepth" };
            let block = Attributes::of([("blocksize", int(of.int(0, 0)?))]);
            writer.node(of, operator, &[&input], &inner, block);
            0
        }
    };
    let order = Attributes::of([("perm", Attribute::Ints(FROM_ONNX.to_vec()))]);
    writer.node(of, "Transpose", &[&inner], output, order);
    Ok(activation)
}

fn turned(writer: &mut Writer, of: &Operator, name: &str, order: &[i64]) -> String {
    let turned = writer.fresh();
    let order = Attributes::of([("perm", Attribute::Ints(order.to_vec()))]);
    writer.node(of, "Transpose", &[name], &turned, order);
    turned
}

/// Strides and padding; `strides` are the fields of the steps down and to the right.
fn sliding(of: &Operator, strides: [usize; 2]) -> Result<Attributes, Damaged> {
    let steps = vec![of.int(strides[0], 1)?, of.int(strides[1], 1)?];
    if let Some(dilated) = of.dilated {
        let pads = Attribute::Ints(dilated.pads.to_vec());
        return Ok(Attributes::of([("pads", pads), ("strides", Attribute::Ints(steps))]));
    }
    let padding = if of.byte(0)? == 0 { "SAME_UPPER" } else { "VALID" };
    Ok(Attributes::of([
        ("auto_pad", Attribute::Text(padding.to_string())),
        ("strides", Attribute::Ints(steps)),
    ]))
}

fn conv(writer: &mut Writer, of: &Operator, input: &str, output: &str) -> Result<u8, Damaged> {
    let deep = of.name == "DEPTHWISE_CONV_2D";
    let weight = of.inputs.get(1).map_or("", String::as_str);
    // Filters are rows, columns, channels there; those of a depthwise convolution stand last.
    let weight = turned(writer, of, weight, if deep { &[3, 0, 1, 2] } else { &TO_ONNX });
    let (activation, dilation) = if deep { (4, [6, 5]) } else { (3, [5, 4]) };
    let mut attributes = sliding(of, [2, 1])?;
    let steps = match of.dilated {
        Some(dilated) => dilated.steps.to_vec(),
        None => vec![of.int(dilation[0], 1)?, of.int(dilation[1], 1)?],
    };
    attributes.0.insert("dilations".to_string(), Attribute::Ints(steps));
    let channels = |place: usize| {
        of.reads.get(place).copied().flatten().and_then(|tensor| tensor.dims.get(3).copied()).unwrap_or(1)
    };
    // Filters that see a part of the channels make groups.
    let groups = if deep { channels(0) } else { channels(0).checked_div(channels(1)).unwrap_or(1).max(1) };
    attributes.0.insert("group".to_string(), int(groups));
    let inputs: Vec<&str> =
        [input, &weight].into_iter().chain(of.inputs.get(2).map(String::as_str)).collect();
    writer.node(of, "Conv", &inputs, output, attributes);
    of.byte(activation)
}

fn transposed(writer: &mut Writer, of: &Operator, input: &str, output: &str) -> Result<u8, Damaged> {
    let weight = of.inputs.get(1).map_or("", String::as_str);
    let dims = |place: usize| of.reads.get(place).copied().flatten().map_or(&[][..], |it| &it.dims);
    let (kernel, size) = (dims(1).get(1..3).unwrap_or(&[1, 1]), dims(2).get(1..3).unwrap_or(&[1, 1]));
    let wanted = of.ints(0).unwrap_or_default();
    let strides = [of.int(2, 1)?, of.int(1, 1)?];
    // What the whole output is longer than the wanted one is cut, the smaller half first.
    let mut pads = vec![0; 4];
    let mut more = vec![0; 2];
    for axis in 0..2 {
        let whole = size[axis].saturating_sub(1).saturating_mul(strides[axis]).saturating_add(kernel[axis]);
        let cut = whole - wanted.get(axis + 1).copied().unwrap_or(whole);
        (pads[axis], pads[axis + 2]) = (cut.max(0) / 2, cut.max(0) - cut.max(0) / 2);
        more[axis] = (-cut).max(0);
    }
    let weight = turned(writer, of, weight, &[3, 0, 1, 2]);
    let attributes = Attributes::of([
        ("strides", Attribute::Ints(strides.to_vec())),
        ("pads", Attribute::Ints(pads)),
        ("output_padding", Attribute::Ints(more)),
    ]);
    let inputs: Vec<&str> =
        [input, &weight].into_iter().chain(of.inputs.get(3).map(String::as_str)).collect();
    writer.node(of, "ConvTranspose", &inputs, output, attributes);
    of.byte(3)
}

fn resize(writer: &mut Writer, of: &Operator, input: &str, output: &str) -> Result<(), Damaged> {
    let bilinear = of.name == "RESIZE_BILINEAR";
    let first = if bilinear { 2 } else { 0 };
    let (corners, halves) = (of.byte(first)? != 0, of.byte(first + 1)? != 0);
    let channels = of.reads.first().copied().flatten().and_then(|tensor| tensor.dims.get(3).copied());
    let sides = of.ints(1).unwrap_or_default();
    let sizes = [1, channels.unwrap_or(0)].into_iter().chain(sides).collect();
    let sizes = writer.constant(Array::list(sizes));
    let coordinates = match (corners, halves) {
        (true, _) => "align_corners",
        (false, true) => "half_pixel",
        (false, false) => "asymmetric",
    };
    let rounding = if corners || halves { "round_prefer_ceil" } else { "floor" };
    let text = |text: &str| Attribute::Text(text.to_string());
    let attributes = Attributes::of([
        ("mode", text(if bilinear { "linear" } else { "nearest" })),
        ("coordinate_transformation_mode", text(coordinates)),
        ("nearest_mode", text(rounding)),
    ]);
    writer.node(of, "Resize", &[input, "", "", &sizes], output, attributes);
    Ok(())
}
