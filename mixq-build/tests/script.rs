//! What a build script says and does, under the real cargo: `mixq_build::build()` in a package on the host.

#[path = "script/firmware.rs"]
mod firmware;
#[path = "script/together.rs"]
mod together;

use std::path::Path;

use firmware::{Firmware, Output, scratch};

/// Without the folders of this checkout, whose names may be anything.
fn mentions_libtorch(text: &str) -> bool {
    let build = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [scratch(), build.to_path_buf(), build.join("..").canonicalize().unwrap()];
    let text =
        folders.iter().fold(text.to_string(), |text, folder| text.replace(folder.to_str().unwrap(), ""));
    let home = std::env::home_dir().unwrap_or_default();
    let text = text.replace(home.to_str().unwrap(), "").to_lowercase();
    text.contains("torch") || text.contains("tch ")
}

#[test]
fn a_fresh_artifact_builds_without_libtorch() {
    let firmware = Firmware::new();
    let Output { succeeded, text } = firmware.build(&[]);
    assert!(succeeded, "{text}");
    assert!(!text.contains("warning: firmware"), "{text}");
    assert!(!mentions_libtorch(&text), "{text}");
    let Output { succeeded, text } = firmware.cargo(&["tree", "--edges", "normal,build"], &[]);
    assert!(succeeded && text.contains("mixq-build v"), "{text}");
    assert!(!mentions_libtorch(&text), "{text}");
    // Nothing has changed: the build script does not even run.
    let Output { text, .. } = firmware.build(&[]);
    assert!(text.contains("Fresh firmware"), "{text}");
    // It runs when the network's file changes, and finds that it means the same.
    firmware.package.replace("net.toml", "kernel = 3", "kernel = [3, 3] # square");
    let Output { succeeded, text } = firmware.build(&[]);
    assert!(succeeded && text.contains("Dirty firmware"), "{text}");
}

#[test]
fn a_stale_artifact_is_an_error_that_says_what_changed() {
    let firmware = Firmware::new();
    let place = firmware.place("tiny]");
    firmware.package.replace("Cargo.toml", "training = {}", "training.seed = 7");
    firmware.fails(
        &[],
        &[
            &place,
            "model `tiny`: models/tiny.mixq is stale: `training.seed` was 1, is 7",
            "run `cargo mixq retrain`",
            "feature `train`",
            "[package.metadata.mixq.models.tiny]",
        ],
    );
    firmware.package.replace("Cargo.toml", "training.seed = 7", "training = {}");
    firmware.package.replace("net.toml", "filters = 3", "filters = 4");
    firmware.fails(&[], &["model `tiny`: models/tiny.mixq is stale: `network` has changed; run"]);
}

#[test]
fn an_artifact_that_is_missing_or_damaged_is_an_error() {
    let firmware = Firmware::new();
    let path = firmware.package.artifact();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let damaged = "model `tiny`: models/tiny.mixq cannot be used: its checksum does not match";
    firmware.fails(&[], &[damaged, "run `cargo mixq retrain`"]);
    firmware.fails(&[("RA_RUSTC_WRAPPER", "1")], &[damaged]);
    std::fs::remove_file(&path).unwrap();
    firmware.fails(&[], &["model `tiny`: models/tiny.mixq is not there; run `cargo mixq retrain`"]);
}

#[test]
fn an_editor_and_docs_rs_are_only_warned() {
    let firmware = Firmware::new();
    firmware.package.replace("Cargo.toml", "training = {}", "training.seed = 7");
    let stale = "model `tiny`: models/tiny.mixq is stale: `training.seed` was 1, is 7";
    firmware.warns(&[("RA_RUSTC_WRAPPER", "1")], &[stale, "not trained for an editor's check"]);
    firmware.warns(&[("DOCS_RS", "1")], &[stale, "not trained for docs.rs"]);
    std::fs::remove_file(firmware.package.artifact()).unwrap();
    firmware.warns(&[("RA_RUSTC_WRAPPER", "1")], &["models/tiny.mixq is not there"]);
    firmware.warns(&[("DOCS_RS", "1")], &["models/tiny.mixq is not there"]);
    // What is good enough for them stops the build that follows.
    firmware.fails(&[], &["models/tiny.mixq is not there"]);
}

#[test]
fn mistakes_in_the_manifest_point_to_their_place() {
    let firmware = Firmware::new();
    firmware.package.replace("Cargo.toml", "scheme = ", "schema = ");
    firmware.package.replace("Cargo.toml", "ram = \"6 KiB\"", "ram = \"6 KB of it\"");
    let (ram, schema) = (firmware.place("\"6 KB of it\""), firmware.place("schema"));
    firmware.fails(&[], &[&ram, "KB of it", "\n", &schema, "`schema`", "scheme"]);
}

