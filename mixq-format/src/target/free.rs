//! The parts of the arena that no tensor needs while a layer is executed.

use core::ops::Range;

use super::Steps;
use crate::Tensor;

/// The largest part of the arena that no tensor needs while layer `index` is executed: its first byte, a
/// multiple of 4, and its number of bytes. If several parts are largest, the first of them.
pub(super) fn free(steps: Steps<'_>, index: usize, arena_bytes: u32) -> (usize, usize) {
    let arena = arena_bytes as usize;
    let ends = live(steps, index).map(|range| range.end.next_multiple_of(4)).chain([0]);
    let parts = ends.map(|start| {
        let inside = live(steps, index).any(|range| range.contains(&start));
        let next = live(steps, index).map(|range| range.start).filter(|next| *next >= start);
        let end = if inside { start } else { next.min().unwrap_or(arena).min(arena) & !3 };
        (start, end.saturating_sub(start))
    });
    parts.max_by_key(|(start, bytes)| (*bytes, core::cmp::Reverse(*start))).unwrap_or((0, 0))
}

/// The part of the arena between the input and the output of layer `index`, which may be empty: its first
/// byte, a multiple of 4, and its number of bytes. `None` if another tensor lies there that the arena holds
/// while the layer is executed, or if the layer is in a stage.
pub(super) fn between(steps: Steps<'_>, index: usize) -> Option<(usize, usize)> {
    if steps.stage(index).is_some() {
        return None;
    }
    let [input, output] = [steps.placed[index].first_input().range(), steps.placed[index].output().range()];
    let (low, high) = if input.start < output.start { (input, output) } else { (output, input) };
    let inside = |range: Range<usize>| range.start < high.start && range.end > low.end;
    let start = low.end.next_multiple_of(4);
    let bytes = (high.start & !3).saturating_sub(start);
    (!live(steps, index).any(inside)).then_some((start, bytes))
}

/// Whether layer `index` may overwrite its first input while it is executed: no later layer reads its bytes,
/// it is not kept, and the layer is in no stage.
pub(super) fn spent(steps: Steps<'_>, index: usize) -> bool {
    if steps.stage(index).is_some() {
        return false;
    }
    let input = steps.placed[index].first_input().range();
    let apart = |range: Range<usize>| range.end <= input.start || input.end <= range.start;
    later(steps, index).map(Tensor::range).chain(of_next_window(steps, index)).all(apart)
}

/// The bytes that the arena holds while layer `index` is executed: the inputs and the output of the layer,
/// and what [`later`] layers need. Of a layer in a stage: those of all layers of the stage, and its state.
fn live(steps: Steps<'_>, index: usize) -> impl Iterator<Item = Range<usize>> {
    let state = steps.stage(index).map(|stage| stage.state().range());
    let now = steps.stage(index).map_or(index..index + 1, |stage| stage.range());
    let last = now.end - 1;
    let layers = steps.placed[now].iter();
    let tensors = layers.flat_map(|layer| layer.inputs().chain([layer.output()])).chain(later(steps, last));
    tensors.map(Tensor::range).chain(state).chain(of_next_window(steps, index))
}

/// What the next window of a signal needs of a stage before layer `index`, if windows overlap: all that the
/// stage holds.
fn of_next_window(steps: Steps<'_>, index: usize) -> impl Iterator<Item = Range<usize>> {
    let stage = steps.stages.first().filter(|stage| stage.hop > 0 && stage.range().end <= index);
    let layers = stage.map_or(0..0, |stage| stage.range());
    let tensors = steps.placed[layers].iter().flat_map(|layer| layer.inputs().chain([layer.output()]));
    tensors.map(Tensor::range).chain(stage.map(|stage| stage.state().range()))
}

/// The tensors that later layers read, unless layer `index` or a later one writes them first; and those that
/// are kept, unless a later layer writes them.
fn later(Steps { placed: layers, kept, .. }: Steps<'_>, index: usize) -> impl Iterator<Item = &Tensor> {
    let is_written =
        move |tensor: &&Tensor| !layers[index + 1..].iter().any(|layer| layer.output() == *tensor);
    let read = (index + 1..layers.len()).flat_map(move |reader| {
        let written_since = move |tensor: &Tensor| {
            layers[index..reader].iter().any(|layer| layer.output().offset == tensor.offset)
        };
        layers[reader].inputs().filter(move |tensor| !written_since(tensor))
    });
    read.chain(kept.iter().filter(is_written))
}
