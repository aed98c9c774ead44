//! What `validate` refuses: each rule by a network that keeps all others.

#[path = "validate/inputs.rs"]
mod inputs;
#[path = "validate/outputs.rs"]
mod outputs;
#[path = "validate/stages.rs"]
mod stages;

use mixq_format::{
    Add, Bits, Conv, Depthwise, Elementwise, Layer, Linear, Network, Pool, Requant, Rule, Tensor, Window,
};

fn tensor(height: u16, width: u16, channels: u16, offset: u32) -> Tensor {
    Tensor { height, width, channels, bits: Bits::B8, zero_point: 0, offset }
}

fn window(kernel: u16, stride: u16) -> Window {
    Window {
        kernel_height: kernel,
        kernel_width: kernel,
        stride_height: stride,
        stride_width: stride,
        pad_top: 0,
        pad_left: 0,
    }
}

/// Tables for one channel from this offset on: bias, multiplier, shift, zero point.
fn requant(offset: u32) -> Requant {
    Requant {
        bias: offset,
        multiplier: offset + 4,
        shift: offset + 8,
        weight_zero_point: offset + 9,
        rule: Rule::Multiplier,
        multiplier_step: 0,
        zero_point_step: 0,
        fraction: 0,
    }
}

/// A convolution, a depthwise layer, an addition of both, an average pool, logits; one channel, all weights
/// at offset 0, all tables at 64.
struct Case {
    layers: Vec<Layer>,
    parameters: Vec<u8>,
    input: Tensor,
    output: Tensor,
    arena_bytes: u32,
}

impl Case {
    fn new() -> Case {
        let input = tensor(4, 4, 1, 0);
        let [a, b, sum, pooled] =
            [tensor(4, 4, 1, 16), tensor(4, 4, 1, 32), tensor(4, 4, 1, 48), tensor(1, 1, 1, 64)];
        let output = Tensor { bits: Bits::B32, ..tensor(1, 1, 1, 68) };
        let (weight_bits, requant) = (Bits::B4, requant(64));
        let one = window(1, 1);
        let layers = vec![
            Layer::Conv(Conv { input, output: a, window: one, weights: 0, weight_bits, requant }),
            Layer::Depthwise(Depthwise {
                input: a,
                output: b,
                window: one,
                weights: 0,
                weight_bits,
                requant,
            }),
            Layer::Add(Add { a, b, output: sum, multiplier_a: 1, multiplier_b: 1, shift: 1 }),
            Layer::AveragePool(Pool { input: sum, output: pooled, window: window(4, 4) }),
            Layer::Linear(Linear { input: pooled, output, weights: 0, weight_bits, requant }),
        ];
        Case { layers, parameters: vec![0; 128], input, output, arena_bytes: 72 }
    }

    /// What is found after a change: `None`, or the layer with the reason.
    #[track_caller]
    fn found(change: impl FnOnce(&mut Case)) -> Option<(Option<usize>, &'static str)> {
        let mut case = Case::new();
        change(&mut case);
        let Case { layers, parameters, input, output, arena_bytes } = &case;
        let network = Network {
            layers,
            stages: &[],
            parameters,
            input: *input,
            others: &[],
            output: *output,
            arena_bytes: *arena_bytes,
        };
        network.validate().err().map(|invalid| (invalid.layer, invalid.reason))
    }
}

fn conv(case: &mut Case) -> &mut Conv {
    let Layer::Conv(conv) = &mut case.layers[0] else { unreachable!() };
    conv
}

fn pool(case: &mut Case) -> &mut Pool {
    let Layer::AveragePool(pool) = &mut case.layers[3] else { unreachable!() };
    pool
}

#[test]
fn a_network_that_keeps_all_rules_is_valid() {
    assert_eq!(Case::found(|_| ()), None);
}

#[test]
fn zero_points_of_weights_have_the_width_of_weights() {
    let reason = "a weight's zero point has more bits than the weights";
    // -8 to 7 at 4 bits.
    for (zero_point, fits) in [(7i8, true), (-8, true), (8, false), (-9, false), (127, false), (-128, false)]
    {
        let found = Case::found(|case| case.parameters[64 + 9] = zero_point as u8);
        assert_eq!(found, (!fits).then_some((Some(0), reason)), "{zero_point}");
    }
    // Of each kind of layer, and of each channel.
    for index in [0, 1, 4] {
        let found = Case::found(|case| {
            case.parameters[100 + 9] = 2;
            let (bits, tables) = (Bits::B2, requant(100));
            match &mut case.layers[index] {
                Layer::Conv(layer) => (layer.weight_bits, layer.requant) = (bits, tables),
                Layer::Depthwise(layer) => (layer.weight_bits, layer.requant) = (bits, tables),
                Layer::Linear(layer) => (layer.weight_bits, layer.requant) = (bits, tables),
                other => panic!("{other:?} has no weights"),
            }
        });
        assert_eq!(found, Some((Some(index), reason)));
    }
    let second = |value: u8| {
        Case::found(|case| {
            let logits = Tensor { channels: 2, ..case.output };
            let Layer::Linear(linear) = &mut case.layers[4] else { unreachable!() };
            (linear.output, linear.requant.zero_point_step) = (logits, 1);
            (case.output, case.arena_bytes) = (logits, 76);
            case.parameters[64 + 9 + 1] = value;
        })
    };
    assert_eq!((second(7), second(8)), (None, Some((Some(4), reason))));
}

