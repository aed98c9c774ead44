//! Layers that are executed in stripes of rows.

#[path = "sizes.rs"]
mod sizes;

use mixq_format::Stage;

use super::*;

/// Two pools in a stage, and one behind it: 12 rows of a word become 6, in one word.
struct Striped {
    layers: Vec<Layer>,
    stages: Vec<Stage>,
    input: Tensor,
    others: Vec<Tensor>,
    arena_bytes: u32,
}

/// The inner tensor holds two rows from byte 48 on, the state lies behind the output of the stage.
fn striped() -> Striped {
    let tall = |kernel: u16, stride: u16, pad_top: u16| Window {
        kernel_height: kernel,
        kernel_width: 1,
        stride_height: stride,
        stride_width: 1,
        pad_top,
        pad_left: 0,
    };
    let [input, inner] = [0, 48].map(|offset| tensor(12, 1, 4, offset));
    let (halved, pooled) = (tensor(6, 1, 4, 56), tensor(1, 1, 4, 0));
    let layers = vec![
        Layer::MaxPool(Pool { input, output: inner, window: tall(3, 1, 1) }),
        Layer::MaxPool(Pool { input: inner, output: halved, window: tall(2, 2, 0) }),
        Layer::AveragePool(Pool { input: halved, output: pooled, window: tall(6, 1, 0) }),
    ];
    let stages =
        vec![Stage { first: 0, layers: 2, rows: 1, state: 80, backwards: false, fed: false, hop: 0 }];
    Striped { layers, stages, input, others: Vec::new(), arena_bytes: 96 }
}

/// What is found after a change.
fn found(change: impl FnOnce(&mut Striped)) -> Option<(Option<usize>, &'static str)> {
    let mut case = striped();
    change(&mut case);
    let Striped { layers, stages, input, others, arena_bytes } = &case;
    let output = *layers[layers.len() - 1].output();
    let (input, arena_bytes) = (*input, *arena_bytes);
    let network = Network { layers, stages, parameters: &[], input, others, output, arena_bytes };
    network.validate().err().map(|invalid| (invalid.layer, invalid.reason))
}

fn pool_of(case: &mut Striped, index: usize) -> &mut Pool {
    match &mut case.layers[index] {
        Layer::MaxPool(pool) | Layer::AveragePool(pool) => pool,
        other => panic!("{other:?} is a pool"),
    }
}

#[test]
fn a_stage_that_keeps_all_rules_is_valid() {
    assert_eq!(found(|_| ()), None);
    // Without it the inner tensor takes 48 bytes.
    let whole = found(|case| case.stages.clear());
    assert_eq!(whole, Some((Some(1), "the output overlaps an input")));
}

#[test]
fn stages_are_runs_of_layers() {
    for (layers, rows) in [(0, 1), (2, 0)] {
        let found = found(|case| (case.stages[0].layers, case.stages[0].rows) = (layers, rows));
        let reason = "a stage has 1 to 96 layers, and makes at least a row in a turn";
        assert_eq!(found, Some((Some(0), reason)), "{layers} layers, {rows} rows");
    }
    let found_beyond = found(|case| case.stages[0].layers = 9);
    assert_eq!(found_beyond, Some((Some(0), "a stage has layers that the network does not have")));
    let found_twice = found(|case| case.stages.push(Stage { first: 1, ..case.stages[0] }));
    assert_eq!(found_twice, Some((Some(1), "stages overlap, or are not in their order")));
}

#[test]
fn what_a_stage_makes_inside_stays_there() {
    let read_later = found(|case| {
        let inner = pool_of(case, 0).output;
        pool_of(case, 2).input = inner;
    });
    assert_eq!(read_later, Some((Some(0), "a tensor in a stage is read after the stage")));
    let unread = found(|case| {
        let input = case.input;
        pool_of(case, 1).input = input;
    });
    assert_eq!(unread, Some((Some(0), "a tensor in a stage is read by no layer of the stage")));
}

#[test]
fn places_of_a_stage_are_apart() {
    // The output of the stage begins where the inner tensor's second row ends.
    let over = found(|case| {
        let output = Tensor { offset: 52, ..pool_of(case, 1).output };
        (pool_of(case, 1).output, pool_of(case, 2).input) = (output, output);
    });
    assert_eq!(over, Some((Some(1), "the output overlaps an input")));
    // All turns read the image.
    let over = found(|case| {
        let output = Tensor { offset: 24, ..pool_of(case, 1).output };
        (pool_of(case, 1).output, pool_of(case, 2).input) = (output, output);
        pool_of(case, 2).output.offset = 76;
    });
    assert_eq!(over, Some((Some(0), "two places of a stage overlap")));
}

