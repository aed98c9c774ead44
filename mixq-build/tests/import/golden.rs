//! Real files of others, executed in floats, against the outputs that ONNX Runtime and TFLite computed.

use std::path::{Path, PathBuf};

use mixq_build::engine::dataset::npz_numbers;
use mixq_build::engine::graph::{Graph, Spec};
use mixq_build::engine::import::foreign::{self, Foreign};
use mixq_build::engine::import::{Reads, layers};

/// The most that floats may differ, as a share of the range of an output.
const CLOSE: f64 = 1e-4;

/// Networks that mixq cannot have, and what of them is named.
const REFUSED: [(&str, &str); 8] = [
    ("keyword_scrambled_8bit.tflite", "SVDF"),
    ("trained_lstm_int8.tflite", "UNIDIRECTIONAL_SEQUENCE_LSTM"),
    ("keras_lstm_mnist_ptq.tflite", "UNIDIRECTIONAL_SEQUENCE_LSTM"),
    ("mww_okay_nabu_v2.tflite", "VAR_HANDLE"),
    ("mww_vad_v2.tflite", "VAR_HANDLE"),
    ("hey_mycroft.onnx", "Loop"),
    ("silero_vad_openvino_16k.onnx", "LSTM"),
    ("swiftinfer_cifar10.onnx", "cifar10.onnx.data"),
];

/// The largest difference from the outputs in a file, as a share of the range of the first one.
fn difference(foreign: &Foreign, golden: &Path) -> f64 {
    let arrays = npz_numbers(golden).unwrap();
    let input: Vec<f32> = arrays["in0"].iter().map(|value| *value as f32).collect();
    let mut most = 0.0f64;
    let first = &arrays["out0"];
    let ends = first.iter().fold((f64::MAX, f64::MIN), |(a, b), it| (a.min(*it), b.max(*it)));
    let range = if ends.1 > ends.0 { ends.1 - ends.0 } else { ends.1.abs().max(1e-6) };
    let each: usize = foreign.lowered.inputs[0].dims.iter().product();
    for (sample, input) in input.chunks(each).enumerate() {
        for (place, (found, _)) in foreign.execute(input).expect("a known end").iter().enumerate() {
            let wanted = &arrays[&format!("out{place}")];
            let found = found.to_floats();
            let wanted = &wanted[sample * found.len()..][..found.len()];
            for (found, wanted) in found.iter().zip(wanted) {
                let apart = (f64::from(*found) - wanted).abs() / range;
                assert!(!apart.is_nan(), "NaN in output {place}");
                most = most.max(apart);
            }
        }
    }
    most
}

/// A list of layers is as good as the file.
fn written_is_the_same(foreign: &Foreign) {
    let text = layers::write(&foreign.lowered.spec, None);
    let plain = |spec: &Spec| Graph::resolve_for(spec, foreign.task).map(|graph| graph.nodes);
    // Constants that are not trained need the weights beside the list.
    let Ok(read) = layers::parse(Path::new("net.toml"), &text) else {
        assert!(text.contains("trained = false"), "{text}");
        return;
    };
    assert_eq!(plain(&read), plain(&foreign.lowered.spec));
}

#[test]
fn files_in_the_repository_answer_what_their_engines_did() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/models");
    for (name, layers) in [
        ("opt-mnist.onnx", 5),
        ("mnist-8_cntk.onnx", 5),
        ("hello_world_float.tflite", 3),
        ("mnist_dw_f.tflite", 6),
        ("keypoint_classifier.tflite", 3),
        ("digits_torch.onnx", 6),
    ] {
        let foreign = foreign::read(&folder.join(name)).unwrap_or_else(|why| panic!("{name}: {why:?}"));
        assert_eq!((foreign.graph.nodes.len(), foreign.is_quantised), (layers, false), "{name}");
        let apart = difference(&foreign, &folder.join(format!("golden/{name}.npz")));
        assert!(apart < CLOSE, "{name}: {apart}");
        written_is_the_same(&foreign);
    }
}

