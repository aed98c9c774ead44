//! Which layers have one grid: what a concatenation joins, and what moves numbers.

use std::collections::HashMap;

use crate::graph::op::OpSpec;
use crate::graph::{Activation, LayerSpec};

/// Concatenations, the last first, with their inputs that cannot have the range of the others: a ReLU is in
/// the layers that write them, and the grid has layers without it, or with another bound.
pub(super) fn joined_apart(made: &[LayerSpec]) -> Vec<(usize, Vec<usize>)> {
    let index: HashMap<&str, usize> =
        made.iter().enumerate().filter_map(|(at, layer)| Some((layer.name.as_deref()?, at))).collect();
    let inputs = |layer: usize| made[layer].inputs.iter().map(|name| index.get(name.as_str()).copied());
    // By layer the first one that has its grid.
    let mut grid: Vec<usize> = (0..made.len()).collect();
    for layer in (0..made.len()).filter(|layer| !has_own_grid(&made[*layer].op)) {
        for before in inputs(layer).flatten() {
            let (one, other) = (grid[layer], grid[before]);
            let (low, high) = (one.min(other), one.max(other));
            grid.iter_mut().filter(|grid| **grid == high).for_each(|grid| *grid = low);
        }
    }
    let bound = |layer: usize| made[layer].activation.unwrap_or(Activation::None);
    let makers = |of: usize| {
        (0..made.len()).filter(|layer| has_own_grid(&made[*layer].op)).filter({
            let grid = &grid;
            move |layer| grid[*layer] == of
        })
    };
    // Layers that cannot be below 0 fit a ReLU.
    let fits = |layer: usize, first: Activation| match made[layer].op {
        OpSpec::Elementwise(op) => first == Activation::None || op.function.starts_at_zero(),
        OpSpec::Prelu(_) => first == Activation::None,
        _ => bound(layer) == first,
    };
    let clamps = |layer: &usize| !matches!(made[*layer].op, OpSpec::Elementwise(_) | OpSpec::Prelu(_));
    let contradicts = |of: usize| {
        let Some(first) = makers(of).find(clamps).map(bound) else { return false };
        makers(of).any(|layer| !fits(layer, first))
    };
    let rectified = |start: usize| {
        let (mut open, mut seen) = (vec![start], vec![false; made.len()]);
        while let Some(layer) = open.pop() {
            if std::mem::replace(&mut seen[layer], true) {
                continue;
            }
            if has_own_grid(&made[layer].op) {
                if bound(layer) != Activation::None {
                    return true;
                }
            } else {
                open.extend(inputs(layer).flatten());
            }
        }
        false
    };
    let mut apart = Vec::new();
    for layer in (0..made.len()).rev() {
        if !matches!(made[layer].op, OpSpec::Concat(_)) || !contradicts(grid[layer]) {
            continue;
        }
        let places = inputs(layer).enumerate();
        let alone = places.filter(|(_, before)| before.is_some_and(rectified)).map(|(place, _)| place);
        apart.push((layer, alone.collect()));
    }
    apart
}

/// Whether what a layer writes is surely never below 0.
pub(super) fn is_positive(made: &[LayerSpec], layer: usize) -> bool {
    let index = |name: &String| made.iter().position(|made| made.name.as_ref() == Some(name));
    let (mut open, mut seen) = (vec![layer], vec![false; made.len()]);
    while let Some(layer) = open.pop() {
        if std::mem::replace(&mut seen[layer], true) {
            continue;
        }
        let LayerSpec { op, activation, inputs, .. } = &made[layer];
        match (op, activation) {
            (_, Some(Activation::Relu | Activation::ReluUpTo(_))) => {}
            (OpSpec::Elementwise(op), _) if op.function.starts_at_zero() => {}
            (op, _) if has_own_grid(op) => return false,
            _ => {
                // What reads the image moves numbers below 0.
                let Some(before) = inputs.iter().map(index).collect::<Option<Vec<_>>>() else { return false };
                open.extend(before);
            }
        }
    }
    true
}

/// Whether what an operator writes has a scale of its own.
pub(super) fn has_own_grid(op: &OpSpec) -> bool {
    match *op {
        OpSpec::AveragePool(_)
        | OpSpec::GlobalAveragePool(_)
        | OpSpec::MaxPool(_)
        | OpSpec::GlobalMaxPool(_)
        | OpSpec::AxisPool(_)
        | OpSpec::Flatten(_)
        | OpSpec::Concat(_)
        | OpSpec::Slice(_)
        | OpSpec::ChannelShuffle(_)
        | OpSpec::Pad(_)
        | OpSpec::Upsample(_)
        | OpSpec::Resize(_)
        | OpSpec::DepthToSpace(_)
        | OpSpec::Reshape(_)
        | OpSpec::Transpose(_)
        | OpSpec::SpaceToDepth(_) => false,
        OpSpec::Conv(_)
        | OpSpec::Depthwise(_)
        | OpSpec::Pointwise(_)
        | OpSpec::TransposedConv(_)
        | OpSpec::Linear(_)
        | OpSpec::Add(_)
        | OpSpec::Subtract(_)
        | OpSpec::Multiply(_)
        | OpSpec::Affine(_)
        | OpSpec::Prelu(_)
        | OpSpec::Constants(_)
        | OpSpec::BatchNorm(_)
        | OpSpec::Relu(_)
        | OpSpec::Elementwise(_)
        | OpSpec::GroupedConv(_) => true,
    }
}
