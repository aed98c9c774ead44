//! Which rows the layers of a stage read and write, followed row by row: the bytes of a row are its number.

#![cfg(feature = "file")]

use mixq_format::{Layer, Progress, Rearrange, Rows, RowsError, Stage, Tensor, Trace, Turns};
use proptest::prelude::*;
use reach::{Reach, layers, reaches, seen, tensors};

#[path = "stages/reach.rs"]
mod reach;

/// What the rows of the input hold: their number and this.
const OUTSIDE: u32 = 1000;

/// The arena: the input whole, behind it what each place holds, then the state, at last the output. If
/// `over` says by how many bytes the output lies before the input (or behind its start, if the stage goes
/// backwards), the output lies there instead.
fn placed(
    mut tensors: Vec<Tensor>,
    reaches: &[Reach],
    stage: Stage,
    over: Option<u32>,
) -> (Vec<Layer>, Stage, usize) {
    // Each tensor in a place of its own, so that lines know them apart.
    let mut offset = 0;
    for tensor in &mut tensors {
        tensor.offset = offset;
        offset += 4 * u32::from(tensor.height);
    }
    let loose = layers(&tensors, reaches);
    let lines = stage.lines(&loose).unwrap();
    let held = Trace::new(&stage, &lines).held;
    let bytes = |tensor: &Tensor| 4 * u32::from(tensor.height);
    let before = if stage.backwards { 0 } else { over.unwrap_or(0) };
    tensors[0].offset = before;
    let last = tensors.len() - 1;
    let output_end = over.map_or(0, |over| if stage.backwards { over } else { 0 } + bytes(&tensors[last]));
    let mut offset = (before + bytes(&tensors[0])).max(output_end);
    for (index, tensor) in tensors.iter_mut().enumerate().take(last).skip(1) {
        tensor.offset = offset;
        offset += 4 * u32::from(held[index - 1]);
    }
    let stage = Stage { state: offset, ..stage };
    let state_end = offset + stage.state_bytes() as u32;
    tensors[last].offset = match over {
        Some(over) => {
            if stage.backwards {
                over
            } else {
                0
            }
        }
        None => state_end,
    };
    let bytes = state_end + bytes(&tensors[last]);
    (layers(&tensors, reaches), stage, bytes as usize)
}

fn row(arena: &[u8], tensor: &Tensor, index: u16) -> u32 {
    let at = tensor.offset as usize + 4 * usize::from(index);
    u32::from_le_bytes(arena[at..at + 4].try_into().unwrap())
}

/// Executes a layer on some rows: checks that they are those that it sees, and writes the numbers of its
/// output rows. `start`: the number of the first one; `outside`: what the rows of its input hold beside
/// their number.
///
/// # Errors
/// It sees another row.
fn execute(
    layer: &Layer,
    rows: &Rows,
    (start, outside): (u16, u32),
    arena: &mut [u8],
) -> Result<u16, TestCaseError> {
    let narrowed = layer.on_rows(rows);
    let (input, output) = (*narrowed.first_input(), *narrowed.output());
    // A kernel may write a row before it reads the next one.
    let [read, written] = [input, output].map(|tensor| tensor.range());
    prop_assert!(read.end <= written.start || written.end <= read.start, "{:?} of {:?}", rows, layer);
    for y in 0..output.height {
        // By definition of the whole layer and of the one on some rows.
        let expected: Vec<_> =
            seen(layer, start + y).into_iter().map(|at| at.map(|at| outside + u32::from(at))).collect();
        let found: Vec<_> =
            seen(&narrowed, y).into_iter().map(|at| at.map(|at| row(arena, &input, at))).collect();
        prop_assert_eq!(found, expected, "{:?} of {:?}", rows, layer);
    }
    for y in 0..output.height {
        let at = output.offset as usize + 4 * usize::from(y);
        arena[at..at + 4].copy_from_slice(&u32::from(start + y).to_le_bytes());
    }
    Ok(output.height)
}

