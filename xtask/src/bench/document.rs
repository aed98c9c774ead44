//! The tables of the documentation.

use std::fmt::Write;

use anyhow::{Context, Result};

use super::{
    BITS, Code, LEVELS, Row, WORKLOADS, document_groups, document_networks, document_operators, networks,
};
use crate::process::repository;

/// The file that is written.
const FILE: &str = "docs/kernels.md";

const INTRODUCTION: &str = "\
# Kernels: instructions, code and stack

Written by `cargo xtask bench`, which counts executed instructions in QEMU, exactly: with `-icount` time \
passes by
instructions alone, and firmware reads it from a timer (Cortex-M) or from `minstret` (RISC-V); a loop of \
known length checks that at
every start. A workload is counted from the call of its first layer to the return of its last, with \
requantisation to as many bits as
the activations have, weights asymmetric by output channel. Inputs and weights are random; firmware \
compares every byte of the answer
with what plain arithmetic in wide integers makes of them, so a kernel that is wrong is not measured. \
Optimisation level 3.

* W1: 1x1 convolution, 16x16x64 to 128 channels. W2: depthwise 3x3, stride 1, 16x16x64. W3: 3x3, stride 2, \
96x96x3 to 8.
* W4: 3x3, 16x16x32 to 32. W5: fully connected, 256 to 128. W6: all of MobileNetV1 0.25 at 128x128x3, 1000 \
classes, 13.57 M MAC.

Cortex-M4, M7 and M33 execute the same code, kernels of their own (`mixq-rt/src/target/armv7em`), and so do \
Cortex-M35P, M52, M55 and M85; Cortex-M0+ \
(on a board with a Cortex-M3: it executes the same
instructions and has the memory) and RISC-V execute the portable ones; Cortex-M0+ has an inner loop of its \
own for 8-bit weights.

Scratch is what a layer uses of the arena beside its tensors, and in the arena's bytes; here all that is of \
use was there. A layer that finds less than 208 B
there (W3: 272 B, W5: 512 B) takes as many of the stack. W3 at 4 and 2 bits has an image of as many bits, \
each pixel in bytes of its own; in a network
images have 8 bits. Columns of code, scratch and stack are of all six workloads together, the largest.
";

const LEAST: &str = "
The same in an arena that has no byte beyond the tensors: as users have it in the least RAM, where a layer's \
tensors fill it. Convolutions
work at the end of the output then, which holds no codes yet, and at the start of the input, of which \
nothing is read again (if
no other layer reads it); where neither has room, in 208 B of the stack (W3: 272 B).
W5 works in 512 B of the stack.

";

const PEERS: &str = "
## Others, on a Cortex-M4

Instructions per multiply-accumulate, W6 in millions; counted in the same way, the best of several \
compilers and flags for each.

| kernels (activation x weight bits) | W1 | W2 | W3 | W4 | W5 | W6 |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
| CMSIS-NN 8x8 | 1.98 | 7.16 | 5.84 | 1.90 | 2.05 | 40.2 |
| CMSIS-NN 8x4 | 3.68 | 15.1 | 7.56 | 3.51 | 4.16 | 74.1 |
| TinyEngine 8x8, float requantisation | 1.93 | 6.55 | 2.26 | - | - | 35.2 |
| CMix-NN 8x8 (per channel ICN) | 2.32 | 10.1 | 4.35 | 2.15 | - | 48.2 |
| CMix-NN 8x4 | 2.70 | 11.7 | 8.36 | 2.50 | - | 54.8 |
| CMix-NN 4x4 | 2.69 | 15.2 | 8.56 | 2.52 | - | 59.1 |
| CMix-NN 4x2 | 2.98 | 15.2 | 17 | 2.80 | - | - |
| CMix-NN 2x2 | 3.05 | 14.4 | 33 | 2.84 | - | - |
";

const MODEL: &str = "
## Cycles

The estimate for the Cortex-M4 takes every instruction that was executed, in memory without wait states: \
loads and stores of n registers
(`LDM`, `LDRD`, `PUSH` ...) 1 + n cycles; other loads 2, or 1 right after a load or a store; a branch that \
is taken 2 more; a division 7; all
others 1. `cargo xtask bench --json` has it for every row.

## Cost model

`mixq_format::target::Target::cost` says of a layer what it will take, before anything is compiled, with any \
number of bytes of scratch: how often each
piece of its kernel is executed, times what a piece takes. On Cortex-M4 and M7 the first is exact, as the \
loops have it, and what pieces of assembly take
too; what compilers make of the code around them was fitted to some thousand layers of random networks. For \
portable kernels all is fitted. The test `cost`
holds that against QEMU: networks may differ by 2 % on the M4, by 4 % elsewhere, each of some dozens of \
other random layers on the M4 by 5 %.
All is for optimisation level 3: at others firmware takes other numbers, which the model does not know.
";

