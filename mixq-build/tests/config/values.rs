//! Messages about values, each with its place.

use mixq_build::engine::settings::Execution;
use proptest::prelude::*;

use crate::manifest::{
    DEVICE, MODEL, PACKAGE, check, check_dataset, check_model, check_network, check_training, load,
};

#[test]
fn unknown_tasks() {
    let check_task = |value: &str, help: &str| {
        let expected = format!("`task` has the unknown value {value}; {help}");
        check(&format!("{PACKAGE}{DEVICE}{MODEL}task = ^{}\n", value.replace('`', "\"")), &[&expected]);
    };
    let known = "known are `classification`, `multi-label`, `regression`, `reconstruction`, `dense`";
    check_task("`depth`", known);
    check_task("`clasification`", "did you mean `classification`?");
    check_task("`multilabel`", "did you mean `multi-label`?");
}

#[test]
fn hops_are_of_inputs_in_rows() {
    let needs_rows = "`hop` is for a model whose input comes in rows; add execution = \"rows\", or leave \
                      `hop` out";
    check_model("^hop = 3", &[needs_rows]);
    check_model("execution = \"whole\"\n^hop = 3", &[needs_rows]);
    check_model("execution = \"rows\"\nhop = ^0", &["`hop` is 0, it must be 1 or more"]);
    check_model("execution = \"rows\"\nhop = ^70_000", &["`hop` is 70000, which is too large"]);
    check_model("execution = \"rows\"\nhop = ^\"3\"", &["`hop` is a string, it must be an integer"]);
    let model = format!("{PACKAGE}{DEVICE}{MODEL}execution = \"rows\"\nhop = 30\n");
    let config = load(&model).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(config.models[0].execution, Execution::Rows { hop: 30 });
}

#[test]
fn malformed_sizes() {
    let accepted = "a size is a whole number with B, KiB, MiB (1024), kB, KB, MB (1000), or K, M as linkers \
                    write them (1024)";
    for (value, wrong) in [
        ("\"48 KiX\"", "is not a size: `KiX` is not a unit of size"),
        ("\"many\"", "is not a size: `many` does not begin with a whole number"),
        ("\"KiB\"", "is not a size: `KiB` does not begin with a whole number"),
        ("\"1.5 KiB\"", "is not a size: `1.5` is not a whole number"),
        ("\"1,5 KiB\"", "is not a size: `1,5` is not a whole number"),
        (
            "\"18_446_744_073_709_551_616\"",
            "is not a size: `18_446_744_073_709_551_616` is more than 2^64 - 1 bytes",
        ),
        ("-1", "is not a size: `-1` is negative"),
        ("4.5", "is a float, it must be a size"),
        ("[]", "is an array, it must be a size"),
    ] {
        let device = format!("[package.metadata.mixq.device]\nflash = ^{value}\nram = 1\n");
        check(&format!("{PACKAGE}{device}{MODEL}"), &[&format!("`flash` {wrong}; {accepted}")]);
    }
    check_model("ram = ^0", &["`ram` is 0 bytes, in which no network fits"]);
}

#[test]
fn wrong_types() {
    check_training(
        "epochs = ^\"many\"\nflip = ^1\nvalidation = ^true\nrounding = ^2025-01-01",
        &[
            "`epochs` is a string, it must be an integer",
            "`flip` is an integer, it must be true or false",
            "`validation` is a boolean, it must be a number",
            "`rounding` is a datetime, it must be a string",
        ],
    );
    check_model("training = ^3", &["`training` is an integer, it must be a table"]);
    check(&format!("{PACKAGE}metadata = ^1\n"), &["`metadata` is an integer, it must be a table"]);
    check(
        &format!("{PACKAGE}[[package.metadata.mixq.^models]]\n"),
        &["`models` is an array of tables, it must be a table"],
    );
    check_network(
        "^[]",
        &["`network` is an array, it must be a file's path, a built-in network's name or a table"],
    );
    check_dataset("^0", &["`dataset` is an integer, it must be a file's path or a table"]);
}

