//! What moves numbers.

use super::graph::{Graph, Tensor};
use super::*;

type Grow = fn(&mut Graph, &Tensor) -> Option<Tensor>;

pub const ALL: &[Grow] = &[
    transpose, reshape, flatten, squeeze, unsqueeze, slice, split, gather, concat, pad, pad, blocks, blocks,
    blocks, resize, resize, shuffle, expand, expand, expand, expand,
];

fn sizes(dims: &[usize]) -> Vec<i64> {
    dims.iter().map(|size| *size as i64).collect()
}

fn transpose(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let mut order: Vec<usize> = (1..x.dims.len()).collect();
    match x.dims.len() {
        4 if graph.chance(2) => order = vec![2, 3, 1],
        _ => graph.random.shuffle(&mut order),
    }
    order.insert(0, 0);
    let dims = order.iter().map(|at| x.dims[*at]).collect();
    Some(graph.node("Transpose", &[&x.name], &[("perm", Value::Ints(&sizes(&order)))], dims))
}

/// Joins two dimensions, or splits one.
fn reshape(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let mut dims = x.dims.clone();
    let at = graph.whole(1, dims.len() - 1);
    if graph.chance(2) && at + 1 < dims.len() {
        dims[at] *= dims.remove(at + 1);
    } else {
        let size = dims[at];
        let parts: Vec<usize> = (1..=size).filter(|part| size.is_multiple_of(*part)).collect();
        let part = *graph.random.choice(&parts)?;
        dims[at] = part;
        dims.insert(at + 1, size / part);
    }
    let mut wanted = sizes(&dims);
    if graph.chance(2) {
        wanted[at] = -1;
    }
    if dims[0] == x.dims[0] && graph.chance(2) {
        wanted[0] = 0;
    }
    let wanted = graph.list(&wanted);
    Some(graph.node("Reshape", &[&x.name, &wanted], &[], dims))
}

fn flatten(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let dims = vec![1, x.dims.iter().product()];
    let attributes = if graph.chance(2) { vec![] } else { vec![("axis", Value::Int(1))] };
    Some(graph.node("Flatten", &[&x.name], &attributes, dims))
}

fn squeeze(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let ones: Vec<usize> = (1..x.dims.len()).filter(|at| x.dims[*at] == 1).collect();
    let at = *graph.random.choice(&ones)?;
    let mut dims = x.dims.clone();
    dims.remove(at);
    Some(with_axis(graph, "Squeeze", x, at as i64, dims))
}

fn unsqueeze(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let at = graph.whole(1, x.dims.len());
    let mut dims = x.dims.clone();
    dims.insert(at, 1);
    Some(with_axis(graph, "Unsqueeze", x, at as i64, dims))
}

fn with_axis(graph: &mut Graph, operator: &'static str, x: &Tensor, axis: i64, dims: Vec<usize>) -> Tensor {
    if graph.opset >= 13 {
        let axes = graph.list(&[axis]);
        return graph.node(operator, &[&x.name, &axes], &[], dims);
    }
    graph.node(operator, &[&x.name], &[("axes", Value::Ints(&[axis]))], dims)
}

/// rten has bounds that are inputs.
fn slice(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    if graph.opset < 10 {
        return None;
    }
    let at = graph.whole(1, x.dims.len() - 1);
    let size = x.dims[at] as i64;
    let (first, last) = (graph.random.i64(0..size), graph.random.i64(0..size));
    let (first, last) = (first.min(last), first.max(last));
    let step = if graph.chance(3) { 2 } else { 1 };
    let mut dims = x.dims.clone();
    dims[at] = ((last - first) / step + 1) as usize;
    // From the end, and beyond it.
    let end = if last + 1 == size && graph.chance(2) { i64::from(i32::MAX) } else { last + 1 };
    let first = if graph.chance(2) { first - size } else { first };
    let lists = [first, end, at as i64, step].map(|value| graph.list(&[value]));
    let mut inputs: Vec<&str> = std::iter::once(&x.name).chain(&lists).map(String::as_str).collect();
    if step == 1 {
        inputs.pop();
    }
    Some(graph.node("Slice", &inputs, &[], dims))
}

/// Both parts stay: the second one is what follows reads.
fn split(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let at = graph.whole(1, x.dims.len() - 1);
    let size = x.dims[at];
    if size < 2 {
        return None;
    }
    let first = graph.whole(1, size - 1);
    let parts = [first, size - first].map(|part| {
        let mut dims = x.dims.clone();
        dims[at] = part;
        dims
    });
    let lengths = [first as i64, (size - first) as i64];
    let axis = ("axis", Value::Int(at as i64));
    let mut made = if graph.opset >= 13 {
        let lengths = graph.list(&lengths);
        graph.nodes("Split", &[&x.name, &lengths], &[axis], &parts)
    } else {
        graph.nodes("Split", &[&x.name], &[axis, ("split", Value::Ints(&lengths))], &parts)
    };
    let second = made.pop();
    graph.tensors.extend(made);
    second
}

fn gather(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let at = graph.whole(1, x.dims.len() - 1);
    let size = x.dims[at];
    let count = graph.whole(1, size);
    let mut indices: Vec<i64> = (0..size as i64).collect();
    graph.random.shuffle(&mut indices);
    indices.truncate(count);
    if graph.chance(2) {
        indices.sort_unstable();
    }
    let mut dims = x.dims.clone();
    dims[at] = count;
    let indices = graph.list(&indices);
    Some(graph.node("Gather", &[&x.name, &indices], &[("axis", Value::Int(at as i64))], dims))
}

