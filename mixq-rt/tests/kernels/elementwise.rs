//! Functions of each element, by table.

use mixq_rt::format::{Bits, Elementwise, Layer};
use mixq_rt::run_layer;
use proptest::prelude::*;

use crate::case::{self, Numbers, Parameters};
use crate::reference::Image;

/// A layer of any table beside its input, and in its place if both have the same width.
fn check(numbers: &mut Numbers, [height, width, channels]: [usize; 3], [x, y]: [Bits; 2]) {
    let input = numbers.image(height, width, channels, x);
    let entries = numbers.codes(1 << x.count(), y, false);
    let codes: Vec<i64> = input.codes.iter().map(|code| entries[*code as usize]).collect();
    let output = Image { codes, zero_point: numbers.zero_point(y), ..input };
    let mut parameters = Parameters::default();
    let codes = parameters.put(entries.iter().map(|code| *code as u8), numbers);
    case::check((&input, x), (&output, y), &parameters.0, numbers, |input, output| {
        Layer::Elementwise(Elementwise { input, output, codes })
    });
    if x != y {
        return;
    }
    let [given, expected] = [&input, &output].map(|image| case::tensor_bytes(image, x));
    let (before, after) = (vec![0xa5; 8], vec![0x5a; 5]);
    let mut arena = [&before[..], &given, &after].concat();
    let table = Elementwise { input: case::tensor(&input, x, 8), output: case::tensor(&output, y, 8), codes };
    run_layer(&Layer::Elementwise(table), &parameters.0, &mut arena);
    assert_eq!(arena, [&before[..], &expected, &after].concat(), "in place: {table:?}");
}

proptest! {
    #[test]
    fn anything(size in prop::array::uniform3(1usize..=9), seed: u64) {
        let numbers = &mut Numbers(seed);
        for bits in Bits::QUANTISED.into_iter().flat_map(|x| Bits::QUANTISED.map(|y| [x, y])) {
            check(numbers, size, bits);
        }
    }
}

/// Every code of each width, in a row and in pixels that end inside bytes.
#[test]
fn every_entry_is_read() {
    for (x, y) in Bits::QUANTISED.into_iter().flat_map(|x| Bits::QUANTISED.map(|y| (x, y))) {
        let entries = 1usize << x.count();
        for (height, channels) in [(1, entries), (entries, 1)] {
            let codes: Vec<i64> = (0..entries as i64).collect();
            let input = Image { height, width: 1, channels, zero_point: 0, codes };
            let table: Vec<i64> = (0..entries as i64).map(|code| (7 * code + 3) % (1 << y.count())).collect();
            let output = Image { codes: table.clone(), ..input };
            let parameters: Vec<u8> = table.iter().map(|code| *code as u8).collect();
            let numbers = &mut Numbers(1);
            case::check((&input, x), (&output, y), &parameters, numbers, |input, output| {
                Layer::Elementwise(Elementwise { input, output, codes: 0 })
            });
        }
    }
}