/// `2 sum + n` of 255s is `511 n`: below 2^32 up to 2^23 pixels, and no longer at 2^24.
#[test]
fn average_pools_sum_what_32_bits_hold() {
    let of = |height: u16, width: u16, kernel: [u16; 2]| {
        Case::found(|case| {
            let elements = u32::from(height) * u32::from(width);
            let input = tensor(height, width, 1, 0);
            let a = tensor(height, width, 1, elements);
            conv(case).input = input;
            conv(case).output = a;
            let [pooled, output] = [
                tensor(1, 1, 1, 2 * elements),
                Tensor { bits: Bits::B32, ..tensor(1, 1, 1, 2 * elements + 4) },
            ];
            let window = Window {
                kernel_height: kernel[0],
                kernel_width: kernel[1],
                stride_height: u16::MAX,
                stride_width: u16::MAX,
                ..window(1, 1)
            };
            *pool(case) = Pool { input: a, output: pooled, window };
            let Layer::Linear(linear) = &mut case.layers[4] else { unreachable!() };
            (linear.input, linear.output) = (pooled, output);
            case.layers.drain(1..3);
            (case.input, case.output, case.arena_bytes) = (input, output, 2 * elements + 8);
        })
    };
    let reason = Some((Some(1), "a pool has 2^23 pixels or more"));
    assert_eq!(of(4096, 4096, [4096, 4096]), reason);
    assert_eq!(of(4096, 2048, [4096, 2048]), reason);
    assert_eq!(of(4096, 2048, [4095, 2048]), None);
    // A window larger than its input sees the input alone.
    assert_eq!(of(64, 64, [u16::MAX, u16::MAX]), None);
}

#[test]
fn windows_sum_their_codes_in_32_bits() {
    // 255 * 4096 * 2056 and 255 * 4096 * 2057: the last is over 2^31.
    let of = |width: u16| {
        Case::found(|case| {
            let input = tensor(4096, width, 1, 0);
            let (elements, output) = (4096 * u32::from(width), case.output);
            let logits = Tensor { offset: elements, ..output };
            // Rows of one weight take a byte.
            let requant = requant(elements);
            let linear = Linear { input, output: logits, weights: 0, weight_bits: Bits::B4, requant };
            case.parameters = vec![0; elements as usize + 16];
            case.layers = vec![Layer::Linear(linear)];
            (case.input, case.output, case.arena_bytes) = (input, logits, elements + 4);
        })
    };
    assert_eq!(of(2056), None);
    assert_eq!(of(2057), Some((Some(0), "the sum of a window's codes may exceed 32 bits")));
}

#[test]
fn thresholds_ascend() {
    let of = |rule: Rule, thresholds: [i32; 3]| {
        Case::found(|case| {
            let narrow = |tensor: Tensor| Tensor { bits: Bits::B2, ..tensor };
            let table = 100;
            let bytes: Vec<u8> = match rule {
                Rule::Thresholds16 => thresholds.iter().flat_map(|t| (*t as i16).to_le_bytes()).collect(),
                _ => thresholds.iter().flat_map(|t| t.to_le_bytes()).collect(),
            };
            case.parameters[table..][..bytes.len()].copy_from_slice(&bytes);
            let a = narrow(conv(case).output);
            conv(case).output = a;
            conv(case).requant = Requant { rule, multiplier: table as u32, ..requant(64) };
            let Layer::Depthwise(depthwise) = &mut case.layers[1] else { unreachable!() };
            depthwise.input = a;
            let Layer::Add(add) = &mut case.layers[2] else { unreachable!() };
            add.a = a;
        })
    };
    for rule in [Rule::Thresholds16, Rule::Thresholds32] {
        assert_eq!(of(rule, [-300, -300, 5]), None);
        assert_eq!(of(rule, [-300, 6, 5]), Some((Some(0), "the thresholds of a channel do not ascend")));
    }
}

#[test]
fn what_is_read_has_not_been_written_over() {
    // The addition reads what the first layer wrote, but a layer between has written there.
    let found = Case::found(|case| {
        let between = Layer::Conv(Conv {
            input: tensor(4, 4, 1, 32),
            output: tensor(2, 2, 1, 16),
            window: window(1, 2),
            ..*conv(case)
        });
        case.layers.insert(2, between);
    });
    assert_eq!(found, Some((Some(3), "an input has been written over by a layer between")));
    // The image is there until something is written over it.
    let found = Case::found(|case| {
        let Layer::Add(add) = &mut case.layers[2] else { unreachable!() };
        add.a = tensor(4, 4, 1, 0);
    });
    assert_eq!(found, None);
    let found = Case::found(|case| {
        let over = tensor(4, 4, 1, 0);
        let Layer::Depthwise(depthwise) = &mut case.layers[1] else { unreachable!() };
        depthwise.output = Tensor { zero_point: 1, ..over };
        let Layer::Add(add) = &mut case.layers[2] else { unreachable!() };
        (add.a, add.b) = (over, Tensor { zero_point: 1, ..over });
    });
    assert_eq!(found, Some((Some(2), "an input has been written over by a layer between")));
}

