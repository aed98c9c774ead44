//! Which rows the layers of a stage read and write, followed row by row: the bytes of a row are its number.

use mixq_format::{Bits, Layer, Pool, Rows, RowsError, Stage, Tensor, Turns, Window};
use proptest::prelude::*;

/// A window's height, stride and padding above.
type Reach = (u16, u16, u16);

/// Tensors of one word a row: of the input, and of the output of each layer.
fn tensors(height: u16, reaches: &[Reach]) -> Option<Vec<Tensor>> {
    let mut heights = vec![height];
    for (span, stride, pad) in reaches {
        let before = *heights.last()?;
        // Padding below is as large as that above.
        let rows = (before + 2 * pad).checked_sub(*span)? / stride + 1;
        // The last window meets the input.
        heights.push(rows.min((before + pad - 1) / stride + 1));
    }
    let tensor = |height| Tensor { height, width: 1, channels: 4, bits: Bits::B8, zero_point: 0, offset: 0 };
    Some(heights.into_iter().map(tensor).collect())
}

fn layers(tensors: &[Tensor], reaches: &[Reach]) -> Vec<Layer> {
    let layer = |(pair, (span, stride, pad)): (&[Tensor], &Reach)| {
        let window = Window {
            kernel_height: *span,
            kernel_width: 1,
            stride_height: *stride,
            stride_width: 1,
            pad_top: *pad,
            pad_left: 0,
        };
        Layer::MaxPool(Pool { input: pair[0], output: pair[1], window })
    };
    tensors.windows(2).zip(reaches).map(layer).collect()
}

/// The arena: the input and the last output whole, between them what each place holds, at last the state. Of an
/// input that is fed, too, what its place holds.
fn placed(mut tensors: Vec<Tensor>, reaches: &[Reach], rows: u16, fed: bool) -> (Vec<Layer>, Stage, usize) {
    // Each tensor in a place of its own, so that lines know them apart.
    let mut offset = 0;
    for tensor in &mut tensors {
        tensor.offset = offset;
        offset += 4 * u32::from(tensor.height);
    }
    let stage = Stage { first: 0, layers: reaches.len() as u16, rows, state: 0, fed };
    let loose = layers(&tensors, reaches);
    let lines = stage.lines(&loose).unwrap();
    let held = stage.held(&lines);
    let input = if fed { held[reaches.len()] } else { tensors[0].height };
    let mut offset = 4 * u32::from(input);
    for (index, tensor) in tensors.iter_mut().enumerate().skip(1) {
        tensor.offset = offset;
        offset += 4 * u32::from(held[index - 1]);
    }
    let stage = Stage { state: offset, ..stage };
    (layers(&tensors, reaches), stage, offset as usize + stage.state_bytes())
}

fn row(arena: &[u8], tensor: &Tensor, index: u16) -> u32 {
    let at = tensor.offset as usize + 4 * usize::from(index);
    u32::from_le_bytes(arena[at..at + 4].try_into().unwrap())
}

/// Executes a layer on some rows: checks that they are those that its windows see, and writes the numbers of
/// its output rows.
fn execute(layer: &Layer, rows: &Rows, made: &mut u16, reach: Reach, arena: &mut [u8]) {
    let (span, stride, pad) = reach;
    let Layer::MaxPool(whole) = layer else { panic!("{layer:?}") };
    let Layer::MaxPool(Pool { input, output, window }) = layer.on_rows(rows) else { panic!("{layer:?}") };
    for y in 0..output.height {
        // By definition of the whole layer and of the one on some rows: the same taps see the same rows.
        for tap in 0..span {
            let seen = |y: u16, pad: u16, height: u16| {
                let at = i64::from(y) * i64::from(stride) + i64::from(tap) - i64::from(pad);
                (0..i64::from(height)).contains(&at).then_some(at as u16)
            };
            let expected = seen(*made + y, pad, whole.input.height);
            let found = seen(y, window.pad_top, input.height).map(|at| row(arena, &input, at));
            assert_eq!(found, expected.map(u32::from), "{rows:?} of {layer:?}");
        }
        let at = output.offset as usize + 4 * usize::from(y);
        arena[at..at + 4].copy_from_slice(&u32::from(*made + y).to_le_bytes());
    }
    *made += output.height;
}

