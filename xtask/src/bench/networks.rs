//! Whole networks as users have them: laid out as `include_model!` does it, in the arena that the build
//! plans, and in one with as much scratch as makes them faster.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use mixq_elf::Elf;
use serde::{Deserialize, Serialize};

use super::cycles;
use super::machine::Cpu;
use crate::process::{cargo, repository};

/// Folders of the networks of one firmware each: those of these bits, and those whose bits the rules chose.
const FIRMWARE: [&str; 3] = ["8", "4", "allocated"];

/// Figures of a network on a processor.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub network: String,
    pub cpu: &'static str,
    /// Of all activations but image and logits; none where the rules have chosen them for each.
    pub activation_bits: Option<u8>,
    pub weight_bits: Option<u8>,
    pub ram_bytes: u64,
    pub flash_bytes: u64,
    /// Of all layers.
    pub instructions: u64,
    pub macs: u64,
    /// On a Cortex-M4; for others there is no model.
    pub cycles_estimate: Option<u64>,
    /// `least`: what the network needs. `fastest`: with as much scratch as makes it faster.
    pub arena: &'static str,
}

/// What is known of a network before it is executed, as the tests write it.
#[derive(Deserialize)]
struct About {
    network: String,
    /// The firmware that holds it.
    firmware: String,
    activation_bits: Option<u8>,
    weight_bits: Option<u8>,
    arena: String,
    spare_bytes: u64,
    ram_bytes: u64,
    flash_bytes: u64,
    macs: u64,
}

/// Measures all networks on the processors that execute different code.
///
/// # Errors
/// If something is missing, or a network answers wrongly.
pub fn measure<'a>(cpus: impl Iterator<Item = &'a Cpu>) -> Result<Vec<Row>> {
    let folder = repository("target/bench");
    write(&folder)?;
    let about = std::fs::read(folder.join("about.json")).context("the networks were not written")?;
    let about: Vec<About> = serde_json::from_slice(&about).context("about.json is none")?;
    let mut rows = Vec::new();
    for cpu in cpus {
        let mut found = HashMap::new();
        for firmware in FIRMWARE {
            let executed = execute(cpu, &folder.join(firmware))?;
            let key = |(name, spare)| (firmware.to_string(), name, spare);
            found.extend(executed.into_iter().map(|(network, figures)| (key(network), figures)));
        }
        for about in &about {
            let fastest = about.arena == "fastest";
            // Kernels of other processors have no use for more.
            let spare = if cpu.scratch { about.spare_bytes } else { 0 };
            if fastest && !cpu.scratch {
                continue;
            }
            let key = (about.firmware.clone(), about.network.clone(), spare);
            let &(instructions, cycles_estimate) =
                found.get(&key).with_context(|| format!("{} was not executed", about.network))?;
            let row = Row {
                network: about.network.clone(),
                cpu: cpu.name,
                activation_bits: about.activation_bits,
                weight_bits: about.weight_bits,
                ram_bytes: about.ram_bytes,
                flash_bytes: about.flash_bytes,
                instructions,
                macs: about.macs,
                cycles_estimate,
                arena: if fastest { "fastest" } else { "least" },
            };
            println!("{}", line(&row));
            rows.push(row);
        }
    }
    Ok(rows)
}

/// Name of a network, and spare bytes of its arena.
type Key = (String, u64);
/// Instructions and cycles.
type Figures = (u64, Option<u64>);

/// Writes the networks to a folder, by the tests' crate: this one starts on a fresh clone, and knows no
/// networks.
fn write(folder: &Path) -> Result<()> {
    let mut cargo = cargo("");
    cargo.args(["run", "--quiet", "-p", "mixq-tests", "--bin", "zoo", "--"]).arg(folder);
    let status = cargo.status().context("cargo does not start")?;
    if !status.success() {
        bail!("the networks of the bench cannot be made");
    }
    Ok(())
}

/// Instructions and cycles of all networks of a firmware, by their names and the spare bytes of their arenas.
fn execute(cpu: &Cpu, networks: &Path) -> Result<Vec<(Key, Figures)>> {
    let elf = cpu.build_networks(networks)?;
    let printed = cpu.run(&elf, "networks")?;
    let mut lines = Vec::new();
    for line in printed.lines() {
        let mut words = line.split_whitespace();
        let name = words.next().context("a line begins with a name")?.to_string();
        let figures: Vec<u64> = words.map(str::parse).collect::<Result<_, _>>().context("figures follow")?;
        let (spare, layers) = figures.split_first().context("a figure follows")?;
        lines.push(((name, *spare), layers.to_vec()));
    }
    let mut cycles = if cpu.cycles {
        let symbols = Elf::read(&elf)?;
        let layers = symbols.layers();
        Some(cycles::of_functions(cpu, &elf, &symbols, &layers)?.into_iter())
    } else {
        None
    };
    let with_cycles = lines.into_iter().map(|(key, layers)| {
        // All of a stage is its first layer: the others execute nothing.
        let executed = layers.iter().filter(|instructions| **instructions > 0).count();
        let cycles = cycles.as_mut().map(|cycles| cycles.take(executed).sum());
        (key, (layers.iter().sum(), cycles))
    });
    Ok(with_cycles.collect())
}

fn line(row: &Row) -> String {
    let bits = row.activation_bits.map_or("as allocated".to_string(), |bits| format!("{bits}x{bits}"));
    let cycles = row.cycles_estimate.map_or(String::new(), |cycles| format!(", {cycles} cycles estimated"));
    format!(
        "{} {} {bits}, {} arena: {} instructions{cycles}, {} B of RAM",
        row.cpu, row.network, row.arena, row.instructions, row.ram_bytes
    )
}
