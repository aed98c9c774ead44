//! What must hold of the stages of a network, and what their places hold.

use super::{Lines, Stage};
use crate::{Layer, Network, Tensor, rules};
#[cfg(feature = "file")]
use {
    super::{Line, Progress, Trace},
    crate::Rows,
};

impl Stage {
    /// The rows that the places of a layer's tensors hold: the first input, the second, the output.
    ///
    /// * `index`: of the layer in the stage.
    /// * `held`: as `Trace` finds it.
    pub fn held_of(&self, layer: &Layer, index: usize, lines: &Lines, held: &[u16]) -> [u16; 3] {
        let mut rows = [0, 0, held[index]];
        for (which, tensor) in layer.inputs().enumerate() {
            let input = usize::from(lines[index].inputs[which]);
            rows[which] = if input < lines.len() { held[input] } else { tensor.height };
        }
        rows
    }

    /// No layer reads a row in whose place another one has written. `layers` are those of the stage.
    ///
    /// # Errors
    /// One does.
    #[cfg(feature = "file")]
    pub fn rows_are_there(layers: &[Layer], lines: &Lines, trace: &Trace) -> Result<(), &'static str> {
        // A layer, and a later one that writes in the place of what it reads.
        let mut pairs = Vec::new();
        for (reader, layer) in layers.iter().enumerate() {
            let over =
                |writer: usize| layer.inputs().any(|tensor| layers[writer].output().offset == tensor.offset);
            pairs.extend((reader + 1..layers.len()).filter(|writer| over(*writer)).map(|w| (reader, w)));
        }
        for made in trace.turns().take_while(|_| !pairs.is_empty()) {
            for (reader, writer) in &pairs {
                let ([from, to], [written, _]) = (made[*reader], made[*writer]);
                if from < to && u32::from(written) > lines[*reader].first(from) {
                    return Err("a layer of a stage reads a row that another one has written over");
                }
            }
        }
        Ok(())
    }
}

/// What must hold of the stages of a network, and of their layers.
///
/// # Errors
/// The first stage that breaks a rule, by the index of its first layer, and the rule.
#[cfg(feature = "file")]
pub(crate) fn validate(network: &Network<'_>) -> Result<(), (usize, &'static str)> {
    let mut after = 0;
    for stage in network.stages {
        let first = usize::from(stage.first);
        let wrong = |reason| (first, reason);
        if first < after {
            return Err(wrong("stages overlap, or are not in their order"));
        }
        after = stage.range().end;
        for (index, layer) in network.layers.iter().enumerate().take(after).skip(first) {
            rules::shapes(layer).map_err(|reason| (index, reason))?;
        }
        let lines = stage.lines(network.layers).map_err(wrong)?;
        let layers = &network.layers[stage.range()];
        is_closed(network, stage, layers).map_err(wrong)?;
        if stage.fed {
            is_fed(network, layers).map_err(wrong)?;
        }
        let trace = Trace::new(stage, &lines);
        Stage::rows_are_there(layers, &lines, &trace).map_err(wrong)?;
        let held = &trace.held;
        for (index, layer) in layers.iter().enumerate() {
            let held = stage.held_of(layer, index, &lines, held);
            let (parameters, arena) = (network.parameters.len(), network.arena_bytes as usize);
            rules::striped(layer, held, parameters, arena).map_err(|reason| (first + index, reason))?;
        }
        are_apart(layers, &lines, stage, &trace).map_err(wrong)?;
        let state = stage.state();
        if !state.offset.is_multiple_of(4) || rules::range(&state).end > u64::from(network.arena_bytes) {
            return Err(wrong("the state of a stage does not lie in the arena"));
        }
        if stage.hop > 0 {
            outlives(network, stage).map_err(wrong)?;
        }
    }
    Ok(())
}

/// Without the feature `file`, which reads artifacts, a network has no stages.
///
/// # Errors
/// It has one.
#[cfg(not(feature = "file"))]
pub(crate) fn validate(network: &Network<'_>) -> Result<(), (usize, &'static str)> {
    let stage = network.stages.first();
    stage.map_or(Ok(()), |stage| {
        Err((stage.range().start, "stages are checked with the feature `file` alone"))
    })
}