/// Executes a stage of rows that hold their numbers.
///
/// # Errors
/// A layer sees another row than it would without a stage, or a row is not made once.
fn run(layers: &[Layer], stage: &Stage, bytes: usize) -> Result<(), TestCaseError> {
    let lines = stage.lines(layers).unwrap();
    let mut arena = vec![0xA5; bytes];
    let (input, last) = (*layers[0].first_input(), *layers[layers.len() - 1].output());
    for index in 0..input.height {
        let at = input.offset as usize + 4 * usize::from(index);
        arena[at..at + 4].copy_from_slice(&(OUTSIDE + u32::from(index)).to_le_bytes());
    }
    let mut made = vec![0; layers.len()];
    let turns = Turns::new(&lines, stage, &mut arena);
    let mut expected = 0;
    while turns.next(&mut arena) {
        for (index, layer) in layers.iter().enumerate() {
            let Some(rows) = turns.rows(&arena, index) else { continue };
            let outside = if index == 0 { OUTSIDE } else { 0 };
            let start = if stage.backwards { last.height - made[index] - rows.rows[2] } else { made[index] };
            made[index] += execute(layer, &rows, (start, outside), &mut arena)?;
        }
        // Rows that a row makes are made together.
        let together = match layers[0] {
            Layer::Rearrange(Rearrange { to, .. }) => (to.strides[2] / 32) as u16,
            _ => 1,
        };
        expected = layers[0].output().height.min((expected + stage.rows).next_multiple_of(together));
        prop_assert_eq!(made[0], expected);
    }
    prop_assert_eq!(made[layers.len() - 1], last.height);
    prop_assert!((0..last.height).all(|index| row(&arena, &last, index) == u32::from(index)));
    Ok(())
}

/// The arena of a stage that is fed: what the place of its input holds, then that of each layer, then the
/// state.
fn placed_fed(mut tensors: Vec<Tensor>, reaches: &[Reach], stage: Stage) -> (Vec<Layer>, Stage, usize) {
    let (apart, ..) = placed(tensors.clone(), reaches, Stage { fed: false, ..stage }, None);
    let held = Trace::new(&stage, &stage.lines(&apart).unwrap()).held;
    // The input has the last line, and lies first.
    let rows = [&held[reaches.len()..=reaches.len()], &held[..reaches.len()]].concat();
    let mut offset = 0;
    for (tensor, rows) in tensors.iter_mut().zip(rows) {
        tensor.offset = offset;
        offset += 4 * u32::from(rows);
    }
    let stage = Stage { state: offset, ..stage };
    (layers(&tensors, reaches), stage, offset as usize + stage.state_bytes())
}

/// Executes a stage that is fed with rows that hold their numbers: as many at a time as `pushes` say, at last
/// all that are left.
///
/// # Errors
/// A layer sees another row than it would without a stage, a row is not made once, or rows are counted
/// wrongly.
fn feed((layers, stage, bytes): (Vec<Layer>, Stage, usize), pushes: &[usize]) -> Result<(), TestCaseError> {
    let lines = stage.lines(&layers).unwrap();
    let mut arena = vec![0xA5; bytes];
    let (input, last) = (*layers[0].first_input(), *layers[layers.len() - 1].output());
    let height = usize::from(input.height);
    let image: Vec<u8> = (0..height as u32).flat_map(|index| (OUTSIDE + index).to_le_bytes()).collect();
    let mut made = vec![0; layers.len()];
    let turns = Turns::new(&lines, &stage, &mut arena);
    turns.next(&mut arena);
    let mut rest = &image[..];
    for push in pushes.iter().chain([&height]) {
        let left = rest.len() / 4;
        let missing = if left > 0 { Err(RowsError::Missing { left, height }) } else { Ok(()) };
        prop_assert_eq!(turns.is_fed(&arena), missing);
        let too_many = Err(RowsError::TooMany { rows: left + 1, left });
        prop_assert_eq!(turns.accepts(&arena, 4 * (left + 1), 4), too_many);
        prop_assert_eq!(turns.accepts(&arena, 3, 4), Err(RowsError::Partial { elements: 3, row: 4 }));
        let (mut taken, others) = rest.split_at(4 * left.min(*push));
        prop_assert_eq!(turns.accepts(&arena, taken.len(), 4), Ok(()));
        while turns.take(&mut arena, &mut taken, 4, |from, to| to.copy_from_slice(from)) {
            for (index, layer) in layers.iter().enumerate() {
                let Some(rows) = turns.rows(&arena, index) else { continue };
                let outside = if index == 0 { OUTSIDE } else { 0 };
                made[index] += execute(layer, &rows, (made[index], outside), &mut arena)?;
            }
            turns.next(&mut arena);
        }
        prop_assert!(taken.is_empty());
        rest = others;
    }
    prop_assert_eq!(turns.is_fed(&arena), Ok(()));
    prop_assert_eq!(made[layers.len() - 1], last.height);
    prop_assert!((0..last.height).all(|index| row(&arena, &last, index) == u32::from(index)));
    Ok(())
}

