//! `.mixq` files: read, laid out for every instruction set, executed.

use std::path::Path;

use fastrand::Rng;
use mixq_format::target::{self, LaidOut, armv7em};
use mixq_format::{Artifact, Layer, Layers, Network};

use super::messages::checked;
use crate::mutate::{Engine, bytes, header, once_in};
use crate::seeds::networks::{artifact, file, mend, parts};
use crate::{Target, Verdict};

/// Multiply-accumulates of a network that is executed, and bytes of its arena: more takes long by right.
const MOST: (u64, u32) = (1 << 24, 1 << 25);

pub(super) const ARTIFACT: Target = Target { name: "artifact", generate, mutate, read };

/// A valid artifact, its header mutated up to three times, its parameters perhaps; its checksum is right,
/// mostly.
pub(super) fn generate(rng: &mut Rng) -> Vec<u8> {
    let Artifact { header: valid, mut parameters } = artifact(rng);
    let mut json = serde_json::to_value(&valid).expect("a header is always representable");
    for _ in 0..rng.usize(..4) {
        header(rng, &mut json);
    }
    if once_in(rng, 4) {
        bytes(rng, &mut parameters, 8);
    }
    let mut case = file(json.to_string().as_bytes(), &parameters);
    if once_in(rng, 10) {
        bytes(rng, &mut case, 3);
        if rng.bool() {
            mend(&mut case);
        }
    }
    case
}

/// Mutates what the header means, or any bytes; the checksum is right.
pub(super) fn mutate(rng: &mut Rng, mut case: Vec<u8>, engine: Engine) -> Vec<u8> {
    if rng.bool()
        && let Some((json, parameters)) = parts(&case)
        && let Ok(mut json) = serde_json::from_slice(json)
    {
        header(rng, &mut json);
        return file(json.to_string().as_bytes(), parameters);
    }
    engine(&mut case);
    mend(&mut case);
    case
}

fn read(case: &[u8], _: &Path) -> Verdict {
    let artifact = match Artifact::from_bytes(case) {
        Ok(artifact) => artifact,
        Err(error) => {
            checked(&error.to_string());
            return Verdict::Refused;
        }
    };
    let written = artifact.to_bytes();
    let again = Artifact::from_bytes(&written);
    assert_eq!(again.as_ref(), Ok(&artifact), "written and read, it is another artifact");
    assert_eq!(again.map(|again| again.to_bytes()), Ok(written), "written twice, its bytes differ");
    let layers = artifact.layers();
    artifact.network(&layers).validate().expect("what is accepted is valid");
    assert!(artifact.flash_bytes() >= artifact.parameters.len(), "flash is less than the parameters");
    layers.iter().for_each(|layer| zero_points(layer, &artifact.parameters));
    plans(&artifact, &layers);
    let lay_out = |name: &str| {
        let target = target::Target::named(name).expect("the name of one");
        target.lay_out(&layers, &artifact.parameters, artifact.header.arena_bytes)
    };
    for target in target::ALL {
        let LaidOut { parameters, kernels, .. } = lay_out(target.name);
        assert_eq!(parameters.len(), artifact.parameters.len(), "what is laid out takes as much room");
        assert_eq!(kernels.len(), layers.len(), "each layer has a kernel");
    }
    let portable = lay_out("portable");
    let moved =
        Network { layers: &portable.layers, parameters: &portable.parameters, ..artifact.network(&layers) };
    moved.validate().expect("a network with moved tables is valid");
    let cost = layers.iter().map(cost).fold(0, u64::saturating_add);
    if cost <= MOST.0 && artifact.header.arena_bytes <= MOST.1 {
        execute(&artifact.network(&layers), &moved);
    }
    Verdict::Accepted
}

/// Panics if a zero point is none of the weights' codes: kernels differ in what they make of it.
fn zero_points(layer: &Layer, parameters: &[u8]) {
    let (Some((.., bits)), Some(requant)) = (layer.weights(), layer.requant()) else { return };
    let half = (bits.max_code() + 1) / 2;
    let count = requant.zero_points(layer.output().channels.into());
    for byte in &parameters[requant.weight_zero_point as usize..][..count] {
        let zero_point = i32::from(byte.cast_signed());
        assert!((-half..half).contains(&zero_point), "zero point {zero_point} of {} bits", bits.count());
    }
}

/// Panics if a kernel's scratch would lie outside of the arena, or over a tensor that it reads or writes.
fn plans(artifact: &Artifact, layers: &Layers) {
    for (index, layer) in layers.iter().enumerate() {
        if !armv7em::takes(layer, &artifact.parameters) {
            continue;
        }
        let arena_bytes = artifact.header.arena_bytes;
        let Some(plan) = armv7em::plan(layers, index, &artifact.parameters, arena_bytes) else { continue };
        let scratch = plan.scratch as usize..plan.scratch as usize + plan.scratch_bytes as usize;
        assert!(scratch.end <= arena_bytes as usize, "layer {index}: its scratch reaches beyond the arena");
        assert!(scratch.start % 4 == 0 && scratch.end % 4 == 0, "layer {index}: its scratch is not aligned");
        let placed = &layers.placed()[index];
        for tensor in [placed.first_input(), placed.output()] {
            let tensor = tensor.range();
            let apart = scratch.end <= tensor.start || tensor.end <= scratch.start;
            assert!(scratch.is_empty() || apart, "layer {index}: its scratch lies over a tensor");
        }
    }
}

/// Panics if the network answers otherwise with its tables elsewhere.
fn execute(network: &Network<'_>, moved: &Network<'_>) {
    let mut random = vec![0; network.arena_bytes as usize];
    Rng::with_seed(u64::from(network.arena_bytes)).fill(&mut random);
    // The brightest image has the largest sums.
    let bright = vec![u8::MAX; random.len()];
    let bytes: usize = network.inputs().map(|input| input.bytes()).sum();
    if bytes > MOST.1 as usize {
        return;
    }
    for mut arena in [random, bright] {
        let mut other = arena.clone();
        let image: Vec<u8> = arena.iter().cycle().take(bytes).copied().collect();
        mixq_rt::infer(network, &image, &mut arena);
        mixq_rt::infer(moved, &image, &mut other);
        assert!(arena == other, "with its tables elsewhere, the network answers otherwise");
    }
}

/// Multiply-accumulates of a layer, or elements that it looks at; `u64::MAX` if that is more.
fn cost(layer: &Layer) -> u64 {
    let (input, output) = (layer.first_input(), layer.output());
    let elements = output.elements() as u64;
    let taps = layer.window().map_or(1, |window| {
        let rows = u64::from(window.kernel_height.min(input.height));
        rows * u64::from(window.kernel_width.min(input.width))
    });
    match layer {
        Layer::Conv(_) => elements.saturating_mul(taps).saturating_mul(input.channels.into()),
        Layer::Linear(_) => elements.saturating_mul(input.elements() as u64),
        _ => elements.saturating_mul(taps),
    }
}