fn concat(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let other = graph.other(x)?;
    let rank = x.dims.len();
    let at = if graph.chance(4) { graph.whole(1, rank - 1) } else { 1 };
    let mut dims = x.dims.clone();
    dims[at] *= 2;
    let axis = if graph.chance(2) { at as i64 } else { at as i64 - rank as i64 };
    Some(graph.node("Concat", &[&x.name, &other.name], &[("axis", Value::Int(axis))], dims))
}

/// rten has amounts that are inputs.
fn pad(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    if graph.opset < 11 {
        return None;
    }
    let rank = x.dims.len();
    let mut pads = vec![0; 2 * rank];
    for at in 1..rank {
        if graph.random.bool() {
            (pads[at], pads[at + rank]) = (graph.whole(0, 2), graph.whole(0, 2));
        }
    }
    let dims = (0..rank).map(|at| x.dims[at] + pads[at] + pads[at + rank]).collect();
    let amounts = graph.list(&sizes(&pads));
    let attributes = if graph.chance(2) { vec![] } else { vec![("mode", Value::Text("constant"))] };
    Some(graph.node("Pad", &[&x.name, &amounts], &attributes, dims))
}

fn blocks(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let [1, channels, height, width] = x.dims[..] else { return None };
    if !channels.is_multiple_of(4) {
        return None;
    }
    let mut attributes = vec![("blocksize", Value::Int(2))];
    if graph.opset >= 11 {
        let mode = if graph.chance(2) { "DCR" } else { "CRD" };
        attributes.push(("mode", Value::Text(mode)));
    }
    let dims = vec![1, channels / 4, height * 2, width * 2];
    Some(graph.node("DepthToSpace", &[&x.name], &attributes, dims))
}

/// Rows and columns, by factors or to sizes.
fn resize(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let [1, channels, height, width] = x.dims[..] else { return None };
    if graph.opset < 11 || height.max(width) > 24 {
        return None;
    }
    let coordinates = ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"];
    let coordinates = *graph.random.choice(&coordinates).unwrap();
    let linear = graph.chance(2);
    let roundings = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"];
    let rounding = *graph.random.choice(&roundings).unwrap();
    let mut attributes = vec![
        ("mode", Value::Text(if linear { "linear" } else { "nearest" })),
        ("coordinate_transformation_mode", Value::Text(coordinates)),
    ];
    if !linear {
        attributes.push(("nearest_mode", Value::Text(rounding)));
    }
    if graph.chance(2) {
        let side = |graph: &mut Graph, size: usize| graph.whole(1, 2 * size);
        let (rows, columns) = (side(graph, height), side(graph, width));
        // 0 / 0 in rten.
        if coordinates == "align_corners" && (rows == 1 || columns == 1) {
            return None;
        }
        let wanted = graph.list(&sizes(&[1, channels, rows, columns]));
        let inputs = [x.name.as_str(), "", "", &wanted];
        return Some(graph.node("Resize", &inputs, &attributes, vec![1, channels, rows, columns]));
    }
    let factors = [2.0f32, 1.0, 3.0, 0.5, 1.5, 0.75];
    let [down, right] = [0, 1].map(|_| *graph.random.choice(&factors).unwrap());
    let (rows, columns) = ((height as f32 * down) as usize, (width as f32 * right) as usize);
    if rows == 0 || columns == 0 || coordinates == "align_corners" && (rows == 1 || columns == 1) {
        return None;
    }
    // What is cut rten takes for another factor.
    if height as f32 * down != rows as f32 || width as f32 * right != columns as f32 {
        return None;
    }
    let factors = graph.floats(&[4], &[1.0, 1.0, down, right]);
    Some(graph.node("Resize", &[&x.name, "", &factors], &attributes, vec![1, channels, rows, columns]))
}

/// The channels of groups in turns.
fn shuffle(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let [1, channels, height, width] = x.dims[..] else { return None };
    let groups: Vec<usize> = (2..channels).filter(|groups| channels.is_multiple_of(*groups)).collect();
    let groups = *graph.random.choice(&groups)?;
    let apart = vec![1, groups, channels / groups, height, width];
    let shape = graph.list(&sizes(&apart));
    let apart = graph.node("Reshape", &[&x.name, &shape], &[], apart);
    let order = [("perm", Value::Ints(&[0, 2, 1, 3, 4]))];
    let turned =
        graph.node("Transpose", &[&apart.name], &order, vec![1, channels / groups, groups, height, width]);
    let shape = graph.list(&[1, -1, height as i64, width as i64]);
    Some(graph.node("Reshape", &[&turned.name, &shape], &[], x.dims.clone()))
}

/// Rows and columns of size 1 become more.
fn expand(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let [1, channels, height, width] = x.dims[..] else { return None };
    if graph.opset < 8 || height > 1 && width > 1 {
        return None;
    }
    let more = |graph: &mut Graph, size: usize| if size == 1 { graph.whole(1, 3) } else { size };
    let dims = vec![1, channels, more(graph, height), more(graph, width)];
    let wanted = graph.list(&sizes(&dims));
    if graph.chance(2) {
        return Some(graph.node("Expand", &[&x.name, &wanted], &[], dims));
    }
    let times = graph.list(&sizes(&[1, 1, dims[2] / height, dims[3] / width]));
    Some(graph.node("Tile", &[&x.name, &times], &[], dims))
}
