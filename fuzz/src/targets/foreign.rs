//! Networks of other tools: ONNX and TensorFlow Lite files, read into layers and executed in floats.

use std::path::Path;

use fastrand::Rng;
use mixq_build::engine::error::Error;
use mixq_build::engine::import::{foreign, layers};

use super::messages::{checked, refused};
use crate::mutate::{Engine, bytes, once_in, one};
use crate::{Target, Verdict};

pub(super) const ONNX: Target = Target {
    name: "onnx",
    generate: |rng| case(rng, &ONNX_FILES),
    mutate: |_, case, engine| mutate(case, engine),
    read: |case, _| read(Path::new("net.onnx"), case),
};

pub(super) const TFLITE: Target = Target {
    name: "tflite",
    generate: |rng| case(rng, &TFLITE_FILES),
    mutate: |_, case, engine| mutate(case, engine),
    read: |case, _| read(Path::new("net.tflite"), case),
};

const ONNX_FILES: [&[u8]; 3] = [
    include_bytes!("../../../tests/models/digits_torch.onnx"),
    include_bytes!("../../../tests/models/mnist-8_cntk.onnx"),
    include_bytes!("../../../tests/models/opt-mnist.onnx"),
];

const TFLITE_FILES: [&[u8]; 4] = [
    include_bytes!("../../../tests/models/hello_world_int8.tflite"),
    include_bytes!("../../../tests/models/keypoint_classifier.tflite"),
    include_bytes!("../../../tests/models/mnist_dw_f.tflite"),
    include_bytes!("../../../tests/models/mnist_resnet_q.tflite"),
];

/// Multiply-accumulates and elements of a network that is executed: more takes long by right.
const MOST: u64 = 1 << 22;

/// A whole file, mutated a little; weights are most of a file, so the ends are mutated more often.
fn case(rng: &mut Rng, files: &[&[u8]]) -> Vec<u8> {
    let file = one(rng, files);
    let mut case = file.to_vec();
    if once_in(rng, 20) {
        return case;
    }
    if rng.bool() {
        bytes(rng, &mut case, 4);
    } else {
        let length = case.len().min(rng.usize(200..4000));
        let mut piece = match rng.bool() {
            true => case.drain(..length).collect::<Vec<u8>>(),
            false => case.split_off(case.len() - length),
        };
        let at_end = case.first() == file.first();
        bytes(rng, &mut piece, 4);
        case = if at_end { [case, piece].concat() } else { [piece, case].concat() };
    }
    case
}

fn mutate(mut case: Vec<u8>, engine: Engine) -> Vec<u8> {
    engine(&mut case);
    case
}

fn read(path: &Path, case: &[u8]) -> Verdict {
    let network = match foreign::parse(path, case) {
        Ok(network) => network,
        Err(why) => return refused(&Error::from(why)),
    };
    network.lowered.notes.iter().chain(&network.initial.warnings).for_each(|note| checked(note));
    let list = layers::write(&network.lowered.spec, None);
    let again = layers::parse(Path::new("net.toml"), &list);
    // Constants that stay as they are need the weights beside the list.
    assert!(again.is_ok() || list.contains("trained = false"), "the list is not one: {list}");
    let input: usize = network.lowered.inputs.iter().map(|input| input.places.len()).sum();
    let elements: usize = network.graph.nodes.iter().map(|node| node.output.elements()).sum();
    if network.macs() <= MOST && (elements + input) as u64 <= MOST {
        let answers = network.execute(&vec![0.5; input]).unwrap_or_default();
        let shapes = network.answers();
        for ((array, _), (name, shape)) in answers.iter().zip(shapes) {
            let shape = shape.expect("what is executed has a shape");
            assert_eq!((array.len(), &array.dims), (shape.iter().product(), &shape), "{name}");
        }
    }
    Verdict::Accepted
}
