//! Messages about tables and keys, each with its place.

use crate::manifest::{DEVICE, MODEL, PACKAGE, check, check_dataset, check_network, check_training, load};

#[test]
fn no_toml() {
    check(
        "[package]\nname = ^\n",
        &["this is not valid TOML: string values must be quoted, expected literal string"],
    );
    check("[package]\nname = \"a\"\n^name = \"b\"\n", &["this is not valid TOML: duplicate key"]);
}

#[test]
fn no_package() {
    check(
        "^[workspace]\n",
        &["there is no [package] table; mixq reads [package.metadata.mixq] of the firmware's own Cargo.toml"],
    );
    check(&format!("[^package]\n{DEVICE}{MODEL}"), &["`package` has no `name`"]);
}

#[test]
fn no_models() {
    let message = "there are no models in [package.metadata.mixq.models]; add \
                   [package.metadata.mixq.models.digits] with network = \"networks/digits.toml\" and \
                   dataset = \"data/digits.csv.gz\"";
    check("[^package]\nname = \"firmware\"\n", &[message]);
    check(&format!("{PACKAGE}[package.metadata.^mixq.device]\nflash = 1\n"), &[message]);
    check(&format!("{PACKAGE}[package.metadata.mixq.^models]\n"), &[message]);
    check(
        &format!("{PACKAGE}[package.metadata.^mixq.^model.digits]\n"),
        &[message, "unknown key `model` in [package.metadata.mixq]; did you mean `models`?"],
    );
}

/// What is nearly right would otherwise be ignored.
#[test]
fn tables_in_the_wrong_place() {
    let model = |place: &str| format!("[{place}.models.digits]\nnetwork = \"n.toml\"\ndataset = \"d.csv\"\n");
    for (place, shown) in [
        ("package.metadata.^mixqq", "package.metadata.mixqq"),
        ("package.metadata.^mix", "package.metadata.mix"),
        ("package.metadata.^Mixq", "package.metadata.Mixq"),
        ("package.metadata.^\"mixg\"", "package.metadata.\"mixg\""),
        ("package.metdata.^mixq", "package.metdata.mixq"),
        ("package.^mixq", "package.mixq"),
        ("metadata.^mixq", "metadata.mixq"),
        ("^mixq", "mixq"),
    ] {
        let message = format!("mixq does not read [{shown}]; call it [package.metadata.mixq]");
        check(&format!("{PACKAGE}{}", model(place)), &[&message]);
    }
    // Beside what is right, too: a setting would be lost.
    let right = format!("{PACKAGE}{DEVICE}{MODEL}");
    check(
        &format!("{right}[package.metadata.^mixqs.training]\nepochs = 1\n"),
        &["mixq does not read [package.metadata.mixqs]; call it [package.metadata.mixq]"],
    );
    check(
        &format!("{right}[workspace.metadata.^mixqq]\nscheme = \"per-layer\"\n"),
        &["mixq does not read [workspace.metadata.mixqq]; call it [workspace.metadata.mixq]"],
    );
    // What other tools and cargo have is theirs.
    let others = "[package.metadata.mix]\nrecipe = { flour = 2 }\n[dependencies.mixq]\nversion = \"1\"\n\
                  [package.metadata.docs.rs]\nfeatures = []\n";
    assert!(load(&format!("{right}{others}")).is_ok());
}

