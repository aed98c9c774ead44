//! Layers with weights, and pools.

use super::graph::{Graph, Tensor};
use super::*;

type Grow = fn(&mut Graph, &Tensor) -> Option<Tensor>;

pub const WEIGHTED: &[Grow] = &[conv, conv, conv, transposed, gemm, matmul];
pub const ALL: &[Grow] =
    &[conv, conv, transposed, gemm, matmul, norm, max_pool, average_pool, global, reduced, reduced];

/// A window over the axes behind the channels.
struct Window {
    kernel: Vec<usize>,
    strides: Vec<usize>,
    dilations: Vec<usize>,
    /// Before each axis, then behind each.
    pads: Vec<usize>,
    auto: Option<&'static str>,
}

impl Window {
    fn random(graph: &mut Graph, sizes: &[usize], most_pad: usize, dilates: bool) -> Window {
        let axes = sizes.len();
        let mut window = Window {
            kernel: sizes.iter().map(|_| graph.whole(1, 4)).collect(),
            strides: sizes.iter().map(|_| graph.whole(1, 3)).collect(),
            dilations: sizes.iter().map(|_| if dilates && graph.chance(4) { 2 } else { 1 }).collect(),
            pads: vec![0; 2 * axes],
            auto: [None, None, None, Some("SAME_UPPER"), Some("VALID")][graph.whole(0, 4)],
        };
        for (axis, size) in sizes.iter().copied().enumerate() {
            let covered = window.covered(axis);
            let most = most_pad.min(window.kernel[axis] - 1);
            match window.auto {
                None => {
                    for side in [axis, axis + axes] {
                        window.pads[side] = graph.whole(0, most);
                    }
                    if size + window.pads[axis] + window.pads[axis + axes] < covered {
                        (window.kernel[axis], window.dilations[axis]) = (1, 1);
                        (window.pads[axis], window.pads[axis + axes]) = (0, 0);
                    }
                }
                Some("VALID") if size < covered => {
                    (window.kernel[axis], window.dilations[axis]) = (1, 1);
                }
                Some(_) => {}
            }
        }
        window
    }

    fn covered(&self, axis: usize) -> usize {
        (self.kernel[axis] - 1) * self.dilations[axis] + 1
    }

    /// Sizes of what it writes.
    fn output(&self, sizes: &[usize], ceil: bool) -> Vec<usize> {
        let axes = sizes.len();
        let size = |axis: usize| {
            let (stride, covered) = (self.strides[axis], self.covered(axis));
            if self.auto == Some("SAME_UPPER") {
                return sizes[axis].div_ceil(stride);
            }
            let room = sizes[axis] + self.pads[axis] + self.pads[axis + axes] - covered;
            let mut last = if ceil { room.div_ceil(stride) } else { room / stride };
            if ceil && last * stride >= sizes[axis] + self.pads[axis] {
                last -= 1;
            }
            last + 1
        };
        (0..axes).map(size).collect()
    }

    fn attributes(&self) -> Lists {
        let list = |values: &[usize]| values.iter().map(|value| *value as i64).collect();
        Lists {
            kernel: list(&self.kernel),
            strides: list(&self.strides),
            dilations: list(&self.dilations),
            pads: list(&self.pads),
            auto: self.auto,
        }
    }
}

/// The attributes of a window.
struct Lists {
    kernel: Vec<i64>,
    strides: Vec<i64>,
    dilations: Vec<i64>,
    pads: Vec<i64>,
    auto: Option<&'static str>,
}

impl Lists {
    fn all<'a>(&'a self, more: Vec<(&'a str, Value<'a>)>) -> Vec<(&'a str, Value<'a>)> {
        let mut all =
            vec![("kernel_shape", Value::Ints(&self.kernel)), ("strides", Value::Ints(&self.strides))];
        if self.dilations.iter().any(|dilation| *dilation > 1) {
            all.push(("dilations", Value::Ints(&self.dilations)));
        }
        match self.auto {
            Some(mode) => all.push(("auto_pad", Value::Text(mode))),
            None => all.push(("pads", Value::Ints(&self.pads))),
        }
        all.extend(more);
        all
    }
}