#[test]
fn the_state_of_a_stage_has_bytes_of_its_own() {
    for (state, reason) in [
        (48, "two places of a stage overlap"),
        (76, "two places of a stage overlap"),
        (84, "the state of a stage does not lie in the arena"),
        (82, "the state of a stage does not lie in the arena"),
    ] {
        assert_eq!(found(|case| case.stages[0].state = state), Some((Some(0), reason)), "{state}");
    }
}

#[test]
fn rows_of_a_stage_are_whole_words() {
    let odd = found(|case| {
        case.input.channels = 3;
        for index in 0..3 {
            let pool = pool_of(case, index);
            (pool.input.channels, pool.output.channels) = (3, 3);
        }
    });
    assert_eq!(odd, Some((Some(0), "a row in a stage is not of whole words")));
}

/// The image comes in rows: of its 12 rows the arena holds 3, from byte 0 on, and the state follows.
fn fed(case: &mut Striped) {
    (case.stages[0].fed, case.stages[0].state) = (true, 12);
}

#[test]
fn a_stage_that_is_fed_holds_some_rows_of_the_input() {
    assert_eq!(found(fed), None);
    // Its state has a part for the input.
    for (state, reason) in [
        (8, "two places of a stage overlap"),
        (28, "two places of a stage overlap"),
        (80, "the state of a stage does not lie in the arena"),
    ] {
        let changed = found(|case| {
            fed(case);
            case.stages[0].state = state;
        });
        assert_eq!(changed, Some((Some(0), reason)), "{state}");
    }
    // The next turn reads rows 1 and 2 again.
    let over = found(|case| {
        fed(case);
        let inner = Tensor { offset: 8, ..pool_of(case, 0).output };
        (pool_of(case, 0).output, pool_of(case, 1).input) = (inner, inner);
        case.stages[0].state = 24;
    });
    assert_eq!(over, Some((Some(0), "the output overlaps an input")));
}

#[test]
fn a_stage_may_be_fed_if_no_other_layer_reads_the_input() {
    let with = |change: fn(&mut Striped)| {
        found(|case| {
            fed(case);
            change(case);
        })
    };
    let later = with(|case| pool_of(case, 2).input = case.input);
    let reason = "an input that is fed in rows is read after the stage";
    assert_eq!(later, Some((Some(0), reason)));
    let second = with(|case| {
        let other = tensor(6, 1, 4, 48);
        case.others.push(other);
        pool_of(case, 2).input = other;
    });
    assert_eq!(second, Some((Some(0), "one of several inputs is fed in rows")));
    let several = with(|case| {
        let other = Tensor { offset: 4, ..case.input };
        pool_of(case, 1).input = other;
    });
    assert_eq!(several, Some((Some(0), "a stage that is fed reads several tensors from outside")));
    let not_first = with(|case| case.stages[0].first = 1);
    assert_eq!(not_first, Some((Some(1), "a stage that is fed does not begin with the first layer")));
    let another = with(|case| case.input.offset = 4);
    assert_eq!(another, Some((Some(0), "a stage that is fed does not read the input")));
}

/// Alone, a layer makes its output from the rows of the input.
#[test]
fn a_stage_of_one_layer_may_be_fed() {
    let alone = |case: &mut Striped| {
        fed(case);
        case.stages[0].layers = 1;
        let halved = tensor(6, 1, 4, 0);
        (pool_of(case, 1).output, pool_of(case, 2).input, pool_of(case, 2).output.offset) =
            (halved, halved, 24);
    };
    assert_eq!(found(alone), None);
    let backwards = found(|case| {
        alone(case);
        case.stages[0].backwards = true;
    });
    let reason = "a stage of several layers, or one that is fed, goes from its last row to its first one";
    assert_eq!(backwards, Some((Some(0), reason)));
    assert_eq!(
        found(|case| {
            alone(case);
            case.stages[0].fed = false
        })
        .map(|(layer, _)| layer),
        Some(Some(0))
    );
}

