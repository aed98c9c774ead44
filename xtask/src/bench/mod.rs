//! `cargo xtask bench`: instructions, code and stack of the kernels on the workloads of the published
//! comparison.
//!
//! QEMU counts to the instruction: with `-icount` time passes by instructions alone, and the firmware in
//! `tests/bench` reads it from a timer, or from a counter of the core. The firmware checks every answer
//! against plain arithmetic.

mod cycles;
mod document;
mod document_groups;
mod document_networks;
mod document_operators;
mod log;
mod machine;
mod networks;

use std::process::ExitCode;

use anyhow::{Result, bail};
use mixq_elf::Elf;
use serde::Serialize;
use serde_json::json;

use crate::setup;
use machine::{CPUS, Cpu};

/// Activations x weights.
pub const BITS: [(u8, u8); 6] = [(8, 8), (8, 4), (8, 2), (4, 4), (4, 2), (2, 2)];
/// Those that are measured without scratch, too.
const LEAST_BITS: [(u8, u8); 2] = [(8, 8), (4, 4)];
/// As in tests/bench/build/workloads.rs.
pub const WORKLOADS: [&str; 6] = ["W1", "W2", "W3", "W4", "W5", "W6"];

/// Figures of a workload.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub cpu: &'static str,
    /// `fastest`: with all the scratch that is of use. `least`: with none.
    pub arena: &'static str,
    pub workload: &'static str,
    pub activation_bits: u8,
    pub weight_bits: u8,
    /// Executed from the call of the first layer to the return of the last.
    pub instructions: u64,
    pub macs: u64,
    /// On a Cortex-M4; for others there is no model.
    pub cycles_estimate: Option<u64>,
    /// Of all kernels for these bits that the six workloads take.
    pub code_bytes: u64,
    /// In the arena.
    pub scratch_bytes: u64,
    /// Of the layer that takes most, what it works in included.
    pub stack_bytes: u64,
}

impl Row {
    /// Instructions for one multiply-accumulate.
    pub fn per_mac(&self) -> f64 {
        self.instructions as f64 / self.macs as f64
    }
}

/// Optimisation levels that code is measured at.
pub const LEVELS: [&str; 2] = ["3", "s"];

/// Code of the kernels that one network takes: MobileNetV1, W6, by itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Code {
    pub activation_bits: u8,
    pub weight_bits: u8,
    pub opt_level: &'static str,
    pub code_bytes: u64,
}

/// Measures all, writes the table of the documentation.
///
/// # Errors
/// If something is missing, or a kernel answers wrongly.
pub fn run(json: bool) -> Result<ExitCode> {
    setup::emulators()?;
    let mut rows = Vec::new();
    for cpu in CPUS {
        for bits in BITS {
            rows.extend(measure(cpu, bits, true)?);
        }
    }
    // Others work in no scratch, or execute the same code.
    for cpu in CPUS.iter().filter(|cpu| cpu.scratch && !cpu.same) {
        for bits in LEAST_BITS {
            rows.extend(measure(cpu, bits, false)?);
        }
    }
    let networks = networks::measure(CPUS.iter().filter(|cpu| !cpu.same))?;
    let mut codes = Vec::new();
    for bits in BITS {
        for level in LEVELS {
            codes.push(code(bits, level)?);
        }
    }
    document::write(&rows, &networks, &codes)?;
    if json {
        println!("{}", json!({ "rows": rows, "networks": networks, "network": codes }));
    }
    Ok(ExitCode::SUCCESS)
}

/// On the Cortex-M4.
fn code(bits: (u8, u8), opt_level: &'static str) -> Result<Code> {
    let elf = CPUS[0].build_with(bits, "W6", opt_level, true)?;
    let symbols = Elf::read(&elf)?;
    let code_bytes = symbols.code("mixq_rt::")?;
    println!("W6 alone, {}x{}, opt-level {opt_level}: {code_bytes} B of code", bits.0, bits.1);
    Ok(Code { activation_bits: bits.0, weight_bits: bits.1, opt_level, code_bytes })
}

fn measure(cpu: &'static Cpu, bits: (u8, u8), spare: bool) -> Result<Vec<Row>> {
    let elf = cpu.build(bits, spare)?;
    let symbols = Elf::read(&elf)?;
    let code_bytes = symbols.code("mixq_rt::")?;
    let mut rows = Vec::new();
    for workload in WORKLOADS {
        let printed = cpu.run(&elf, workload)?;
        let figure = |name: &str| -> Result<u64> {
            let line = printed.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            let Some(figure) = line.and_then(|figure| figure.trim().parse().ok()) else {
                bail!("{workload} printed no {name}:\n{printed}");
            };
            Ok(figure)
        };
        let row = Row {
            cpu: cpu.name,
            arena: if spare { "fastest" } else { "least" },
            workload,
            activation_bits: bits.0,
            weight_bits: bits.1,
            instructions: figure("instructions")?,
            macs: figure("macs")?,
            cycles_estimate: if cpu.cycles {
                Some(cycles::estimate(cpu, &elf, &symbols, workload)?)
            } else {
                None
            },
            code_bytes,
            scratch_bytes: figure("scratch")?,
            stack_bytes: figure("stack")?,
        };
        println!("{}", line(&row));
        rows.push(row);
    }
    Ok(rows)
}

fn line(row: &Row) -> String {
    let cycles = row
        .cycles_estimate
        .map_or(String::new(), |c| format!(", {:.2} cycles/MAC", c as f64 / row.macs as f64));
    format!(
        "{} {} {}x{}, {} arena: {} instructions, {:.3} per MAC{cycles}, {} B of code, {} B of scratch, {} B \
         of stack",
        row.cpu,
        row.workload,
        row.activation_bits,
        row.weight_bits,
        row.arena,
        row.instructions,
        row.per_mac(),
        row.code_bytes,
        row.scratch_bytes,
        row.stack_bytes
    )
}
