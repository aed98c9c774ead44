//! Sparse weights, products and chosen indices, against weights that are written here with their zeros.

use super::*;

const FULLY_CONNECTED: i32 = 9;
const GATHER: i32 = 36;
const SQUARE: i32 = 92;
const BATCH_MATMUL: i32 = 126;
const DENSIFY: i32 = 124;

/// A dimension with all its indices.
fn dense(size: i32) -> Value {
    Value::Table(vec![(0, Value::Byte(0)), (1, Value::Int(size))])
}

/// A dimension with some indices: `kind` is that of the lists, 1 for 32 bits and 3 for 8.
fn some(kind: u8, segments: &[i32], indices: &[i32]) -> Value {
    let list = |values: &[i32]| match kind {
        1 => Value::Table(vec![(0, Value::Ints(values.to_vec()))]),
        _ => Value::Table(vec![(0, Value::Bytes(values.iter().map(|value| *value as u8).collect()))]),
    };
    Value::Table(vec![
        (0, Value::Byte(1)),
        (2, Value::Byte(kind)),
        (3, list(segments)),
        (4, Value::Byte(kind)),
        (5, list(indices)),
    ])
}

/// The product of `x` with a matrix `[rows, columns]`.
fn product(x: &[f32], matrix: &[f32]) -> Vec<f32> {
    matrix.chunks(x.len()).map(|row| row.iter().zip(x).map(|(a, b)| a * b).sum()).collect()
}

#[test]
fn rows_of_some_columns() {
    let x = numbers(4, 1);
    #[rustfmt::skip]
    let matrix = [
        0.0, 1.5, 0.0, -2.0,
        0.0, 0.0, 0.0, 0.0,
        3.0, 0.0, 0.5, 0.0,
    ];
    for (kind, densifies) in [(1, false), (3, false), (1, true)] {
        let mut network = Network::new(&[1, 4]);
        let dimensions = vec![dense(3), some(kind, &[0, 2, 2, 4], &[1, 3, 0, 2])];
        let sparsity = [(0, Value::Ints(vec![0, 1])), (2, Value::Tables(dimensions))];
        let mut weight = network.sparse(&[3, 4], &[1.5, -2.0, 3.0, 0.5], &sparsity);
        if densifies {
            weight = network.operator(DENSIFY, &[weight], &[3, 4], &[]);
        }
        let y = network.operator(FULLY_CONNECTED, &[0, weight], &[1, 3], &[]);
        assert_near(&run(network, y, &x), &product(&x, &matrix), 1e-6);
    }
}

#[test]
fn blocks_of_two_columns() {
    let x = numbers(4, 2);
    #[rustfmt::skip]
    let matrix = [
        0.0, 0.0, 1.0, 2.0,
        3.0, 4.0, 0.0, 0.0,
    ];
    let mut network = Network::new(&[1, 4]);
    let dimensions = vec![dense(2), some(1, &[0, 1, 2], &[1, 0]), dense(2)];
    let sparsity =
        [(0, Value::Ints(vec![0, 1, 2])), (1, Value::Ints(vec![1])), (2, Value::Tables(dimensions))];
    let weight = network.sparse(&[2, 4], &[1.0, 2.0, 3.0, 4.0], &sparsity);
    let y = network.operator(FULLY_CONNECTED, &[0, weight], &[1, 2], &[]);
    assert_near(&run(network, y, &x), &product(&x, &matrix), 1e-6);
}

#[test]
fn indices_outside_of_a_tensor_are_refused() {
    let huge = i32::MAX;
    for dimensions in [
        vec![dense(2), some(1, &[0, 1, 2], &[1, 4])],
        vec![dense(2), some(1, &[0, 1], &[1, 0])],
        vec![dense(2), some(1, &[0, huge, 2], &[1, 0])],
        vec![dense(2), some(1, &[0, 1, 2], &[huge, -1])],
        vec![dense(huge), dense(huge)],
        vec![dense(2)],
    ] {
        let mut network = Network::new(&[1, 4]);
        let order = (0..dimensions.len() as i32).collect();
        let sparsity = [(0, Value::Ints(order)), (2, Value::Tables(dimensions))];
        let weight = network.sparse(&[2, 4], &[1.0, 2.0], &sparsity);
        let y = network.operator(FULLY_CONNECTED, &[0, weight], &[1, 2], &[]);
        let error = read(network, &[y]).unwrap_err().to_string();
        assert!(error.contains("is sparse"), "{error}");
    }
}

#[test]
fn squares_and_products_with_matrices() {
    let x = numbers(4, 3);
    let matrix = numbers(12, 4);
    // Rows as columns, or not; and a batch of one list of indices.
    for turned in [false, true] {
        let mut network = Network::new(&[1, 4]);
        let own: Vec<f32> =
            if turned { matrix.clone() } else { (0..12).map(|at| matrix[at % 3 * 4 + at / 3]).collect() };
        let weight = network.floats(if turned { &[1, 3, 4] } else { &[1, 4, 3] }, &own);
        let options = [(1, Value::Byte(u8::from(turned)))];
        let y = network.operator(BATCH_MATMUL, &[0, weight], &[1, 3], &options);
        let squared = network.operator(SQUARE, &[y], &[1, 3], &[]);
        let chosen = network.ints(&[1, 2], &[2, 0]);
        let options = [(0, Value::Int(1)), (1, Value::Int(1))];
        let some = network.operator(GATHER, &[squared, chosen], &[1, 2], &options);
        let last = network.floats(&[2, 2], &[1.0, 0.0, 0.0, 1.0]);
        let out = network.operator(FULLY_CONNECTED, &[some, last], &[1, 2], &[]);
        let expected: Vec<f32> = product(&x, &matrix).into_iter().map(|value| value * value).collect();
        assert_near(&run(network, out, &x), &[expected[2], expected[0]], 1e-5);
    }
}