fn stage(reaches: &[Reach], rows: u16, backwards: bool) -> Stage {
    Stage { first: 0, layers: reaches.len() as u16, rows, state: 0, backwards, fed: false, hop: 0 }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn each_row_is_made_once_of_the_rows_that_it_needs(
        height in 1u16..=80,
        reaches in reaches(1..=7),
        turn in 1u16..=9,
    ) {
        let Some(tensors) = tensors(height, &reaches) else { return Ok(()) };
        let (layers, stage, bytes) = placed(tensors, &reaches, stage(&reaches, turn, false), None);
        run(&layers, &stage, bytes)?;
    }

    #[test]
    fn rows_that_come_are_there_when_they_are_needed(
        height in 1u16..=80,
        reaches in reaches(1..=7),
        turn in 1u16..=9,
        pushes in prop::collection::vec(0usize..=12, 0..=80),
    ) {
        let Some(tensors) = tensors(height, &reaches) else { return Ok(()) };
        let stage = Stage { fed: true, ..stage(&reaches, turn, false) };
        feed(placed_fed(tensors, &reaches, stage), &pushes)?;
    }

    /// At the least distance the output lies over no row that is still needed; a row nearer it does.
    #[test]
    fn the_output_follows_the_rows_that_are_needed(
        height in 1u16..=80,
        reaches in reaches(1..=5),
        turn in 1u16..=9,
        backwards: bool,
    ) {
        let Some(tensors) = tensors(height, &reaches) else { return Ok(()) };
        let stage = stage(&reaches, turn, backwards && reaches.len() == 1);
        if stage.backwards && let [Reach::Several(_, 1..)] = reaches[..] {
            prop_assert!(stage.lines(&layers(&tensors, &reaches)).is_err(), "the last block has fewer rows");
            return Ok(());
        }
        let (apart, ..) = placed(tensors.clone(), &reaches, stage, None);
        let lines = stage.lines(&apart).unwrap();
        let trace = Trace::new(&stage, &lines);
        let progress = Progress::of(&apart, &lines, &trace, apart[0].first_input());
        let least = if stage.backwards { progress.backwards(4, 4).unwrap() } else { progress.forwards(4, 4) };
        let at = |distance: usize| {
            let (layers, stage, bytes) = placed(tensors.clone(), &reaches, stage, Some(distance as u32));
            run(&layers, &stage, bytes)
        };
        at(least)?;
        // What begins behind the other one also ends there.
        let [input, output] = [apart[0].first_input(), apart[apart.len() - 1].output()].map(Tensor::bytes);
        let by_ends = if stage.backwards { input.checked_sub(output) } else { output.checked_sub(input) };
        let nearer = least - 4;
        if nearer > 0 && by_ends != Some(least) {
            prop_assert!(at(nearer).is_err(), "{} bytes are enough", nearer);
        }
    }
}
