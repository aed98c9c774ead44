//! Why windows of a signal cannot overlap.

use mixq_format::{Bits, Layer};

use super::activations::at_most;
use super::schedule::Schedule;
use crate::graph::Graph;

/// Why a network cannot keep rows from one window of a signal to the next one, which begins `hop` rows later,
/// and what would help, as sentences; `None`: it can, or the image cannot come in rows at all.
pub fn no_hop(graph: &Graph, bits: Bits, hop: u16) -> Option<[String; 2]> {
    let alone = Schedule::new(graph);
    let widths = at_most(&alone, bits);
    let can = |schedule: &Schedule| schedule.fed().iter().any(|stripes| schedule.of_words(stripes, &widths));
    if hop == 0 || !can(&alone) || can(&alone.clone().sliding(hop)) {
        return None;
    }
    let step = &alone.steps[0];
    let node = &graph.nodes[step.node];
    let name = format!("layer `{}` ({})", node.name, node.op.kind());
    Some(reason(&alone.outline()[0], &name, hop))
}

/// By the first layer, which must keep rows at least.
fn reason(layer: &Layer, name: &str, hop: u16) -> [String; 2] {
    let height = layer.first_input().height;
    let rows = layer.output().height;
    let window = layer.window();
    let [kernel, stride, pad] = window.map_or([1, 1, 0], |window| {
        [window.kernel_height, window.stride_height, window.pad_top].map(usize::from)
    });
    let seen = (usize::from(rows) - 1) * stride + kernel;
    if hop >= height {
        return [
            format!("windows of {height} rows that begin {hop} rows apart do not overlap"),
            format!("`hop` is less than {height}"),
        ];
    }
    if pad > 0 || seen > usize::from(height) {
        return [
            format!("{name} pads rows, so that its rows at the ends of a window are those of no other one"),
            "pad its columns alone: padding = [0, 0, LEFT, RIGHT]".to_string(),
        ];
    }
    if seen < usize::from(height) {
        return [
            format!("{name} sees {seen} of the {height} rows of a window"),
            format!("make the window {seen} rows high"),
        ];
    }
    if !usize::from(hop).is_multiple_of(stride) {
        return [
            format!("{name} has a stride of {stride} rows, and `hop` is {hop}"),
            format!("`hop` is a multiple of {stride}"),
        ];
    }
    if usize::from(hop) / stride > usize::from(rows) {
        return [
            format!(
                "windows that begin {hop} rows apart share no row of the output of {name}, which has {rows}"
            ),
            format!("`hop` is at most {}", usize::from(rows) * stride),
        ];
    }
    [
        format!("no layer works behind {name}, or one works in the place of its output"),
        "leave `hop` out".to_string(),
    ]
}
