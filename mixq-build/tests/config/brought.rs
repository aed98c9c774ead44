//! Keys of networks that bring weights: `input` and `training.method`.

use mixq_build::engine::config::Training;
use mixq_build::engine::import::{InputNormalisation, NetworkSource, Reads};

use crate::manifest::{DEVICE, MODEL, PACKAGE, check_model, load};

fn training(keys: &str) -> Training {
    let config = load(&format!("{PACKAGE}{DEVICE}{MODEL}training = {keys}\n")).unwrap();
    config.models[0].training.clone()
}

fn input(keys: &str, channels: usize) -> Result<InputNormalisation, String> {
    let config = load(&format!("{PACKAGE}{DEVICE}{MODEL}input = {keys}\n")).unwrap();
    let input = config.models[0].input.clone().expect("it is set");
    input.of(channels).map_err(|problem| problem.message)
}

#[test]
fn methods_set_other_keys_which_may_be_set_again() {
    let default = Training::default();
    let none = Training { epochs: Some(0), quantised_epochs: 0, ..default.clone() };
    assert_eq!(training("\"none\""), none);
    let finetune = Training { epochs: Some(0), distillation: 1.0, ..default.clone() };
    assert_eq!(training("\"finetune\""), finetune);
    assert_eq!(training("\"scratch\""), Training { from_scratch: true, ..default });
    let changed = Training { distillation: 0.25, batch: 7, ..finetune };
    assert_eq!(training("{ batch = 7, distillation = 0.25, method = \"finetune\" }"), changed);
    check_model(
        "training = ^\"tune\"",
        &["`training` has the unknown value `tune`; known are `none`, `finetune`, `scratch`"],
    );
    check_model("training = ^3", &["`training` is an integer, it must be a table"]);
}

#[test]
fn pixels_as_a_network_was_trained_on_them() {
    let normalisation = |mean: &[f64], std: &[f64]| InputNormalisation {
        mean: mean.into(),
        std: std.into(),
        reads: Reads::Values,
    };
    assert_eq!(input("{ mean = 127.5, std = 128 }", 2), Ok(normalisation(&[127.5; 2], &[128.0; 2])));
    assert_eq!(input("{ mean = [1, 2], std = 4 }", 2), Ok(normalisation(&[1.0, 2.0], &[4.0; 2])));
    // value * 0.5 - 1 is (value - 2) / 2.
    assert_eq!(input("{ scale = 0.5, offset = -1 }", 1), Ok(normalisation(&[2.0], &[2.0])));
    assert_eq!(input("{ scale = [0.5, 0.25] }", 2), Ok(normalisation(&[0.0; 2], &[2.0, 4.0])));
    let wrong = input("{ mean = [1, 2, 3], std = 4 }", 2).unwrap_err();
    assert_eq!(wrong, "`input` has 3 numbers for `mean`, the network's input has 2 channels");
    // By the names of several inputs.
    let named = "inputs = { photo = { mean = 1, std = 2 }, meta = { scale = 0.5 } }";
    let config = load(&format!("{PACKAGE}{DEVICE}{MODEL}{named}\n")).unwrap();
    let inputs = &config.models[0].inputs;
    assert_eq!(inputs["photo"].of(1), Ok(normalisation(&[1.0], &[2.0])));
    assert_eq!(inputs["meta"].of(2), Ok(normalisation(&[0.0; 2], &[2.0; 2])));
    let wrong = load(&format!("{PACKAGE}{DEVICE}{MODEL}inputs = {{ meta = {{ mean = 1 }} }}\n")).unwrap_err();
    assert!(wrong.to_string().contains("`meta` needs both `mean` and `std`, or `scale`"), "{wrong}");
    for lines in
        ["input = { mean = 1 }", "input = { offset = 1 }", "input = { scale = 1, mean = 1, std = 1 }"]
    {
        assert!(load(&format!("{PACKAGE}{DEVICE}{MODEL}{lines}\n")).is_err(), "{lines}");
    }
}

#[test]
fn files_of_other_tools_are_networks() {
    for name in ["net.onnx", "net.tflite", "NET.ONNX"] {
        let model = MODEL.replace("networks/digits.toml", name);
        let config = load(&format!("{PACKAGE}{DEVICE}{model}")).unwrap();
        let NetworkSource::File(path) = &config.models[0].network else { panic!("{name} is a file") };
        assert!(path.ends_with(name));
    }
}