/// A divisor of a number.
fn divisor(graph: &mut Graph, of: usize) -> usize {
    let all: Vec<usize> = (1..=of).filter(|number| of.is_multiple_of(*number)).collect();
    *graph.random.choice(&all).unwrap()
}

fn conv(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let [_, channels, sizes @ ..] = &x.dims[..] else { return None };
    if sizes.is_empty() {
        return None;
    }
    let window = Window::random(graph, sizes, 3, true);
    let groups = if graph.chance(2) { 1 } else { divisor(graph, *channels) };
    let filters = groups * graph.whole(1, 4);
    let weight = graph.weights(&[&[filters, channels / groups][..], &window.kernel].concat());
    let bias = graph.chance(2).then(|| graph.weights(&[filters]));
    let inputs: Vec<&str> = [x.name.as_str(), &weight].into_iter().chain(bias.as_deref()).collect();
    let lists = window.attributes();
    let attributes = lists.all(vec![("group", Value::Int(groups as i64))]);
    let dims = [&[1, filters][..], &window.output(sizes, false)].concat();
    Some(graph.node("Conv", &inputs, &attributes, dims))
}

/// rten has no dilation here, no shape that is given, no tap whose products are all cut, and one group's
/// biases for all groups.
fn transposed(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let [_, channels, sizes @ ..] = &x.dims[..] else { return None };
    if sizes.is_empty() || sizes.iter().any(|size| *size > 24) {
        return None;
    }
    let mut window = Window::random(graph, sizes, 1, false);
    window.auto = None;
    let axes = sizes.len();
    let more: Vec<i64> = (window.strides.iter()).map(|stride| graph.whole(0, stride - 1) as i64).collect();
    let size = |axis: usize| {
        let whole = (sizes[axis] - 1) * window.strides[axis] + window.kernel[axis] + more[axis] as usize;
        whole.checked_sub(window.pads[axis] + window.pads[axis + axes]).filter(|size| *size > 0)
    };
    let written: Vec<usize> = (0..axes).map(size).collect::<Option<_>>()?;
    let is_cut = |axis: usize| {
        let seen = window.pads[axis]..window.pads[axis] + written[axis];
        let at =
            |tap: usize| (0..sizes[axis]).any(|from| seen.contains(&(from * window.strides[axis] + tap)));
        !(0..window.kernel[axis]).all(at)
    };
    if (0..axes).any(is_cut) {
        return None;
    }
    let groups = if graph.chance(2) { 1 } else { divisor(graph, *channels) };
    let each = graph.whole(1, 3);
    let weight = graph.weights(&[&[*channels, each][..], &window.kernel].concat());
    let bias = (groups == 1 && graph.chance(2)).then(|| graph.weights(&[each]));
    let inputs: Vec<&str> = [x.name.as_str(), &weight].into_iter().chain(bias.as_deref()).collect();
    let lists = window.attributes();
    let mut rest = vec![("group", Value::Int(groups as i64))];
    if more.iter().any(|more| *more > 0) {
        rest.push(("output_padding", Value::Ints(&more)));
    }
    let dims = [&[1, each * groups][..], &written].concat();
    Some(graph.node("ConvTranspose", &inputs, &lists.all(rest), dims))
}

/// Behind a Flatten, where there is more than a row.
fn gemm(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let elements: usize = x.dims.iter().product();
    let row = match x.dims[..] {
        [1, _] => x.clone(),
        _ => graph.node("Flatten", &[&x.name], &[], vec![1, elements]),
    };
    let outputs = graph.whole(1, 7);
    let turned = graph.chance(2);
    let weight = graph.weights(&if turned { [outputs, elements] } else { [elements, outputs] });
    let bias = match graph.whole(0, 3) {
        0 => Some(graph.weights(&[])),
        1 => Some(graph.weights(&[1, outputs])),
        2 => Some(graph.weights(&[outputs])),
        _ => None,
    };
    let mut attributes = vec![("transB", Value::Int(i64::from(turned)))];
    if graph.chance(3) {
        attributes.extend([("alpha", Value::Float(0.5)), ("beta", Value::Float(-2.0))]);
    }
    // Before version 11 there is always a bias.
    let bias = if graph.opset < 11 { Some(bias.unwrap_or_else(|| graph.weights(&[outputs]))) } else { bias };
    let inputs: Vec<&str> = [row.name.as_str(), &weight].into_iter().chain(bias.as_deref()).collect();
    Some(graph.node("Gemm", &inputs, &attributes, vec![1, outputs]))
}

