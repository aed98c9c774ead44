//! What a network reads when it has several inputs.

use super::*;

/// The network of [`Case`], whose addition reads a second input at byte 72 in place of what the depthwise
/// layer writes; `change` may change that input, too.
fn found(change: impl FnOnce(&mut Case, &mut Tensor)) -> Option<(Option<usize>, &'static str)> {
    let (mut case, mut other) = (Case::new(), tensor(4, 4, 1, 72));
    case.arena_bytes = 88;
    add(&mut case).b = other;
    change(&mut case, &mut other);
    let Case { layers, parameters, input, output, arena_bytes } = &case;
    let network = Network {
        layers,
        stages: &[],
        parameters,
        input: *input,
        others: &[other],
        output: *output,
        arena_bytes: *arena_bytes,
    };
    network.validate().err().map(|invalid| (invalid.layer, invalid.reason))
}

fn add(case: &mut Case) -> &mut Add {
    let Layer::Add(add) = &mut case.layers[2] else { unreachable!() };
    add
}

#[test]
fn a_second_input_may_be_read_by_any_layer() {
    assert_eq!(found(|_, _| ()), None);
    // Without the input, its bytes hold nothing.
    let alone = Case::found(|case| {
        case.arena_bytes = 88;
        add(case).b = tensor(4, 4, 1, 72);
    });
    assert_eq!(alone, Some((Some(2), "an input is written by no earlier layer")));
}

#[test]
fn inputs_have_bytes_of_their_own_until_they_are_read() {
    assert_eq!(found(|_, other| other.bits = Bits::B32), Some((None, "an input is 32 bits wide")));
    assert_eq!(found(|case, _| case.arena_bytes = 84), Some((None, "an input does not fit the arena")));
    for offset in [0, 12] {
        let overlapping = found(|case, other| {
            other.offset = offset;
            add(case).b = *other;
        });
        assert_eq!(overlapping, Some((None, "two inputs overlap")), "{offset}");
    }
    let unread = found(|case, _| add(case).b = tensor(4, 4, 1, 32));
    assert_eq!(unread, Some((None, "an input is read by no layer")));
    // The depthwise layer writes 16 bytes from byte 32 on, before the addition reads.
    let written_over = found(|case, other| {
        other.offset = 44;
        add(case).b = *other;
        add(case).output.offset = 0;
        pool(case).input.offset = 0;
    });
    assert_eq!(written_over, Some((Some(2), "an input has been written over by a layer between")));
}