#[test]
fn values_out_of_range() {
    check_training(
        "epochs = ^-1\nbatch = ^0\nseed = ^-1\nshift = ^-2\nquantised-epochs = ^5_000_000_000",
        &[
            "`epochs` is -1, it must be 0 or more",
            "`batch` is 0, it must be 1 or more",
            "`seed` is -1, it must be 0 or more",
            "`shift` is -2, it must be 0 or more",
            "`quantised-epochs` is 5000000000, which is too large",
        ],
    );
    check_training(
        "validation = ^0.7\nlearning-rate = ^-0.1\nquantised-learning-rate = ^inf\nweight-decay = ^nan\n\
         freeze-batch-norm = ^1.5\nrotation = ^181\nzoom = ^1\nlabel-smoothing = ^-1\naverage = ^1\n\
         quantised-weight-decay = ^-1\nactivation-decay = ^-0.5\ndistillation = ^1.5\ntemperature = ^0\n\
         quantised-epochs = ^-1\nfreeze-oscillations = ^1\nbatch-norm-images = ^-1",
        &[
            "`validation` is 0.7, it must be over 0 and under 0.5",
            "`learning-rate` is -0.1, it must be over 0",
            "`quantised-learning-rate` is inf, it must be over 0",
            "`weight-decay` is NaN, it must be 0 or more",
            "`freeze-batch-norm` is 1.5, it must be 0 to 1",
            "`rotation` is 181, it must be 0 to 180 degrees",
            "`zoom` is 1, it must be 0 to under 1",
            "`label-smoothing` is -1, it must be 0 to under 1",
            "`average` is 1, it must be 0 to under 1",
            "`quantised-weight-decay` is -1, it must be 0 or more",
            "`activation-decay` is -0.5, it must be 0 or more",
            "`distillation` is 1.5, it must be 0 to 1",
            "`temperature` is 0, it must be over 0",
            "`quantised-epochs` is -1, it must be 0 or more",
            "`freeze-oscillations` is 1, it must be 0 to under 1",
            "`batch-norm-images` is -1, it must be 0 or more",
        ],
    );
    check_network(
        "{ builtin = \"resnet8\", width = ^0, resolution = ^0, channels = ^0, classes = ^1, \
         stem-stride = ^0, padding = ^\"same\" }",
        &[
            "`width` is 0, it must be over 0",
            "`resolution` is 0, it must be 1 or more",
            "`channels` is 0, it must be 1 or more",
            "`classes` is 1, it must be 2 or more",
            "`stem-stride` is 0, it must be 1 or more",
            "`padding` has the unknown value `same`; known are `tensorflow`, `pytorch`",
        ],
    );
    check_dataset(
        "{ path = \"d.csv\", test = ^0, max = ^256, shape = ^[8, 0, 1], labels = ^[\"a\", \"a\"] }",
        &[
            "`test` is 0, it must be 1 or more",
            "`max` is 256, it must be 1 to 255: pixels have 8 bits",
            "`shape` is [8, 0, 1], it must be [height, width, channels], each 1 or more",
            "`labels` names `a` twice",
        ],
    );
    check_dataset(
        "{ path = \"d\", resize = ^1, tolerate = ^1.0 }",
        &[
            "`resize` is an integer, it must be true or false",
            "`tolerate` is 1, it must be a share, 0 to under 1",
        ],
    );
    check_dataset(
        "{ path = \"d\", mask-values = ^[1, 256] }",
        &["`mask-values` is [1, 256], it must be an array of the values in masks that stand for the \
           classes, each 0 to 255"],
    );
    check_dataset("{ path = \"d\", mask-values = ^[1, 3, 1] }", &["`mask-values` names the value 1 twice"]);
    for wrong in ["^[[0, 0], [1, 2, 3]]", "^[[0, 0, 256]]", "^[1, 2]", "^\"red\""] {
        let keys = format!("{{ path = \"d\", mask-colours = {wrong} }}");
        let shown = wrong.trim_start_matches('^');
        let expected = format!(
            "`mask-colours` is {shown}, it must be an array of the colours in masks that stand for the \
             classes, each [red, green, blue] of 0 to 255"
        );
        check_dataset(&keys, &[&expected]);
    }
    check_dataset(
        "{ path = \"d\", mask-colours = ^[[1, 2, 3], [0, 0, 0], [1, 2, 3]] }",
        &["`mask-colours` names the colour [1, 2, 3] twice"],
    );
    check_dataset(
        "{ path = \"d\", mask-values = [1, 2], mask-colours = ^[[1, 2, 3], [0, 0, 0]] }",
        &["`mask-colours` stands beside `mask-values`; values are those of grey masks and palettes, \
             colours those of all others: leave one out"],
    );
    check_dataset(
        "{ path = \"d.csv\", test = ^1.0, shape = ^8, labels = ^[\"a\", 2] }",
        &[
            "`test` is 1, it must be a whole number of images, or a share over 0 and under 1",
            "`shape` is 8, it must be [height, width, channels], each 1 or more",
            "`labels` must hold names: number 1, counted from 0, is none",
        ],
    );
}