/// The last dimension times a matrix.
fn matmul(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let (last, before) = x.dims.split_last()?;
    let outputs = graph.whole(1, 7);
    let weight = graph.weights(&[*last, outputs]);
    let dims = [before, &[outputs]].concat();
    Some(graph.node("MatMul", &[&x.name, &weight], &[], dims))
}

fn norm(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let channels = *x.dims.get(1)?;
    let mut names: Vec<String> = (0..3).map(|_| graph.weights(&[channels])).collect();
    let variances: Vec<f32> = (0..channels).map(|_| graph.random.f32() * 2.0).collect();
    names.push(graph.floats(&[channels], &variances));
    let inputs: Vec<&str> = std::iter::once(&x.name).chain(&names).map(String::as_str).collect();
    let epsilon = if graph.chance(2) { vec![] } else { vec![("epsilon", Value::Float(1e-3))] };
    Some(graph.node("BatchNormalization", &inputs, &epsilon, x.dims.clone()))
}

fn pool(graph: &mut Graph, x: &Tensor, operator: &'static str) -> Option<Tensor> {
    let [_, _, sizes @ ..] = &x.dims[..] else { return None };
    if sizes.is_empty() {
        return None;
    }
    let window = Window::random(graph, sizes, 2, false);
    let mut more = Vec::new();
    // Beside padding rten rounds up otherwise.
    let padded = window.pads.iter().any(|pad| *pad > 0);
    let ceil = graph.opset > 9 && window.auto.is_none() && !padded && graph.chance(3);
    if ceil {
        more.push(("ceil_mode", Value::Int(1)));
    }
    if operator == "AveragePool" && graph.chance(2) {
        more.push(("count_include_pad", Value::Int(1)));
    }
    let dims = [&x.dims[..2], &window.output(sizes, ceil)].concat();
    Some(graph.node(operator, &[&x.name], &window.attributes().all(more), dims))
}

fn max_pool(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    pool(graph, x, "MaxPool")
}

fn average_pool(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    pool(graph, x, "AveragePool")
}

fn global(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let [batch, channels, sizes @ ..] = &x.dims[..] else { return None };
    if sizes.is_empty() {
        return None;
    }
    let operator = if graph.chance(2) { "GlobalAveragePool" } else { "GlobalMaxPool" };
    let dims = [&[*batch, *channels][..], &vec![1; sizes.len()]].concat();
    Some(graph.node(operator, &[&x.name], &[], dims))
}

/// Some of the dimensions behind the batch.
fn reduced(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let operators = ["ReduceMean", "ReduceMax", "ReduceMin", "ReduceSum"];
    let operator = *graph.random.choice(&operators).unwrap();
    let rank = x.dims.len() as i64;
    let mut axes: Vec<i64> = (1..rank).filter(|_| graph.random.bool()).collect();
    if axes.is_empty() {
        axes.push(graph.random.i64(1..rank.max(2)));
    }
    let keeps = graph.chance(2);
    let size = |(at, size): (usize, &usize)| match axes.contains(&(at as i64)) {
        true => keeps.then_some(1),
        false => Some(*size),
    };
    let dims = x.dims.iter().enumerate().filter_map(size).collect();
    if graph.chance(2) {
        axes.iter_mut().for_each(|axis| *axis -= rank);
    }
    let keep = ("keepdims", Value::Int(i64::from(keeps)));
    let as_input = if operator == "ReduceSum" { 13 } else { 18 };
    Some(if graph.opset >= as_input {
        let axes = graph.list(&axes);
        graph.node(operator, &[&x.name, &axes], &[keep], dims)
    } else {
        graph.node(operator, &[&x.name], &[keep, ("axes", Value::Ints(&axes))], dims)
    })
}