#[test]
fn an_impossible_budget_names_layer_and_bytes() {
    let firmware = Firmware::new();
    firmware.package.replace("Cargo.toml", "6 KiB", "16 B");
    let ram = firmware.place("\"16 B\"");
    // 16 B of image, and 16 pixels of three channels, a byte each at 2 bits.
    let needs = "model `tiny`: needs 32 B of RAM for layer 1 `conv1` (conv 3x3) with all activations at 2 \
                 bits, budget 16 B";
    firmware.fails(&[], &[&ram, needs, "at least ram = \"32 B\""]);
    firmware.package.replace("Cargo.toml", "16 B", "6 KiB");
    firmware.package.replace("Cargo.toml", "48 KiB", "100 B");
    let flash = firmware.place("\"100 B\"");
    firmware.fails(
        &[],
        &[&flash, "of flash with all weights at 2 bits, budget 100 B", "`linear1` (linear) with 96 weights"],
    );
}

/// The build script looks into CSV and folders; what it cannot tell it says.
#[test]
fn an_archive_without_its_reader_is_a_warning() {
    let firmware = Firmware::new();
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(1);
    archive.append_data(&mut header, "train/ant/0.png", &b"x"[..]).unwrap();
    std::fs::write(firmware.package.path("images.tar"), archive.into_inner().unwrap()).unwrap();
    firmware.package.replace("Cargo.toml", "images.csv", "images.tar");
    firmware.package.write_fresh_artifact();
    let cannot = ["model `tiny`: whether ", "images.tar has changed cannot be told", "feature `datasets`"];
    firmware.warns(&[], &cannot);
    // What it can tell it tells.
    firmware.package.replace("Cargo.toml", "training = {}", "training.seed = 7");
    firmware.fails(&[], &["models/tiny.mixq is stale: `training.seed` was 1, is 7"]);
}

/// Where the same bits fit another budget, nothing has to be trained.
#[test]
fn a_network_is_laid_out_anew() {
    let firmware = Firmware::new();
    firmware.package.replace("Cargo.toml", "6 KiB", "5 KiB");
    let stale = "model `tiny`: models/tiny.mixq is stale: `budget.ram` was 6144, is 5120";
    firmware.warns(&[], &[stale, "the same bits fit: laid out anew, nothing is trained"]);
    let Output { succeeded, text } = firmware.build(&[]);
    assert!(succeeded && !text.contains("stale"), "{text}");
}

#[test]
fn the_build_gives_models_what_makes_them_faster() {
    let firmware = Firmware::new();
    let conv = "[[layer]]\nop = \"conv\"\nfilters = 32\nkernel = 3\npadding = \"same\"\n";
    let linear = "[[layer]]\nop = \"linear\"\nfeatures = 2\n";
    firmware.package.write("net.toml", &format!("input = [4, 4, 1]\n{conv}{conv}{linear}"));
    firmware.package.write_fresh_artifact();
    firmware.package.write("src/lib.rs", "#![no_std]\npub const ARENAS: &str = env!(\"MIXQ_ARENAS\");\n");
    let arena = |target: &str| {
        let Output { succeeded, text } = firmware.cargo(&["build", "-vv", "--target", target], &[]);
        assert!(succeeded, "{text}");
        let bytes = text.split_once("rustc-env=MIXQ_ARENAS=tiny=").expect("an arena").1;
        bytes.split_whitespace().next().expect("a number").parse::<u64>().expect("bytes")
    };
    let config = mixq_build::engine::prepare::share(firmware.package.config()).unwrap();
    let prepared = mixq_build::engine::prepare::Prepared::new(&config.models[0], None).unwrap();
    let least = prepared.allocate().unwrap().ram;
    assert_eq!(arena("thumbv6m-none-eabi"), least, "portable kernels have no use for more");
    let fastest = arena("thumbv7em-none-eabihf");
    assert!(least < fastest && fastest <= 6144, "{least}, {fastest}");
    firmware.package.replace("Cargo.toml", "ram = \"6 KiB\"", "ram = \"6 KiB\"\narena = \"least\"");
    assert_eq!(arena("thumbv7em-none-eabihf"), least);
}

