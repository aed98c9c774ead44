//! Rules of products and PReLUs, each broken in turn.

use mixq_format::{Bits, Multiply, Operands, Prelu, Tensor};

fn tensor(size: [u16; 3], offset: u32) -> Tensor {
    let [height, width, channels] = size;
    Tensor { height, width, channels, bits: Bits::B8, zero_point: 7, offset }
}

/// What is found of a product of 2x3x4 codes and one pixel, in place, after a change.
#[track_caller]
fn product(change: impl FnOnce(&mut Multiply)) -> Result<(), &'static str> {
    let a = tensor([2, 3, 4], 0);
    let mut table = Multiply { a, b: tensor([1, 1, 4], 24), output: a, multiplier: 100, shift: 8 };
    change(&mut table);
    Operands::check(&table, &[], &mut [0; 64]).map(|_| ())
}

#[test]
fn shapes_and_places_of_a_product() {
    assert_eq!(product(|_| ()), Ok(()));
    assert_eq!(product(|table| table.b = tensor([2, 3, 4], 24)), Ok(()));
    let shapes = Err("the shapes of a product do not fit");
    for size in [[1, 1, 3], [1, 3, 4], [2, 1, 4], [2, 3, 1]] {
        assert_eq!(product(|table| table.b = tensor(size, 24)), shapes, "{size:?}");
    }
    assert_eq!(product(|table| table.output = tensor([3, 2, 4], 32)), shapes);
    // The pixel is read again after the first product is written.
    let overlaps = Err("the output overlaps an input");
    assert_eq!(product(|table| table.output.offset = 24), overlaps);
    assert_eq!(product(|table| table.output.offset = 4), overlaps);
    let in_place_of_second = product(|table| {
        table.b = tensor([2, 3, 4], 24);
        table.output.offset = 24;
    });
    assert_eq!(in_place_of_second, Ok(()));
    let logits = Tensor { bits: Bits::B32, zero_point: 0, ..tensor([1, 1, 4], 32) };
    let found = product(|table| (table.a, table.output) = (tensor([1, 1, 4], 0), logits));
    assert_eq!(found, Err("a multiplication writes logits"));
}

#[test]
fn no_product_leaves_32_bits() {
    for multiplier in [(1 << 15) - 1, 1 - (1 << 15), 0] {
        assert_eq!(product(|table| table.multiplier = multiplier), Ok(()));
        // With half a unit of the largest shift.
        let largest = i64::from(multiplier) * 255 * 255;
        assert!(largest.abs() + (1 << 22) <= i64::from(i32::MAX));
    }
    let range = Err("the multiplier or the shift of a multiplication is out of range");
    for multiplier in [1 << 15, -(1 << 15), i32::MIN, i32::MAX] {
        assert_eq!(product(|table| table.multiplier = multiplier), range);
    }
    for shift in [0, 5, 24, 31, u32::MAX] {
        assert_eq!(product(|table| table.shift = shift), range);
    }
}

/// What is found of a PReLU of two channels with these parameters, after a change.
fn prelu(parameters: &[u8], change: impl FnOnce(&mut Prelu)) -> Result<(), &'static str> {
    let input = tensor([2, 2, 2], 0);
    let mut table = Prelu { input, output: input, slopes: 1, multiplier: 9, shift: 4 };
    change(&mut table);
    Operands::check(&table, parameters, &mut [0; 64]).map(|_| ())
}

#[test]
fn slopes_lie_in_the_parameters() {
    assert_eq!(prelu(&[0; 9], |_| ()), Ok(()));
    let beyond = Err("the slopes of a PReLU reach beyond the parameters");
    assert_eq!(prelu(&[0; 8], |_| ()), beyond);
    assert_eq!(prelu(&[0; 9], |table| table.slopes = u32::MAX), beyond);
    assert_eq!(prelu(&[0; 9], |table| table.output = tensor([2, 1, 4], 8)), Err("a PReLU changes the shape"));
    let range = Err("the multiplier or the shift of a PReLU is out of range");
    assert_eq!(prelu(&[0; 9], |table| table.multiplier = Prelu::LIMIT), range);
    assert_eq!(prelu(&[0; 9], |table| table.shift = 0), range);
    assert_eq!(prelu(&[0; 9], |table| table.shift = 32), range);
}
