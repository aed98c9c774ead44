//! `cargo xtask tables`: the tables of the documentation that mixq computes.

use std::fmt::Write;
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::mixq::{Mixq, Profile};
use crate::process::repository;

mod memory;

/// The file that is written.
const FILE: &str = "docs/allocation.md";

const WIDTHS: [&str; 4] = ["1.0", "0.75", "0.5", "0.25"];
const RESOLUTIONS: [&str; 4] = ["224", "192", "160", "128"];
const SCHEMES: [&str; 2] = ["per-layer", "per-channel"];

/// What `cargo mixq allocate` answers; bytes.
#[derive(Deserialize)]
struct Allocation {
    macs: u64,
    flash_bytes: u64,
    ram_bytes: u64,
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
struct Layer {
    name: String,
    weight_bits: Option<u8>,
    activation_bits: u8,
}

/// Writes the tables.
///
/// # Errors
/// If the tool cannot be built or fails, or the file cannot be written.
pub fn run(json: bool) -> Result<ExitCode> {
    let mixq = Mixq::build(Profile::Release, None)?;
    let mut text = INTRODUCTION.to_string();
    let mut rows = 0;
    for model in ["paper", "runtime"] {
        for scheme in SCHEMES {
            let _ = write!(text, "\n## Memory model `{model}`, {scheme}\n\n{HEADER}");
            for width in WIDTHS {
                for resolution in RESOLUTIONS {
                    let answer = allocate(&mixq, width, resolution, scheme, model)?;
                    text += &row(width, resolution, &answer)?;
                    rows += 1;
                }
            }
        }
    }
    let path = repository(FILE);
    let folder = path.parent().context("the file has a folder")?;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    println!("wrote {FILE}: {rows} allocations");
    let networks = memory::write(&mixq)?;
    println!("wrote {}: {networks} networks", memory::FILE);
    if json {
        let files = [FILE, memory::FILE];
        println!("{}", json!({ "files": files, "allocations": rows, "networks": networks }));
    }
    Ok(ExitCode::SUCCESS)
}

const INTRODUCTION: &str = "\
# Bits of the MobileNetV1 family in 2 MB of flash and 512 kB of RAM

Which tensors the rules of arXiv 1905.13082 cut below 8 bits, in 2,048,000 B of flash and 512,000 B of RAM, \
1000 classes.
`paper` counts memory as the paper does; `runtime` counts what the linked firmware holds. Outputs and \
weights that are not
named have 8 bits. Layers are executed on whole tensors, as in the paper; in stripes of rows no output is \
cut, see
[memory.md](memory.md). Written by `cargo xtask tables`; one row is

```sh
cargo xtask allocate mobilenet_v1 --width 0.75 --resolution 224 --classes 1000 \\
    --flash 2048000 --ram 512000 --scheme per-channel --model paper --execution whole
```
";

const HEADER: &str = "\
| width_resolution | M MAC | flash, B | RAM, B | weights | outputs |
| --- | ---: | ---: | ---: | --- | --- |
";

fn allocate(mixq: &Mixq, width: &str, resolution: &str, scheme: &str, model: &str) -> Result<Value> {
    let arguments = [
        "mobilenet_v1",
        "--classes",
        "1000",
        "--flash",
        "2048000",
        "--ram",
        "512000",
        "--width",
        width,
        "--resolution",
        resolution,
        "--scheme",
        scheme,
        "--model",
        model,
        "--execution",
        "whole",
    ];
    mixq.quiet_json("allocate", &arguments)
}

fn row(width: &str, resolution: &str, answer: &Value) -> Result<String> {
    if answer["fits"] == false {
        return Ok(format!("| {width}_{resolution} | | | | does not fit | |\n"));
    }
    let found = Allocation::deserialize(answer)
        .with_context(|| format!("`cargo mixq allocate` answered {answer}"))?;
    let narrow = |bits: &dyn Fn(&Layer) -> Option<u8>| {
        let cut =
            found.layers.iter().filter_map(|layer| Some((layer, bits(layer).filter(|bits| *bits < 8)?)));
        let words: Vec<String> = cut.map(|(layer, bits)| format!("{}: {bits}", layer.name)).collect();
        if words.is_empty() { "-".to_string() } else { words.join(", ") }
    };
    Ok(format!(
        "| {width}_{resolution} | {:.0} | {} | {} | {} | {} |\n",
        found.macs as f64 / 1e6,
        found.flash_bytes,
        found.ram_bytes,
        narrow(&|layer| layer.weight_bits),
        narrow(&|layer| Some(layer.activation_bits)),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_names_what_is_cut() {
        let layer = |name: &str, weights: Option<u8>, output: u8| {
            let mut layer = json!({ "name": name, "weight_bits": weights });
            layer["activation_bits"] = output.into();
            layer
        };
        let layers = [layer("stem", Some(8), 4), layer("pool", None, 4), layer("logits", Some(2), 8)];
        let answer = json!({ "macs": 2_600_000, "flash_bytes": 10, "ram_bytes": 20, "layers": layers });
        let row = |answer: &Value| row("0.5", "128", answer);
        assert_eq!(row(&answer).unwrap(), "| 0.5_128 | 3 | 10 | 20 | logits: 2 | stem: 4, pool: 4 |\n");
        assert!(row(&json!({ "fits": false })).unwrap().contains("does not fit"));
        assert!(row(&json!({ "macs": 1 })).is_err(), "an answer without figures is no shortage");
    }
}
