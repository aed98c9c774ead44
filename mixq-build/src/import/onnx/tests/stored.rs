//! How the values of weights are stored: in two bytes each, and in files beside the network.

use half::{bf16, f16};
use tempfile::TempDir;

use super::super::proto::Entry;
use super::*;

const FLOAT16: i32 = 10;
const BFLOAT16: i32 = 16;
const DIMS: [i64; 4] = [3, 2, 3, 3];

/// A convolution whose weights are this tensor, as the file has it.
fn network(weight: TensorProto) -> Network {
    let mut network = Network::new(&[1, 2, 5, 5]);
    network.graph.initializer.push(TensorProto { name: "w".to_string(), dims: DIMS.to_vec(), ..weight });
    let pads = [("pads", Value::Ints(&[1, 1, 1, 1]))];
    network.node("Conv", &["x", "w"], "y", &pads)
}

fn check(found: &[f32], x: &[f32], weights: &[f32]) {
    assert_near(found, &convolved(x, [2, 5, 5], weights, 3), 1e-5);
}

#[test]
fn weights_of_two_bytes() {
    let (x, w) = (numbers(50, 1), numbers(54, 2));
    type Rounds = fn(f32) -> (u16, f32);
    let kinds: [(i32, Rounds); 2] = [
        (FLOAT16, |value| (f16::from_f32(value).to_bits(), f16::from_f32(value).to_f32())),
        (BFLOAT16, |value| (bf16::from_f32(value).to_bits(), bf16::from_f32(value).to_f32())),
    ];
    for (data_type, rounds) in kinds {
        let (bits, real): (Vec<u16>, Vec<f32>) = w.iter().map(|value| rounds(*value)).unzip();
        assert!(real != w, "they are rounded");
        let raw = bits.iter().flat_map(|bits| bits.to_le_bytes()).collect();
        let raw = TensorProto { data_type, raw_data: Some(raw), ..TensorProto::default() };
        let list = bits.iter().map(|bits| i32::from(*bits)).collect();
        let list = TensorProto { data_type, int32_data: list, ..TensorProto::default() };
        for weight in [raw, list] {
            check(&network(weight).run(&x), &x, &real);
        }
    }
}

#[test]
fn elements_that_are_not_read_are_named() {
    for (data_type, name) in [(8, "STRING (8)"), (17, "FLOAT8E4M3FN (17)"), (99, "99")] {
        let weight = TensorProto { data_type, raw_data: Some(vec![0; 54]), ..TensorProto::default() };
        let said = network(weight).refusals(&["y"]).join("\n");
        assert!(said.contains("`w` has elements of type") && said.contains(name), "{said}");
    }
}

/// The same network with its weights in a file beside it, of which the file says this.
fn outside(folder: &TempDir, entries: &[(&str, &str)]) -> Result<Foreign, String> {
    let entry = |(key, value): &(&str, &str)| Entry { key: key.to_string(), value: value.to_string() };
    let external_data = entries.iter().map(entry).collect();
    let weight = TensorProto { data_type: FLOAT, external_data, data_location: 1, ..TensorProto::default() };
    let path = folder.path().join("net.onnx");
    std::fs::write(&path, network(weight).bytes(&["y"])).unwrap();
    foreign::read(&path).map_err(|refused| format!("{:?}", Error::from(refused)))
}

#[test]
fn weights_in_a_file_beside_the_network() {
    let (x, w) = (numbers(50, 1), numbers(54, 2));
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("weights")).unwrap();
    let bytes: Vec<u8> = w.iter().flat_map(|value| value.to_le_bytes()).collect();
    std::fs::write(folder.path().join("weights/w.bin"), &bytes).unwrap();
    std::fs::write(folder.path().join("all.data"), [&[7; 64][..], &bytes, &[9; 8]].concat()).unwrap();
    let apart = [("location", "weights/w.bin")];
    let within = [("location", "all.data"), ("offset", "64"), ("length", "216")];
    for entries in [&apart[..], &within] {
        let foreign = outside(&folder, entries).unwrap_or_else(|error| panic!("{error}"));
        let found = foreign.execute(&x).unwrap().remove(0).0.to_floats();
        check(&found, &x, &w);
    }
    let refused = |entries: &[(&str, &str)], reason: &str| {
        let Err(said) = outside(&folder, entries) else { panic!("{entries:?} was read") };
        assert!(said.contains("`w` ") && said.contains(reason), "{said}");
    };
    refused(&[("location", "none.data")], "none.data, which cannot be read");
    refused(&[("location", "all.data"), ("offset", "100"), ("length", "216")], "that file has 288");
    refused(&[("location", "all.data"), ("offset", "64"), ("length", "212")], "and not 54 values");
    refused(&[("location", "all.data"), ("offset", "x")], "has an `offset` that is not a number");
    refused(&[("location", "all.data"), ("length", "-1")], "has a `length` that is not a number");
    // Nothing is read of what is not the network's.
    for name in ["../all.data", "/etc/hostname", ""] {
        refused(&[("location", name)], "lies in a file called");
    }
}