/// DSP instructions are optional on a Cortex-M33.
#[test]
fn the_build_says_which_kernels_an_armv8_m_processor_gets() {
    let firmware = Firmware::new();
    firmware.package.write("src/lib.rs", "#![no_std]\npub const SET: &str = env!(\"MIXQ_TARGET\");\n");
    let build = |flags: &str| {
        let arguments = ["build", "-vv", "--target", "thumbv8m.main-none-eabihf"];
        let Output { succeeded, text } = firmware.cargo(&arguments, &[("RUSTFLAGS", flags)]);
        assert!(succeeded, "{text}");
        let set = text.split_once("rustc-env=MIXQ_TARGET=").expect("a set").1.split_whitespace().next();
        (set.map(str::to_string), text.contains("warning: firmware@0.1.0: mixq does not know"))
    };
    let set = |name: &str, warns: bool| (Some(name.to_string()), warns);
    assert_eq!(build(""), set("portable", true));
    // Cargo runs the script again when flags change.
    assert_eq!(build("-C target-cpu=cortex-m33"), set("armv7em", false));
    firmware.package.replace("Cargo.toml", "ram = \"6 KiB\"", "ram = \"6 KiB\"\ncore = \"cortex-m55\"");
    assert_eq!(build(""), set("armv7em", false));
    firmware.package.replace("Cargo.toml", "cortex-m55", "cortex-m33+nodsp");
    assert_eq!(build(""), set("portable", false));
}

#[test]
fn test_images_are_there_to_include() {
    let firmware = Firmware::new();
    let script =
        |model: &str| format!("fn main() {{\n    mixq_build::test_images({model:?}, usize::MAX)\n}}\n");
    firmware.package.write("build.rs", &script("tiny"));
    let include =
        |name: &str| format!("include_bytes!(concat!(env!(\"OUT_DIR\"), \"/tiny_test_{name}.bin\"))");
    let library = format!(
        "const IMAGES: &[u8; 4 * 16] = {};\nconst LABELS: &[u8; 4] = {};\n\
         const _: () = assert!(LABELS[0] == 0 && LABELS[3] == 1 && IMAGES[0] == {});\n",
        include("images"),
        include("labels"),
        150 + (16 * 7) % 90,
    );
    firmware.package.write("src/lib.rs", &library);
    let Output { succeeded, text } = firmware.build(&[]);
    assert!(succeeded, "{text}");
    firmware.package.write("build.rs", &script("tinny"));
    firmware.fails(&[], &["there is no model `tinny`; did you mean `tiny`? models are `tiny`"]);
}

/// Firmware that prints what it computes beside what was asked for.
#[test]
fn targets_of_a_regression_are_floats_and_those_of_labels_are_bits() {
    let firmware = Firmware::new();
    let package = &firmware.package;
    package.write("build.rs", "fn main() {\n    mixq_build::test_images(\"tiny\", 3)\n}\n");
    package.replace("Cargo.toml", "network = \"net.toml\"", "network = \"net.toml\"\ntask = \"regression\"");
    let row = |at: usize| format!("{}{}.25,-{at}\n", format!("{},", 10 * at).repeat(16), at);
    package.write("images.csv", &(0..20).map(row).collect::<String>());
    let labels = "include_bytes!(concat!(env!(\"OUT_DIR\"), \"/tiny_test_labels.bin\"))";
    // Images 16, 17 and 18 of the four at the end.
    let library = format!(
        "const AT: &[u8; 3 * 2 * 4] = {labels};\n\
         const _: () = assert!(f32::from_le_bytes([AT[0], AT[1], AT[2], AT[3]]) == 16.25);\n\
         const _: () = assert!(f32::from_le_bytes([AT[4], AT[5], AT[6], AT[7]]) == -16.0);\n\
         const _: () = assert!(f32::from_le_bytes([AT[12], AT[13], AT[14], AT[15]]) == -17.0);\n"
    );
    package.write("src/lib.rs", &library);
    let Output { succeeded, text } = firmware.build(&[]);
    assert!(succeeded, "{text}");
    package.replace("Cargo.toml", "task = \"regression\"", "task = \"multi-label\"");
    let row = |at: usize| format!("{}{},{}\n", format!("{},", 10 * at).repeat(16), at % 2, at / 2 % 2);
    package.write("images.csv", &(0..20).map(row).collect::<String>());
    let library = format!(
        "const LABELS: &[u8; 3] = {labels};\n\
         const _: () = assert!(LABELS[0] == 0 && LABELS[1] == 1 && LABELS[2] == 2);\n"
    );
    package.write("src/lib.rs", &library);
    let Output { succeeded, text } = firmware.build(&[]);
    assert!(succeeded, "{text}");
}
