//! Padding and shapes against counting, one window position after the other.

use mixq_build::engine::graph::op::{
    AveragePoolSpec, ConvSpec, DepthwiseSpec, LinearSpec, MaxPoolSpec, PointwiseSpec,
};
use mixq_build::engine::graph::{Graph, LayerSpec, OpSpec, Padding, Shape, Spec};
use proptest::prelude::*;

/// Starts of a window along one axis of `input` pixels, counted from the first pixel.
fn starts(input: usize, kernel: usize, stride: usize, before: usize, after: usize) -> Vec<i64> {
    let mut starts = Vec::new();
    let mut at = -(before as i64);
    while at + kernel as i64 <= (input + after) as i64 {
        starts.push(at);
        at += stride as i64;
    }
    starts
}

/// The least padding with which the window has a position for every `stride` pixels begun, smaller half
/// first.
fn same(input: usize, kernel: usize, stride: usize) -> (usize, usize) {
    let wanted = (0..input).step_by(stride).count();
    let total = (0..).find(|total| starts(input, kernel, stride, 0, *total).len() >= wanted).unwrap();
    (total / 2, total - total / 2)
}

/// Padding before and after, worked out by other means than the crate's.
fn around(padding: Padding, axis: usize, input: usize, kernel: usize, stride: usize) -> (usize, usize) {
    match padding {
        Padding::Same => same(input, kernel, stride),
        Padding::Valid => (0, 0),
        Padding::Symmetric => ((kernel - kernel % 2) / 2, (kernel - kernel % 2) / 2),
        Padding::Explicit(pixels) => (pixels[2 * axis], pixels[2 * axis + 1]),
    }
}

#[derive(Clone, Debug)]
enum Kind {
    Conv(usize),
    Depthwise,
    AveragePool,
    MaxPool,
}

type Step = (Kind, [usize; 2], [usize; 2], Padding);

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![
        3 => (1usize..9).prop_map(Kind::Conv),
        2 => Just(Kind::Depthwise),
        1 => Just(Kind::AveragePool),
        1 => Just(Kind::MaxPool),
    ];
    let padding = prop_oneof![
        3 => Just(Padding::Same),
        1 => Just(Padding::Valid),
        1 => Just(Padding::Symmetric),
        2 => prop::array::uniform4(0usize..4).prop_map(Padding::Explicit),
    ];
    (kind, prop::array::uniform2(1usize..6), prop::array::uniform2(1usize..5), padding)
}

