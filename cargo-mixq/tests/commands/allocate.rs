//! `cargo mixq allocate` and `cargo mixq chips` as commands, in a folder without a Cargo.toml.

use std::process::{Command, Output};

use mixq_build::engine::config::Scheme;
use mixq_build::engine::config::chips::CHIPS;
use mixq_build::engine::graph::Graph;
use mixq_build::engine::import::builtin::{Options, PaddingStyle, published};
use mixq_build::engine::import::{BUILTIN_NAMES, builtin};
use mixq_format::Artifact;
use mixq_format::target::Target;
use serde_json::{Value, json};
use tempfile::TempDir;

fn mixq(arguments: &[&str]) -> Output {
    let folder = TempDir::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-mixq"));
    command.arg("mixq").args(arguments).current_dir(folder.path());
    command.env_remove("LIBTORCH").output().unwrap()
}

/// Whether the command was content, and its JSON.
pub fn allocate(arguments: &[&str]) -> (bool, Value) {
    let output = mixq(&[&["allocate", "--json"], arguments].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    let last = text.lines().last().unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.success(), serde_json::from_str(last).unwrap())
}

pub fn refused(arguments: &[&str]) -> String {
    let output = mixq(&[&["allocate"], arguments].concat());
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// Every figure of the JSON against the allocator's.
fn compare(network: &str, options: &Options, arguments: &[&str], flash: u64, ram: u64, scheme: Scheme) {
    let (well, json) = allocate(&[&[network], arguments].concat());
    assert!(well, "{json}");
    let graph = Graph::resolve(&builtin::spec(network, options).unwrap()).unwrap();
    let allocation = mixq_build::engine::memory::allocate(&graph, flash, ram, scheme).unwrap();
    let weighted: Vec<usize> = (0..graph.nodes.len()).filter(|&i| graph.nodes[i].op.weighted()).collect();
    let weights: Vec<u8> = weighted.iter().map(|&i| allocation.weights[i].unwrap().into()).collect();
    let activations: Vec<u8> = weighted.iter().map(|&i| allocation.activations[i].into()).collect();
    assert_eq!(activations.last(), Some(&32));
    let budget = |bytes: u64| if bytes == u64::MAX { Value::Null } else { bytes.into() };
    for (key, value) in [
        ("ok", json!(true)),
        ("fits", json!(true)),
        ("network", json!(network)),
        ("memory_model", json!("runtime")),
        ("scheme", json!(scheme)),
        ("weight_bits", json!(weights)),
        ("activation_bits", json!(activations)),
        ("flash_bytes", json!(allocation.flash)),
        ("arena_lower_bound", json!(allocation.plan.lower_bound)),
        ("flash_budget", budget(flash)),
        ("ram_budget", budget(ram)),
        ("macs", json!((0..graph.nodes.len()).map(|i| graph.macs(i)).sum::<u64>())),
    ] {
        assert_eq!(json[key], value, "{key}");
    }
    let bytes = |key: &str| json[key].as_u64().unwrap();
    assert_eq!(bytes("ram_bytes") - bytes("speed_bytes"), allocation.ram);
    assert!(bytes("ram_bytes") <= ram);
    let cuts: Vec<Value> = (allocation.cuts.iter())
        .map(|cut| {
            let (to, tensor) = (u8::from(cut.to), if cut.weights { "weights" } else { "output" });
            json!({ "layer": graph.nodes[cut.node].name, "tensor": tensor, "from": 2 * to, "to": to })
        })
        .collect();
    assert_eq!(json["cuts"], json!(cuts));
    let layers = json["layers"].as_array().unwrap();
    assert_eq!(layers.len(), graph.nodes.len());
    let live = |layer: &Value| layer["live_bytes"].as_u64().unwrap();
    let peak = layers.iter().find(|layer| layer["name"] == json["peak_layer"]).unwrap();
    assert_eq!(live(peak), layers.iter().map(live).max().unwrap());
    assert_eq!(json["arena_lower_bound"], live(peak));
    for (node, layer) in graph.nodes.iter().zip(layers) {
        assert_eq!(layer["name"], node.name);
        assert_eq!(layer["shape"], json!([node.output.height, node.output.width, node.output.channels]));
    }
    let packed: u64 = layers.iter().map(|layer| layer["weight_bytes"].as_u64().unwrap()).sum();
    assert!(packed < allocation.flash && packed > allocation.flash / 2);
}

#[test]
fn figures_are_those_of_the_allocator() {
    let v1 = published("mobilenet_v1").unwrap();
    let sizes = ["--flash", "2 MiB", "--ram", "512 KiB"];
    compare("mobilenet_v1", &v1, &sizes, 2 << 20, 512 << 10, Scheme::PerChannel);
    compare("mobilenet_v1", &v1, &["--chip", "STM32H743ZIT6"], 2 << 20, 512 << 10, Scheme::PerChannel);
    let over = ["--chip", "stm32h743zi", "--ram", "600_000", "--scheme", "per-layer"];
    compare("mobilenet_v1", &v1, &over, 2 << 20, 600_000, Scheme::PerLayer);
    let v2 = published("mobilenet_v2").unwrap();
    compare("mobilenet_v2", &v2, &["--flash", "2000000"], 2_000_000, u64::MAX, Scheme::PerChannel);
    compare("mobilenet_v2", &v2, &["--ram", "400K"], u64::MAX, 400 << 10, Scheme::PerChannel);
    let options = Options {
        width: 0.5,
        resolution: 32,
        channels: 1,
        classes: 10,
        stem_stride: Some(1),
        padding: PaddingStyle::Pytorch,
    };
    let flags =
        "--width 0.5 --resolution 32 --channels 1 --classes 10 --stem-stride 1 --padding pytorch --ram 24K";
    let flags: Vec<&str> = flags.split(' ').collect();
    compare("mobilenet_v2", &options, &flags, u64::MAX, 24 << 10, Scheme::PerChannel);
    compare("resnet8", &published("resnet8").unwrap(), &[], u64::MAX, u64::MAX, Scheme::PerChannel);
}

#[test]
fn what_does_not_fit_is_told_as_json_too() {
    let arguments =
        ["mobilenet_v1", "--width", "0.25", "--resolution", "96", "--classes", "2", "--ram", "24K"];
    let (well, json) = allocate(&arguments);
    assert!(!well);
    assert_eq!((&json["ok"], &json["fits"]), (&json!(false), &json!(false)));
    let message = json["errors"][0].as_str().unwrap();
    let start = "`mobilenet_v1`: needs 28,040 B of RAM for layer 1 `stem` (conv 3x3) with all activations \
                 at 2 bits, budget 24,576 B";
    assert!(message.starts_with(start), "{message}");
    assert_eq!(json["least_ram_bytes"], 28_040);
    let expected = json!({ "resolution": 64, "width": null, "input": null, "chip": "nrf52832-qfab" });
    assert_eq!(json["alternatives"], expected);
    assert!(refused(&arguments).contains("try resolution = 64; unchanged it fits a whole nrf52832-qfab"));
}

#[test]
fn images_come_in_rows() {
    let network = ["mobilenet_v1", "--width", "0.25", "--resolution", "128"];
    let (_, any) = allocate(&network);
    let least = any["uncut"]["rows_bytes"].as_u64().unwrap();
    assert!(least < any["uncut"]["stripes_bytes"].as_u64().unwrap() && any["stages"].is_null());
    let rows = [&network[..], &["--execution", "rows"]].concat();
    let (well, json) = allocate(&rows);
    assert!(well && json["stages"][0]["fed"] == true && json["stages"][0]["first"] == "stem");
    let (well, json) = allocate(&[&rows[..], &["--ram", &least.to_string()]].concat());
    assert!(well && json["ram_bytes"] == least && json["cuts"] == json!([]), "{json}");
    // With fewer bits it takes less; there is a least budget, too.
    let (well, json) = allocate(&[&rows[..], &["--ram", "4096"]].concat());
    let at_2_bits = json["least_ram_bytes"].as_u64().unwrap();
    assert!(!well && (4096..least).contains(&at_2_bits), "{json}");
    let message = refused(&["ds_cnn", "--execution", "rows"]);
    let expected = "`ds_cnn`: its image cannot come in rows: a row of the image has 10 bytes";
    assert!(message.contains(expected), "{message}");
}

/// Before there are weights instructions are about those of the trained network.
#[test]
fn instructions_are_those_of_the_firmware() {
    let digits = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/digits");
    let network = format!("{digits}/networks/digits.toml");
    let artifact = std::fs::read(format!("{digits}/models/digits.mixq")).unwrap();
    let artifact = Artifact::from_bytes(&artifact).unwrap();
    for rust_target in ["thumbv7em-none-eabihf", "thumbv6m-none-eabi", "riscv32imac-unknown-none-elf"] {
        let budget = ["--flash", "48 KiB", "--ram", "6 KiB", "--execution", "whole"];
        let (well, json) = allocate(&[&[&network[..], "--target", rust_target], &budget[..]].concat());
        let figure = |key: &str| json[key].as_u64().unwrap();
        assert!(well && figure("ram_bytes") <= 6144 && json["rust_target"] == rust_target);
        let placed = artifact.in_arena(figure("ram_bytes") as u32);
        let costs = Target::of(rust_target, true).costs(
            rust_target,
            &placed.layers(),
            &placed.parameters,
            placed.header.arena_bytes,
        );
        let trained: u64 = costs.iter().map(|cost| cost.instructions).sum();
        let off = figure("instructions").abs_diff(trained) as f64 / trained as f64;
        assert!(off < 0.03, "{rust_target}: {} before, {trained} after", figure("instructions"));
        let layers = json["layers"].as_array().unwrap();
        let sum: u64 = layers.iter().map(|layer| layer["instructions"].as_u64().unwrap()).sum();
        assert_eq!(sum, figure("instructions"));
        // Only kernels with DSP instructions work in the arena.
        assert_eq!(figure("speed_bytes") > 0, rust_target.starts_with("thumbv7em"));
        assert_eq!(json["cycles_estimate"].is_u64(), rust_target.starts_with("thumbv7em"));
    }
    let message = refused(&[&network, "--chip", "rp2040", "--target", "thumbv7em-none-eabihf"]);
    assert!(message.contains("which does not execute code for thumbv7em-none-eabihf"), "{message}");
}

#[test]
fn a_file_from_anywhere() {
    let digits = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/digits/networks/digits.toml");
    let (well, json) = allocate(&[digits, "--flash", "48 KiB", "--ram", "6 KiB"]);
    assert!(well && json["flash_bytes"].as_u64().unwrap() <= 48 << 10 && json["network"] == digits);
    let output = mixq(&["allocate", digits, "--ram", "3K"]);
    let table = String::from_utf8(output.stdout).unwrap();
    for part in ["per-channel, memory model `runtime`", "a8>4 #1", "32 (logits)", "of      3,072 B  (91.7 %)"]
    {
        assert!(table.contains(part), "{part} in\n{table}");
    }
    assert!(table.contains("RAM peaks at `stem`; the arena needs no more than lives there"), "{table}");
    assert!(
        refused(&[digits, "--width", "0.5", "--padding", "pytorch"])
            .contains("digits.toml` is a file: --width, --padding is for built-in networks")
    );
}

#[test]
fn what_is_refused() {
    for (arguments, part) in [
        (&["mobilnet_v1"][..], "did you mean `mobilenet_v1`?"),
        (&["missing.toml"], "cannot read missing.toml"),
        (&["xyz"], "`xyz` is neither a file nor a built-in network"),
        (&["resnet8", "--flash", "many"], "`many` does not begin with a whole number"),
        (&["resnet8", "--ram", "0"], "no network fits in 0 bytes"),
        (&["resnet8", "--chip", "pic16"], "there is no chip `pic16` in the list"),
        (&["resnet8", "--scheme", "per-tensor"], "per-layer, per-channel"),
        (&["resnet8", "--padding", "pytorch"], "resnet8 has no choice of padding"),
        (&["resnet8", "--padding", "same"], "tensorflow, pytorch"),
        (&["resnet8", "--model", "papers"], "runtime, paper"),
        (&["resnet8", "--width", "0"], "the width multiplier is 0"),
        (&["resnet8", "--resolution", "0"], "the resolution is 0"),
        (&["resnet8", "--delta", "2", "--model", "paper"], "2 is not within 0 and 1"),
    ] {
        let found = refused(arguments);
        assert!(found.contains(part), "{arguments:?}: {found}");
    }
}

#[test]
fn help_names_every_built_in_network() {
    let help = String::from_utf8(mixq(&["allocate", "--help"]).stdout).unwrap();
    assert!(BUILTIN_NAMES.iter().all(|name| help.contains(name)), "{help}");
}

#[test]
fn chips_are_listed() {
    let output = mixq(&["chips", "--json"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let listed = json["chips"].as_array().unwrap();
    assert_eq!(listed.len(), CHIPS.len());
    for (chip, listed) in CHIPS.iter().zip(listed) {
        let expected = json!({
            "name": chip.name,
            "flash_bytes": chip.flash,
            "ram_bytes": chip.ram,
            "clock_hz": chip.clock,
            "core": chip.core.title,
            "note": chip.note,
        });
        assert_eq!(*listed, expected);
    }
    let table = String::from_utf8(mixq(&["chips"]).stdout).unwrap();
    assert!(CHIPS.iter().all(|chip| table.contains(chip.name)), "{table}");
}

#[test]
fn layers_with_fewer_bits_for_the_sake_of_their_sums_are_said() {
    let folder = TempDir::new().unwrap();
    let network = folder.path().join("wide.toml");
    std::fs::write(&network, "input = [256, 256, 3]\n[[layer]]\nop = \"linear\"\nfeatures = 2\n").unwrap();
    let network = network.to_str().unwrap();
    let note = "layer 1 `linear1` (linear) sums 196,608 products of 8-bit codes and 8-bit weights, which \
    may come to 25,568,870,400";
    let (well, json) = allocate(&[network]);
    assert!(well && json["notes"][0].as_str().unwrap().starts_with(note), "{json}");
    assert_eq!(json["weight_bits"], json!([4]));
    let text = mixq(&["allocate", network]);
    assert!(String::from_utf8(text.stderr).unwrap().starts_with(&format!("note: {note}")));
}

/// What is wrong with trained weights is said before anything is trained.
#[test]
fn weights_of_another_network_are_refused() {
    let folder = TempDir::new().unwrap();
    let list = folder.path().join("net.toml");
    let network = r#"
        input = [4, 4, 1]
        weights = "net.safetensors"
        normalisation = { mean = 0, std = 255 }
        layer = [{ op = "linear", name = "head", features = 2 }]
    "#;
    std::fs::write(&list, network).unwrap();
    // A safetensors file by hand: a header, then 2 x 16 floats.
    let tensors = |shape: &str| {
        let head =
            format!("{{\"head.weight\":{{\"dtype\":\"F32\",\"shape\":{shape},\"data_offsets\":[0,128]}}}}");
        [&(head.len() as u64).to_le_bytes(), head.as_bytes(), &[0; 128]].concat()
    };
    let weights = folder.path().join("net.safetensors");
    std::fs::write(&weights, tensors("[2,16]")).unwrap();
    let list = list.to_str().unwrap();
    assert!(allocate(&[list]).0);
    std::fs::write(&weights, tensors("[16,2]")).unwrap();
    let said = refused(&[list]);
    assert!(said.contains("`head.weight` has shape [16, 2], and the layer needs [2, 16]"), "{said}");
    assert!(said.contains("net.toml:3:"), "{said}");
    std::fs::remove_file(&weights).unwrap();
    assert!(refused(&[list]).contains("net.safetensors"));
}