/// A network without padding, whose windows overlap: each begins 2 rows after the one before.
fn sliding(case: &mut Striped) {
    let window = |pool: &mut Pool, kernel: u16| {
        (pool.window.kernel_height, pool.window.pad_top) = (kernel, 0);
    };
    let [inner, halved] = [tensor(10, 1, 4, 48), tensor(5, 1, 4, 88)];
    pool_of(case, 0).output = inner;
    (pool_of(case, 1).input, pool_of(case, 1).output) = (inner, halved);
    pool_of(case, 2).input = halved;
    pool_of(case, 2).output.offset = 108;
    window(pool_of(case, 2), 5);
    window(pool_of(case, 0), 3);
    (case.stages[0].fed, case.stages[0].hop, case.stages[0].state) = (true, 2, 112);
    case.arena_bytes = 144;
}

#[test]
fn windows_overlap_where_their_rows_are_the_same() {
    let with = |change: fn(&mut Striped)| {
        found(|case| {
            sliding(case);
            change(case);
        })
    };
    assert_eq!(with(|_| ()), None);
    assert_eq!(with(|case| case.stages[0].hop = 10), None);
    let stage = |reason| Some((Some(0), reason));
    assert_eq!(with(|case| case.stages[0].hop = 3), stage("a hop is not of whole strides"));
    assert_eq!(with(|case| case.stages[0].hop = 12), stage("windows of a signal share no row"));
    let reason = "windows of a signal share no row of a layer's output";
    assert_eq!(with(|case| case.stages[0].hop = 11), stage(reason));
    assert_eq!(with(|case| case.stages[0].fed = false), stage("windows overlap in a stage that is not fed"));
    let padded = with(|case| {
        pool_of(case, 0).window.pad_top = 1;
    });
    let reason = "a layer pads rows, or leaves the last ones out: windows do not share them";
    assert_eq!(padded, stage(reason));
    let left_out = with(|case| {
        let halved = tensor(4, 1, 4, 88);
        (pool_of(case, 1).output, pool_of(case, 2).input) = (halved, halved);
        pool_of(case, 2).window.kernel_height = 4;
    });
    assert_eq!(left_out, stage(reason));
}

#[test]
fn what_the_next_window_needs_is_kept() {
    let reason = "a layer writes over what the next window of a signal needs";
    // The image, the inner tensor, the output of the stage, its state.
    for offset in [0, 48, 104, 128] {
        let over = found(|case| {
            sliding(case);
            pool_of(case, 2).output.offset = offset;
        });
        // A pool does not write over what it reads, whatever comes next.
        let expected =
            if offset == 104 { (Some(2), "the output overlaps an input") } else { (Some(0), reason) };
        assert!(over == Some(expected) || over == Some((Some(0), reason)), "{offset}: {over:?}");
        let alone = found(|case| {
            sliding(case);
            (case.stages[0].hop, pool_of(case, 2).output.offset) = (0, offset);
        });
        assert_eq!(alone.is_none(), offset != 104, "{offset}: {alone:?}");
    }
    let last = found(|case| {
        sliding(case);
        case.stages[0].layers = 3;
    });
    assert_eq!(last, Some((Some(0), "windows overlap in a stage that has the last layer")));
}

/// Two branches of 3 rows each, of which one strides and the other one has a larger window: from window to
/// window they go on by 1 and by 2 rows.
#[test]
fn branches_go_on_by_the_same_rows() {
    let joined = |hop: u16| {
        found(|case| {
            sliding(case);
            let window = |kernel: u16, stride: u16| {
                let Pool { window, .. } = *pool_of(&mut striped(), 0);
                Window { kernel_height: kernel, stride_height: stride, pad_top: 0, ..window }
            };
            let input = tensor(5, 1, 4, 0);
            let [a, b, output] = [20, 32, 44].map(|offset| tensor(3, 1, 4, offset));
            let pooled = tensor(1, 1, 4, 56);
            case.input = input;
            case.layers = vec![
                Layer::MaxPool(Pool { input, output: a, window: window(1, 2) }),
                Layer::MaxPool(Pool { input, output: b, window: window(3, 1) }),
                Layer::Add(Add { a, b, output, multiplier_a: 1, multiplier_b: 1, shift: 1 }),
                Layer::AveragePool(Pool { input: output, output: pooled, window: window(3, 1) }),
            ];
            (case.stages[0].layers, case.stages[0].hop, case.stages[0].state) = (3, hop, 60);
        })
    };
    assert_eq!(joined(0), None);
    let reason = "what a layer joins goes on by different rows from window to window";
    assert_eq!(joined(2), Some((Some(0), reason)));
}
