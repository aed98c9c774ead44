//! Where convolutions work for Cortex-M4: nothing that is needed lies there.

use mixq_format::target::armv7em::{LEAST_SCRATCH, Phase, Place, Plan, Proof, Windows, plan};
use mixq_format::{Add, Bits, Conv, Layer, Requant, Rule, Tensor, Window};

/// Output pixels of a group.
const GROUP: usize = 4;

const REQUANT: Requant = Requant {
    bias: 0,
    multiplier: 0,
    shift: 0,
    weight_zero_point: 0,
    rule: Rule::Multiplier,
    multiplier_step: 1,
    zero_point_step: 1,
    fraction: Requant::FRACTION,
};

fn tensor([height, width, channels]: [u16; 3], bits: Bits, offset: u32) -> Tensor {
    Tensor { height, width, channels, bits, zero_point: 0, offset }
}

/// A convolution with half of the window as padding before, and as much behind as there is.
fn conv(size: [u16; 3], kernel: [u16; 2], stride: [u16; 2], filters: u16, bits: Bits) -> Conv {
    let pad = kernel.map(|kernel| kernel / 2);
    let outputs = |axis: usize| (size[axis] + 2 * pad[axis] - kernel[axis]) / stride[axis] + 1;
    let window = Window {
        kernel_height: kernel[0],
        kernel_width: kernel[1],
        stride_height: stride[0],
        stride_width: stride[1],
        pad_top: pad[0],
        pad_left: pad[1],
    };
    let output = tensor([outputs(0), outputs(1), filters], bits, 1 << 20);
    Conv { input: tensor(size, bits, 0), output, window, weights: 0, weight_bits: Bits::B8, requant: REQUANT }
}

/// The first and the last input pixel that an output pixel sees, tap by tap.
fn sees(conv: &Conv, pixel: usize) -> Option<[usize; 2]> {
    let Conv { input, output, window, .. } = conv;
    let (y, x) = (pixel / usize::from(output.width), pixel % usize::from(output.width));
    let taps = (0..window.kernel_height).flat_map(|row| (0..window.kernel_width).map(move |tap| (row, tap)));
    let seen = taps.filter_map(|(row, tap)| {
        let row = y as i64 * i64::from(window.stride_height) + i64::from(row) - i64::from(window.pad_top);
        let column = x as i64 * i64::from(window.stride_width) + i64::from(tap) - i64::from(window.pad_left);
        let inside =
            (0..i64::from(input.height)).contains(&row) && (0..i64::from(input.width)).contains(&column);
        inside.then(|| row as usize * usize::from(input.width) + column as usize)
    });
    let all: Vec<usize> = seen.collect();
    Some([*all.iter().min()?, *all.iter().max()?])
}

/// What is known of a layer beside its table.
#[derive(Clone, Copy)]
struct How {
    given: usize,
    spent: bool,
    sums: bool,
    /// Bytes between input and output, if nothing else lies there.
    between: Option<u32>,
}

/// Goes through all phases of a convolution; how many of them work in the output, in the input, and in what
/// both and the scratch are together.
fn check(conv: &Conv, how: How) -> [usize; 3] {
    let How { given, spent, sums, between } = how;
    let (joined, scratch_bytes) = (between.is_some(), between.unwrap_or(0));
    let proof = Proof { chunk: 1280, interval: 1280 };
    let plan = Plan { scratch: 0, scratch_bytes, spent, joined, proof };
    let (pixels, size) = (conv.output.pixels(), conv.output.pixel_bytes());
    // The input pixels that each output pixel sees: the first one and the last one.
    let seen: Vec<[usize; 2]> = (0..pixels).filter_map(|pixel| sees(conv, pixel)).collect();
    assert_eq!(seen.len(), pixels);
    let (mut left, mut found, mut done) = (0..pixels, [0; 3], vec![false; pixels]);
    while !left.is_empty() {
        let phase = Phase::of(conv, Windows::of(conv), &plan, given, sums, left.clone());
        let computed = phase.pixels.clone();
        assert!(
            !computed.is_empty() && left.start <= computed.start && computed.end <= left.end,
            "{phase:?}"
        );
        // The last group may begin earlier, so that it has as many pixels as others.
        let begin = if pixels < GROUP { computed.start } else { computed.start.min(pixels - GROUP) };
        let backwards = computed.start != left.start || joined && conv.input.offset < conv.output.offset;
        let sees = if backwards { &seen[..computed.end] } else { &seen[begin..] };
        let first = sees.iter().map(|[first, _]| *first).min().unwrap_or(0);
        let last = sees.iter().map(|[_, last]| *last).max().unwrap_or(0);
        assert!(
            phase.input.start <= first && last < phase.input.end,
            "{phase:?}, {first}..={last}: {conv:?}"
        );
        assert!(phase.apart_bytes == 0 || phase.apart != phase.place, "{phase:?}");
        assert!(phase.bytes >= LEAST_SCRATCH);
        let input_bytes = conv.input.pixel_bytes();
        for (place, bytes) in [(phase.place, phase.bytes), (phase.apart, phase.apart_bytes)] {
            assert!(bytes.is_multiple_of(4));
            // Up to three bytes lie before the first word.
            let room = match place {
                _ if bytes == 0 => continue,
                Place::Given => given,
                Place::Output => (pixels - computed.end) * size - 3,
                Place::Input => phase.input.start * input_bytes - 3,
                Place::Joined if backwards => {
                    let from =
                        (conv.input.offset as usize + phase.input.end * input_bytes).next_multiple_of(4);
                    ((conv.output.offset as usize + begin * size) & !3) - from
                }
                Place::Joined => {
                    let from = (conv.output.offset as usize + computed.end * size).next_multiple_of(4);
                    ((conv.input.offset as usize + phase.input.start * input_bytes) & !3) - from
                }
            };
            assert!(bytes <= room, "{phase:?} of {left:?}: {room} B are free: {conv:?}");
            let in_input = phase.input.len() < conv.input.pixels();
            assert!(spent || place != Place::Input && !in_input, "{phase:?}");
        }
        found[0] += usize::from(phase.place == Place::Output);
        found[1] += usize::from(phase.place == Place::Input);
        found[2] += usize::from(phase.place == Place::Joined);
        done[computed].fill(true);
        left = phase.rest(left);
    }
    assert!(done.iter().all(|done| *done), "all pixels are computed: {conv:?}");
    found
}

