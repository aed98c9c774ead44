//! Runs of steps that may be executed in stripes of rows, and what of their tensors the arena then holds.

use std::ops::Range;

use mixq_format::{
    Add, Bits, Constants, Elementwise, Layer, Line, Linear, Lines, Multiply, Pool, Progress, Requant, Rule,
    Stage, Tensor, Trace,
};

use super::arena::{ALIGNMENT, Lifetime, Overlap};
use super::schedule::{self, Step};
use crate::graph::{Graph, Op, Shape};

/// Rows of its first layer that a stage may make in a turn. Tall tensors have multiples of them: a stage has
/// at most [`MOST_TURNS`] turns.
const ROWS: [u16; 12] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];

/// Turns of a stage, at most.
const MOST_TURNS: u16 = 512;

/// The most work that the search for stages does: turns times layers, summed over all stages. Where hundreds
/// of layers could be one stage there is more; then the last stages are not looked at.
const MOST_WORK: usize = 20_000_000;

/// Elements of the largest tensor whose positions a table can hold, in bits.
const MOST_MOVED: usize = u32::MAX as usize / 8;

/// A run of steps that is executed in stripes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stripes {
    /// Which steps, and how many rows.
    pub stage: Stage,
    /// Of each step: how many rows of its output the arena holds; `None`: all of them.
    pub held: Vec<Option<usize>>,
    /// The same of the image, if the stage is fed with its rows.
    pub image: Option<usize>,
    /// About how many instructions the stripes take more than whole tensors.
    pub extra: u64,
    /// What its output may lie over.
    pub over: Option<Over>,
}

/// The largest tensor that a stage reads from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Over {
    /// A step of the stage that reads it, counted from the first one of the stage.
    pub reader: usize,
    /// Which of the inputs of that step it is.
    pub which: usize,
    /// Beside which of its rows the output is written.
    pub progress: Progress,
}

impl Over {
    /// How the output of the stage may lie over that tensor. `None`: the tensor is of use after the stage, or
    /// the place of the output is of use before it.
    ///
    /// * `[input, output]`: their places, as indices of `lives`.
    /// * `[input_row, output_row]`: bytes of a row of each.
    /// * `steps`: those of the stage.
    pub fn overlap(
        &self,
        [input, output]: [usize; 2],
        [input_row, output_row]: [usize; 2],
        steps: &Range<usize>,
        lives: &[Lifetime],
    ) -> Option<Overlap> {
        let is_free = input != output && lives[input].last < steps.end && lives[output].first >= steps.start;
        let words = |bytes: usize| bytes.next_multiple_of(ALIGNMENT);
        is_free.then(|| Overlap {
            input,
            output,
            forwards: words(self.progress.forwards(input_row, output_row)),
            backwards: self.progress.backwards(input_row, output_row).map(words),
        })
    }
}

/// All runs of a schedule that can be stages, for each number of rows in a turn.
pub fn candidates(layers: &[Layer], last_reader: impl Fn(usize) -> usize) -> Vec<Stripes> {
    let (mut found, mut work) = (Vec::new(), 0);
    for first in 0..layers.len() {
        let runs = runs_from(layers, first, |stage| stage, &last_reader);
        let Some((longest, all)) = runs.last() else { continue };
        for rows in rows_of_a_turn(&layers[first]) {
            let all = all.with_rows(rows);
            let trace = Trace::new(&stage_of(first, *longest, rows), &all);
            for (last, lines) in &runs {
                let lines = lines.with_rows(rows);
                let stage = stage_of(first, *last, rows);
                let trace = trace.head(&lines).unwrap_or_else(|| Trace::new(&stage, &lines));
                work += trace.turns().count() * (last + 1 - first);
                if work > MOST_WORK {
                    return found;
                }
                // A stage of one layer is of use only where its output lies over its input.
                let stripes = Stripes::new(stage, layers, &lines, &trace);
                found.extend(stripes.filter(|stripes| *last > first || stripes.over.is_some()));
            }
        }
    }
    found
}

