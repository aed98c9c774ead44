//! Writes the networks of the bench to a folder, for the firmware `networks` in `tests/bench`: a `.mixq` file
//! for each, the list `FIRMWARE/networks` of those of one firmware, and `about.json`, which says of each line
//! of the lists what `cargo xtask bench` prints of it.

use std::path::{Path, PathBuf};

use mixq_format::target::{Outline, Target};
use mixq_format::{Artifact, Bits};
use mixq_tests::zoo;
use serde_json::{Value, json};

/// Whose kernels use scratch.
const RUST_TARGET: &str = "thumbv7em-none-eabihf";

fn main() {
    let folder = PathBuf::from(std::env::args_os().nth(1).expect("an argument names the folder"));
    let mut about = Vec::new();
    for bits in [Some(Bits::B8), Some(Bits::B4), None] {
        let mut networks: Vec<Artifact> = zoo::NAMES
            .iter()
            .map(|name| bits.map_or_else(|| zoo::allocated(name), |bits| zoo::artifact(name, bits)))
            .collect();
        if bits.is_none() {
            networks.extend(["digits", "cifar10"].map(example));
        }
        let firmware = bits.map_or("allocated".to_string(), |bits| bits.count().to_string());
        let folder = folder.join(&firmware);
        std::fs::create_dir_all(&folder).expect("the folder can be created");
        let mut list = String::new();
        for artifact in networks {
            let name = &artifact.header.name;
            let fastest = fastest(&artifact);
            std::fs::write(folder.join(format!("{name}.mixq")), artifact.to_bytes()).expect("it is written");
            list += &format!("{name} 0\n");
            if fastest > 0 {
                list += &format!("{name} {fastest}\n");
            }
            about.extend(
                [("least", 0), ("fastest", fastest)].map(|row| line(&artifact, &firmware, bits, row)),
            );
        }
        std::fs::write(folder.join("networks"), list).expect("the list is written");
    }
    std::fs::write(folder.join("about.json"), Value::from(about).to_string()).expect("it is written");
}

/// What is known of a network before it is executed; bits are `null` where the rules have chosen them.
fn line(artifact: &Artifact, firmware: &str, bits: Option<Bits>, (arena, spare): (&str, u32)) -> Value {
    let macs: u64 = artifact.header.layers.iter().map(|layer| layer.macs).sum();
    let bits = bits.map(Bits::count);
    json!({
        "network": artifact.header.name,
        "firmware": firmware,
        "activation_bits": bits,
        "weight_bits": bits,
        "arena": arena,
        "spare_bytes": spare,
        "ram_bytes": artifact.header.arena_bytes + spare,
        "flash_bytes": artifact.flash_bytes(),
        "macs": macs,
    })
}

/// Bytes beyond the least arena that make a network fast.
fn fastest(artifact: &Artifact) -> u32 {
    let (layers, arena_bytes) = (artifact.layers(), artifact.header.arena_bytes);
    let outline = Outline { steps: layers.steps(&[]), parameters: Some(&artifact.parameters), arena_bytes };
    Target::of(RUST_TARGET, true).fastest_arena(RUST_TARGET, &outline, u64::MAX) - arena_bytes
}

/// The artifact of an example, at the bits that the rules gave it.
fn example(name: &str) -> Artifact {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name).join("models");
    let bytes = std::fs::read(models.join(format!("{name}.mixq"))).expect("the example has an artifact");
    Artifact::from_bytes(&bytes).expect("an artifact")
}
