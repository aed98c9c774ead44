//! The integer network against what the trained network says, code by code.

use std::collections::BTreeMap;

use mixq_build::engine::config::Scheme;
use mixq_build::engine::convert::{Converted, TrainedNetwork};
use mixq_build::engine::graph::{Graph, Source};
use mixq_build::engine::memory::Allocation;
use mixq_format::{Bits, Rule, Tensor};

use crate::reference::{Codes, output, sources};

/// What was compared.
#[derive(Default)]
pub struct Tally {
    /// Elements that were compared.
    pub elements: usize,
    /// Those that admitted one code only.
    pub exact: usize,
    /// Codes that no clamp made.
    pub inner: usize,
    /// Of channels with a negative multiplier.
    pub negative: usize,
    /// Of channels with a multiplier of 0.
    pub constant: usize,
    /// By thresholds of 16 and of 32 bits.
    pub thresholds: [usize; 2],
    /// Elements by operator.
    pub operators: BTreeMap<String, usize>,
    /// Outputs beside that of the last layer.
    pub outputs: usize,
}

/// Runs an integer network layer by layer on a row of codes, an input after the other, and compares each
/// output with what the trained network says, before later layers reuse its bytes. Returns the output of the
/// last layer.
///
/// # Panics
/// If a code is another one. Messages name `seed`.
pub fn compare(
    graph: &Graph,
    (allocation, scheme): (&Allocation, Scheme),
    trained: &TrainedNetwork,
    converted: &Converted,
    image: &[u8],
    tally: &mut Tally,
    seed: u64,
) -> Vec<i64> {
    let mut arena = vec![0xA5; converted.arena_bytes as usize];
    let mut known = BTreeMap::new();
    for (index, (input, range)) in graph.inputs.iter().zip(graph.inputs.ranges()).enumerate() {
        let (row, tensor) = (&image[range], converted.inputs[index].tensor);
        pack(row, &tensor, &mut arena[tensor.range()]);
        let codes = row.iter().map(|code| i64::from(*code)).collect();
        let codes = Codes { shape: input.shape, grid: trained.inputs[index], codes };
        known.insert(Source::Input(index), codes);
    }
    let steps = &allocation.schedule.steps;
    assert_eq!(steps.len(), converted.layers.len());
    for (step, named) in steps.iter().zip(&converted.layers) {
        let node = step.node;
        let inputs: Vec<&Codes> = sources(graph, node).iter().map(|source| &known[source]).collect();
        for (tensor, codes) in named.layer.inputs().zip(&inputs) {
            assert_eq!(unpack(&arena, tensor), codes.codes, "seed {seed}: {} was overwritten", named.name);
        }
        let expected = output(graph, allocation, scheme, trained, node, &inputs, converted.logit_scale);
        mixq_rt::run_layer(&named.layer, &converted.parameters, &mut arena);
        let found = unpack(&arena, named.layer.output());
        let channels = graph.nodes[node].output.channels;
        for (index, &code) in found.iter().enumerate() {
            let (low, high) = expected.allowed(index);
            let multiplier = trained.layers[node].as_ref();
            let multiplier = multiplier.and_then(|layer| layer.multiplier.get(index % channels).copied());
            assert!(
                (low..=high).contains(&code),
                "seed {seed}, layer {}, element {index}: {code} is not {low} to {high} ({:?}, {:?})",
                named.name,
                expected.exact[index],
                named.layer
            );
            assert!(multiplier != Some(0.0) || low == high, "a constant channel admits one code");
            tally.exact += usize::from(low == high);
            tally.inner += usize::from(code > 0 && Some(code) < expected.max);
            tally.negative += usize::from(multiplier.is_some_and(|m| m < 0.0));
            tally.constant += usize::from(multiplier == Some(0.0));
            match named.layer.requant().map(|requant| requant.rule) {
                Some(Rule::Thresholds16) => tally.thresholds[0] += 1,
                Some(Rule::Thresholds32) => tally.thresholds[1] += 1,
                Some(Rule::Multiplier) | None => {}
            }
        }
        tally.elements += found.len();
        let kind = graph.nodes[node].op.kind().to_string();
        let kind = kind.trim_end_matches(|c: char| c.is_ascii_digit() || c == 'x').trim_end();
        *tally.operators.entry(kind.to_string()).or_default() += found.len();
        let codes = Codes { shape: graph.nodes[node].output, grid: expected.grid, codes: found };
        known.insert(Source::Node(node), codes);
    }
    // All outputs are there at the end.
    for (offered, output) in graph.outputs.iter().zip(&converted.outputs) {
        let tensor = &output.tensor;
        assert_eq!(
            unpack(&arena, tensor),
            known[&Source::Node(offered.node)].codes,
            "seed {seed}: {output:?}"
        );
        let grid = known[&Source::Node(offered.node)].grid;
        assert_eq!((output.scale, i32::from(tensor.zero_point)), (grid.scale, grid.zero_point));
    }
    tally.outputs += converted.outputs.len().saturating_sub(1);
    unpack(&arena, &converted.output)
}

/// Writes codes, a byte each, as the arena has them: each pixel begins at a byte.
fn pack(codes: &[u8], tensor: &Tensor, bytes: &mut [u8]) {
    let (width, channels) = (tensor.bits.count(), usize::from(tensor.channels));
    let row = (channels * width).div_ceil(8);
    bytes.fill(0);
    for (index, code) in codes.iter().enumerate() {
        let bit = index % channels * width;
        bytes[index / channels * row + bit / 8] |= code << (bit % 8);
    }
}

/// The elements of a tensor in the arena; logits as numbers.
fn unpack(arena: &[u8], tensor: &Tensor) -> Vec<i64> {
    let bytes = &arena[tensor.range()];
    if tensor.bits == Bits::B32 {
        return bytes.as_chunks().0.iter().map(|logit| i64::from(i32::from_ne_bytes(*logit))).collect();
    }
    let width = tensor.bits.count();
    let channels = usize::from(tensor.channels);
    let pixels = bytes.chunks((channels * width).div_ceil(8));
    pixels
        .flat_map(|pixel| {
            (0..channels).map(move |c| {
                i64::from((u32::from(pixel[c * width / 8]) >> (c * width % 8)) & ((1 << width) - 1))
            })
        })
        .collect()
}