/// All runs from the first step on that can be stages to which the image comes in rows, none of which holds
/// all of them. `image_reader`: the last step that reads the image, which is the only input. `window`:
/// how windows of a signal overlap.
pub fn fed(
    layers: &[Layer],
    last_reader: impl Fn(usize) -> usize,
    image_reader: usize,
    window: Window<'_>,
) -> Vec<Stripes> {
    let hop = window.hop;
    let (mut found, mut work) = (Vec::new(), 0);
    let of_image = |stage: Stage| Stage { fed: true, hop, ..stage };
    for (last, lines) in runs_from(layers, 0, of_image, &last_reader) {
        if image_reader > last || (hop > 0 && !outlives(layers, last)) {
            continue;
        }
        // Those that are new in a window, at once.
        let new = lines[0].goes_on(hop);
        let is_other = new > 0 && rows_of_a_turn(&layers[0]).all(|rows| rows != new);
        for rows in rows_of_a_turn(&layers[0]).chain(is_other.then_some(new)) {
            let stage = of_image(stage_of(0, last, rows));
            let lines = lines.with_rows(rows);
            let trace = Trace::new(&stage, &lines);
            work += trace.turns().count() * (last + 1);
            if work > MOST_WORK {
                return found;
            }
            let height = usize::from(layers[0].first_input().height);
            let holds_part = |stripes: &Stripes| stripes.image.is_some_and(|image| image < height);
            let stripes = Stripes::new(stage, layers, &lines, &trace).filter(holds_part);
            found.extend(stripes.map(|stripes| match hop {
                0 => stripes,
                _ => Stripes { extra: window.instructions(layers, &stage, &lines), ..stripes },
            }));
        }
    }
    found
}

/// The runs from a step on that can be stages: the last step of each, and its lines.
fn runs_from(
    layers: &[Layer],
    first: usize,
    of: impl Fn(Stage) -> Stage,
    last_reader: impl Fn(usize) -> usize,
) -> Vec<(usize, Lines)> {
    let end = layers.len().min(first + mixq_format::MOST_LAYERS);
    // A longer run has the same layers, too.
    let lines = |last: usize| Some((last, of(stage_of(first, last, 1)).lines(layers).ok()?));
    (first..end).map_while(lines).filter(|(last, _)| is_closed(first, *last, &last_reader)).collect()
}

/// The stage of the steps from `first` to `last`.
fn stage_of(first: usize, last: usize, rows: u16) -> Stage {
    let (first, layers) = (first as u16, (last + 1 - first) as u16);
    Stage { first, layers, rows, state: 0, backwards: false, fed: false, hop: 0 }
}

/// Whether the output of a step stays as it is when later steps are done: there are some, and none works in
/// its place.
fn outlives(layers: &[Layer], step: usize) -> bool {
    let place = layers[step].output().offset;
    let mut later = layers[step + 1..].iter();
    step + 1 < layers.len() && later.all(|layer| layer.output().offset != place)
}

/// How many rows a stage may make in a turn that begins with this layer.
fn rows_of_a_turn(first: &Layer) -> impl Iterator<Item = u16> {
    let height = first.output().height;
    let step = height.div_ceil(MOST_TURNS);
    ROWS.into_iter().map(move |rows| rows * step).filter(move |rows| *rows <= height / 2)
}

/// Whether no step behind these reads what they write, but for what the last one does.
fn is_closed(first: usize, last: usize, last_reader: impl Fn(usize) -> usize) -> bool {
    (first..last).all(|step| (step + 1..=last).contains(&last_reader(step)))
}

/// A stage with what it holds; `None`, if it cannot be one.
pub fn stripes(stage: Stage, layers: &[Layer]) -> Option<Stripes> {
    let lines = stage.lines(layers).ok()?;
    Stripes::new(stage, layers, &lines, &Trace::new(&stage, &lines))
}

impl Stripes {
    /// The same, if its lines and its trace are known.
    fn new(stage: Stage, layers: &[Layer], lines: &Lines, trace: &Trace) -> Option<Stripes> {
        let layers = &layers[stage.range()];
        Stage::rows_are_there(layers, lines, trace).ok()?;
        let whole = |(line, rows): (&Line, &u16)| (line.place != Line::WHOLE).then_some(usize::from(*rows));
        let mut held: Vec<Option<usize>> = lines.iter().zip(&trace.held).map(whole).collect();
        let image = if stage.fed { held.pop().flatten() } else { None };
        let of_layer = |(index, layer): (usize, &Layer)| {
            let calls = trace.turns().filter(|made| made[index][0] < made[index][1]).count() as u64;
            calls * of_call(layer)
        };
        let extra = layers.iter().enumerate().map(of_layer).sum();
        Some(Stripes { stage, held, image, extra, over: over(layers, lines, trace) })
    }
}

/// About how many instructions it takes to call a layer once more.
fn of_call(layer: &Layer) -> u64 {
    let Tensor { width, channels, .. } = *layer.output();
    let row = u64::from(width) * u64::from(channels);
    // A depthwise layer prepares each call with the work of about 0.7 rows; others with far less.
    let taps = layer.window().map_or(1, |window| window.taps() as u64);
    500 + row * taps / 2
}

/// How windows of a signal overlap.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a> {
    /// Rows from one window to the next one; 0: they do not overlap.
    pub hop: u16,
    /// By step: about how many instructions it takes on whole tensors.
    pub work: &'a [u64],
}