fn layer(number: usize, (kind, kernel, stride, padding): &Step) -> LayerSpec {
    let (kernel, stride, padding) = (*kernel, *stride, *padding);
    let op: OpSpec = match *kind {
        Kind::Conv(filters) => ConvSpec { filters, kernel, stride, padding }.into(),
        Kind::Depthwise => DepthwiseSpec { kernel, stride, padding }.into(),
        Kind::AveragePool => AveragePoolSpec { kernel, stride, padding, count_padding: false }.into(),
        Kind::MaxPool => MaxPoolSpec { kernel, stride, padding }.into(),
    };
    LayerSpec::new(format!("layer{number}"), op)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn chains_have_the_shapes_and_macs_that_counting_finds(
        size in prop::array::uniform3(1usize..30),
        steps in prop::collection::vec(step(), 1..6),
    ) {
        let [height, width, channels] = size;
        let mut layers = vec![LayerSpec::new(
            "stem",
            PointwiseSpec { filters: 4, stride: [1, 1] },
        )];
        layers.extend(steps.iter().enumerate().map(|(number, step)| layer(number, step)));
        layers.push(LayerSpec::new("logits", LinearSpec { features: 2 }));
        let found = Graph::resolve(&Spec::new(Shape { height, width, channels }, layers));

        let mut now = Shape { height, width, channels: 4 };
        for (index, (kind, kernel, stride, padding)) in steps.iter().enumerate() {
            let axis = |axis: usize, input: usize| {
                let (before, after) = around(*padding, axis, input, kernel[axis], stride[axis]);
                let starts = starts(input, kernel[axis], stride[axis], before, after);
                // Some position sees no pixel, as the device may not have it, or would if there were one
                // more.
                let blind = before >= kernel[axis] || after >= kernel[axis];
                (starts, [before, after], blind)
            };
            let ((rows, [top, bottom], over), (columns, [left, right], beside)) =
                (axis(0, now.height), axis(1, now.width));
            if over || beside || rows.is_empty() || columns.is_empty() {
                let problems = found.unwrap_err().problems;
                prop_assert_eq!(problems.len(), 1);
                let message = &problems[0].message;
                let layer = format!("layer `layer{}`", index);
                let wanted = if over || beside { "wholly in the padding" } else { "does not fit its input" };
                prop_assert!(message.starts_with(&layer) && message.contains(wanted), "{}", message);
                return Ok(());
            }
            let sees = |starts: &[i64], kernel: usize, input: usize| {
                starts.iter().all(|at| at + kernel as i64 > 0 && *at < input as i64)
            };
            prop_assert!(sees(&rows, kernel[0], now.height) && sees(&columns, kernel[1], now.width));
            let before = now.channels;
            now = Shape { height: rows.len(), width: columns.len(), channels: now.channels };
            if let Kind::Conv(filters) = kind {
                now.channels = *filters;
            }
            if let Ok(graph) = &found {
                let node = &graph.nodes[index + 1];
                prop_assert_eq!(node.output, now);
                prop_assert_eq!(node.op.window().unwrap().padding, [top, bottom, left, right]);
                let mut macs = 0u64;
                for _ in &rows {
                    for _ in &columns {
                        macs += match kind {
                            Kind::Conv(filters) => kernel[0] * kernel[1] * before * filters,
                            Kind::Depthwise => kernel[0] * kernel[1] * before,
                            Kind::AveragePool | Kind::MaxPool => 0,
                        } as u64;
                    }
                }
                prop_assert_eq!(graph.macs(index + 1), macs);
            }
        }
        let graph = found.unwrap();
        let last = graph.nodes.len() - 1;
        prop_assert_eq!(graph.weight_count(last), 2 * now.height * now.width * now.channels);
    }

    /// TensorFlow's two cases of the formula for SAME, as its documentation has them.
    #[test]
    fn same_padding_is_tensorflows(input in 1usize..300, kernel in 1usize..12, stride in 1usize..12) {
        let total = if input % stride == 0 {
            kernel.saturating_sub(stride)
        } else {
            kernel.saturating_sub(input % stride)
        };
        let (before, after) = (total / 2, total - total / 2);
        let found = Padding::Same.pixels([input, input], [kernel, kernel], [stride, stride]);
        prop_assert_eq!(found, [before, after, before, after]);
        prop_assert_eq!(same(input, kernel, stride), (before, after));
        prop_assert_eq!(starts(input, kernel, stride, before, after).len(), input.div_ceil(stride));
    }

    /// Whatever the text, reading it ends in a network or in problems that can be shown.
    #[test]
    fn bad_lists_never_panic(
        lines in prop::collection::vec(
            (
                prop::sample::select(vec![
                    "[[layer]]\nop = \"conv\"", "[[layer]]\nop = \"add\"", "[[layer]]\nop = \"flatten\"",
                    "[[layer]]\nop = \"relu\"", "[[layer]]\nop = \"linear\"", "[[layer]]\nop = \"max_pool\"",
                    "[[layer]]\nop = \"batch_norm\"", "[[layer]]\nop = \"global_average_pool\"", "[[layer]]",
                ]),
                prop::collection::vec(prop::sample::select(vec![
                    "filters = 65535", "filters = -1", "kernel = 65535", "kernel = [3, 0]", "stride = 65535",
                    "padding = 65535", "padding = [9, 9]", "inputs = [\"conv1\", \"conv1\"]", "inputs = \
                     [\"image\"]",
                    "inputs = [\"relu1\"]", "inputs = []", "name = \"conv1\"", "name = \"\\n\"", "features \
                     = 65535",
                    "features = 1e9", "kernel = 99999999999999999999", "\"\\n\" = 1", "op.x = 1", "é = [",
                ]), 0..4),
            ),
            0..7,
        ),
        input in prop::sample::select(vec!["", "input = [65535, 65535, 1]\n", "input = [65535, 65535, \
                                            65535]\n", "input = [4, 4, 1]\n"]),
    ) {
        let body: Vec<String> =
            lines.iter().map(|(head, keys)| format!("{head}\n{}\n", keys.join("\n"))).collect();
        if let Err(error) = super::resolve(&format!("{input}{}", body.concat())) {
            prop_assert!(!error.problems.is_empty());
            prop_assert!(error.problems.iter().all(|problem| !problem.to_string().contains('\n')));
        }
    }
}
