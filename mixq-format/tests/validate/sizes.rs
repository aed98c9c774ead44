//! Stages that have layers whose outputs have other rows than their inputs.

use mixq_format::{Axis, Between, Constants, Operation, Positions, Rearrange, Resize, Rest, Stage};

use super::*;

/// A stage of a layer that makes 12 rows of 6, in words, and a pool; the arena holds 6 rows of the input, 3
/// of the tensor between and 6 of the output.
fn found(layer: impl Fn(Tensor, Tensor) -> Layer, change: impl Fn(&mut Stage)) -> Option<&'static str> {
    let [input, inner, output] = [(6, 0), (12, 24), (6, 36)].map(|(rows, at)| tensor(rows, 1, 4, at));
    let window = Window {
        kernel_height: 2,
        kernel_width: 1,
        stride_height: 2,
        stride_width: 1,
        pad_top: 0,
        pad_left: 0,
    };
    let layers = [layer(input, inner), Layer::MaxPool(Pool { input: inner, output, window })];
    let mut stage = Stage { first: 0, layers: 2, rows: 2, state: 60, backwards: false, fed: false, hop: 0 };
    change(&mut stage);
    let (stages, output) = (&[stage], *layers[usize::from(stage.layers) - 1].output());
    let layers = &layers[..stage.layers.into()];
    let network = Network { layers, stages, parameters: &[], input, others: &[], output, arena_bytes: 76 };
    network.validate().err().map(|invalid| invalid.reason)
}

fn resize(first: i32, step: u32, unit: u32) -> impl Fn(Tensor, Tensor) -> Layer {
    move |input, output| {
        let columns = Axis { first: 0, step: 1, unit: 1 };
        let rows = Axis { first, step, unit };
        Layer::Resize(Resize { input, output, rows, columns, between: Between::Interpolated })
    }
}

/// Each row as many times as it goes on in the output.
fn upsample(rows: u32) -> impl Fn(Tensor, Tensor) -> Layer {
    move |input, output| {
        let positions = |strides| Positions { first: 0, strides };
        let each = output.height / input.height;
        Layer::Rearrange(Rearrange {
            input,
            output,
            counts: [1, 1, input.height, each, 4],
            rest: Rest::Anything,
            from: positions([0, 0, 32, 0, 8]),
            to: positions([0, 0, 32 * rows, 32, 8]),
        })
    }
}

#[test]
fn a_stage_may_make_more_rows_than_it_reads() {
    assert_eq!(found(resize(-1, 2, 4), |_| ()), None);
    assert_eq!(found(upsample(2), |_| ()), None);
    // The rows of a block are made together, so that the tensor between holds two of them.
    assert_eq!(found(upsample(2), |stage| stage.rows = 1), None);
    let overlap = Some("the output overlaps an input");
    assert_eq!(found(upsample(2), |stage| stage.rows = 4), overlap);
    assert_eq!(found(resize(-1, 2, 4), |stage| stage.rows = 5), overlap);
}

#[test]
fn rows_that_move_in_another_way_are_in_no_stage() {
    let refused = Some("a layer of a stage cannot be executed in stripes");
    // Each block begins before the one before it ends.
    assert_eq!(found(upsample(1), |_| ()), refused);
    // The last rows lie beyond the last one of the input, or all lie at one place.
    assert_eq!(found(resize(4, 2, 4), |_| ()), refused);
    assert_eq!(found(resize(0, 0, 4), |_| ()), refused);
    // No stage has parts of a row as small as that.
    assert_eq!(found(resize(0, 40_000, 80_001), |_| ()), refused);
}

/// A row of the next window is another row of it, with other constants.
#[test]
fn windows_share_no_row_with_constants() {
    let [input, output] = [0, 24].map(|at| tensor(6, 1, 4, at));
    let table = Constants {
        input,
        output,
        weights: 0,
        weight_bits: Bits::B8,
        weight_zero_point: 0,
        operation: Operation::Sum,
        multiplier: 1,
        multiplier_constant: 1,
        shift: 1,
    };
    let stage = Stage { first: 0, layers: 1, rows: 1, state: 0, backwards: false, fed: true, hop: 2 };
    let reason = "each row of a window has constants of its own: windows do not share it";
    assert_eq!(stage.lines(&[Layer::Constants(table)]).err(), Some(reason));
    assert!(Stage { hop: 0, ..stage }.lines(&[Layer::Constants(table)]).is_ok());
}
