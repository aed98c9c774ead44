//! An estimate of the cycles of a Cortex-M4, from every instruction that was executed.
//!
//! The model, after the table of instructions in Arm's Cortex-M4 Technical Reference Manual, for memory
//! without wait states:
//!
//! | instruction | cycles |
//! | --- | --- |
//! | `LDM`, `STM`, `PUSH`, `POP`, `LDRD`, `STRD` of n registers | 1 + n |
//! | other loads | 2; 1 right after a load or a store, with which it is pipelined |
//! | other stores | 1 |
//! | a branch that is taken (`B`, `BL`, `BX`, loads of `pc`) | 2 more |
//! | divisions | 7 |
//! | all others, `SMLAD` too | 1 |
//!
//! A block of instructions that is left other than by falling through ends in a branch that is taken: QEMU's
//! log tells how often each block was executed, and which one after it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::ops::Range;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use mixq_elf::Elf;

use super::machine::Cpu;

/// A block that QEMU has translated.
#[derive(Clone, Copy)]
struct Block {
    start: u64,
    end: u64,
    cycles: u64,
}

/// Cycles of a workload, its call alone.
///
/// # Errors
/// If the emulator fails, or does not log what is expected of it.
pub fn estimate(cpu: &Cpu, elf: &Path, symbols: &Elf, workload: &str) -> Result<u64> {
    // The firmware calls the workload twice; the second call is counted.
    let entry = symbols.address(&format!("::{workload}::run"))?;
    let mut qemu = cpu.emulator(elf, workload);
    qemu.args(["-d", "in_asm,exec,nochain", "-D", "/dev/stderr"]);
    qemu.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = qemu.spawn().context("the emulator does not start")?;
    let log = BufReader::new(child.stderr.take().context("the emulator's log is piped")?);
    let counter = symbols.functions("bench::counter::");
    let cycles = count(log, entry, &counter)?;
    child.wait()?;
    Ok(cycles)
}

/// Reads a log from the second call of the function at `entry` to the return into one of the functions that
/// count.
fn count(log: impl BufRead, entry: u64, counter: &[Range<u64>]) -> Result<u64> {
    let mut translated: Vec<(u64, String)> = Vec::new();
    let mut blocks: HashMap<String, Block> = HashMap::new();
    let (mut calls, mut total, mut last) = (0, 0, None::<Block>);
    for line in log.split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        if line.starts_with("IN:") {
            translated.clear();
        } else if let Some(rest) = line.strip_prefix("0x") {
            let (address, text) = rest.split_once(':').context("an address and an instruction")?;
            translated.push((u64::from_str_radix(address, 16)?, text.to_string()));
        } else if let Some(rest) = line.strip_prefix("Trace ") {
            let key = rest.split_whitespace().nth(1).context("a block has an address")?.to_string();
            let block = *blocks.entry(key).or_insert_with(|| Block::new(&translated));
            if block.start == entry {
                calls += 1;
                total = 0;
            } else if calls == 2 && counter.iter().any(|range| range.contains(&block.start)) {
                return Ok(total);
            } else if calls > 0 && last.is_some_and(|last| last.end != block.start) {
                total += 2;
            }
            total += block.cycles;
            last = Some(block);
        }
    }
    bail!("the log ends before the workload does")
}

impl Block {
    fn new(instructions: &[(u64, String)]) -> Block {
        let (mut cycles, mut after_memory) = (0, false);
        for (_, text) in instructions {
            let (some, memory) = instruction_cycles(text, after_memory);
            cycles += some;
            after_memory = memory;
        }
        let start = instructions.first().map_or(0, |(address, _)| *address);
        // The last one's length is in its bytes: two or four.
        let end = instructions.last().map_or(0, |(address, text)| address + length(text));
        Block { start, end, cycles }
    }
}

/// Bytes of an instruction, which the log writes before its name, as two digits or four at a time.
fn length(text: &str) -> u64 {
    let digits = text.split_whitespace().take_while(|word| word.chars().all(|c| c.is_ascii_hexdigit()));
    let digits: usize = digits.filter(|word| matches!(word.len(), 2 | 4 | 8)).map(str::len).sum();
    digits as u64 / 2
}

/// Cycles of an instruction, and whether the next load or store is pipelined with it.
fn instruction_cycles(text: &str, after_memory: bool) -> (u64, bool) {
    let mut words = text
        .split_whitespace()
        .skip_while(|word| word.chars().all(|c| c.is_ascii_hexdigit()) && word.len() % 2 == 0);
    let name = words.next().unwrap_or_default();
    let operands: String = words.collect();
    let base = name.trim_end_matches(".w");
    if ["ldm", "stm", "push", "pop"].iter().any(|prefix| base.starts_with(prefix)) {
        let registers = operands.rsplit('{').next().unwrap_or_default().trim_end_matches('}');
        return (1 + registers.split(',').map(registers_of).sum::<u64>(), false);
    }
    if base.starts_with("ldrd") || base.starts_with("strd") {
        return (3, false);
    }
    if base.starts_with("ldr") {
        return (if after_memory { 1 } else { 2 }, true);
    }
    if base.starts_with("str") {
        return (1, true);
    }
    if base.starts_with("udiv") || base.starts_with("sdiv") {
        return (7, false);
    }
    (1, false)
}

/// One, or as many as `r4-r7`.
fn registers_of(text: &str) -> u64 {
    let number = |name: &str| name.trim_start_matches('r').parse::<u64>().ok();
    match text.split_once('-').map(|(from, to)| (number(from), number(to))) {
        Some((Some(from), Some(to))) => to - from + 1,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_of_several_registers_take_one_cycle_more() {
        assert_eq!(instruction_cycles("  e8b1 00ff      ldm.w    r1!, {r0, r1, r2, r3}", true).0, 5);
        assert_eq!(instruction_cycles("  b5f0      push     {r4-r7, lr}", false).0, 6);
        assert_eq!(instruction_cycles("  e8fc ab02      ldrd     r10, r11, [ip], #8", false).0, 3);
    }

    #[test]
    fn a_load_after_a_load_is_pipelined() {
        assert_eq!(instruction_cycles("  6800      ldr      r0, [r0]", false), (2, true));
        assert_eq!(instruction_cycles("  6840      ldr      r0, [r0, #4]", true), (1, true));
        assert_eq!(instruction_cycles("  fb20 f000      smlad    r0, r8, r10, r0", true), (1, false));
    }

    #[test]
    fn blocks_are_counted_between_call_and_return() {
        let log = "\
IN: main
0x00000010:  4798      blx      r3
Trace 0: 0xa [00000400/00000010/00000110/ff200000] main
IN: run
0x00000100:  6800      ldr      r0, [r0]
0x00000102:  4770      bx       lr
Trace 0: 0xb [00000400/00000100/00000110/ff200000] run
IN: main
0x00000012:  4798      blx      r3
Trace 0: 0xc [00000400/00000012/00000110/ff200000] main
Trace 0: 0xb [00000400/00000100/00000110/ff200000] run
IN: main
0x00000014:  bf00      nop
Trace 0: 0xd [00000400/00000014/00000110/ff200000] main
";
        let counter = Range { start: 0x10, end: 0x20 };
        assert_eq!(count(log.as_bytes(), 0x100, &[counter]).unwrap(), 3);
        assert!(count("".as_bytes(), 0x100, &[]).is_err());
    }

    #[test]
    fn lengths_are_read_from_the_log() {
        assert_eq!(length("  4798      blx      r3"), 2);
        assert_eq!(length("  f8dc 9000  ldr.w r9, [ip]"), 4);
    }
}
