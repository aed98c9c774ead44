//! QEMU's log of executed blocks of instructions (`-d in_asm,exec,nochain`), with the cycles that a Cortex-M4
//! takes for each: see [`cycles`](super::cycles) for the model.

use std::collections::HashMap;
use std::io::{self, BufRead};
use std::ops::ControlFlow;

/// A block that QEMU has translated.
#[derive(Clone, Copy)]
pub struct Block {
    /// Address of its first instruction.
    pub start: u64,
    end: u64,
    /// Cycles, if it is left by falling through.
    cycles: u64,
}

/// What a branch takes more if it is taken.
const TAKEN: u64 = 2;

/// Hands every executed block over, and its cycles: those of a branch by which it was reached are its own.
///
/// # Errors
/// If the log cannot be read, or is none.
pub fn read(mut log: impl BufRead, mut each: impl FnMut(Block, u64) -> ControlFlow<()>) -> io::Result<()> {
    let mut translated: Vec<(u64, String)> = Vec::new();
    let mut blocks: HashMap<u64, Block> = HashMap::new();
    // The block that was executed last, and the one that begins.
    let (mut last, mut next) = (None::<Block>, None::<Block>);
    let mut line = Vec::new();
    loop {
        let more = log.read_until(b'\n', &mut line)? > 0;
        let begins = line.starts_with(b"Trace ");
        if begins || !more {
            if let Some(block) = next.take() {
                let taken = last.is_some_and(|last| last.end != block.start);
                last = Some(block);
                if each(block, block.cycles + if taken { TAKEN } else { 0 }).is_break() {
                    return Ok(());
                }
            }
            if !more {
                return Ok(());
            }
        }
        if begins {
            let key = line.split(|byte| *byte == b' ').nth(2).ok_or_else(|| invalid(&line))?;
            next = Some(*blocks.entry(number(key)).or_insert_with(|| Block::new(&translated)));
        } else if line.starts_with(b"Stopped execution of TB chain before") {
            // It will begin once more.
            next = None;
        } else if line.starts_with(b"IN:") {
            translated.clear();
        } else if line.starts_with(b"0x") {
            let text = String::from_utf8_lossy(&line);
            let (address, text) = text[2..].split_once(':').ok_or_else(|| invalid(&line))?;
            let address = u64::from_str_radix(address, 16).map_err(|_| invalid(&line))?;
            translated.push((address, text.trim_end().to_string()));
        }
        line.clear();
    }
}

fn invalid(line: &[u8]) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("a line of the log: {}", String::from_utf8_lossy(line)),
    )
}

/// Of hexadecimal digits, after `0x`.
fn number(digits: &[u8]) -> u64 {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).map(u64::from);
    digits.iter().skip(2).filter_map(digit).fold(0, |number, digit| number << 4 | digit)
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
    fn a_block_that_is_stopped_begins_once_more() {
        let log = "\
IN: run
0x00000100:  6800      ldr      r0, [r0]
Trace 0: 0xb [00000400/00000100/00000110/ff200000] run
Stopped execution of TB chain before 0xb [00000100] run
Trace 0: 0xb [00000400/00000100/00000110/ff200000] run
";
        let mut found = Vec::new();
        let each = |block: Block, cycles| {
            found.push((block.start, cycles));
            ControlFlow::Continue(())
        };
        read(log.as_bytes(), each).unwrap();
        assert_eq!(found, [(0x100, 2)]);
    }

    #[test]
    fn lengths_are_read_from_the_log() {
        assert_eq!(length("  4798      blx      r3"), 2);
        assert_eq!(length("  f8dc 9000  ldr.w r9, [ip]"), 4);
    }
}