/// Convolutions of many shapes, each with some memory on the stack or in the arena.
fn shapes() -> Vec<(Conv, usize, bool)> {
    let mut all = Vec::new();
    let shapes = [[9, 11, 16], [1, 60, 24], [6, 6, 64], [2, 3, 8], [1, 2, 32], [20, 5, 10], [7, 9, 3]];
    for (number, size) in shapes.into_iter().enumerate() {
        for kernel in [[1, 1], [1, 5], [3, 3], [5, 2]] {
            if kernel[0] > size[0] || kernel[1] > size[1] {
                continue;
            }
            for stride in [[1, 1], [1, 2], [2, 1], [2, 2], [3, 3]] {
                for (filters, bits) in [(8, Bits::B8), (40, Bits::B4), (6, Bits::B2), (64, Bits::B8)] {
                    let conv = conv(size, kernel, stride, filters, bits);
                    let given = [LEAST_SCRATCH, 400, 1 << 14];
                    all.extend(given.map(|given| (conv, given, number % 2 == 1)));
                }
            }
        }
    }
    all
}

#[test]
fn no_phase_works_where_something_is_needed() {
    let (mut in_output, mut in_input) = (0, 0);
    for (conv, given, sums) in shapes() {
        for spent in [false, true] {
            let [output, input, joined] = check(&conv, How { given, spent, sums, between: None });
            (in_output, in_input) = (in_output + output, in_input + input);
            assert!(given < 1 << 14 || output + input == 0, "there is enough scratch");
            assert_eq!(joined, 0);
        }
    }
    assert!(in_output > 500 && in_input > 500, "{in_output} and {in_input}: both kinds are tried");
}

#[test]
fn no_phase_works_where_something_is_needed_between_input_and_output() {
    let (mut from_the_first, mut from_the_last) = (0, 0);
    for (mut conv, _, sums) in shapes() {
        for between in [0, 4, 300] {
            let end =
                |tensor: &Tensor| (tensor.range().end.next_multiple_of(4) - tensor.range().start) as u32;
            for spent in [false, true] {
                let how = How { given: LEAST_SCRATCH, spent, sums, between: Some(between) };
                (conv.input.offset, conv.output.offset) = (64, 64 + end(&conv.input) + between);
                from_the_last += check(&conv, how)[2];
                (conv.output.offset, conv.input.offset) = (64, 64 + end(&conv.output) + between);
                from_the_first += check(&conv, how)[2];
            }
        }
    }
    assert!(from_the_first > 500 && from_the_last > 500, "{from_the_first} and {from_the_last}");
}

#[test]
fn an_input_that_is_read_again_is_not_spent() {
    let at = |offset| tensor([4, 4, 8], Bits::B8, offset);
    let layer =
        |input, output| Layer::Conv(Conv { input, output, ..conv([4, 4, 8], [1, 1], [1, 1], 8, Bits::B8) });
    let (image, a, b) = (at(0), at(128), at(256));
    let sum = |a, b| Layer::Add(Add { a, b, output: at(0), multiplier_a: 1, multiplier_b: 1, shift: 1 });
    // The addition reads what the second convolution reads.
    let layers = [layer(image, a), layer(a, b), sum(a, b)];
    let spent = |layers: &[Layer], index| plan(layers, index, &[0; 256], 384).map(|plan| plan.spent);
    assert_eq!(spent(&layers, 0), Some(true));
    assert_eq!(spent(&layers, 1), Some(false));
    // It reads the image's place, but another tensor there.
    let layers = [layer(image, a), layer(a, at(0)), sum(at(0), at(0))];
    assert_eq!(spent(&layers, 0), Some(true));
    assert_eq!(spent(&layers, 1), Some(true));
    // A tensor that begins elsewhere reaches into the input.
    let layers = [layer(image, a), layer(a, b), sum(at(192), b)];
    assert_eq!(spent(&layers, 1), Some(false));
}