#[test]
fn unknown_words() {
    check_network(
        "^\"mobilenet_v4\"",
        &["`network` is `mobilenet_v4`, which is neither a .toml, .onnx or .tflite file nor a \
         built-in network; known are `ds_cnn`, \
 `mobilenet_v1`, `mobilenet_v2`, `mobilenet_v3_small`, `resnet8`, `shufflenet_v2`, `squeezenet`"],
    );
    check_network(
        "{ builtin = ^\"xyz\", width = ^0 }",
        &[
            "`builtin` is `xyz`, which is neither a .toml, .onnx or .tflite file nor a built-in \
         network; known are `ds_cnn`, `mobilenet_v1`, `mobilenet_v2`, `mobilenet_v3_small`, \
         `resnet8`, `shufflenet_v2`, \
         `squeezenet`",
            "`width` is 0, it must be over 0",
        ],
    );
    check_model(
        "scheme = ^\"per_channel\"",
        &["`scheme` has the unknown value `per_channel`; did you mean `per-channel`?"],
    );
    check_training(
        "rounding = ^\"up\"",
        &["`rounding` has the unknown value `up`; known are `nearest`, `floor`"],
    );
}

proptest! {
    #[test]
    fn no_cargo_toml_makes_it_panic(key in "[a-z]{1,8}", value in "[\"\\[\\]{}a-z0-9=.,_ -]{0,20}") {
        let _ = load(&format!("{PACKAGE}{DEVICE}{MODEL}{key} = {value}\nscheme = {value}"));
    }
}

#[test]
fn columns_of_targets() {
    let dataset = |targets: &str| {
        let model = MODEL.replace(
            "dataset = \"data/digits.csv.gz\"",
            &format!("dataset = {{ path = \"data/digits.csv.gz\", targets = {targets} }}"),
        );
        format!("{PACKAGE}{DEVICE}{model}")
    };
    let read = |targets: &str| load(&dataset(targets)).unwrap().models[0].dataset.targets.clone().unwrap();
    assert_eq!(read("\"height\""), ["height"]);
    assert_eq!(read("[\"height\", \"width\"]"), ["height", "width"]);
    for (wrong, expected) in [
        ("\"\"", "is empty, it must be the name of a column"),
        ("[]", "names no columns"),
        ("[\"a\", \"a\"]", "names `a` twice"),
        ("3", "`targets`"),
    ] {
        let said = load(&dataset(wrong)).unwrap_err().to_string();
        assert!(said.contains(expected), "{said}");
    }
    // A string of `labels` is such a column, too; an array are the names of classes.
    let labelled = |keys: &str| load(&dataset("\"height\"").replace("targets = \"height\"", keys));
    let columns = labelled("labels = \"height\"").unwrap().models[0].dataset.clone();
    assert_eq!((columns.targets, columns.labels), (Some(vec!["height".to_string()]), None));
    let classes = labelled("labels = [\"low\", \"high\"]").unwrap().models[0].dataset.clone();
    assert_eq!((classes.targets, classes.labels), (None, Some(vec!["low".to_string(), "high".to_string()])));
    let both = labelled("labels = \"height\", targets = \"width\"").unwrap_err().to_string();
    assert!(both.contains("`labels` stands beside `targets`"), "{both}");
}
