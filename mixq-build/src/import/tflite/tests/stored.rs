//! How numbers are stored: in two bytes each, or as integers of 16 bits.

use half::{bf16, f16};

use super::*;
use crate::import::foreign::read_as;
use crate::import::lower::Reading;

const FLOAT16: u8 = 1;
const TEXT: u8 = 5;
const INT64: u8 = 4;
const INT16: u8 = 7;
const BFLOAT16: u8 = 18;

const STEPS: [(usize, Value); 3] = [SAME, (1, Value::Int(1)), (2, Value::Int(1))];

#[test]
fn weights_of_two_bytes_are_floats() {
    let (x, w) = (numbers(25 * 2, 5), numbers(54, 6));
    type Rounds = fn(f32) -> ([u8; 2], f32);
    let kinds: [(u8, Rounds); 2] = [
        (FLOAT16, |value| (f16::from_f32(value).to_le_bytes(), f16::from_f32(value).to_f32())),
        (BFLOAT16, |value| (bf16::from_f32(value).to_le_bytes(), bf16::from_f32(value).to_f32())),
    ];
    for (kind, rounds) in kinds {
        let (bytes, real): (Vec<[u8; 2]>, Vec<f32>) = w.iter().map(|value| rounds(*value)).unzip();
        assert!(real != w, "they are rounded");
        let mut network = Network::new(&[1, 5, 5, 2]);
        let stored = network.tensor(kind, &[3, 3, 3, 2], &bytes.concat(), None);
        let weight = network.operator(DEQUANTIZE, &[stored], &[3, 3, 3, 2], &[]);
        let output = network.operator(CONV_2D, &[0, weight], &[1, 5, 5, 3], &STEPS);
        assert_near(&run(network, output, &x), &convolved(&x, [5, 2], &real, 3, 1), 1e-5);
    }
}

#[test]
fn elements_that_are_not_read_are_named() {
    let mut network = Network::new(&[1, 5, 5, 2]);
    let weight = network.tensor(TEXT, &[3, 3, 3, 2], &[0; 54], None);
    let output = network.operator(CONV_2D, &[0, weight], &[1, 5, 5, 3], &STEPS);
    let said = format!("{:?}", read(network, &[output]).map(drop).unwrap_err());
    assert!(said.contains("has elements of type 5"), "{said}");
}

/// Activations of 16 bits, weights of 8, biases of 64.
fn int16x8() -> (Vec<u8>, Vec<f32>, [f32; 3]) {
    let integers: Vec<i8> = numbers(54, 4).iter().map(|it| (it * 127.0) as i8).collect();
    let scales = [0.01, 0.02, 0.005];
    let real: Vec<f32> =
        integers.iter().enumerate().map(|(at, it)| f32::from(*it) * scales[at / 18]).collect();
    let step = 1.0 / 32768.0;
    let biases = [70_000i64, -5_000_000_000, 12];
    let bias_scales = scales.map(|scale| scale * step);
    let mut network = Network::new(&[1, 5, 5, 2]);
    let image = network.tensor(INT16, &[1, 5, 5, 2], &[], Some((&[step], &[0], 0)));
    network.writes(QUANTIZE, &[0], &[image], &[]);
    let bytes: Vec<u8> = integers.iter().map(|it| *it as u8).collect();
    let weight = network.tensor(INT8, &[3, 3, 3, 2], &bytes, Some((&scales, &[0; 3], 0)));
    let bytes: Vec<u8> = biases.iter().flat_map(|it| it.to_le_bytes()).collect();
    let bias = network.tensor(INT64, &[3], &bytes, Some((&bias_scales, &[0; 3], 0)));
    let output = network.tensor(INT16, &[1, 5, 5, 3], &[], Some((&[0.001], &[0], 0)));
    network.writes(CONV_2D, &[image, weight, bias], &[output], &STEPS);
    let real_biases = [0, 1, 2].map(|at| (biases[at] as f64 * f64::from(bias_scales[at])) as f32);
    (network.bytes(&[output]), real, real_biases)
}

#[test]
fn activations_of_16_bits_become_floats() {
    let (file, weights, biases) = int16x8();
    let foreign = foreign::parse(Path::new("model.tflite"), &file).unwrap_or_else(|_| panic!("it is read"));
    let x = numbers(25 * 2, 3);
    let mut expected = convolved(&x, [5, 2], &weights, 3, 1);
    for (at, value) in expected.iter_mut().enumerate() {
        *value += biases[at % 3];
    }
    let found = foreign.execute(&x).unwrap().remove(0).0.to_floats();
    assert_near(&found, &expected, 1e-4);
}

/// On the device codes have at most 8 bits.
#[test]
fn activations_of_16_bits_are_not_taken_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.tflite");
    std::fs::write(&path, int16x8().0).unwrap();
    let Err(refused) = read_as(&path, Reading::AS_IT_IS) else { panic!("it was taken") };
    let refused = format!("{:?}", Error::from(refused));
    assert!(refused.contains("integers from -32768 to 32767"), "{refused}");
    assert!(refused.contains("leave `bits` out"), "{refused}");
}