#[test]
fn tensors_begin_at_words_and_logits_have_no_zero_point() {
    let found = Case::found(|case| {
        let a = tensor(4, 4, 1, 18);
        conv(case).output = a;
    });
    assert_eq!(found, Some((Some(0), "a tensor does not begin at a word of the arena")));
    let found = Case::found(|case| {
        let Layer::Linear(linear) = &mut case.layers[4] else { unreachable!() };
        linear.output.zero_point = 1;
        case.output.zero_point = 1;
    });
    assert_eq!(found, Some((Some(4), "a zero point is not a code of its tensor")));
}

/// 65,535 times 65,535 times 65,535 is more than 32 bits hold: no count may wrap, on any target.
#[test]
fn sizes_whose_products_exceed_32_bits_are_refused() {
    let most = u16::MAX;
    let found = Case::found(|case| {
        case.input = tensor(most, most, most, 0);
        conv(case).input = case.input;
    });
    assert_eq!(found, Some((None, "an input does not fit the arena")));
    let found = Case::found(|case| {
        conv(case).window = Window { kernel_height: most, kernel_width: most, ..window(1, 1) };
    });
    assert_eq!(found, Some((Some(0), "the sum of a window's codes may exceed 32 bits")));
    let found = Case::found(|case| {
        let Layer::Depthwise(depthwise) = &mut case.layers[1] else { unreachable!() };
        depthwise.window = Window { kernel_height: most, kernel_width: most, ..window(1, 1) };
    });
    assert_eq!(found, Some((Some(1), "weights reach beyond the parameters")));
    let found = Case::found(|case| {
        let Layer::Linear(linear) = &mut case.layers[4] else { unreachable!() };
        (linear.weight_bits, linear.requant.zero_point_step) = (Bits::B32, 1);
    });
    assert_eq!(found, Some((Some(4), "weights have 8, 4 or 2 bits")));
}

/// The case with an elementwise layer after the addition, in its place, with a table at offset 80.
fn with_elementwise(
    change: impl FnOnce(&mut Case, &mut Elementwise),
) -> Option<(Option<usize>, &'static str)> {
    Case::found(|case| {
        case.parameters.resize(80 + 256, 9);
        let (sum, after) = (tensor(4, 4, 1, 48), Tensor { zero_point: 3, ..tensor(4, 4, 1, 48) });
        let mut table = Elementwise { input: sum, output: after, codes: 80 };
        change(case, &mut table);
        (pool(case).input, pool(case).output.zero_point) = (after, 3);
        let pooled = pool(case).output;
        let Layer::Linear(linear) = &mut case.layers[4] else { unreachable!() };
        linear.input = pooled;
        case.layers.insert(3, Layer::Elementwise(table));
    })
}

#[test]
fn tables_of_functions_lie_in_the_parameters_and_hold_codes() {
    assert_eq!(with_elementwise(|_, _| ()), None);
    let found = with_elementwise(|_, table| table.codes = 81);
    assert_eq!(found, Some((Some(3), "the table of an elementwise layer reaches beyond the parameters")));
    let found = with_elementwise(|_, table| table.codes = u32::MAX);
    assert_eq!(found, Some((Some(3), "the table of an elementwise layer reaches beyond the parameters")));
    let narrow = |table: &mut Elementwise| {
        table.output = Tensor { bits: Bits::B4, ..tensor(4, 4, 1, 0) };
    };
    let reason = "an entry of an elementwise layer's table is not a code of its output";
    let found = with_elementwise(|case, table| {
        narrow(table);
        case.parameters[80 + 255] = 16;
    });
    assert_eq!(found, Some((Some(3), reason)));
    let found = with_elementwise(|_, table| narrow(table));
    // Its entries are codes, but the pool reads what nothing writes.
    assert_eq!(found, Some((Some(4), "an input is written by no earlier layer")));
}

#[test]
fn functions_keep_the_shape_and_overlap_their_input_wholly_or_not() {
    let found = with_elementwise(|_, table| table.output = tensor(2, 8, 1, 0));
    assert_eq!(found, Some((Some(3), "an elementwise layer changes the shape")));
    let found = with_elementwise(|_, table| table.output.offset = 52);
    assert_eq!(found, Some((Some(3), "the output overlaps an input")));
    let found = with_elementwise(|_, table| table.output.bits = Bits::B4);
    assert_eq!(found, Some((Some(3), "the output overlaps an input")));
    let found = with_elementwise(|case, table| {
        case.arena_bytes = 200;
        table.output = Tensor { bits: Bits::B32, ..tensor(4, 4, 1, 72) };
    });
    assert_eq!(found, Some((Some(3), "an elementwise layer writes logits")));
}