impl Window<'_> {
    /// About how many instructions all steps take for a window that follows another one: in the stage only
    /// for the rows that are new.
    fn instructions(&self, layers: &[Layer], stage: &Stage, lines: &Lines) -> u64 {
        let (inside, behind) = self.work.split_at(stage.range().end);
        // By line: the rows that are new.
        let mut rows = vec![0; lines.len()];
        rows[inside.len()] = u64::from(self.hop);
        let mut sum: u64 = behind.iter().sum();
        for (index, work) in inside.iter().enumerate() {
            let line = &lines[index];
            let read = line.inputs.map(usize::from).into_iter().find(|read| *read < lines.len());
            rows[index] = read.map_or(0, |read| line.goes_on(rows[read] as u16).into());
            let turns = rows[0].div_ceil(stage.rows.into());
            sum += work * rows[index] / u64::from(line.height) + turns * of_call(&layers[index]);
        }
        sum
    }
}

/// What the output of a stage may lie over, if that ends with the stage. `layers` are those of the stage.
pub fn over(layers: &[Layer], lines: &Lines, trace: &Trace) -> Option<Over> {
    let read = layers.iter().zip(lines.iter()).enumerate().flat_map(|(reader, (layer, line))| {
        let inputs = layer.inputs().zip(line.inputs).enumerate();
        let outside = inputs.filter(|(_, (_, from))| *from == Line::OUTSIDE);
        outside.map(move |(which, (tensor, _))| (reader, which, tensor))
    });
    let output = layers[layers.len() - 1].output();
    let others = read.filter(|(.., tensor)| tensor.offset != output.offset);
    let (reader, which, tensor) = others.max_by_key(|(.., tensor)| tensor.elements())?;
    Some(Over { reader, which, progress: Progress::of(layers, lines, trace, tensor) })
}

/// The steps of a graph as layers, as far as it matters to rows: shapes, windows, and in whose place a tensor
/// lies. An offset is the number of a place, in words.
pub fn outline(graph: &Graph, tensors: &[schedule::Tensor], steps: &[Step]) -> Vec<Layer> {
    let tensor = |index: usize| {
        let schedule::Tensor { shape: Shape { height, width, channels }, place, .. } = tensors[index];
        let size = |size: usize| u16::try_from(size).unwrap_or(u16::MAX);
        let [height, width, channels] = [height, width, channels].map(size);
        Tensor { height, width, channels, bits: Bits::B8, zero_point: 0, offset: 4 * place as u32 }
    };
    let layer = |step: &Step| {
        let (input, output) = (tensor(step.inputs[0]), tensor(step.output));
        let second = step.inputs.get(1).map(|second| tensor(*second));
        match (&graph.nodes[step.node].op, second) {
            (Op::Add(_), Some(b)) => {
                Layer::Add(Add { a: input, b, output, multiplier_a: 1, multiplier_b: 1, shift: 1 })
            }
            (Op::Multiply(_), Some(b)) => {
                Layer::Multiply(Multiply { a: input, b, output, multiplier: 1, shift: 6 })
            }
            (Op::Prelu(_) | Op::Elementwise(_), _) => {
                Layer::Elementwise(Elementwise { input, output, codes: 0 })
            }
            // Positions of larger tensors no table could hold.
            (Op::Rearrange(rearrange), second) if input.elements().max(output.elements()) <= MOST_MOVED => {
                Layer::Rearrange(rearrange.table(input, output, second.is_some()))
            }
            (Op::Constants(constants), None) => Layer::Constants(Constants {
                input,
                output,
                weights: 0,
                weight_bits: Bits::B8,
                weight_zero_point: 0,
                operation: constants.operation,
                multiplier: 1,
                multiplier_constant: 0,
                shift: *Multiply::SHIFTS.end(),
            }),
            (Op::Resize(resize), None) => Layer::Resize(resize.table(input, output)),
            (op, None) => match op.window() {
                Some(window) => {
                    let mut window = window.table();
                    if let Op::GroupedConv(conv) = op {
                        let gaps = (usize::from(window.kernel_height) - 1) * conv.dilation[0];
                        window.kernel_height = u16::try_from(gaps + 1).unwrap_or(u16::MAX);
                    }
                    Layer::MaxPool(Pool { input, output, window })
                }
                None => whole(input, output),
            },
            _ => whole(input, output),
        }
    };
    steps.iter().map(layer).collect()
}

/// A layer that is not executed in stripes.
fn whole(input: Tensor, output: Tensor) -> Layer {
    let requant = Requant {
        bias: 0,
        multiplier: 0,
        shift: 0,
        weight_zero_point: 0,
        rule: Rule::Multiplier,
        multiplier_step: 0,
        zero_point_step: 0,
        fraction: 0,
    };
    Layer::Linear(Linear { input, output, weights: 0, weight_bits: Bits::B8, requant })
}