fn reaches() -> impl Strategy<Value = Vec<Reach>> {
    let reach = (1u16..=6, 1u16..=4).prop_flat_map(|(span, stride)| (Just(span), Just(stride), 0..span));
    prop::collection::vec(reach, 1..=7)
}

/// Executes all layers in this turn.
fn turn(turns: &Turns<'_>, layers: &[Layer], reaches: &[Reach], made: &mut [u16], arena: &mut [u8]) {
    for (index, layer) in layers.iter().enumerate() {
        if let Some(rows) = turns.rows(arena, index) {
            execute(layer, &rows, &mut made[index], reaches[index], arena);
        }
    }
}

/// The rows of an image: their numbers.
fn image(height: u16) -> Vec<u8> {
    (0..u32::from(height)).flat_map(u32::to_le_bytes).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn each_row_is_made_once_of_the_rows_that_it_needs(
        height in 1u16..=80,
        reaches in reaches(),
        rows in 1u16..=9,
    ) {
        let Some(tensors) = tensors(height, &reaches).filter(|_| reaches.len() > 1) else { return Ok(()) };
        let (layers, stage, bytes) = placed(tensors, &reaches, rows, false);
        let lines = stage.lines(&layers).unwrap();
        let mut arena = vec![0xA5; bytes];
        arena[..4 * usize::from(height)].copy_from_slice(&image(height));
        let mut made = vec![0; layers.len()];
        let turns = Turns::new(&lines, &stage, &mut arena);
        let mut turned = 0;
        while turns.next(&mut arena) {
            turn(&turns, &layers, &reaches, &mut made, &mut arena);
            turned += 1;
            let last = layers[layers.len() - 1].output();
            prop_assert_eq!(made[layers.len() - 1], last.height.min(turned * rows));
        }
        let last = layers[layers.len() - 1].output();
        prop_assert!((0..last.height).all(|index| row(&arena, last, index) == u32::from(index)));
    }

    #[test]
    fn rows_that_come_are_there_when_they_are_needed(
        height in 1u16..=80,
        reaches in reaches(),
        rows in 1u16..=9,
        pushes in prop::collection::vec(0usize..=12, 0..=80),
    ) {
        let Some(tensors) = tensors(height, &reaches) else { return Ok(()) };
        let (layers, stage, bytes) = placed(tensors, &reaches, rows, true);
        let lines = stage.lines(&layers).unwrap();
        let mut arena = vec![0xA5; bytes];
        let mut made = vec![0; layers.len()];
        let turns = Turns::new(&lines, &stage, &mut arena);
        turns.next(&mut arena);
        let image = image(height);
        let mut rest = &image[..];
        // All that is left comes at last.
        for push in pushes.into_iter().chain([usize::from(height)]) {
            let left = rest.len() / 4;
            let missing = RowsError::Missing { left, height: height.into() };
            prop_assert_eq!(turns.is_fed(&arena), if left > 0 { Err(missing) } else { Ok(()) });
            let too_many = RowsError::TooMany { rows: left + 1, left };
            prop_assert_eq!(turns.accepts(&arena, 4 * (left + 1), 4), Err(too_many));
            prop_assert_eq!(turns.accepts(&arena, 3, 4), Err(RowsError::Partial { elements: 3, row: 4 }));
            let (mut taken, others) = rest.split_at(4 * push.min(left));
            prop_assert_eq!(turns.accepts(&arena, taken.len(), 4), Ok(()));
            while turns.take(&mut arena, &mut taken, 4, |from, to| to.copy_from_slice(from)) {
                turn(&turns, &layers, &reaches, &mut made, &mut arena);
                turns.next(&mut arena);
            }
            prop_assert!(taken.is_empty());
            rest = others;
        }
        prop_assert_eq!(turns.is_fed(&arena), Ok(()));
        let last = layers[layers.len() - 1].output();
        prop_assert_eq!(made[layers.len() - 1], last.height);
        prop_assert!((0..last.height).all(|index| row(&arena, last, index) == u32::from(index)));
    }
}
