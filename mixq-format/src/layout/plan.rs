//! Where a kernel may work in the arena.

use super::Proof;
use super::proof::proof;
use crate::{Layer, Tensor};

/// How the kernel for ARMv7E-M executes one layer, settled when firmware is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Where the layer may work in the arena, while its tensors and those that later layers read are there: bytes from its start,
    /// a multiple of 4.
    pub scratch: u32,
    /// Bytes, a multiple of 4. If they are too few, the kernel works on the stack.
    pub scratch_bytes: u32,
    /// How far it may go.
    pub proof: Proof,
}

/// The plan of layer `index`, if [`armv7em`](super::armv7em) rearranges its weights: works in the largest free part of the arena.
///
/// # Panics
/// If there is no such layer, or `parameters` are not those of the network.
pub fn plan(layers: &[Layer], index: usize, parameters: &[u8], arena_bytes: u32) -> Option<Plan> {
    let proof = proof(&layers[index], parameters)?;
    let arena = arena_bytes as usize;
    let ends = live(layers, index).map(|tensor| tensor.range().end.next_multiple_of(4)).chain([0]);
    let free = ends.map(|start| {
        let inside = live(layers, index).any(|tensor| tensor.range().contains(&start));
        let next = live(layers, index).map(|tensor| tensor.range().start).filter(|next| *next >= start);
        let end = if inside { start } else { next.min().unwrap_or(arena).min(arena) & !3 };
        (end.saturating_sub(start), start)
    });
    let (bytes, start) = free.max_by_key(|(bytes, start)| (*bytes, core::cmp::Reverse(*start)))?;
    let (scratch, scratch_bytes) = if bytes == 0 { (0, 0) } else { (start as u32, bytes as u32) };
    Some(Plan { scratch, scratch_bytes, proof })
}

/// The tensors that are in the arena while a layer is executed: its own, and those that later layers read and earlier ones wrote.
fn live(layers: &[Layer], index: usize) -> impl Iterator<Item = &Tensor> {
    let read = |layer: usize| {
        let (a, b) = layers[layer].inputs();
        [Some(a), b].into_iter().flatten()
    };
    let later = (index + 1..layers.len()).flat_map(move |reader| {
        let written_since = move |tensor: &Tensor| {
            layers[index..reader].iter().any(|layer| layer.output().offset == tensor.offset)
        };
        read(reader).filter(move |tensor| !written_since(tensor))
    });
    read(index).chain([layers[index].output()]).chain(later)
}