/// Whether the state of a stage lies over a tensor that is written before the stage and read after it.
///
/// * `written`: the layer that writes it; `None`: it is an input of the network.
/// * `until`: the layer that reads it.
pub(crate) fn state_over(stages: &[Stage], written: Option<usize>, tensor: &Tensor, until: usize) -> bool {
    let wanted = rules::range(tensor);
    stages.iter().any(|stage| {
        let between =
            written.is_none_or(|written| stage.range().start > written) && stage.range().end <= until;
        let state = rules::range(&stage.state());
        between && state.start < wanted.end && wanted.start < state.end
    })
}

/// What the layers of a stage write is read in the stage alone, but for what the last one does.
#[cfg(feature = "file")]
fn is_closed(network: &Network<'_>, stage: &Stage, layers: &[Layer]) -> Result<(), &'static str> {
    let (_, inside) = layers.split_last().ok_or("a stage has no layers")?;
    for (index, layer) in inside.iter().enumerate() {
        let tensor = layer.output();
        if !layers[index + 1..].iter().any(|reader| reader.inputs().any(|input| input == tensor)) {
            return Err("a tensor in a stage is read by no layer of the stage");
        }
        let written = |layer: &&Layer| layer.output() == tensor;
        for (later, reader) in network.layers.iter().enumerate().skip(stage.range().end) {
            let since = &network.layers[stage.range().end - 1..later];
            if reader.inputs().any(|input| input == tensor) && !since.iter().any(|layer| written(&layer)) {
                return Err("a tensor in a stage is read after the stage");
            }
        }
    }
    Ok(())
}

/// The layers of a stage that is fed are the only ones that read the input of the network, which is the only
/// one, and read nothing else from outside.
#[cfg(feature = "file")]
fn is_fed(network: &Network<'_>, layers: &[Layer]) -> Result<(), &'static str> {
    let input = &network.input;
    if !network.others.is_empty() {
        return Err("one of several inputs is fed in rows");
    }
    if !layers[0].inputs().any(|tensor| tensor == input) {
        return Err("a stage that is fed does not read the input");
    }
    for (later, reader) in network.layers.iter().enumerate().skip(layers.len()) {
        let written = network.layers[..later].iter().any(|layer| layer.output() == input);
        if reader.inputs().any(|tensor| tensor == input) && !written {
            return Err("an input that is fed in rows is read after the stage");
        }
    }
    Ok(())
}

/// What a stage holds is still there when all layers are done, for the next window of a signal.
#[cfg(feature = "file")]
fn outlives(network: &Network<'_>, stage: &Stage) -> Result<(), &'static str> {
    let placed = held_layers(network.layers, network.stages);
    let (own, later) = placed.split_at(stage.range().end);
    if later.is_empty() {
        return Err("windows overlap in a stage that has the last layer");
    }
    let held = own.iter().flat_map(|layer| layer.inputs().chain([layer.output()])).copied();
    let held: Vec<Tensor> = held.chain([stage.state()]).collect();
    let states = network.stages.iter().filter(|other| *other != stage).map(Stage::state);
    let mut written = later.iter().map(|layer| *layer.output()).chain(states);
    match written.any(|tensor| held.iter().any(|held| rules::meet(held, &tensor))) {
        true => Err("a layer writes over what the next window of a signal needs"),
        false => Ok(()),
    }
}

/// What lies in a place of a stage.
#[cfg(feature = "file")]
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    /// A tensor that the stage reads from outside, row after row, or what takes its place.
    Outside,
    /// One pixel that counts for all rows.
    Pixel,
    /// The output, or what it takes the place of.
    Output,
    /// Rows of the outputs of the layers that share a place.
    Rows(u8),
    /// How far the stage is.
    State,
}

/// All places of a stage are in use at the same time: none overlaps another one. Only its output may lie over
/// what it reads from outside, where no row lies that is still needed.
#[cfg(feature = "file")]
fn are_apart(layers: &[Layer], lines: &Lines, stage: &Stage, trace: &Trace) -> Result<(), &'static str> {
    // Inputs and outputs of all layers, as many rows as are held.
    let mut tensors: Vec<(Tensor, Content)> = Vec::new();
    let output = layers.last().map_or(0, |layer| layer.output().offset);
    for (index, layer) in layers.iter().enumerate() {
        let of_writer = |writer: usize| match lines[writer].place {
            Line::WHOLE if lines[writer].offset == output => Content::Output,
            Line::WHOLE => Content::Outside,
            place => Content::Rows(place),
        };
        let placed = layer.on_rows(&Rows::held(stage.held_of(layer, index, lines, &trace.held)));
        for (tensor, input) in placed.inputs().zip(lines[index].inputs) {
            let content = match input {
                Line::OUTSIDE => Content::Outside,
                Line::NONE => Content::Pixel,
                writer => of_writer(writer.into()),
            };
            tensors.push((*tensor, content));
        }
        tensors.push((*placed.output(), of_writer(index)));
    }
    tensors.push((stage.state(), Content::State));
    for (index, (a, content)) in tensors.iter().enumerate() {
        let clashes = |(b, other): &(Tensor, Content)| {
            let may_share = match (*content, *other) {
                (Content::Outside, Content::Output) | (Content::Output, Content::Outside) => true,
                (content, other) => content == other,
            };
            let is_same = may_share && b.offset == a.offset;
            let follows = || match (*content, *other) {
                (Content::Outside, Content::Output) => follows(stage, layers, lines, trace, [a, b]),
                (Content::Output, Content::Outside) => follows(stage, layers, lines, trace, [b, a]),
                _ => false,
            };
            !is_same && rules::meet(a, b) && !follows()
        };
        if tensors[..index].iter().any(clashes) {
            return Err("two places of a stage overlap");
        }
    }
    Ok(())
}

/// Whether each row of the output is written where no row of `input` lies that the stage still needs.
#[cfg(feature = "file")]
fn follows(
    stage: &Stage,
    layers: &[Layer],
    lines: &Lines,
    trace: &Trace,
    [input, output]: [&Tensor; 2],
) -> bool {
    let progress = Progress::of(layers, lines, trace, input);
    let row = |tensor: &Tensor| usize::from(tensor.width) * tensor.pixel_bytes();
    let (input_starts, output_starts) = (input.offset as usize, output.offset as usize);
    if stage.backwards {
        let apart = progress.backwards(row(input), row(output));
        apart.is_some_and(|apart| output_starts >= input_starts + apart)
    } else {
        input_starts >= output_starts + progress.forwards(row(input), row(output))
    }
}

/// The layers with tensors of as many rows as the arena holds: their ranges of bytes are those in the arena.
/// A stage that is not valid changes nothing.
#[cfg(feature = "file")]
pub fn held_layers(layers: &[Layer], stages: &[Stage]) -> Vec<Layer> {
    let mut placed = layers.to_vec();
    for stage in stages {
        let Ok(lines) = stage.lines(layers) else { continue };
        let held = Trace::new(stage, &lines).held;
        for (index, layer) in stage.range().enumerate() {
            let rows = stage.held_of(&layers[layer], index, &lines, &held);
            placed[layer] = layers[layer].on_rows(&Rows::held(rows));
        }
    }
    placed
}

/// The input with as many rows as the arena holds of it: all, unless it is fed. A stage that is not valid
/// changes nothing.
#[cfg(feature = "file")]
pub fn held_input(input: &Tensor, layers: &[Layer], stages: &[Stage]) -> Tensor {
    let lines = |stage: &&Stage| stage.lines(layers).ok();
    let fed = stages.first().filter(|stage| stage.fed).and_then(|stage| Some((stage, lines(&stage)?)));
    let height =
        fed.map_or(input.height, |(stage, lines)| Trace::new(stage, &lines).held[usize::from(stage.layers)]);
    Tensor { height, ..*input }
}