/// Writes the tables.
///
/// # Errors
/// If the file cannot be written.
pub fn write(rows: &[Row], networks: &[networks::Row], codes: &[Code]) -> Result<()> {
    let mut text = INTRODUCTION.to_string();
    let with = |arena: &str| rows.iter().filter(|row| row.arena == arena).cloned().collect::<Vec<Row>>();
    let (fastest, least) = (with("fastest"), with("least"));
    let mut cpus: Vec<&str> = fastest.iter().map(|row| row.cpu).collect();
    cpus.dedup();
    for cpu in cpus {
        text += &table(&fastest, cpu);
        if least.iter().any(|row| row.cpu == cpu) {
            text += LEAST;
            text += &lines(&least, cpu);
        }
    }
    text += &document_operators::table();
    text += &document_groups::table();
    text += &document_networks::tables(networks);
    text += &network(codes);
    text += PEERS;
    text += MODEL;
    let path = repository(FILE);
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    println!("wrote {FILE}");
    Ok(())
}

fn table(rows: &[Row], cpu: &str) -> String {
    let text =
        format!("\n## {cpu}\n\nInstructions per multiply-accumulate; W6 in millions of instructions.\n\n");
    text + &lines(rows, cpu)
}

fn lines(rows: &[Row], cpu: &str) -> String {
    let mut text =
        "| activation x weight bits | W1 | W2 | W3 | W4 | W5 | W6 | cycles per MAC, W1 | code, B | \
                    scratch, B | stack, B |\n"
            .to_string();
    text += "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";
    for (activation, weight) in BITS {
        let here =
            |row: &&Row| row.cpu == cpu && (row.activation_bits, row.weight_bits) == (activation, weight);
        if !rows.iter().any(|row| here(&row)) {
            continue;
        }
        let _ = write!(text, "| {activation}x{weight} |");
        for workload in WORKLOADS {
            let Some(row) = rows.iter().filter(here).find(|row| row.workload == workload) else { continue };
            let _ = match workload {
                "W6" => write!(text, " {:.1} |", row.instructions as f64 / 1e6),
                _ => write!(text, " {:.2} |", row.per_mac()),
            };
        }
        let first = rows.iter().find(here);
        let cycles = first.and_then(|row| Some(row.cycles_estimate? as f64 / row.macs as f64));
        let code = first.map_or(0, |row| row.code_bytes);
        let scratch = rows.iter().filter(here).map(|row| row.scratch_bytes).max().unwrap_or(0);
        let stack = rows.iter().filter(here).map(|row| row.stack_bytes).max().unwrap_or(0);
        let cycles = cycles.map_or("-".to_string(), |cycles| format!("{cycles:.2}"));
        let _ = writeln!(text, " {cycles} | {code} | {scratch} | {stack} |");
    }
    text
}

/// The kernels of one network.
fn network(codes: &[Code]) -> String {
    let mut text = "\n## Code of one network\n\nBytes of the kernels that MobileNetV1 (W6) takes on a \
                    Cortex-M4, in firmware that holds nothing else, at optimisation levels 3 and \"s\": \
                    each once, whatever the number of layers. At \"s\" loops are unrolled less.\n\n"
        .to_string();
    let heads = LEVELS.map(|level| format!("opt-level {level}, B |")).join(" ");
    let _ = writeln!(text, "| activation x weight bits | {heads}\n| --- | ---: | ---: |");
    for (activation, weight) in BITS {
        let _ = write!(text, "| {activation}x{weight} |");
        let here =
            codes.iter().filter(|code| (code.activation_bits, code.weight_bits) == (activation, weight));
        for level in LEVELS {
            let code = here.clone().find(|code| code.opt_level == level).map_or(0, |code| code.code_bytes);
            let _ = write!(text, " {code} |");
        }
        text += "\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_line_for_each_pair_of_widths() {
        let row = |workload, bits: (u8, u8)| Row {
            cpu: "cortex-m4",
            arena: "fastest",
            workload,
            activation_bits: bits.0,
            weight_bits: bits.1,
            instructions: 3_000_000,
            macs: 2_000_000,
            cycles_estimate: Some(5_000_000),
            code_bytes: 4000,
            scratch_bytes: 600,
            stack_bytes: 900,
        };
        let rows: Vec<Row> =
            BITS.iter().flat_map(|bits| WORKLOADS.map(|workload| row(workload, *bits))).collect();
        let text = table(&rows, "cortex-m4");
        assert!(
            text.contains("| 8x4 | 1.50 | 1.50 | 1.50 | 1.50 | 1.50 | 3.0 | 2.50 | 4000 | 600 | 900 |"),
            "{text}"
        );
        assert_eq!(text.matches("\n| ").count(), 2 + BITS.len());
    }

    #[test]
    fn code_stands_by_widths_and_levels() {
        let code = |opt_level, code_bytes| Code { activation_bits: 8, weight_bits: 4, opt_level, code_bytes };
        let text = network(&[code("s", 9000), code("3", 10_000)]);
        assert!(text.contains("| 8x4 | 10000 | 9000 |\n"), "{text}");
    }

    #[test]
    fn the_page_has_what_the_model_says() {
        let page = std::fs::read_to_string(repository(FILE)).expect("the page is there");
        for text in [document_operators::table(), document_groups::table()] {
            assert!(page.contains(&text), "{FILE} is not what `cargo xtask bench` writes:\n{text}");
        }
    }
}