#[test]
fn unknown_keys() {
    check(
        &format!(
            "{PACKAGE}[package.metadata.mixq.device]\nflash = 1\nram = 2\n^rom = 3\n^eeprom = 4\n{MODEL}"
        ),
        &[
            "unknown key `rom` in [package.metadata.mixq.device]; did you mean `ram`?",
            "unknown key `eeprom` in [package.metadata.mixq.device]; known are `chip`, \
             `core`, `memory-x`, `flash`, `ram`, `reserve-flash`, `reserve-ram`, `shared-arena`, `arena`, \
             `clock`",
        ],
    );
    check_training(
        "^quantized-epochs = 3\n^lr = 0.1",
        &[
            "unknown key `quantized-epochs` in [package.metadata.mixq.models.digits.training]; did you mean \
         `quantised-epochs`?",
            "unknown key `lr` in [package.metadata.mixq.models.digits.training]; known are \
         `method`, `epochs`, `learning-rate`, `quantised-epochs`, `quantised-learning-rate`, \
         `batch`, `seed`, `weight-decay`, \
         `calibration-images`, `validation`, `shift`, `rotation`, `zoom`, `flip`, `label-smoothing`, \
         `average`, `freeze-batch-norm`, `batch-norm-images`, `weight-steps`, `freeze-oscillations`, \
         `rounding`, `optimiser`, `quantised-weight-decay`, \
         `activation-decay`, \
         `bounds`, `equalise`, `reconstruct`, `shards`, `distillation`, `temperature`, `device`, \
         `class-weights`, `loss`",
        ],
    );
    check_network(
        "{ builtin = \"resnet8\", ^widht = 1.0 }",
        &["unknown key `widht` in [package.metadata.mixq.models.digits.network]; did you mean `width`?"],
    );
    check_dataset(
        "{ path = \"d.csv\", ^label = [] }",
        &["unknown key `label` in [package.metadata.mixq.models.digits.dataset]; did you mean `labels`?"],
    );
}

/// A number that is not offered is no slip of another one.
#[test]
fn a_value_with_another_number_is_answered_with_all() {
    let set = |value: &str| format!("{PACKAGE}{DEVICE}{MODEL}policy = ^\"{value}\"\n");
    let known = "known are `rules`, `sensitivity`, `uniform-8`, `uniform-4`, `uniform-2`";
    check(&set("uniform-3"), &[&format!("`policy` has the unknown value `uniform-3`; {known}")]);
    check(&set("uniform8"), &["`policy` has the unknown value `uniform8`; did you mean `uniform-8`?"]);
}

#[test]
fn a_missing_budget() {
    let ram = "model `digits` has no budget: `ram` is missing; add ram = \"6 KiB\" to \
               [package.metadata.mixq.device], or a whole chip = \"stm32f405rg\"";
    let flash = "model `digits` has no budget: `flash` is missing; add flash = \"48 KiB\" to \
                 [package.metadata.mixq.device], or a whole chip = \"stm32f405rg\"";
    let model = MODEL.replace("digits]", "^digits]");
    check(&format!("{PACKAGE}{model}flash = 1\n"), &[ram]);
    check(&format!("{PACKAGE}{}", model.replace('^', "^^")), &[flash, ram]);
}

#[test]
fn names_that_are_no_modules() {
    for (name, message) in [
        ("my-model", "`my-model` is no Rust identifier; it becomes a Rust module: call it `my_model`"),
        ("2", "`2` is no Rust identifier; it becomes a Rust module: call it `model_2`"),
        ("\"\"", "`` is no Rust identifier; it becomes a Rust module: call it `model_`"),
        ("_", "`_` is no Rust identifier; it becomes a Rust module: call it `model__`"),
        ("match", "`match` is a Rust keyword; it becomes a Rust module: call it `match_model`"),
    ] {
        check(&format!("{PACKAGE}{DEVICE}{}", MODEL.replace("digits]", &format!("^{name}]"))), &[message]);
    }
}

#[test]
fn a_model_without_network_and_dataset() {
    check(
        &format!("{PACKAGE}{DEVICE}[package.metadata.mixq.models.^^digits]\n"),
        &[
            "model `digits` has no `network`; add network = \"networks/digits.toml\" to \
         [package.metadata.mixq.models.digits], or to [package.metadata.mixq] for all models",
            "model `digits` has no `dataset`; add dataset = \"data/digits.csv.gz\" to \
         [package.metadata.mixq.models.digits], or to [package.metadata.mixq] for all models",
        ],
    );
    check_network(
        "^{ width = 0.5 }",
        &["`network` has no `builtin`; for a file write network = \"path.toml\""],
    );
    check_dataset("^{ test = 3 }", &["`dataset` has no `path`; add path = \"data/digits.csv.gz\""]);
    check_dataset("^\"\"", &["`dataset` is empty"]);
}