/// Files that `tests/models/operators.py` writes: each output is a case, and ONNX Runtime's answer to it.
#[test]
fn operators_answer_what_onnx_runtime_does() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/models/operators");
    for name in ["functions", "moved", "transposed", "signal"] {
        let foreign = foreign::read(&folder.join(format!("{name}.onnx")));
        let foreign = foreign.unwrap_or_else(|why| panic!("{name}: {why:?}"));
        let apart = difference(&foreign, &folder.join(format!("{name}.npz")));
        println!("{name}: {} layers, {apart:.1e} of the range apart", foreign.graph.nodes.len());
        assert!(apart < CLOSE, "{name}: {apart}");
        written_is_the_same(&foreign);
    }
}

/// A function in pieces is one layer.
#[test]
fn functions_in_pieces_are_layers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/models/operators");
    let foreign = foreign::read(&folder.join("functions.onnx")).unwrap();
    // A convolution before, the function, and a convolution behind; the factor of the last SiLU is in the
    // convolutions, and square roots of ReLUs are their layers' own.
    assert!(foreign.graph.nodes.len() <= 3 * 24 + 4, "{}", foreign.graph.nodes.len());
}

#[test]
fn a_quantised_file_says_how_its_integers_are_numbers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/models");
    let foreign = foreign::read(&folder.join("mnist_resnet_q.tflite")).unwrap();
    assert!(foreign.is_quantised);
    // Pixels from 0 to 1, as int8: (q + 128) / 255. The firmware's pixel is q + 128.
    let normalisation = foreign.inputs[0].normalisation.as_ref().unwrap();
    assert_eq!(normalisation.reads, Reads::Integers { first: -128 });
    let codes = normalisation.of_codes(&[]);
    assert!(codes.mean[0].abs() < 1e-6 && (codes.std[0] - 255.0).abs() < 1e-3, "{codes:?}");
}

/// All files of `MIXQ_DATA`: at least 65 of 75 become layers, and the others say what they have.
#[test]
fn files_of_many_tools_answer_what_their_engines_did() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folder = std::env::var_os("MIXQ_DATA").map_or(beside, PathBuf::from).join("models");
    let mut files: Vec<PathBuf> = ["onnx", "tflite"]
        .iter()
        .filter_map(|kind| std::fs::read_dir(folder.join(kind)).ok())
        .flat_map(|entries| entries.map(|entry| entry.unwrap().path()))
        .filter(|path| foreign::format(path).is_some())
        .collect();
    if files.is_empty() {
        println!("skipped: {} has no models; set MIXQ_DATA", folder.display());
        return;
    }
    files.sort();
    let (mut read, mut problems) = (0, Vec::new());
    for path in &files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let refused = REFUSED.iter().find(|(refused, _)| *refused == name);
        match (foreign::read(path), refused) {
            (Ok(foreign), None) => {
                read += 1;
                written_is_the_same(&foreign);
                let golden = folder.join(format!("golden/{name}.npz"));
                if foreign.is_quantised || !golden.exists() {
                    continue;
                }
                match difference(&foreign, &golden) {
                    apart if apart < CLOSE => println!("{name}: {apart:.1e}"),
                    apart => problems.push(format!("{name}: {apart:.1e} of the range apart")),
                }
            }
            (Err(why), Some((_, named))) => {
                let error = mixq_build::engine::error::Error::from(why).to_string();
                assert!(error.contains(named), "{name}: {error}");
            }
            (Err(why), None) => println!("{name} is refused: {why:?}"),
            (Ok(_), Some(_)) => problems.push(format!("{name} is not refused")),
        }
    }
    println!("{read} of {} files are read", files.len());
    assert!(problems.is_empty(), "{problems:#?}");
    assert!(read * 75 >= 65 * files.len(), "{read} of {} files are read", files.len());
}
