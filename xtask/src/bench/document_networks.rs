//! The tables of whole networks in the documentation.

use std::fmt::Write;

use super::networks::Row;
use crate::process::thousands;

const INTRODUCTION: &str = "
## Networks

Whole networks, laid out as `include_model!` does it in the arena that the build plans: with the least RAM, \
and with as much more as
makes them faster. Weights are random, drawn as wide and as asymmetric as trained ones; answers are compared \
with those of the portable
kernels. All weights and activations but image and logits have 8 or 4 bits, or those that the rules \
give them in 60 % of the flash and 60 % of
the RAM that 8 bits take (70, 80, 90 or 100 % of the RAM, where image and logits leave too little of \
less): `as allocated`. `digits`
and `cifar10` are the examples, as allocated in their own budgets. `vww`, `ad`, `resnet8` and `ds_cnn` \
are those of MLPerf Tiny; `vww` and `person` are MobileNetV1 0.25 at 96x96;
`imu_1d` has four convolutions of 1x5 over 128 times 6 values.
";

const PEERS: &str = "
Others at 8x8: instructions of TFLM with CMSIS-NN, counted in the same way; cycles as measured on an \
STM32L4R5 at 120 MHz (milliseconds
times the clock, wait states of its flash included).

| network | TFLM with CMSIS-NN, M instructions | ST X-CUBE-AI 10.2, M cycles | Plumerai, M cycles |
| --- | ---: | ---: | ---: |
| resnet8 | 29.9 | 19.9 | 20.1 |
| ds_cnn | 7.7 | 5.21 | 5.74 |
| vww | 24.1 | 10.7 | 11.9 |
| ad | 0.58 | 0.575 | 0.486 |

Cycles here are an estimate, theirs were measured: do not take one for the other. The estimate leaves out \
wait states of the flash,
from which weights and code are read, a third cycle that a branch to an unaligned instruction may take, and \
interrupts. Cycles of
CMSIS-NN that were measured on that board were 1.0 to 1.3 times what this model gives for its instructions \
(one rougher comparison:
1.5). Nobody has run these kernels on a board yet. At a factor of 1.3, a network whose estimate is below \
0.77 times a measured figure
is faster than that one; for others it is not known.
";

/// Tables of all processors.
pub fn tables(rows: &[Row]) -> String {
    let mut text = INTRODUCTION.to_string();
    let mut cpus: Vec<&str> = rows.iter().map(|row| row.cpu).collect();
    cpus.dedup();
    for cpu in cpus {
        let here: Vec<&Row> = rows.iter().filter(|row| row.cpu == cpu).collect();
        let _ = write!(text, "\n### {cpu}\n\n");
        text += &if here.iter().any(|row| row.arena == "fastest") { two(&here) } else { one(&here) };
        if here.iter().any(|row| row.cycles_estimate.is_some()) {
            text += PEERS;
        }
    }
    text
}

/// A line for each network, with its least and its fastest arena.
fn two(rows: &[&Row]) -> String {
    let mut text =
        "| network | bits | M MAC | flash, B | least RAM, B | M instructions | M cycles, estimated | \
                    fastest: RAM, B | M instructions | M cycles, estimated |\n"
            .to_string();
    text += "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";
    for row in rows.iter().filter(|row| row.arena == "least") {
        let is_same = |other: &&&Row| {
            let key = |row: &Row| (row.network.clone(), row.activation_bits, row.weight_bits);
            other.arena == "fastest" && key(other) == key(row)
        };
        let _ = write!(text, "{}{}", head(row), figures(row));
        let fastest = rows.iter().find(is_same).map_or(" | | |".to_string(), |row| figures(row));
        let _ = writeln!(text, "{fastest}");
    }
    text
}

/// The same, where there is one arena only.
fn one(rows: &[&Row]) -> String {
    let mut text = "| network | bits | M MAC | flash, B | RAM, B | M instructions |\n".to_string();
    text += "| --- | ---: | ---: | ---: | ---: | ---: |\n";
    for row in rows {
        let ram = thousands(row.ram_bytes);
        let _ = writeln!(text, "{} {ram} | {} |", head(row), millions(row.instructions));
    }
    text
}

fn head(row: &Row) -> String {
    let bits = match (row.activation_bits, row.weight_bits) {
        (Some(activation), Some(weight)) => format!("{activation}x{weight}"),
        _ => "as allocated".to_string(),
    };
    format!("| {} | {bits} | {} | {} |", row.network, millions(row.macs), thousands(row.flash_bytes))
}

fn figures(row: &Row) -> String {
    let cycles = row.cycles_estimate.map_or("-".to_string(), millions);
    format!(" {} | {} | {cycles} |", thousands(row.ram_bytes), millions(row.instructions))
}

/// Three digits, or what is before the point.
fn millions(count: u64) -> String {
    let millions = count as f64 / 1e6;
    match millions {
        ..1.0 => format!("{millions:.3}"),
        ..10.0 => format!("{millions:.2}"),
        _ => format!("{millions:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_both_arenas() {
        let row = |arena, instructions, ram_bytes| Row {
            network: "resnet8".to_string(),
            cpu: "cortex-m4",
            activation_bits: Some(8),
            weight_bits: Some(8),
            ram_bytes,
            flash_bytes: 80_000,
            instructions,
            macs: 12_500_000,
            cycles_estimate: Some(instructions * 3 / 2),
            arena,
        };
        let text = tables(&[row("least", 22_270_000, 49_152), row("fastest", 9_000_000, 50_368)]);
        let line = "| resnet8 | 8x8 | 12.5 | 80,000 | 49,152 | 22.3 | 33.4 | 50,368 | 9.00 | 13.5 |\n";
        assert!(text.contains(line), "{text}");
    }
}
